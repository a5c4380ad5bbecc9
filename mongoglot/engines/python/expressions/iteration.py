"""`$map`, `$filter` and `$reduce`: an expression evaluated for each element of an array (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import is_array
from mongoglot.engines.python.expressions.arrays import int32
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError


def map_input(value: Any) -> Any:
    """The array that `$map` goes over; None where there is none."""
    if is_nullish(value):
        return None
    if not is_array(value):
        raise FilterError(16883, f"input to $map must be an array not {named_type(value)}")
    return value


def filter_input(value: Any) -> Any:
    """The array that `$filter` goes over; None where there is none."""
    if is_nullish(value):
        return None
    if not is_array(value):
        raise FilterError(28651, f"input to $filter must be an array not {named_type(value)}")
    return value


def reduce_input(value: Any) -> Any:
    """The array that `$reduce` goes over; None where there is none."""
    if is_nullish(value):
        return None
    if not is_array(value):
        raise FilterError(40080, f"$reduce requires that 'input' be an array, found: {rendered(value)}")
    return value


def limited(array: Any, limit: Callable[[], Any], holds: Callable[[Any], Any]) -> list[Any]:
    """`$filter` with a limit, which is not even looked at where the array is empty."""
    if not array:
        return []
    most = _limit(limit())
    return list(islice((item for item in array if is_true(holds(item))), most))


def _limit(value: Any) -> int | None:
    if is_nullish(value):
        return None
    most = int32(value)
    if most is None:
        reason = f"$filter: limit must be represented as a 32-bit integral value: {rendered(value)}"
        raise FilterError(327391, reason)
    if most <= 0:
        raise FilterError(327392, f"$filter: limit must be greater than 0: {most}")
    return most


def reduced(array: Any, value: Any, body: Callable[[Any, Any], Any]) -> Any:
    """`$reduce`: the body computes the next value of the value so far and an element."""
    for item in array:
        value = body(value, item)
    return value
