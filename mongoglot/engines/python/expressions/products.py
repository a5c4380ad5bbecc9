"""Products, quotients and remainders, with the types that a server gives them (semantics 3.9)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bson import Decimal128

from mongoglot.compiler.values import INT64_MAX, INT64_MIN
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


def multiply(operands: Iterator[Any]) -> Any:
    """`$multiply`: longs become doubles where they overflow."""
    whole, product, exact = 1, 1.0, Decimal(1)
    widest: NumberType = "int"
    for operand in operands:
        kind = number_type(operand)
        if not kind:
            if is_nullish(operand):
                return None
            raise FilterError(14, f"$multiply only supports numeric types, not {named_type(operand)}")
        if kind == "decimal" and widest != "decimal":
            exact = decimal_of(product) if widest == "double" else Decimal(whole)
        widest = max(widest, kind, key=WIDTH.__getitem__)
        if widest == "decimal":
            exact = CONTEXT.multiply(exact, decimal_of(operand))
            continue
        product *= float(operand)
        if widest != "double":
            whole *= int(operand)
            if not INT64_MIN <= whole <= INT64_MAX:
                widest = "double"
    match widest:
        case "decimal":
            return decimal128(exact)
        case "double":
            return product
        case _:
            return integer(whole, widest)


def divide(left: Any, right: Any) -> Any:
    """`$divide`: a double, or a decimal where an operand is one."""
    first, second = number_type(left), number_type(right)
    if first and second:
        if not is_zero(right):
            if "decimal" in (first, second):
                return decimal128(CONTEXT.divide(decimal_of(left), decimal_of(right)))
            return float(left) / float(right)
        raise FilterError(2, "can't $divide by zero")
    if is_nullish(left) or is_nullish(right):
        return None
    reason = f"$divide only supports numeric types, not {named_type(left)} and {named_type(right)}"
    raise FilterError(14, reason)


def is_zero(value: Any) -> bool:
    """Whether a number is zero."""
    return not (value.to_decimal() if isinstance(value, Decimal128) else value)


def mod(left: Any, right: Any) -> Any:
    """`$mod`: the remainder with the sign of the dividend."""
    first, second = number_type(left), number_type(right)
    if not first or not second:
        if is_nullish(left) or is_nullish(right):
            return None
        reason = f"$mod only supports numeric types, not {named_type(left)} and {named_type(right)}"
        raise FilterError(16611, reason)
    if "decimal" in (first, second):
        divisor = decimal_of(right)
        if not divisor:
            raise FilterError(5733415, "can't $mod by zero")
        return decimal128(_decimal_remainder(decimal_of(left), divisor))
    if is_zero(right):
        raise FilterError(16610, "can't $mod by zero")
    if first == "double" or (second == "double" and not _is_int(right)):
        return _remainder(float(left), float(right))
    result = _integer_remainder(int(left), int(right))
    return integer(result, first, second) if "double" not in (first, second) else integer(result, first)


def _is_int(value: float) -> bool:
    """Whether a double holds what an int could."""
    return value.is_integer() and -(2**31) <= value < 2**31


def _integer_remainder(dividend: int, divisor: int) -> int:
    result = abs(dividend) % abs(divisor)
    return -result if dividend < 0 else result


def _remainder(dividend: float, divisor: float) -> float:
    if math.isnan(dividend) or math.isnan(divisor) or math.isinf(dividend):
        return math.nan
    return math.fmod(dividend, divisor)


def _decimal_remainder(dividend: Decimal, divisor: Decimal) -> Decimal:
    context = CONTEXT.copy()
    # the quotient of any two is a whole number of no more digits
    context.prec, context.clamp = 12_400, 0
    result = context.remainder(dividend, divisor)
    return CONTEXT.create_decimal(result)
