"""`$map`, `$filter` and `$reduce`: an expression evaluated for each element of an array (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, TypeAlias

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import MISSING, is_array
from mongoglot.engines.python.expressions.arrays import int32
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError

Closure: TypeAlias = Callable[[list[Any]], Any]


def mapped(source: Closure, body: Closure) -> Closure:
    """`$map`: what is missing is null in the result."""

    def evaluate(scope: list[Any]) -> Any:
        array = source(scope)
        if is_nullish(array):
            return None
        if not is_array(array):
            raise FilterError(16883, f"input to $map must be an array not {named_type(array)}")
        found = (body([*scope, item]) for item in array)
        return [None if value is MISSING else value for value in found]

    return evaluate


def filtered(source: Closure, limit: Closure | None, body: Closure) -> Closure:
    """`$filter`: the elements for which the body is true, not more than the limit."""

    def evaluate(scope: list[Any]) -> Any:
        array = source(scope)
        if is_nullish(array):
            return None
        if not is_array(array):
            raise FilterError(28651, f"input to $filter must be an array not {named_type(array)}")
        if not array:  # the limit is not even looked at
            return []
        most = None if limit is None else _limit(limit(scope))
        return list(islice((item for item in array if is_true(body([*scope, item]))), most))

    return evaluate


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


def reduced(source: Closure, initial: Closure, body: Closure) -> Closure:
    """`$reduce`: the body computes the next value of the value so far and an element."""

    def evaluate(scope: list[Any]) -> Any:
        array = source(scope)
        if is_nullish(array):
            return None
        if not is_array(array):
            shown = rendered(array)
            raise FilterError(40080, f"$reduce requires that 'input' be an array, found: {shown}")
        value = initial(scope)
        for item in array:
            value = body([*scope, value, item])
        return value

    return evaluate
