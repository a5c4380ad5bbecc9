"""Shell patterns for SQLite's GLOB operator."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 40_000
"""SQLite refuses patterns of more than 50,000 bytes; a wider one is tested in their place."""


def to_sqlite_glob(pattern: str) -> str:
    """A GLOB pattern that matches at least what `fnmatch` matches with the pattern; the matches are tested again.

    A set such as `[!a-c]` becomes `?`: the two dialects read sets differently, and nobody's labels are told apart
    by them alone. `job[0-9]*` → `job?*`.
    """
    if "\0" in pattern or len(pattern.encode()) > _LONGEST:
        return "*"
    result = []
    position = 0
    while position < len(pattern):
        end = _end_of_set(pattern, position) if pattern[position] == "[" else None
        if end is None:
            result.append("[[]" if pattern[position] == "[" else pattern[position])
            position += 1
        else:
            result.append("?")
            position = end + 1
    return "".join(result)


def _end_of_set(pattern: str, start: int) -> int | None:
    """Where the set that opens at `start` closes; a bracket right behind the opening is a member."""
    first = start + 2 if pattern[start + 1 : start + 2] == "!" else start + 1
    end = pattern.find("]", first + 1)
    return end if end >= 0 else None
