"""Comparison in the total order: no brackets, no look into arrays (semantics 3.9)."""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable
from typing import Any, Final

from bson import Int64, ObjectId

from mongoglot.compiler.values import MISSING, MISSING_RANK, RANK, Missing, SortKey, sort_key

_RANKS: Final[dict[type, int]] = {
    Missing: MISSING_RANK,
    type(None): RANK["null"],
    int: RANK["int"],
    Int64: RANK["int"],
    float: RANK["double"],
    str: RANK["string"],
    dict: RANK["object"],
    list: RANK["array"],
    ObjectId: RANK["objectid"],
    bool: RANK["bool"],
    datetime.datetime: RANK["date"],
}
"""Classes whose values have one place in the total order."""

_NUMBER: Final = RANK["int"]


def order_key(value: Any) -> SortKey:
    """What a value is compared by; a missing one comes before null."""
    return (MISSING_RANK,) if value is MISSING else sort_key(value)


def compared(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """The operator that two values in the total order decide."""

    def compare(left: Any, right: Any) -> bool:
        kind, other = left.__class__, right.__class__
        if kind is other and (kind is int or kind is str):
            return holds(left, right)
        first, second = _RANKS.get(kind), _RANKS.get(other)
        if first is not None and second is not None:
            if first != second:
                return holds(first, second)
            if first == _NUMBER and left == left and right == right:  # none is NaN
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
