"""Documents as *keys*: JSON whose leaves are strings in the server's order (semantics 1.1).

A leaf is a letter for the type of a value, and a body whose order is the order inside the type; equal values
have equal leaves, whatever their types: 1, 1.0 and Decimal128("1") are one. So a predicate on a value is a
comparison of JSON texts, and two documents are equal when their texts are:

    {"a": 5, "b": [None, "x y"]} → {"fa":"D4100005 ","fb":["C","Ex#Dy"]}

No text needs an escape of JSON's: what JSON would escape, and the quote that ends a text, are written by codes of
two characters that keep the order. A name has one character more in front, so that none is empty or a `*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import bson
from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from mongoglot.compiler.ast import Comparison, Path
from mongoglot.compiler.normalise import normalise, normalise_document
from mongoglot.compiler.values import RANK, ValueClass, value_class
from mongoglot.engines.sql.number_keys import short_number_key
from mongoglot.engines.sql.tags import LETTERS, date_body, stored_identity

Interval: TypeAlias = tuple[str, str]
"""A half-open interval of texts, in the order of their bytes."""

_CODES: Final = str.maketrans(
    {**{chr(code): "#" + chr(0x24 + code) for code in range(0x24)}, "[": "[$", "\\": "[%"}
)
_CODED: Final = re.compile(r"[\x00-#\[\\]")
"""Characters that are not written as they are: a `"` ends a text, and what sorts before it would sort wrongly."""


def _coded(text: str) -> str:
    return text.translate(_CODES) if _CODED.search(text) else text


def name_key(name: str) -> str:
    """A field's name as the name in keys."""
    return "f" + _coded(name)


def json_path(path: Path) -> str:
    """The JSON path of components that are names of fields; it has no character that needs care."""
    return "$" + "".join(f'."{name_key(part)}"' for part in path)


def key(value: Any) -> str:
    """The JSON text of any value of BSON."""
    return _key(normalise(value))


def document_key(document: dict[str, Any]) -> str:
    """The JSON text of a document that is normalised."""
    return "{" + ",".join([_NAMES[name] + _key(value) for name, value in document.items()]) + "}"


class _Names(dict[str, str]):
    """Quoted names; the usual ones are remembered, as documents of a collection share them."""

    def __missing__(self, name: str) -> str:
        quoted = f'"{name_key(name)}":'
        if len(name) <= 64:
            if len(self) >= 4096:
                self.clear()
            self[name] = quoted
        return quoted


_NAMES: Final = _Names()


def _key(value: Any) -> str:
    return _WRITERS[value.__class__](value)


def _number(value: float | Decimal128) -> str:
    return f'"D{short_number_key(value)}"'.replace("\x01", " ")  # sorts below digits, too


def _other(value: Any) -> str:
    return f'"{_coded(stored_identity(value))}"'


class _Writers(dict[type, Callable[[Any], str]]):
    def __missing__(self, kind: type) -> Callable[[Any], str]:
        return next((self[base] for base in kind.__mro__[1:-1] if base in self), _other)


_WRITERS: Final = _Writers({
    type(None): lambda _: '"C"',
    bool: {False: '"J0"', True: '"J1"'}.__getitem__,
    int: _number,
    Int64: _number,
    float: _number,
    Decimal128: _number,
    str: lambda value: f'"E{_coded(value)}"',
    Code: lambda value: f'"N{_coded(value)}"' if value.scope is None else _other(value),
    ObjectId: lambda value: f'"I{value}"',
    DatetimeMS: lambda value: f'"K{date_body(value)}"',
    Timestamp: _other,
    Regex: _other,
    MinKey: _other,
    MaxKey: _other,
    dict: document_key,
    list: lambda value: "[" + ",".join([_key(item) for item in value]) + "]",
})  # fmt: skip

# ---- what predicates ask --------------------------------------------------------------------------

NAN: Final = '"D0"'
"""The key of every NaN."""


def bracket(kind: ValueClass) -> Interval:
    """The interval of the keys of one class; of numbers together, without NaN."""
    letter = LETTERS[kind]
    low = '"D1' if letter == "D" else f'"{letter}'
    return low, '"' + chr(ord(letter) + 1)


def brackets(kind: ValueClass) -> Interval:
    """The interval of the keys of one class, NaN among the numbers."""
    low, high = bracket(kind)
    return ('"D' if low.startswith('"D') else low), high


def comparison(op: Comparison, value: Any) -> Interval:
    """The interval of the keys in the value's bracket that compare so with it (semantics 1.2).

    Raises:
        ValueError: the value is a document or an array, whose keys are in no order.
    """
    value = normalise(value)
    kind = value_class(value)
    if kind in ("object", "array"):
        raise ValueError(f"the keys of class {kind!r} have no order")
    low, high = bracket(kind)
    found = _key(value)  # it ends with a quote, so no other key begins with it
    match op:
        case "$eq":
            return found, found + "!"
        case "$gt":
            return found + "!", high
        case "$gte":
            return found, high
        case "$lt":
            return low, found
        case "$lte":
            return low, found + "!"


def is_ordered(kind: ValueClass) -> bool:
    """Whether the keys of a class are in the server's order."""
    return RANK[kind] not in (RANK["object"], RANK["array"])


# ---- the exact documents --------------------------------------------------------------------------

_CODEC: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_RAW: Final = CodecOptions(RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def encoded(document: dict[str, Any]) -> bytes:
    """The BSON of a document that is normalised."""
    return bson.encode(document)


def decoded(data: bytes) -> dict[str, Any]:
    """The document of BSON; one with the fields of a DBRef stays a document."""
    if b"$ref\0" in data:
        return normalise_document(RawBSONDocument(data, _RAW))
    return bson.decode(data, _CODEC)
