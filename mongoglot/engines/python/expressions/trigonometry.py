"""Angles and hyperbolic functions: of doubles, what the C library computes (semantics 3.9)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bson import Decimal128

from mongoglot.engines.python.expressions.arithmetic import numeric, server_decimal
from mongoglot.engines.python.expressions.numbers import decimal_of, is_nullish, named_type, number_type
from mongoglot.errors import FilterError

_HALF_TURN: Final = 180


class _Domain(NamedTuple):
    """The numbers that a function takes beside NaN.

    Attributes:
        excludes: whether a number, which is not NaN, is none of them.
        interval: them, as messages have it.
    """

    excludes: Callable[[Any], bool]
    interval: str


_ANY: Final = _Domain(lambda _: False, "[-inf,inf]")
_FINITE: Final = _Domain(lambda value: value in (math.inf, -math.inf), "(-inf,inf)")
_UNIT: Final = _Domain(lambda value: value > 1 or value < -1, "[-1,1]")
_FROM_ONE: Final = _Domain(lambda value: value < 1, "[1,inf]")


def _function(name: str, domain: _Domain, of: Callable[[float], float]) -> tuple[str, Callable[[Any], Any]]:
    def check(value: float | Decimal, shown: str) -> None:
        if domain.excludes(value):
            reason = f"cannot apply {name} to {shown}, value must be in {domain.interval}"
            raise FilterError(50989, reason)

    def on_double(value: float) -> float:
        if math.isnan(value):
            return value
        check(value, f"{value:g}")
        return of(value)

    def on_decimal(value: Decimal) -> Decimal:
        if value.is_nan():
            return value
        check(value, str(value))
        raise server_decimal(name)

    return name, numeric(name, on_double, on_decimal)


def _or_infinite(function: Callable[[float], float], *, odd: bool) -> Callable[[float], float]:
    """A function that is infinite where its value is too large; an odd one has the sign of its operand."""

    def evaluate(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.copysign(math.inf, value) if odd else math.inf

    return evaluate


def _inverse_tangent(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) == 1 else math.atanh(value)


def arc_tangent(operands: Iterator[Any]) -> Any:
    """`$atan2`: its second operand is not evaluated where the first is null or no number."""
    y = next(operands)
    if is_nullish(y):
        return None
    if not number_type(y):
        raise FilterError(51044, f"$atan2 only supports numeric types, not {named_type(y)}")
    x = next(operands)
    if is_nullish(x):
        return None
    if not number_type(x):
        raise FilterError(51045, f"$atan2 only supports numeric types, not {named_type(x)}")
    if isinstance(y, Decimal128) or isinstance(x, Decimal128):
        if decimal_of(y).is_nan() or decimal_of(x).is_nan():
            return Decimal128("NaN")
        raise server_decimal("$atan2")
    return math.atan2(float(y), float(x))


TRIGONOMETRY: Final[dict[str, Callable[[Any], Any]]] = dict(
    (
        _function("$sin", _FINITE, math.sin),
        _function("$cos", _FINITE, math.cos),
        _function("$tan", _FINITE, math.tan),
        _function("$asin", _UNIT, math.asin),
        _function("$acos", _UNIT, math.acos),
        _function("$atan", _ANY, math.atan),
        _function("$sinh", _ANY, _or_infinite(math.sinh, odd=True)),
        _function("$cosh", _ANY, _or_infinite(math.cosh, odd=False)),
        _function("$tanh", _ANY, math.tanh),
        _function("$asinh", _ANY, math.asinh),
        _function("$acosh", _FROM_ONE, math.acosh),
        _function("$atanh", _UNIT, _inverse_tangent),
        _function("$degreesToRadians", _ANY, lambda degrees: degrees * (math.pi / _HALF_TURN)),
        _function("$radiansToDegrees", _ANY, lambda radians: radians * (_HALF_TURN / math.pi)),
    )
)
"""The functions of one number."""
