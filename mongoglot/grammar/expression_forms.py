"""The operators of expressions that this version compiles, and how many operands each takes."""

from __future__ import annotations

from typing import Final

ANY: Final = -1
"""As many operands as one likes."""


def _rows(lowest: int, highest: int, names: str) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(names.split(), (lowest, highest))


POSITIONAL: Final[dict[str, tuple[int, int]]] = {
    **_rows(2, 2, "$eq $ne $gt $gte $lt $lte $cmp"),
    **_rows(0, ANY, "$and $or"),
    **_rows(1, 1, "$not"),
    **_rows(3, 3, "$cond"),
    **_rows(0, ANY, "$ifNull"),
}
"""Operators whose operands are a list, or the only one by itself: the least and the greatest number of them."""

SPECIAL: Final = frozenset({"$literal", "$const", "$let", "$switch"})
"""Operators that read their operand in ways of their own."""

COMPILED: Final = POSITIONAL.keys() | SPECIAL
