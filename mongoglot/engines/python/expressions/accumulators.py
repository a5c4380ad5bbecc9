"""Accumulators as operators: over their operands, or over the elements of one array (semantics 3.9)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from mongoglot.compiler.values import is_array
from mongoglot.engines.python.expressions.comparison import order_key
from mongoglot.engines.python.expressions.numbers import (
    CONTEXT,
    decimal128,
    decimal_of,
    double_of,
    is_nullish,
    number_type,
)
from mongoglot.engines.python.expressions.sums import DoubleDouble, add


def _values(operands: Iterator[Any]) -> list[Any]:
    """What is accumulated: one operand that is an array stands for its elements."""
    values = list(operands)
    return list(values[0]) if len(values) == 1 and is_array(values[0]) else values


def _numbers(operands: Iterator[Any]) -> list[Any]:
    return [value for value in _values(operands) if number_type(value)]


def total(operands: Iterator[Any]) -> Any:
    """`$sum`: of what is a number; 0 where nothing is."""
    return add(iter(_numbers(operands)))


def average(operands: Iterator[Any]) -> Any:
    """`$avg`: of what is a number, as a double or a decimal; null where nothing is."""
    numbers = _numbers(operands)
    if not numbers:
        return None
    others, decimals, has_decimal = DoubleDouble(), Decimal(0), False
    for value in numbers:
        kind = number_type(value)
        if kind == "decimal":
            decimals, has_decimal = CONTEXT.add(decimals, decimal_of(value)), True
        else:
            others.add_number(value, kind)
    if has_decimal:
        return decimal128(CONTEXT.divide(CONTEXT.add(decimals, others.decimal()), Decimal(len(numbers))))
    return others.double() / len(numbers)


def _extreme(sense: int) -> Callable[[Iterator[Any]], Any]:
    """`$min` and `$max`: the first of the least or greatest values; nulls and what is missing do not count."""

    def evaluate(operands: Iterator[Any]) -> Any:
        values = [value for value in _values(operands) if not is_nullish(value)]
        return (min if sense < 0 else max)(values, key=order_key, default=None)

    return evaluate


def _deviation(less: int) -> Callable[[Iterator[Any]], Any]:
    """`$stdDevPop` and `$stdDevSamp`, by Welford's method, which gives a server's last digit."""

    def evaluate(operands: Iterator[Any]) -> float | None:
        mean = squares = 0.0
        count = 0
        for count, value in enumerate(_numbers(operands), 1):
            number = double_of(value)
            delta = number - mean
            if delta != 0.0:
                mean += delta / count
            squares += delta * (number - mean)
        return math.sqrt(squares / (count - less)) if count > less else None

    return evaluate


STREAMED_ACCUMULATORS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$sum": total,
    "$avg": average,
    "$min": _extreme(-1),
    "$max": _extreme(1),
    "$stdDevPop": _deviation(0),
    "$stdDevSamp": _deviation(1),
}
