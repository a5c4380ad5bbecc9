"""Regular expressions as filters have them: checked as the server checks them, run by PCRE2 as PCRE 8 would.

`pcre.py` says how a pattern is written for PCRE2. Classes such as `\\w` stay ASCII, text is UTF-8 always, and
the library's limit on the steps of a match is the protection against patterns that explode (semantics 3.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias, final

from bson import Regex

from mongoglot.compiler.values import check_text, regex_options
from mongoglot.errors import FilterError, NotYetError, UnsupportedError

Search: TypeAlias = Callable[[str], bool]

Find: TypeAlias = Callable[[bytes, int], list[tuple[int, int]] | None]
"""Finds the next match in UTF-8 from a byte on: where it and its groups begin and end, -1 for none."""

CACHE_SIZE: Final = 512

OPTIONS: Final = {"i": 0x8, "m": 0x400, "s": 0x20, "x": 0x80, "u": 0}
"""The letters of options and PCRE2's bits for them; `u` changes nothing, text is always UTF-8."""

_UTF: Final = 0x80000
_NEVER: Final = 0x20000 | 0x2
"""What the wheel adds unless it is told not to: Unicode classes, and JavaScript's reading of `\\u` and `\\x`."""

_CHECKED: Final = 0x40000000
"""What is searched is UTF-8 for certain."""

_PREFIXES: Final = re.compile(r"(?:\(\*[A-Z0-9_]+(?:=[0-9]+)?\))*")

_NO_JIT_STACK: Final = -46
_LIMITS: Final = {-47: "steps", -53: "levels", -63: "memory", -52: "recursive calls without progress"}

_WORDS: Final = (
    ("missing closing parenthesis", "missing )"),
    ("quantifier does not follow a repeatable item", "nothing to repeat"),
    ("unmatched closing parenthesis", "unmatched parentheses"),
    ("reference to non-existent subpattern", "reference to non-existent subpattern"),
)
"""PCRE2's words and those of the server's PCRE 8."""

_REMEDIES: Final = {
    "missing )": r"a bracket that is searched for is written \(",
    "unmatched parentheses": r"a bracket that is searched for is written \)",
    "nothing to repeat": "'*', '+' and '?' repeat what stands in front of them; any text is .*",
    "missing terminating ] for character class": r"a bracket that is searched for is written \[",
    "\\ at end of pattern": r"a backslash that is searched for is written \\",
}


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression to search with.

    Attributes:
        text: the pattern.
        options: the letters as written; a stored regex equals one with the same text and letters.
    """

    text: str
    options: str

    def __repr__(self) -> str:
        return f"/{self.text}/{self.options}"

    @property
    def stored(self) -> Regex[str] | None:
        """The stored regex that equals it; None where the letters are not in BSON's order, as stored ones are."""
        if "".join(sorted(set(self.options))) != self.options:
            return None
        return Regex(self.text, self.options)

    def is_stored_as(self, value: Regex[Any]) -> bool:
        """Whether a stored regex is the same."""
        return bool(value.pattern == self.text) and regex_options(value) == self.options


def check(pattern: Pattern) -> None:
    """Check a pattern as the server does.

    Raises:
        FilterError: codes 2 (a NUL), 51108 (an unknown letter), 51091 (the pattern is wrong).
        NotYetError: it has no equal in PCRE2.
    """
    for letter in pattern.options:
        if letter not in OPTIONS:
            raise FilterError(
                51108, f" invalid flag in regex options: {letter}", hint="the options are i, m, s, x and u"
            )
    if "\0" in pattern.text:
        raise FilterError(2, "Regular expression cannot contain an embedded null byte")
    searcher(pattern)


