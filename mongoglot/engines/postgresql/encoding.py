"""Documents as the jsonb that filters are asked of: equal values, and only they, have equal jsonb.

A numeric of jsonb keeps all digits, so every finite number is one, exactly: int64, double and Decimal128 compare
by value (semantics 1.1). Infinities are numbers beyond all others. A number's type is its count of decimal places
modulo 4, which PostgreSQL keeps and does not compare. What JSON lacks is a tag (`engines/sql/tags.py`).

jsonb sorts the fields of an object, and for a server their order counts. So an object whose names are not sorted
has one field more, named by the character U+10FFFF, with the order. A whole document is no value, and has none.

Text in jsonb has no NUL. It stands as U+0001 U+0001, and U+0001 as U+0001 U+0002: the order of strings stays.
The documents themselves, every type and field in its place, stand beside the jsonb as BSON.
"""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring as _quote  # keeps what is not ASCII as it is
from typing import Any, Final

import bson
from bson import Code, Decimal128, Int64
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from mongoglot.compiler.ast import Comparison
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.sql.number_keys import Interval, part_of
from mongoglot.engines.sql.tags import LETTERS, STRINGS, TAG, Writers, stored_identity

# ---- numbers -------------------------------------------------------------------------------------

INT32_SCALE, DOUBLE_SCALE, INT64_SCALE, DECIMAL_SCALE = range(4)
"""Decimal places modulo 4. An int beyond 32 bits, which says itself that it is an int64, has none."""

_INFINITY: Final = "1" + "0" * 7000
"""Greater than any Decimal128, whose greatest has 6,145 digits; numeric keeps it in few bytes."""

NAN: Final = TAG + LETTERS["decimal"]
"""The stored string of NaN, of both types."""


def _int64(value: Int64) -> str:
    return f"{value:d}.00" if -(2**31) <= value < 2**31 else f"{value:d}"


def _double(value: float) -> str:
    if value != value:
        return _quote(NAN)
    if value in (float("inf"), float("-inf")):
        return f"{'-' if value < 0 else ''}{_INFINITY}.0"
    if value.is_integer():
        return f"{int(value)}.0"
    return _padded(format(Decimal(value), "f"), DOUBLE_SCALE)


def _decimal(value: Decimal128) -> str:
    number = value.to_decimal()
    if number.is_nan():
        return _quote(NAN)
    if number.is_infinite():
        return f"{'-' if number < 0 else ''}{_INFINITY}.000"
    return _padded(format(number, "f"), DECIMAL_SCALE)


def _padded(digits: str, scale: int) -> str:
    """A number with zeros behind, until it has the decimal places of its type."""
    whole, _, places = digits.partition(".")
    return f"{whole}.{places}{'0' * ((scale - len(places)) % 4)}"


# ---- strings -------------------------------------------------------------------------------------

_ESCAPES: Final = str.maketrans({"\0": "\1\1", "\1": "\1\2"})


def escaped(text: str) -> str:
    """Text as jsonb can hold it; the order of texts is the same."""
    return text.translate(_ESCAPES) if "\0" in text or "\1" in text else text


def _tag(value: Any) -> str:
    return escaped(STRINGS[value.__class__](value))


def _code_tag(value: Code) -> str:
    return escaped(TAG + stored_identity(value)) if value.scope is not None else _tag(value)


def stored_string(value: Any) -> str:
    """The stored string of a value that is one; of numbers, that is NaN."""
    match value_class(value):
        case "nan":
            return NAN
        case "scoped code":
            return _code_tag(normalise(value))
        case _:
            return _tag(normalise(value))


def bracket(kind: ValueClass) -> Interval:
    """The stored strings of one class of values."""
    if kind == "string":
        return "", TAG + "B"
    if kind == "nan":
        return NAN, NAN + "\1"
    return TAG + LETTERS[kind], TAG + chr(ord(LETTERS[kind]) + 1)


def string_interval(op: Comparison, value: Any) -> Interval:
    """The stored strings in the value's bracket that compare so with it (semantics 1.2)."""
    found = stored_string(value)
    return part_of(bracket(value_class(value)), op, found, found + "\1")


def quoted(text: str) -> str:
    """Text as JSON."""
    return _quote(text)


def ascii_quoted(text: str) -> str:
    """Text as JSON, spelled in ASCII: a constant of ours in a path."""
    return json.dumps(text)


# ---- documents -----------------------------------------------------------------------------------

ORDER: Final = TAG
"""The name of the field with the order of an object's fields."""


def field_name(name: str) -> str:
    """The name of a user's field; one that begins like the name of ours has a character more."""
    return (TAG if name.startswith(TAG) else "") + escaped(name)


def encode(document: dict[str, Any]) -> str:
    """The JSON text of a normalised document."""
    return "{" + _fields(document) + "}"


def encode_value(value: Any) -> str:
    """The JSON text of a value, normalised or not: equal values have equal ones, as jsonb compares it."""
    value = normalise(value)
    return _JSON[value.__class__](value)


def _fields(document: dict[str, Any]) -> str:
    return ",".join([_NAMES[name] + _JSON[value.__class__](value) for name, value in document.items()])


def _object(document: dict[str, Any]) -> str:
    names = list(document)
    ordered = sorted(names)
    if names == ordered:
        return "{" + _fields(document) + "}"
    places = {name: str(place) for place, name in enumerate(ordered)}
    order = " ".join([places[name] for name in names])
    return f'{{"{ORDER}":"{order}",{_fields(document)}}}'


def _array(array: list[Any]) -> str:
    return "[" + ",".join([_JSON[item.__class__](item) for item in array]) + "]"


class _Names(dict[str, str]):
    """Quoted field names; the usual ones are remembered, as documents of a collection share them."""

    def __missing__(self, name: str) -> str:
        quoted = _quote(field_name(name)) + ":"
        if len(name) <= 64:
            if len(self) >= 4096:
                self.clear()
            self[name] = quoted
        return quoted


_NAMES: Final = _Names()


def _quoted_tag(value: Any) -> str:
    return _quote(_tag(value))


_JSON: Final = Writers(dict.fromkeys(STRINGS, _quoted_tag))
_JSON.update({
    type(None): lambda _: "null",
    bool: {False: "false", True: "true"}.__getitem__,
    int: repr,
    Int64: _int64,
    float: _double,
    Decimal128: _decimal,
    dict: _object,
    list: _array,
    Code: lambda value: _quote(_code_tag(value)),
})  # fmt: skip

# ---- BSON ----------------------------------------------------------------------------------------

_CODEC: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)


_RAW: Final = CodecOptions(RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def decode(data: bytes) -> dict[str, Any]:
    """The document of stored BSON, as every engine returns it."""
    if b"$ref\0" not in data:
        return bson.decode(data, _CODEC)
    document: dict[str, Any] = normalise(bson.decode(data, _RAW))  # of a document like a DBRef bson makes one
    return document


def to_bson(document: dict[str, Any]) -> bytes:
    """The BSON of a normalised document."""
    return bson.encode(document, codec_options=_CODEC)
