"""Arrays made of the elements of others: `$zip`, and so many elements of one (semantics 3.9)."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any, Final

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import MISSING, is_array
from mongoglot.engines.python.expressions.comparison import order_key
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    decimal_of,
    double_of,
    is_nullish,
    number_type,
)
from mongoglot.engines.python.expressions.sums import coerced, whole_number
from mongoglot.errors import FilterError, UnsupportedError

Delayed = Callable[[], Any]


def zipped(longest: Delayed, *operands: Delayed) -> Any:
    """`$zip`: arrays of the elements that stand at the same place; null where an array is.

    Raises:
        UnsupportedError: a default has no value, which a server leaves in the array as one that is missing.
    """
    inputs, defaults = operands[: len(operands) // 2], operands[len(operands) // 2 :]
    arrays: list[Any] = []
    for operand in inputs:
        array = operand()
        if is_nullish(array):
            return None
        if not is_array(array):
            raise FilterError(34468, f"$zip found a non-array expression in input: {rendered(array)}")
        arrays.append(array)
    lengths = [len(array) for array in arrays]
    if min(lengths) == max(lengths) or not longest():
        return [list(row) for row in zip(*arrays, strict=False)]
    filling = [default() for default in defaults]
    filled: list[Any] = []
    for array, value in zip(arrays, filling, strict=True):
        if value is MISSING and len(array) < max(lengths):
            raise UnsupportedError(
                "$zip with a default that is missing can only be computed by a MongoDB server"
            )
        value = None if value is ABSENT else value
        filled.append([*array, *[value] * (max(lengths) - len(array))])
    return [list(row) for row in zip(*filled, strict=True)]


def _several(pick: Callable[[Any, int], list[Any]]) -> Callable[[Delayed, Delayed], list[Any]]:
    """An operator that picks n elements of an array."""

    def evaluate(number: Delayed, source: Delayed) -> list[Any]:
        count = _count(number())
        array = source()
        if not is_array(array):
            raise FilterError(5788200, "Input must be an array")
        return pick(array, count)

    return evaluate


def _count(value: Any) -> int:
    """`n`: a number that a long holds, above 0."""
    kind = number_type(value)
    shown = "MISSING" if value is MISSING else rendered(value)
    if not kind:
        raise FilterError(5787902, f"Value for 'n' must be of integral type, but found {shown}")
    count = coerced(decimal_of(value)) if kind == "decimal" else whole_number(value)
    whole = double_of(count) == double_of(value)  # a double has no room for a small fraction of a decimal
    if not whole:
        raise FilterError(5787903, f"Value for 'n' must be of integral type, but found {shown}")
    if count <= 0:
        raise FilterError(5787908, f"'n' must be greater than 0, found {count}")
    return count


def _extremes(sense: int) -> Callable[[Any, int], list[Any]]:
    """`$minN` and `$maxN`: in order; which ones of equal values, follows from how a server keeps them.

    It keeps them in ascending order, equal ones as they came, and a better value drives out the last of the
    greatest, or the first of the least ones.
    """
    worst = -1 if sense < 0 else 0

    def pick(array: Any, count: int) -> list[Any]:
        kept: list[Any] = []
        for value in array:
            if is_nullish(value):
                continue
            if len(kept) == count:
                first, second = order_key(value), order_key(kept[worst])
                if not (first < second if sense < 0 else first > second):
                    continue
                del kept[worst]
            bisect.insort_right(kept, value, key=order_key)
        return kept if sense < 0 else kept[::-1]

    return pick


DELAYED_ELEMENTS: Final[dict[str, Callable[..., Any]]] = {
    "$zip": zipped,
    "$firstN": _several(lambda array, count: list(array[:count])),
    "$lastN": _several(lambda array, count: list(array[-count:])),
    "$minN": _several(_extremes(-1)),
    "$maxN": _several(_extremes(1)),
}
