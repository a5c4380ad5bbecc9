"""`$regexMatch`, `$regexFind` and `$regexFindAll` (semantics 3.6, 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

import bson

from mongoglot.compiler.regex import CACHE_SIZE, OPTIONS, Find, Pattern, finder
from mongoglot.compiler.values import regex_of, regex_options, value_class
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish
from mongoglot.engines.python.expressions.strings import is_text
from mongoglot.engines.python.expressions.text_of import utf8
from mongoglot.errors import FilterError, NotYetError, UnsupportedError

_MOST_BYTES: Final = 64 * 1024 * 1024
"""What the matches of `$regexFindAll` may take on a server."""

_MATCH_BYTES: Final = 1000
"""What one takes at most there, beside its text; 50,000 matches of one character each were not too many."""

Written: TypeAlias = tuple[str, str]
"""The text of a pattern and the letters of its options."""


def _written(name: str, regex: Any, options: Any) -> Written | None:
    """The pattern of an operator; None where it has none.

    Raises:
        FilterError: 51105 to 51110, an operand is of another type, holds a NUL or an unknown letter, or there are
            options in both.
    """
    text, letters = None, ""
    if is_text(regex):
        text = str(regex)
    elif not is_nullish(regex):
        if value_class(regex) != "regex":
            raise FilterError(51105, f"{name} needs 'regex' to be of type string or regex")
        stored = regex if isinstance(regex, bson.Regex) else regex_of(regex)
        text, letters = stored.pattern, regex_options(stored)
    if options is not ABSENT and not is_nullish(options):
        if not is_text(options):
            raise FilterError(51106, f"{name} needs 'options' to be of type string")
        if letters:
            reason = f"{name}: found regex option(s) specified in both 'regex' and 'option' fields"
            raise FilterError(51107, reason)
        letters = str(options)
    for code, what, written in ((51109, "", text or ""), (51110, " options", letters)):
        if "\0" in written:
            raise FilterError(code, f"{name}: regular expression{what} cannot contain an embedded null byte")
    for letter in letters:
        if letter not in OPTIONS:
            raise FilterError(51108, f"{name} invalid flag in regex options: {letter}")
    return None if text is None else (text, letters)


@lru_cache(maxsize=CACHE_SIZE)
def _compiled(name: str, text: str, letters: str) -> Find:
    """What finds the places of a pattern.

    Raises:
        FilterError: 51111, the pattern is wrong.
        UnsupportedError: it has no equal in PCRE2.
    """
    try:
        return finder(Pattern(text, letters))
    except NotYetError as error:
        raise UnsupportedError(f"{name}: {error.reason}") from None
    except FilterError as error:
        _, _, reason = error.reason.partition(": ")
        raise FilterError(51111, f"Invalid Regex in {name}: {reason}") from None


def check_pattern(name: str, regex: Any, options: Any) -> None:
    """What is checked of a constant pattern before any document is seen."""
    written = _written(name, regex, options)
    if written is not None:
        _compiled(name, *written)


def _prepared(name: str, text: Any, regex: Any, options: Any) -> Find | None:
    """What searches; None where the text or the pattern is null."""
    if not is_nullish(text) and not is_text(text):
        raise FilterError(51104, f"{name} needs 'input' to be of type string")
    written = _written(name, regex, options)
    if written is None:
        return None
    find = _compiled(name, *written)
    return None if is_nullish(text) else find


def is_found(text: Any, regex: Any, options: Any) -> bool:
    """`$regexMatch`."""
    find = _prepared("$regexMatch", text, regex, options)
    return find is not None and find(utf8(text), 0) is not None


def first_match(text: Any, regex: Any, options: Any) -> dict[str, Any] | None:
    """`$regexFind`: the first match; null where there is none."""
    find = _prepared("$regexFind", text, regex, options)
    return None if find is None else next(_matches(find, text), None)


def all_matches(text: Any, regex: Any, options: Any) -> list[dict[str, Any]]:
    """`$regexFindAll`: all matches that do not overlap."""
    find = _prepared("$regexFindAll", text, regex, options)
    if find is None:
        return []
    found: list[dict[str, Any]] = []
    taken = 0
    for match in _matches(find, text):
        taken += _MATCH_BYTES + sum(
            100 + 4 * len(part or "") for part in (match["match"], *match["captures"])
        )
        if taken > _MOST_BYTES:
            reason = f"$regexFindAll: more than {len(found)} matches may be too many for a MongoDB server"
            raise UnsupportedError(f"{reason}, and only one can tell")
        found.append(match)
    return found


def _matches(find: Find, text: str) -> Iterator[dict[str, Any]]:
    """The matches, with their places in characters; an empty one takes the character behind it along."""
    data = utf8(text)
    start = place = characters = 0
    while (spans := find(data, start)) is not None:
        found, *groups = [None if first < 0 else data[first:end].decode() for first, end in spans]
        first, start = spans[0]
        characters += len(data[place:first].decode())
        place = first
        yield {"match": found, "idx": characters, "captures": groups}
        if not found:
            start += 1
            while start < len(data) and data[start] & 0xC0 == 0x80:
                start += 1
        if start >= len(data):
            return


REGEXES: Final[dict[str, Callable[..., Any]]] = {
    "$regexMatch": is_found,
    "$regexFind": first_match,
    "$regexFindAll": all_matches,
}
