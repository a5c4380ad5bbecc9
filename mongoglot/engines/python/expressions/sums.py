"""`$add`: a sum with twice the digits of a double, whose type is the widest of its operands (semantics 3.9)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from bson import Int64

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.compiler.values import INT64_MAX, INT64_MIN, MISSING, value_class
from mongoglot.engines.python.expressions.numbers import (
    CONTEXT,
    WIDTH,
    NumberType,
    decimal128,
    decimal_of,
    integer,
    is_nullish,
    named_type,
    number_type,
)
from mongoglot.errors import FilterError

_LOW_BITS: Final = 32


class DoubleDouble:
    """A sum of doubles that also keeps what rounding loses.

    Attributes:
        high: the sum, rounded.
        low: what is lost in it.
    """

    __slots__ = ("_special", "high", "low")

    def __init__(self) -> None:
        self.high = self.low = self._special = 0.0

    def add(self, value: float) -> None:
        """Add a double."""
        self._special += value
        total = value + self.low
        lost = self.low - (total - value)  # not all of it, where the value is less than what was lost before
        self.high, self.low = _two_sum(self.high, total)
        self.low += lost

    def add_number(self, value: Any, kind: NumberType) -> None:
        """Add a double, a long, or an int, which is added as a double."""
        if kind == "long":
            self.add_integer(int(value))
        else:
            self.add(float(value))

    def add_integer(self, value: int) -> None:
        """Add a long, without a loss."""
        low = abs(value) & ((1 << _LOW_BITS) - 1)
        low = -low if value < 0 else low
        self.add(float(low))
        self.add(float(value - low))

    def double(self) -> float:
        """The sum as a double."""
        return self._special if math.isnan(self.high) else self.high

    def decimal(self) -> Decimal:
        """The sum as a decimal."""
        if math.isnan(self.high):
            return Decimal(self._special)
        if math.isinf(self.high):  # what is lost in it is NaN
            return Decimal(self.high)
        return CONTEXT.add(decimal_of(self.high, 34), decimal_of(self.low, 34))

    def long(self) -> int | None:
        """The sum as a long, a half towards zero; None where none holds it."""
        if not math.isfinite(self.high):
            return None
        exact = Fraction(self.high) + (Fraction(self.low) if math.isfinite(self.low) else 0)
        total = math.ceil(abs(exact) - Fraction(1, 2)) * (1 if exact > 0 else -1)
        return total if INT64_MIN <= total <= INT64_MAX else None


def _two_sum(first: float, second: float) -> tuple[float, float]:
    total = first + second
    back = total - first
    return total, (first - (total - back)) + (second - back)


def add(operands: Iterator[Any]) -> Any:
    """`$add`: of numbers, or of one date and milliseconds; null where an operand is."""
    total, decimals = DoubleDouble(), Decimal(0)
    widest: NumberType = "int"
    day: int | None = None
    for operand in operands:
        kind = number_type(operand)
        if kind:
            widest = max(widest, kind, key=WIDTH.__getitem__)
            if kind == "decimal":
                decimals = CONTEXT.add(decimals, decimal_of(operand))
            else:
                total.add_number(operand, kind)
        elif is_nullish(operand):
            return None
        elif value_class(operand) == "date":
            if day is not None:
                raise FilterError(16612, "only one date allowed in an $add expression")
            day = milliseconds(operand)
        else:
            reason = f"$add only supports numeric or date types, not {named_type(operand)}"
            raise FilterError(16554, reason)
    if day is not None:
        return _date(day, total, decimals, widest)
    match widest:
        case "decimal":
            return decimal128(CONTEXT.add(decimals, total.decimal()))
        case "double":
            return total.double()
        case _:
            whole = total.long()
            return total.double() if whole is None else integer(whole, widest)


def _date(day: int, total: DoubleDouble, decimals: Decimal, widest: NumberType) -> Any:
    if widest == "decimal":
        return instant(coerced(CONTEXT.add(CONTEXT.add(decimals, total.decimal()), Decimal(day))))
    total.add_integer(day)
    whole = total.long()
    if whole is None:
        raise FilterError(15, "date overflow in $add")
    return instant(whole)


def coerced(number: Decimal) -> int:
    """A decimal as a long, half to even; where none holds it, the server takes the least one."""
    whole = int(number.to_integral_value("ROUND_HALF_EVEN")) if number.is_finite() else INT64_MIN
    return whole if INT64_MIN <= whole <= INT64_MAX else INT64_MIN


def subtract(left: Any, right: Any) -> Any:
    """`$subtract`: of numbers, of a date and milliseconds, or of two dates."""
    first, second = number_type(left), number_type(right)
    if first and second:
        widest = max(first, second, key=WIDTH.__getitem__)
        if widest == "decimal":
            return decimal128(CONTEXT.subtract(decimal_of(left), decimal_of(right)))
        if widest == "double":
            return float(left) - float(right)
        return integer(int(left) - int(right), first, second)
    if is_nullish(left) or is_nullish(right):
        return None
    if value_class(left) == "date":
        if value_class(right) == "date":
            return Int64(_checked(milliseconds(left) - milliseconds(right)))
        if second:
            less = coerced(decimal_of(right)) if second == "decimal" else whole_number(right)
            return instant(_checked(milliseconds(left) - less))
        raise FilterError(14, f"can't $subtract {named_type(right)} from Date")
    raise FilterError(14, f"can't $subtract {named_type(right)} from {named_type(left)}")


def _checked(millis: int) -> int:
    if not INT64_MIN <= millis <= INT64_MAX:
        raise FilterError(159, "date overflow in $subtract")
    return millis


def whole_number(value: Any) -> int:
    """A number as a long: a fraction of a double is cut off, one of a decimal rounded half to even."""
    kind = number_type(value)
    if kind == "double":
        # the limits are doubles, and the greatest long is none
        if math.isnan(value) or not -(2.0**63) <= value < 2.0**63:
            raise FilterError(31109, f"Can't coerce out of range value {value} to long")
        return int(value)
    if kind == "decimal":
        number = decimal_of(value)
        whole = int(number.to_integral_value("ROUND_HALF_EVEN")) if number.is_finite() else None
        if whole is None or not INT64_MIN <= whole <= INT64_MAX:
            raise FilterError(31109, f"Can't coerce out of range value {value} to long")
        return whole
    if kind:
        return int(value)
    if value is MISSING or value is None:
        return 0
    raise FilterError(16004, f"can't convert from BSON type {named_type(value)} to long")