@lru_cache(maxsize=CACHE_SIZE)
def searcher(pattern: Pattern) -> Search:
    """What tells whether a pattern is found in a string; the pattern has been checked.

    Raises:
        as `check`; and what it returns raises UnsupportedError where a search takes too many steps.
    """
    from pcre2 import _cy  # the public functions can turn off none of the wheel's own options

    from mongoglot.compiler.pcre import translate

    options = _bits(pattern)
    with _refusals():
        text = translate(pattern.text, pattern.options)
        code = _cy.compile(text, options, _NEVER)
        quick = _cy.compile(text, options, _NEVER)
        # the server also compiles the pattern in parentheses, which finds comments and quotes without an end
        prefix = _prefix(text)
        _cy.compile(f"{prefix}(?:{text.removeprefix(prefix)})\\z", options, _NEVER)
    context, match_in, limited = _cy.create_match_context(), _cy.match, "(*LIMIT_" in prefix
    if not limited:  # machine code counts steps otherwise
        _cy.jit_compile(quick)

    def search(subject: str) -> bool:
        try:
            return match_in(quick, subject, len(subject), 0, context, 0)[0] is not None
        except _cy.LibraryError as error:
            if error.code != _NO_JIT_STACK:
                return failed(error.code, subject)
        except UnicodeEncodeError:
            check_text(subject)
        try:
            return match_in(code, subject, len(subject), 0, context, 0)[0] is not None
        except _cy.LibraryError as error:
            return failed(error.code, subject)

    def failed(reason: int, subject: str) -> bool:
        if limited and reason in _LIMITS:  # the pattern asked for it, and finds nothing on a server
            return False
        raise _exhausted(pattern, len(subject), reason)

    return search


@lru_cache(maxsize=CACHE_SIZE)
def finder(pattern: Pattern) -> Find:
    """What finds the places of a pattern of an expression, which a server does not put into parentheses.

    Args:
        pattern: has no NUL, and no unknown letter.

    Raises:
        as `check`; what it returns raises FilterError 51156 where a search takes more steps than the pattern
        allows, UnsupportedError where it takes too many.
    """
    from pcre2 import _cy  # as in `searcher`

    from mongoglot.compiler.pcre import translate

    with _refusals():
        text = translate(pattern.text, pattern.options, alone=True)
        code, quick = (_cy.compile(text.encode(), _bits(pattern), _NEVER) for _ in range(2))
    limited = "(*LIMIT_" in _prefix(text)
    if not limited:
        _cy.jit_compile(quick)
    context, groups = _cy.create_match_context(), range(_cy.pattern_capture_count(code) + 1)

    def find(subject: bytes, start: int) -> list[tuple[int, int]] | None:
        try:
            try:
                found = _cy.match(quick, subject, len(subject), start, context, _CHECKED)[0]
            except _cy.LibraryError as error:
                if error.code != _NO_JIT_STACK:
                    raise
                found = _cy.match(code, subject, len(subject), start, context, _CHECKED)[0]
        except _cy.LibraryError as error:
            if limited and error.code in _LIMITS:
                reason = "Error occurred while executing the regular expression"
                raise FilterError(51156, f"{reason}: too many {_LIMITS[error.code]}") from None
            raise _exhausted(pattern, len(subject), error.code) from None
        if found is None:
            return None
        return [_cy.match_substring_span_bynumber(found, subject, group) for group in groups]

    return find


@contextmanager
def _refusals() -> Iterator[None]:
    """The errors of a pattern that is not compiled, as the server has them."""
    from pcre2 import _cy

    from mongoglot.compiler.pcre_reader import NotTranslated, SyntaxRefused

    try:
        yield
    except SyntaxRefused as error:
        raise _invalid(str(error)) from None
    except NotTranslated as error:
        raise NotYetError(2, f"{error} is not compiled by this version of mongoglot") from None
    except _cy.PatternError as error:
        raise _invalid(error.msg.partition("; ")[2]) from None


def _bits(pattern: Pattern) -> int:
    """PCRE2's options."""
    return _UTF | sum({OPTIONS[letter] for letter in pattern.options})


def _prefix(text: str) -> str:
    """What a pattern says of itself before it begins."""
    return match[0] if (match := _PREFIXES.match(text)) else ""


def _exhausted(pattern: Pattern, length: int, reason: int) -> UnsupportedError:
    """The error where PCRE2 gives up."""
    return UnsupportedError(
        f"the search for the regular expression /{pattern.text:.100}/{pattern.options} in a string of {length} "
        f"characters needs too many {_LIMITS.get(reason, f'resources ({reason})')}; a pattern with fewer "
        "nested repetitions avoids it"
    )


def _invalid(reason: str) -> FilterError:
    words = next((theirs for ours, theirs in _WORDS if reason.startswith(ours)), reason)
    return FilterError(51091, f"Regular expression is invalid: {words}", hint=_REMEDIES.get(words))
