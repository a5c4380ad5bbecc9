"""How JavaScript writes numbers, names and strings: what the reader and the writer of text share."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

INT32: Final = range(-(2**31), 2**31)

SAFE_INTEGERS: Final = range(-(2**53) + 1, 2**53)
"""The integers that JavaScript's numbers tell apart."""

JAVASCRIPT_DATES: Final = range(-8_640_000_000_000_000, 8_640_000_000_000_001)
"""The instants that JavaScript's Date can hold, in milliseconds."""

_PATTERN: Final = re.compile(
    r"(?![*/])(?:[^\\/\[\r\n\u2028\u2029]|\\[^\r\n\u2028\u2029]|\[(?:[^\]\\\r\n\u2028\u2029]|\\[^\r\n\u2028\u2029])*+\])++"
)
_ASCII_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_START: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_CONTINUE: Final = _START | {"Mn", "Mc", "Nd", "Pc"}
_OTHER_START: Final = frozenset("\u1885\u1886\u2118\u212e\u309b\u309c")
_OTHER_CONTINUE: Final = frozenset(
    "\u00b7\u0387\u1369\u136a\u136b\u136c\u136d\u136e\u136f\u1370\u1371\u19da\u200c\u200d"
)
_SYNTAX: Final = frozenset("\u2e2f")
"""A letter to Unicode, but reserved for syntax."""


def is_identifier(name: str) -> bool:
    """Whether a name can stand as a key without quotes; reserved words can."""
    if name.isascii():
        return _ASCII_NAME.fullmatch(name) is not None
    return name[:1] not in _OTHER_CONTINUE and all(
        character in "$_"
        or character in _OTHER_START
        or (place > 0 and character in _OTHER_CONTINUE)
        or (unicodedata.category(character) in (_CONTINUE if place else _START) and character not in _SYNTAX)
        for place, character in enumerate(name)
    )


def is_pattern(pattern: str) -> bool:
    """Whether a pattern can stand between slashes as it is."""
    return _PATTERN.fullmatch(pattern) is not None


def number_text(value: float) -> str:
    """A number as JavaScript's `String(value)`: `1`, `0.1`, `1e+21`; also the name of the key `{1e21: …}`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    shown, sign = "".join(map(str, digits)), "-" if value < 0 else ""
    point = len(shown) + int(exponent)
    if len(shown) <= point <= 21:
        return sign + shown.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{shown[:point]}.{shown[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{shown}"
    fraction = f".{shown[1:]}" if len(shown) > 1 else ""
    return f"{sign}{shown[0]}{fraction}e{point - 1:+d}"


_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\\": "\\\\", '"': '\\"'}
_UNPRINTABLE: Final = re.compile(
    r'["\\\x00-\x1f\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff]'
)


def quoted(text: str) -> str:
    """Text as a string of JavaScript and JSON, in double quotes; what cannot be seen is escaped."""
    return f'"{_UNPRINTABLE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


__all__ = [
    "INT32",
    "JAVASCRIPT_DATES",
    "SAFE_INTEGERS",
    "is_identifier",
    "is_pattern",
    "number_text",
    "quoted",
]
