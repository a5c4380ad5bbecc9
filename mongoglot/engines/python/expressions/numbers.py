"""Numbers of the server's four types: which type a result has, and how they become decimals (semantics 3.9)."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context

from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, MISSING, value_class

NumberType: TypeAlias = Literal["", "int", "long", "double", "decimal"]

WIDTH: Final[dict[NumberType, int]] = {"": 0, "int": 1, "long": 2, "double": 3, "decimal": 4}

CONTEXT: Final = create_decimal128_context()
"""Arithmetic of 34 digits that raises nothing."""

DIGITS: Final = 34
"""What a decimal holds."""

EXACT: Final = decimal.Context(prec=1100, traps=[])
"""Enough digits for any double."""


class _Absent:
    """The type of `ABSENT`."""

    __slots__ = ()


ABSENT: Final = _Absent()
"""Stands for an operand that was not written; what was written and has no value is `MISSING`."""


def number_type(value: Any) -> NumberType:
    """The numeric type of a value; `''` for what is no number."""
    kind = value.__class__
    if kind is int:
        return "int" if INT32_MIN <= value <= INT32_MAX else "long"
    if kind is float:
        return "double"
    if value is MISSING:
        return ""
    match value_class(value):
        case "int":
            return "int" if not isinstance(value, Int64) and INT32_MIN <= value <= INT32_MAX else "long"
        case "double" | "nan" | "decimal":
            return "decimal" if isinstance(value, Decimal128) else "double"
        case _:
            return ""


def whole_number(value: Any) -> int | None:
    """A number as an int where it is exactly one of 64 bits."""
    match number_type(value):
        case "":
            return None
        case "double":
            return int(value) if value.is_integer() and -(2.0**63) <= value < 2.0**63 else None
        case "decimal":
            number = value.to_decimal()
            if not number.is_finite() or number.adjusted() > 19 or number != number.to_integral_value():
                return None
            return int(number) if INT64_MIN <= number <= INT64_MAX else None
        case _:
            return int(value)


def is_nullish(value: Any) -> bool:
    """Whether a value is null or missing."""
    return value is None or value is MISSING


def named_type(value: Any) -> str:
    """The type of a value as messages have it."""
    return "missing" if value is MISSING else type_name(value)


def integer(value: int, *types: NumberType) -> Any:
    """An int, a long where it is too large or one of the types is long, a double where no long holds it."""
    if not INT64_MIN <= value <= INT64_MAX:
        return float(value)
    if "long" in types or not INT32_MIN <= value <= INT32_MAX:
        return Int64(value)
    return int(value)


def decimal_of(value: Any, digits: int = 15) -> Decimal:
    """A number as a decimal; of a double so many digits, which is what most operators see of it."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if not isinstance(value, float):
        return Decimal(int(value))
    exact = Decimal(value)
    if not exact or not exact.is_finite():
        return exact
    if digits == DIGITS:
        return CONTEXT.plus(exact)
    quantum = Decimal((0, (1,), exact.adjusted() - digits + 1))
    rounded = exact.quantize(quantum, decimal.ROUND_HALF_EVEN, context=EXACT)
    if rounded.adjusted() > exact.adjusted():  # 9.99… became 10.0…: a digit less
        rounded = exact.quantize(quantum.scaleb(1), decimal.ROUND_HALF_EVEN, context=EXACT)
    return rounded


def double_of(value: Any) -> float:
    """A number as a double."""
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    return math.nan if isinstance(number, Decimal) and number.is_nan() else float(number)


def decimal128(value: Decimal) -> Decimal128:
    """A decimal as BSON has it."""
    with decimal.localcontext(CONTEXT):
        return Decimal128(value)
