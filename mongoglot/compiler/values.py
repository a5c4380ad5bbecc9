"""BSON values as Python has them: their types, their total order, their equality.

The value domain is what the `bson` package can encode. Every rule here is one of the reference
(semantics 1.1 to 1.3); whoever compares values, compares them with `sort_key`.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, final

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from mongoglot.compiler.foreign_values import instead_of
from mongoglot.compiler.instants import milliseconds
from mongoglot.errors import EncodingRangeError, EncodingTypeError

Document: TypeAlias = Mapping[str, Any]

ValueClass: TypeAlias = Literal[
    "minkey", "null", "nan", "int", "double", "decimal", "string", "object", "array", "binary",
    "objectid", "bool", "date", "timestamp", "regex", "code", "scoped code", "maxkey",
]  # fmt: skip
"""What a literal is, as finely as any lowering needs to know. int and double are apart for typed
columns; NaN is its own class, whichever numeric type it has."""

SortKey: TypeAlias = tuple[Any, ...]


@final
class Missing:
    """The type of `MISSING`, which stands for an absent field."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

MAX_DEPTH: Final = 200
"""How deep a server lets documents nest."""

MAX_STORED_DEPTH: Final = 180
"""How deep a server lets stored documents nest (measured on 6.0.5: 180 levels are stored, 181 are not)."""

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

RANK: Final[dict[ValueClass, int]] = {
    "minkey": -1, "null": 5, "nan": 10, "int": 10, "double": 10, "decimal": 10, "string": 15, "object": 20,
    "array": 25, "binary": 30, "objectid": 35, "bool": 40, "date": 45, "timestamp": 47, "regex": 50,
    "code": 60, "scoped code": 65, "maxkey": 127,
}  # fmt: skip
"""The canonical type of each class as its place in the total order (semantics 1.1)."""

MISSING_RANK: Final = 0


def number(value: float | Decimal128) -> Any:
    """A finite or infinite number as one that Python compares exactly with any other such number."""
    return value.to_decimal() if isinstance(value, Decimal128) else value


def regex_of(pattern: re.Pattern[Any]) -> Regex[Any]:
    """The BSON regex that the driver sends for a compiled Python pattern (semantics 7)."""
    flags = ((re.I, "i"), (re.L, "l"), (re.M, "m"), (re.S, "s"), (re.U, "u"), (re.X, "x"))
    options = "".join(letter for flag, letter in flags if pattern.flags & flag)
    text = pattern.pattern
    return Regex(text.decode("utf-8") if isinstance(text, bytes) else text, options)


def regex_options(regex: Regex[Any]) -> str:
    """The option string of a BSON regex, in BSON's order."""
    flags = ((re.I, "i"), (re.L, "l"), (re.M, "m"), (re.S, "s"), (re.U, "u"), (re.X, "x"))
    return "".join(letter for flag, letter in flags if regex.flags & flag)


_Classifier: TypeAlias = Callable[[Any], ValueClass]


def _of_int(value: int) -> ValueClass:
    if not INT64_MIN <= value <= INT64_MAX:
        hint = "write bson.Decimal128(str(value)), or a string"
        raise EncodingRangeError("BSON holds ints of up to 64 bits", hint=hint)
    return "int"


def _of_float(value: float) -> ValueClass:
    return "nan" if value != value else "double"


def _of_decimal(value: Decimal128) -> ValueClass:
    return "nan" if value.to_decimal().is_nan() else "decimal"


def check_text(value: str) -> None:
    """Refuse text that has no UTF-8 form.

    Raises:
        EncodingTypeError: it holds lone surrogates.
    """
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise EncodingTypeError("BSON strings are UTF-8 and hold no lone surrogates") from None


