"""Numbers written in a string, read as a server's `$convert` reads them (semantics 3.9)."""

from __future__ import annotations

import decimal
import math
import re
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Final

from bson import Decimal128

from mongoglot.engines.python.expressions.numbers import CONTEXT
from mongoglot.errors import FilterError, UnsupportedError

CONVERSION_FAILURE: Final = 241
"""The code of what `onError` answers."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FINITE: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"([+-]?)(?:(inf|infinity)|nan)", re.IGNORECASE)
_NAN_WITH_PAYLOAD: Final = re.compile(r"([+-]?)nan\(([0-9a-z_]*)\)", re.IGNORECASE)
_PAYLOAD: Final = re.compile(r"0x([0-9a-f]+)|0([0-7]*)|([1-9][0-9]*)", re.IGNORECASE)

_LONGEST_PAYLOAD: Final = 20
"""The digits of the greatest payload; Python refuses to read some thousands."""

_LEAST_NORMAL: Final = 2.2250738585072014e-308

_TINY: Final = Fraction(_LEAST_NORMAL) - Fraction(1, 2**1076)
"""What is smaller is no normal double, even where it has 53 bits."""

_TRUNCATED: Final = CONTEXT.copy()
_TRUNCATED.rounding = decimal.ROUND_DOWN


def parsed_integer(text: str, least: int, greatest: int) -> int:
    """Decimal digits with a sign or none.

    Raises:
        FilterError: 241, the text is no such number, or it is out of range.
    """
    _refuse_hexadecimal(text)
    if not _INTEGER.fullmatch(text):
        raise _failure(text, "No digits" if text in ("", "+", "-") else "Did not consume whole string.")
    # no long has 20 digits, and Python refuses to read some thousands
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) < 20 else greatest + 1
    value = -value if text[0] == "-" else value
    if not least <= value <= greatest:
        raise _failure(text, "Overflow")
    return value


def parsed_double(text: str) -> float:
    """What C's `strtod` reads, except white space and `0x`: `0X10` and `-0x10` are numbers.

    Raises:
        FilterError: 241, the text is no such number, or no normal double is near it.
    """
    _refuse_hexadecimal(text)
    if special := _SPECIAL.fullmatch(text):
        return float(special[0])
    if nan := _NAN_WITH_PAYLOAD.fullmatch(text):
        return _nan(text, nan[1], nan[2])
    if finite := _FINITE.fullmatch(text):
        value = float(text)
        if math.isinf(value) or (not value and finite[1].strip("0.")):
            raise _failure(text, "Out of range")
        if value and abs(value) <= _LEAST_NORMAL and is_tiny(Decimal(text), value):
            raise _failure(text, "Out of range")
        return value
    if found := _HEXADECIMAL.fullmatch(text):
        return _parsed_hexadecimal(text, found[1])
    if not text:
        raise _failure(text, "Empty string")
    raise _failure(text, "Leading whitespace" if text[0].isspace() else "Did not consume whole string.")


def _nan(text: str, sign: str, written: str) -> float:
    """`nan(12)`: a NaN whose low bits are a number, if what is written is nothing but a number."""
    number = _PAYLOAD.match(written)
    payload = 0
    if number:
        hexadecimal, octal, plain = number.groups()
        payload = int(hexadecimal, 16) if hexadecimal else int(octal or "0", 8) if plain is None else 2**64
        if plain and len(plain) <= _LONGEST_PAYLOAD:
            payload = int(plain)
        if payload >= 2**64:
            raise _failure(text, "Out of range")
        if number.end() != len(written):
            payload = 0
    bits = (0xFFF8 if sign == "-" else 0x7FF8) << 48 | payload & (2**51 - 1)
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    return float(value)


def _parsed_hexadecimal(text: str, digits: str) -> float:
    try:
        value = float.fromhex(text)
    except OverflowError:
        raise _failure(text, "Out of range") from None
    if abs(value) <= _LEAST_NORMAL and digits.strip("0."):
        raise UnsupportedError("a hexadecimal number so small can only be converted by a MongoDB server")
    return value


def is_tiny(exact: Decimal, value: float) -> bool:
    """Whether a number that became this double is below the normal ones, and lost digits."""
    return exact != Decimal(value) and Fraction(exact.copy_abs()) < _TINY


def parsed_decimal(text: str) -> Decimal128:
    """What a decimal can be written as; digits that it has no room for are cut off.

    Raises:
        FilterError: 241, the text is no such number, or it is out of range.
    """
    _refuse_hexadecimal(text)
    if special := _SPECIAL.fullmatch(text):
        return Decimal128(f"{special[1]}{special[2] or 'nan'}")
    if not text:
        raise _failure(text, "Empty string")
    if not _FINITE.fullmatch(text):
        raise _failure(text, "Failed to parse string to decimal")
    context = _TRUNCATED.copy()
    value = context.create_decimal(text)
    for flag, problem in ((decimal.Overflow, "overflow"), (decimal.Underflow, "underflow")):
        if context.flags[flag]:
            raise _failure(text, f"Conversion from string to decimal would {problem}")
    with decimal.localcontext(CONTEXT):
        return Decimal128(value)


def _refuse_hexadecimal(text: str) -> None:
    if text.startswith("0x"):
        reason = f"Illegal hexadecimal input in $convert with no onError value: {text}"
        raise FilterError(CONVERSION_FAILURE, reason)


def _failure(text: str, reason: str) -> FilterError:
    start = f"Failed to parse number '{text}' in $convert with no onError value: "
    return FilterError(CONVERSION_FAILURE, start + reason)
