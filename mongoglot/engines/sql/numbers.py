"""Any numeric operand as one of a column's own type that compares in the same way with all that the column holds.

A number is an int64, a double or a Decimal128, and all are compared by exact value (semantics 1.1). Databases
compare numbers of two types by making one a double, which loses digits. So the operand is moved to the nearest
value of the column's type, on the side that the operator asks for.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from bson import Decimal128

if TYPE_CHECKING:
    from mongoglot.compiler.ast import Comparison

Number: TypeAlias = int | float | Decimal128


def exact(value: Number) -> Decimal:
    """The number as a Decimal, all digits kept."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return Decimal.from_float(value)  # it takes ints too, and never signals FloatOperation


def greatest_double_below(number: Decimal) -> float:
    """The greatest double that is not greater than a number; it may be infinite."""
    double = float(number)
    return math.nextafter(double, -math.inf) if exact(double) > number else double


def least_double_above(number: Decimal) -> float:
    """The least double that is not less than a number; it may be infinite."""
    double = float(number)
    return math.nextafter(double, math.inf) if exact(double) < number else double


def double_bound(op: Comparison, value: Number) -> float | None:
    """The double x such that d op x is d op value for all doubles d but NaN; None where no double compares so.

    >>> double_bound("$gt", 2**53 + 1)  # the next double is 2**53 + 2
    9007199254740992.0
    """
    number = exact(value)
    match op:
        case "$gt" | "$lte":
            return greatest_double_below(number)
        case "$gte" | "$lt":
            return least_double_above(number)
        case "$eq":
            double = float(number)
            return double if exact(double) == number else None


def scaled(number: Decimal, scale: int) -> tuple[int, int]:
    """The greatest whole number of units that is not greater than a finite number, and the least not less.

    >>> scaled(Decimal("1.256"), 2)
    (125, 126)
    """
    numerator, denominator = number.as_integer_ratio()
    numerator *= 10**scale
    return numerator // denominator, -(-numerator // denominator)


def unit_bound(op: Comparison, value: Number, scale: int, low: int, high: int) -> int | None:
    """The bound of a column that holds whole units from `low` to `high`, each 1/10**scale.

    It is for `unit_operator(op)`: `$gt` 1.5 of integers is `>=` 2. None: no value of the column compares so.
    """
    number = exact(value)
    if number.is_infinite():
        above = number > 0
        if op == "$eq" or above == (op in ("$gt", "$gte")):
            return None
        return high if above else low
    floor, ceiling = scaled(number, scale)
    return clamped(op, floor, ceiling, low, high)


def clamped(op: Comparison, floor: int, ceiling: int, low: int, high: int) -> int | None:
    """As `unit_bound`, of an operand that lies between two whole units, or on both."""
    match op:
        case "$eq":
            return floor if floor == ceiling and low <= floor <= high else None
        case "$gt" | "$gte":
            bound = floor + 1 if op == "$gt" else ceiling
            return None if bound > high else max(bound, low)
        case "$lt" | "$lte":
            bound = ceiling - 1 if op == "$lt" else floor
            return None if bound < low else min(bound, high)


def unit_operator(op: Comparison) -> Comparison:
    """The operator that `unit_bound` gives a bound for: a strict one has the next unit instead."""
    match op:
        case "$gt":
            return "$gte"
        case "$lt":
            return "$lte"
        case _:
            return op