def is_sayable(name: Any) -> bool:
    """Whether a name of a collection, column or file has characters, all of which UTF-8 has, and no NUL."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _of_string(value: str) -> ValueClass:
    check_text(value)
    return "string"


def _of_code(value: Code) -> ValueClass:
    return "code" if value.scope is None else "scoped code"


def _constant(name: ValueClass) -> _Classifier:
    return lambda _: name


CLASSIFIERS: Final[dict[type, _Classifier]] = {
    type(None): _constant("null"),
    bool: _constant("bool"),
    int: _of_int,
    Int64: _of_int,
    float: _of_float,
    Decimal128: _of_decimal,
    str: _of_string,
    dict: _constant("object"),
    list: _constant("array"),
    tuple: _constant("array"),
    bytes: _constant("binary"),
    Binary: _constant("binary"),
    ObjectId: _constant("objectid"),
    datetime.datetime: _constant("date"),
    DatetimeMS: _constant("date"),
    Timestamp: _constant("timestamp"),
    Regex: _constant("regex"),
    re.Pattern: _constant("regex"),
    Code: _of_code,
    MinKey: _constant("minkey"),
    MaxKey: _constant("maxkey"),
    DBRef: _constant("object"),
}
"""By exact type; subclasses follow their first base in here, as in the driver."""

_BASES: Final[tuple[type, ...]] = (*(base for base in CLASSIFIERS if base is not type(None)), Mapping)


def value_class(value: Any) -> ValueClass:
    """The class of a value, looked at no deeper than its top.

    Raises:
        EncodingTypeError: BSON has no such type.
        EncodingRangeError: an int beyond 64 bits.
    """
    classify = CLASSIFIERS.get(value.__class__)
    return classify(value) if classify is not None else _inherited_class(value)


def _inherited_class(value: Any) -> ValueClass:
    for base in type(value).__mro__:
        if base in CLASSIFIERS:
            return CLASSIFIERS[base](value)
    if isinstance(value, Mapping):
        return "object"
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    raise EncodingTypeError(f"BSON has no type for {name}", hint=instead_of(value))


def as_mapping(value: Any) -> Document:
    """A value of class object as a mapping (a DBRef is the document that it is sent as)."""
    return value.as_doc() if isinstance(value, DBRef) else value


def is_document(value: Any) -> bool:
    """Whether BSON holds the value as a document."""
    return value.__class__ is dict or isinstance(value, (Mapping, DBRef))


def is_array(value: Any) -> bool:
    """Whether BSON holds the value as an array."""
    return isinstance(value, (list, tuple)) and not isinstance(value, Timestamp)


def sort_key(value: Any, depth: int = MAX_DEPTH) -> SortKey:
    """A tuple that compares as the server compares the value in its total order (semantics 1.1).

    Equal values, and only those, have equal keys, and equal keys have equal hashes: 1, 1.0, Int64(1) and
    Decimal128('1.0') are one; True is another.

    Raises:
        EncodingTypeError: BSON has no such type, or the value nests deeper than a server allows.
    """
    kind = value_class(value)
    rank = RANK[kind]
    match kind:
        case "null" | "minkey" | "maxkey":
            return (rank,)
        case "int" | "double" | "bool":
            return (rank, 1, value)
        case "nan":
            return (rank, 0)
        case "decimal":
            return (rank, 1, value.to_decimal())
        case "string" | "code":
            return (rank, str.__str__(value))
        case "date":
            return (rank, milliseconds(value))
        case "objectid":
            return (rank, value.binary)
        case "binary":
            return (rank, *_binary_key(value))
        case "timestamp":
            return (rank, value.time, value.inc)
        case "regex":
            regex = regex_of(value) if isinstance(value, re.Pattern) else value
            return (rank, regex.pattern, regex_options(regex))
        case "array":
            return (rank, tuple(sort_key(item, _deeper(depth)) for item in value))
        case "object":
            return (rank, _object_key(value, _deeper(depth)))
        case "scoped code":
            return (rank, str.__str__(value), _object_key(value.scope, _deeper(depth)))


def unordered_key(value: Any) -> SortKey:
    """As `sort_key`, but objects with the same fields in another order have equal keys (semantics 3.10)."""
    match value_class(value):
        case "object":
            return (RANK["object"], _unordered_fields(as_mapping(value)))
        case "array":
            return (RANK["array"], tuple(unordered_key(item) for item in value))
        case "scoped code":
            return (RANK["scoped code"], str.__str__(value), _unordered_fields(value.scope))
        case _:
            return sort_key(value)


def _unordered_fields(document: Document) -> tuple[Any, ...]:
    return tuple(sorted((name, unordered_key(item)) for name, item in document.items()))


def _deeper(depth: int) -> int:
    if depth <= 0:
        raise EncodingTypeError(f"BSON documents nest at most {MAX_DEPTH} levels")
    return depth - 1


def _object_key(value: Any, depth: int) -> tuple[Any, ...]:
    """Field by field: the canonical type decides before the name, the name before the value."""
    keys = []
    for name, item in as_mapping(value).items():
        key = sort_key(item, depth)
        keys.append((key[0], name, key))
    return tuple(keys)


def _binary_key(value: bytes) -> tuple[int, int, bytes]:
    subtype = value.subtype if isinstance(value, Binary) else 0
    return (len(binary_data(value)), subtype, bytes(value))


def binary_data(value: bytes) -> bytes:
    """The bytes that BSON has for a binary value: those of the old subtype 2 begin with their length."""
    subtype = value.subtype if isinstance(value, Binary) else 0
    return len(value).to_bytes(4, "little") + bytes(value) if subtype == 2 else bytes(value)


def is_nan(value: Any) -> bool:
    """Whether the value is a NaN, double or decimal."""
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, Decimal128) and bool(value.to_decimal().is_nan())
