"""SQL laid out over lines, for people: spaces outside of quotes become line breaks, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

WIDTH: Final = 80
"""Letters of what stays in one line."""

_PARTS: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|[()]|\s+|[A-Za-z_]\w*|[^\s()'\"`\w]+|\w+"
)

_BREAKS: Final = frozenset(
    ("FROM", "WHERE", "AND", "OR", "WHEN", "ELSE", "END", "ORDER", "LIMIT", "OFFSET", "CROSS", "UNION")
)
"""Words that begin a line."""

_OPENING: Final = {"(": ")", "CASE": "END"}

Group: TypeAlias = "list[str | Group]"
"""Parts of a text; those between brackets, or between CASE and END, are a part of their own."""


def pretty_sql_text(text: str) -> str:
    """SQL over lines: what is longer than a line is broken at its words, deeper by its brackets.

    Args:
        text: of one statement or condition, without comments.
    """
    try:
        broken = "".join(_broken(_group(iter(_PARTS.findall(text)), None), 0))
    except RecursionError:  # nothing that a person would read
        return text
    return "\n".join(line.rstrip() for line in broken.splitlines())


def _group(parts: Iterator[str], closing: str | None) -> Group:
    """The parts up to what closes a group, with it."""
    group: Group = []
    for part in parts:
        if part in _OPENING:
            group.append([part, *_group(parts, _OPENING[part])])
        else:
            group.append(" " if part.isspace() else part)
        if part == closing:
            break
    return group


def _flat(part: str | Group) -> str:
    return part if isinstance(part, str) else "".join(map(_flat, part))


def _broken(group: Group, depth: int) -> Iterator[str]:
    """The text of a group that is too long for a line."""
    start = f"\n{'  ' * depth}"
    for number, part in enumerate(group):
        if not isinstance(part, str):
            flat = _flat(part)
            yield from [flat] if len(flat) <= WIDTH - 2 * depth else _broken(part, depth + 1)
        elif part in _BREAKS and number:
            yield (
                f"\n{'  ' * (depth - 1)}{part}"
                if part == "END" and number == len(group) - 1
                else start + part
            )
        elif part == ")" and number == len(group) - 1 and depth:
            yield f"\n{'  ' * (depth - 1)})"
        elif part == "(" and not number:
            yield f"({start}"
        else:
            yield part
