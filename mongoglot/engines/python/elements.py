"""Tests of one element for the operators that look at its type, its bits or its own elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Final

from bson import Decimal128, Int64

from mongoglot.compiler.ast import BitsOperator
from mongoglot.compiler.values import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    MISSING,
    ValueClass,
    as_mapping,
    binary_data,
    is_array,
    is_document,
    number,
    value_class,
)

_CODES: Final[dict[ValueClass, int]] = {
    "double": 1, "string": 2, "object": 3, "array": 4, "binary": 5, "objectid": 7, "bool": 8, "date": 9,
    "null": 10, "regex": 11, "code": 13, "scoped code": 15, "timestamp": 17, "decimal": 19, "minkey": -1,
    "maxkey": 127,
}  # fmt: skip

_FIFTEEN: Final = Context(prec=15, rounding=ROUND_HALF_EVEN)
_EXACT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)

_NUMBERS: Final = frozenset({"int", "double", "decimal", "nan"})


def type_code(value: Any) -> int:
    """The number of a value's BSON type (semantics 1.1)."""
    kind = value_class(value)
    match kind:
        case "int":
            return 16 if not isinstance(value, Int64) and INT32_MIN <= value <= INT32_MAX else 18
        case "nan":
            return 19 if isinstance(value, Decimal128) else 1
        case _:
            return _CODES[kind]


def type_test(types: frozenset[int]) -> Callable[[Any], bool]:
    """Whether one element has one of the types."""
    return lambda element: element is not MISSING and type_code(element) in types


def mod_test(divisor: int, remainder: int) -> Callable[[Any], bool]:
    """Whether one element, truncated towards zero, leaves the remainder; its sign is the element's."""

    def leaves(element: Any) -> bool:
        if element is MISSING or value_class(element) not in _NUMBERS:
            return False
        whole = _truncated(number(element))
        if whole is None:
            return False
        left = abs(whole) % abs(divisor)
        return (left if whole >= 0 else -left) == remainder

    return leaves


def _truncated(exact: Any) -> int | None:
    """The whole part of a number if it is an int64."""
    if not (exact.is_finite() if isinstance(exact, Decimal) else math.isfinite(exact)):
        return None
    whole = int(exact)
    return whole if INT64_MIN <= whole <= INT64_MAX else None


def multiple_test(divisor: Any) -> Callable[[Any], bool]:
    """Whether one element is a number that the divisor divides, both as decimals (semantics 3.10)."""
    exact = _as_decimal(divisor)

    def divides(element: Any) -> bool:
        if element is MISSING or value_class(element) not in _NUMBERS:
            return False
        dividend = _as_decimal(element)
        return dividend.is_finite() and Fraction(dividend) % Fraction(exact) == 0

    return divides


def _as_decimal(value: Any) -> Decimal:
    """A number as the server makes a decimal of it: a double has 15 digits."""
    if isinstance(value, float):
        return _FIFTEEN.plus(_EXACT.create_decimal_from_float(value))
    return Decimal(number(value))


def size_test(length: int) -> Callable[[Any], bool]:
    """Whether the value is an array of so many elements."""
    return lambda element: is_array(element) and len(element) == length


def match_test(matches: Callable[[Any], bool], *, by_value: bool) -> Callable[[Any], bool]:
    """Whether the value is an array with an element that matches."""
    holds = item_test(matches, by_value=by_value)
    return lambda element: is_array(element) and any(holds(item) for item in element)


def item_test(matches: Callable[[Any], bool], *, by_value: bool) -> Callable[[Any], bool]:
    """Whether an element of an array is what `$elemMatch` looks for; as a filter sees it, arrays are documents."""
    if by_value:
        return matches
    return lambda item: (document := _as_document(item)) is not None and matches(document)


def _as_document(item: Any) -> Any:
    if is_document(item):
        return as_mapping(item)
    return {str(index): value for index, value in enumerate(item)} if is_array(item) else None


def bits_test(op: BitsOperator, positions: tuple[int, ...]) -> Callable[[Any], bool]:
    """Whether the bits of one element are so (semantics 3.8)."""
    wanted = op in ("$bitsAllSet", "$bitsAnySet")
    quantified = all if op in ("$bitsAllSet", "$bitsAllClear") else any

    def holds(element: Any) -> bool:
        bits = None if element is MISSING else _bits(element)
        return bits is not None and quantified(bits(position) == wanted for position in positions)

    return holds


def _bits(element: Any) -> Callable[[int], bool] | None:
    """What tells whether a bit of the element is set; None where it has no bits."""
    kind = value_class(element)
    if kind == "binary":
        data = binary_data(element)
        return lambda position: position < 8 * len(data) and bool(data[position // 8] >> position % 8 & 1)
    if kind not in _NUMBERS:
        return None
    whole = _decimal_bits(element) if isinstance(element, Decimal128) else _exact_int64(element)
    # two's complement without end: every position from 63 on reads the sign
    return None if whole is None else lambda position: bool(whole >> position & 1)


def _exact_int64(element: float) -> int | None:
    whole = _truncated(element)
    return whole if whole is not None and whole == element else None


def _decimal_bits(element: Decimal128) -> int:
    """The server does not check decimals: they are rounded, and what does not fit becomes the lowest int64."""
    exact = element.to_decimal()
    if not exact.is_finite() or (exact and exact.adjusted() > 20):  # 0E+6111 is 0
        return INT64_MIN
    whole = int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    return whole if INT64_MIN <= whole <= INT64_MAX else INT64_MIN
