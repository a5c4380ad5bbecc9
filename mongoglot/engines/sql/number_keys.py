"""Numbers as text in numeric order, and any numeric operand as one that SQLite compares exactly.

A number is an int64, a double or a Decimal128, and all are compared by exact value (semantics 1.1). SQLite
does that for its integers and reals, the *native* numbers here. The others, decimals and NaN of both types,
are stored as strings: a key in numeric order, a space, and the original.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from bson import Decimal128

from mongoglot.engines.sql.numbers import Number, exact, greatest_double_below, least_double_above

if TYPE_CHECKING:
    from mongoglot.compiler.ast import Comparison

Interval: TypeAlias = tuple[str, str]
"""A half-open interval of strings, in the order of their UTF-8 bytes."""

NAN, MINUS_INFINITY, NEGATIVE, ZERO, POSITIVE, INFINITY = "012345"
"""The first character of a key: NaN is the lowest number."""

EXPONENT_BIAS: Final = 10_000  # decimals have exponents from -6176 to 6144
PRECISION: Final = 34
"""Digits of a Decimal128, and in a key; a double may have 767, which the sticky digit stands for."""

_REST: Final = 5 + PRECISION + 1
KEY_LENGTH: Final = 1 + _REST

NAN_BODY: Final = NAN + "0" * _REST + " double"
"""What the double NaN is stored as."""

_COMPLEMENT: Final = str.maketrans("0123456789", "9876543210")

_DECIMALS: Final = (MINUS_INFINITY + "0" * _REST + " ", INFINITY + "0" * _REST + "!")


def number_key(value: Number) -> str:
    """Text of `KEY_LENGTH` digits whose order is the order of numbers; equal numbers have equal keys.

    Class of the sign, exponent, 34 digits, and 5 if digits other than 0 follow:
    Decimal128('-1.50') → '2' '89999' '84999…' '9', the complement of '10000' '15000…' '0'.

    Different numbers never share a key: int64 and Decimal128 have at most 34 digits, two doubles differ
    within the first 34, and a double with more of them equals no number of the other types.
    """
    if isinstance(value, int) and value:
        digits = str(abs(int(value)))
        return _key_of(value < 0, digits, len(digits) - 1)
    if value.__class__ is float:
        mantissa, _, exponent = f"{value:.{_MORE}E}".partition("E")
        if exponent and not mantissa.endswith(_ROUND):
            return _key_of(value < 0, mantissa.lstrip("-").replace(".", ""), int(exponent))
    number = exact(value)
    if number.is_nan():
        return NAN + "0" * _REST
    if number.is_infinite():
        return (MINUS_INFINITY if number < 0 else INFINITY) + "0" * _REST
    if not number:
        return ZERO + "0" * _REST
    mantissa, _, exponent = f"{number:E}".partition("E")  # all of its digits, and much faster than as_tuple
    return _key_of(number < 0, mantissa.lstrip("-").replace(".", ""), int(exponent))


_ROUND: Final = "0" * 7
"""Where the last of a double's digits are these, they may come of rounding, and only all its digits are exact."""

_MORE: Final = PRECISION - 1 + len(_ROUND)


def _key_of(negative: bool, digits: str, exponent: int) -> str:
    """The key of a number from its digits, of which one stands before the point, and its exponent."""
    sticky = "5" if digits[PRECISION:].strip("0") else "0"
    rest = f"{exponent + EXPONENT_BIAS:05}{digits[:PRECISION]:0<{PRECISION}}{sticky}"
    return NEGATIVE + rest.translate(_COMPLEMENT) if negative else POSITIVE + rest


def short_number_key(value: Number) -> str:
    """`number_key` without the digits that say nothing; its order is the same, also when more text follows.

    1 → '4100001' and an end that sorts below digits; -1 → '2899998' and an end above them.
    """
    if isinstance(value, int) and value > 0:
        digits = str(int(value))
        return f"{_INT_BEGINNINGS[len(digits)]}{digits.rstrip('0')}\x01"
    key = number_key(value)
    match key[0]:
        case "4":
            return key.rstrip("0") + "\x01"
        case "2":
            return key.rstrip("9") + "~"
        case special:
            return special


_INT_BEGINNINGS: Final = [f"{POSITIVE}{EXPONENT_BIAS - 1 + digits}" for digits in range(20)]
"""Of the keys of positive int64s, by how many digits they have."""


def number_body(value: float | Decimal128) -> str:
    """What a decimal or NaN is stored as: key, space, original; that of the double NaN is 'double'."""
    if not isinstance(value, Decimal128):
        return NAN_BODY
    number = value.to_decimal()
    text = str(value)
    if (number.is_finite() and number) or Decimal128(text) == value:
        return f"{number_key(value)} {text}"
    return f"{number_key(value)} bid{value.bid.hex()}"  # bits that the text lacks, such as the sign of a NaN


def number_of(body: str) -> float | Decimal128:
    """The decimal or NaN of a body."""
    original = body[KEY_LENGTH + 1 :]
    if original == "double":
        return math.nan
    if original.startswith("bid"):
        return Decimal128.from_bid(bytes.fromhex(original[3:]))
    return Decimal128(original)


def body_range(op: Comparison, value: Number) -> Interval:
    """The interval of the bodies of decimals and NaNs that compare so with a number (semantics 1.2).

    A NaN equals the NaNs of both types and has no order with other numbers.
    """
    key = number_key(value)
    first, after = key + " ", key + "!"
    if key[0] == NAN:
        return (first, first) if op in ("$gt", "$lt") else (first, after)
    return part_of(_DECIMALS, op, first, after)


def part_of(bracket: Interval, op: Comparison, first: str, after: str) -> Interval:
    """The part of a bracket that compares so with an operand, whose equals are from `first` to `after`."""
    match op:
        case "$eq":
            return (first, after)
        case "$gt":
            return (after, bracket[1])
        case "$gte":
            return (first, bracket[1])
        case "$lt":
            return (bracket[0], first)
        case "$lte":
            return (bracket[0], after)


def native_number(op: Comparison, value: Number) -> int | float | None:
    """The operand for native numbers: the int64 or double x such that n op x is n op value for all native n.

    >>> native_number("$gt", Decimal128("0.1"))  # the double 0.1 is greater than that
    0.09999999999999999

    None: no native number compares so. NaN is one such operand; stored NaNs are not native.
    """
    if not isinstance(value, Decimal128):
        return None if value != value else float(value) if isinstance(value, float) else int(value)
    number = value.to_decimal()
    if number.is_nan():
        return None
    match op:
        case "$gt" | "$lte":
            return _greatest_native_below(number)
        case "$gte" | "$lt":
            return _least_native_above(number)
        case "$eq":
            native = _greatest_native_below(number)
            return native if exact(native) == number else None


def _greatest_native_below(number: Decimal) -> int | float:
    """The greatest int64 or double that is not greater."""
    double = greatest_double_below(number)
    if number < -(2**63):
        return double
    return max(2**63 - 1 if number >= 2**63 else math.floor(number), double)


def _least_native_above(number: Decimal) -> int | float:
    """The least int64 or double that is not less."""
    double = least_double_above(number)
    if number > 2**63 - 1:
        return double
    return min(-(2**63) if number <= -(2**63) else math.ceil(number), double)
