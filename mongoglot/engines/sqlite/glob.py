"""Shell patterns for SQLite's GLOB operator."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
"""Code points that no stored string has, and no bound one can have."""

_SPECIAL: Final = "]^-"
"""Characters with a meaning inside a set of GLOB: never the end of a range."""

_NOTHING: Final = "["
"""A set that does not close, which matches nothing."""


def to_sqlite_glob(pattern: str, *, plain: bool) -> str:
    """The GLOB pattern that matches what `fnmatch` matches with the pattern.

    `job[0-9]*` → `job[0-9]*`; `[!a]` → the ranges below and above `a`, as GLOB negates in another way.

    Args:
        pattern: of the shell.
        plain: whether it is short enough for SQLite; instead of another one stands `*`, to be tested again.
    """
    if not plain:
        return "*"
    result = []
    position = 0
    while position < len(pattern):
        end = _end_of_set(pattern, position) if pattern[position] == "[" else None
        if end is None:
            result.append("[[]" if pattern[position] == "[" else pattern[position])
            position += 1
        else:
            members = _members(pattern[position : end + 1])
            if not members:
                return _NOTHING
            result.append(_set(members))
            position = end + 1
    return "".join(result)


def _end_of_set(pattern: str, start: int) -> int | None:
    """Where the set that opens at `start` closes; a bracket right behind the opening is a member."""
    first = start + 2 if pattern[start + 1 : start + 2] == "!" else start + 1
    end = pattern.find("]", first + 1)
    return end if end >= 0 else None


def _members(text: str) -> list[tuple[int, int]]:
    """The ranges of code points that a set such as `[!a-c]` matches, as `fnmatch` reads it.

    It is asked about each character of the text, and about one of those between two of them: they are all alike.
    """
    matches = re.compile(fnmatch.translate(text)).match
    ranges: list[tuple[int, int]] = []
    for low, high in _alike(sorted({ord(character) for character in text})):
        if not matches(chr(low)):
            continue
        if ranges and ranges[-1][1] == low - 1:
            low = ranges.pop()[0]
        ranges.append((low, high))
    return ranges


def _alike(points: list[int]) -> Iterator[tuple[int, int]]:
    """The code points from U+0001 on, in ranges that the given points cut out."""
    start = 1
    for point in points:
        if start < point:
            yield start, point - 1
        yield point, point
        start = point + 1
    if start <= _LAST:
        yield start, _LAST


def _set(ranges: list[tuple[int, int]]) -> str:
    """A set of GLOB with these members."""
    special = ""
    parts = []
    for low, high in ranges:
        while low <= high and (chr(low) in _SPECIAL or low in _SURROGATES):
            special += chr(low) if chr(low) in _SPECIAL else ""
            low += 1
        end = ""
        while low <= high and (chr(high) in _SPECIAL or high in _SURROGATES):
            end += chr(high) if chr(high) in _SPECIAL else ""
            high -= 1
        special += end
        if low <= high:
            parts.append(chr(low) if low == high else f"{chr(low)}-{chr(high)}")
    if not parts and special == "^":
        return special  # which alone is no set: it would negate
    first = "".join(character for character in "]-" if character in special)
    return f"[{first}{''.join(parts)}{'^' if '^' in special else ''}]"


def matches_glob(text: Expression, pattern: Expression) -> Expression:
    """Whether a string matches a pattern that is not NULL; GLOB stops at a NUL, so that becomes U+0001 for it.

    Plain patterns do not tell the two apart. SQLite's `replace` finds no NUL, but its JSON spells it: `\\u0000`.
    """
    return sql.case([(has_nul(text), sql.glob(without_nul(text), pattern))], sql.glob(text, pattern))


def has_nul(text: Expression) -> Expression:
    """Whether a string has a NUL."""
    return sql.call("instr", sql.cast(text, "BLOB"), sql.blob("00"))


def without_nul(text: Expression) -> Expression:
    """The string with U+0001 for each NUL. Escaped backslashes are out of the way for as long as it takes."""
    backslashes, mark = sql.string("\\\\"), sql.characters("\x01")
    spelled = sql.call("replace", sql.call("json_quote", text), backslashes, mark)
    replaced = sql.call("replace", spelled, sql.string("\\u0000"), sql.string("\\u0001"))
    return sql.call("json_extract", sql.call("replace", replaced, mark, backslashes), sql.string("$"))
