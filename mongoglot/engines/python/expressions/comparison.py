"""Comparison in the total order: no brackets, no look into arrays (semantics 3.9)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from mongoglot.compiler.values import MISSING, MISSING_RANK, SortKey, sort_key


def order_key(value: Any) -> SortKey:
    """What a value is compared by; a missing one comes before null."""
    return (MISSING_RANK,) if value is MISSING else sort_key(value)


def compared(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """The operator that two values in the total order decide."""

    def compare(left: Any, right: Any) -> bool:
        kind = left.__class__
        if kind is right.__class__ and (kind is int or kind is str):
            return holds(left, right)
        return holds(order_key(left), order_key(right))

    return compare


def three_way(left: Any, right: Any) -> int:
    """`$cmp`: -1, 0 or 1."""
    first, second = order_key(left), order_key(right)
    return (first > second) - (first < second)


COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "$eq": compared(operator.eq),
    "$ne": compared(operator.ne),
    "$gt": compared(operator.gt),
    "$gte": compared(operator.ge),
    "$lt": compared(operator.lt),
    "$lte": compared(operator.le),
    "$cmp": three_way,
}
