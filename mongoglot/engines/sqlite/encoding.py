"""Documents as the JSON text that SQLite keeps as JSONB, and values of a query as its parameters.

JSON has null, booleans, strings, arrays, objects, int64 and doubles. Every other value is a *tag*: a string
of U+10FFFF, a letter for its type, and a body whose order is the server's order inside the type (semantics
1.1). As no character is greater, users' strings lie below all tags; one that begins so gets a letter as well.
`{"a": 5, "at": datetime(2026, 1, 1)}` is stored as `{"a":5,"at":"<U+10FFFF>K2026-01-01T00:00:00.000Z"}`.
"""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Callable, Iterable
from json import JSONDecoder
from json.encoder import encode_basestring as _quote  # keeps what is not ASCII as it is
from typing import TYPE_CHECKING, Any, Final

import bson
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import RANK, ValueClass, milliseconds, regex_options, value_class
from mongoglot.engines.sqlite.numbers import (
    Interval,
    Number,
    body_range,
    native_number,
    number_body,
    number_key,
    number_of,
    part_of,
    short_number_key,
)

if TYPE_CHECKING:
    from mongoglot.compiler.ast import Comparison

TAG: Final = "\U0010ffff"

ESCAPED: Final = TAG + "A"
"""Begins a string of a user that itself begins with TAG."""

PATTERN: Final = TAG + "Q"
"""Begins a number in an `equality_pattern`; never stored."""

PATTERN_PREFIX: Final = TAG + "R"
"""Begins a leaf of an `equality_pattern` that stored strings have to begin with; never stored."""

_LETTERS: Final[dict[ValueClass, str]] = {
    kind: chr(ord("B") + sorted(set(RANK.values())).index(rank)) for kind, rank in RANK.items()
}
"""The types in the server's order, B for MinKey to P for MaxKey; some letters occur only in identities."""

# ---- strings inside bodies -----------------------------------------------------------------------

_END: Final = "\x01"
"""Ends a text of any length inside a body; no other character of a body is lower, so a prefix sorts first."""

_ESCAPES: Final = {"\x00": "\x02\x02", "\x01": "\x02\x03", "\x02": "\x02\x04"}
_TO_ESCAPED: Final = str.maketrans(_ESCAPES)


def _ended(text: str) -> str:
    return text.translate(_TO_ESCAPED) + _END


def _unescaped(text: str) -> str:
    for character, escape in _ESCAPES.items():
        text = text.replace(escape, character)
    return text


# ---- values to strings ---------------------------------------------------------------------------


def _date_body(value: datetime.datetime | DatetimeMS) -> str:
    """ISO in the years 1 to 9999; before and after them '!' or '~' and an unsigned count of milliseconds."""
    if isinstance(value, datetime.datetime):
        return value.isoformat("T", "milliseconds") + "Z"
    millis = milliseconds(value)
    return f"{'!' if millis < 0 else '~'}{millis + 2**63:020}"


def _binary_body(value: bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    length = len(value) + (4 if subtype == 2 else 0)  # the old binary type repeats its length inside
    return f"{length:08x}{subtype:02x}{value.hex()}"


def _timestamp_body(value: Timestamp) -> str:
    return f"{value.time:08x}{value.inc:08x}"


def _regex_body(value: Regex[str]) -> str:
    return _ended(value.pattern) + regex_options(value)


def _code_tag(value: Code) -> str:
    """The text of code; code with a scope is its identity, a space, and BSON to restore it from."""
    if value.scope is None:
        return TAG + _LETTERS["code"] + value
    return f"{TAG}{_identity(value)} {base64.b64encode(bson.encode({'': value})).decode()}"


def _string(value: str) -> str:
    return ESCAPED + value if value >= TAG else value


def _tagged(kind: ValueClass, body: Callable[[Any], str]) -> Callable[[Any], str]:
    tag = TAG + _LETTERS[kind]
    return lambda value: tag + body(value)


class _Writers(dict[type, Callable[[Any], str]]):
    """What writes a value, by its class; a subclass is written as its base."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        for base in kind.__mro__[1:-1]:
            if base in self:
                return self[base]
        raise TypeError(f"not a value of a normalised document: {kind.__qualname__}")


_STRINGS: Final = _Writers({
    str: _string,
    Decimal128: _tagged("decimal", number_body),
    bytes: _tagged("binary", _binary_body),
    ObjectId: _tagged("objectid", str),
    datetime.datetime: _tagged("date", _date_body),
    DatetimeMS: _tagged("date", _date_body),
    Timestamp: _tagged("timestamp", _timestamp_body),
    Regex: _tagged("regex", _regex_body),
    Code: _code_tag,
    MinKey: _tagged("minkey", lambda _: ""),
    MaxKey: _tagged("maxkey", lambda _: ""),
    float: _tagged("nan", number_body),
})  # fmt: skip
"""The encoded string of every value that is one; of the doubles, that is NaN."""

# ---- documents to JSON ---------------------------------------------------------------------------


def encode(document: dict[str, Any]) -> str:
    """The JSON text of a normalised document: for one column of SQLite's JSONB, with names in their order."""
    return _object(document)


def _object(document: dict[str, Any]) -> str:
    fields = [
        _NAMES[name]
        + (_quote(value) if value.__class__ is str and value < TAG else _JSON[value.__class__](value))
        for name, value in document.items()
    ]
    return "{" + ",".join(fields) + "}"


def _array(array: list[Any]) -> str:
    return "[" + ",".join([_JSON[item.__class__](item) for item in array]) + "]"


def _int64(value: Int64) -> str:
    """An exponent tells a small int64 from an int32; SQLite keeps the spelling and compares the number."""
    return f"{value:d}" if not -(2**31) <= value < 2**31 else f"{value:d}e0"


def _double(value: float) -> str:
    """By repr, which has a point or an exponent other than 0 wherever the value is finite."""
    if value - value == 0.0:
        return repr(value)
    return _quote(_STRINGS[float](value)) if value != value else "1e999" if value > 0 else "-1e999"


class _Names(dict[str, str]):
    """Quoted field names; the usual ones are remembered, as documents of a collection share them."""

    def __missing__(self, name: str) -> str:
        quoted = _quote(name) + ":"
        if len(name) <= 64:
            if len(self) >= 4096:
                self.clear()
            self[name] = quoted
        return quoted


_NAMES: Final = _Names()


def _quoted(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: _quote(write(value))


_OPEN_OBJECTID: Final = '"' + TAG + _LETTERS["objectid"]
_OPEN_DATE: Final = '"' + TAG + _LETTERS["date"]

_JSON: Final = _Writers({kind: _quoted(write) for kind, write in _STRINGS.items()})
_JSON.update({
    type(None): lambda _: "null",
    bool: {False: "false", True: "true"}.__getitem__,
    int: repr,
    Int64: _int64,
    float: _double,
    dict: _object,
    list: _array,
    # The tags of common types need no quoting.
    ObjectId: lambda value: _OPEN_OBJECTID + str(value) + '"',
    datetime.datetime: lambda value: _OPEN_DATE + _date_body(value) + '"',
    bytes: lambda value: f'"{_STRINGS[bytes](value)}"',
})  # fmt: skip

# ---- JSON to documents ---------------------------------------------------------------------------


def decode(text: str) -> dict[str, Any]:
    """The document of a stored JSON text, each value of the type that `bson.decode` gives.

    Two differences: a subdocument with the fields of a DBRef stays a dict, and a date beyond Python's
    calendar is a `DatetimeMS`, where `bson.decode` raises by default.
    """
    int64_possible = "e0" in text and ("e0," in text or "e0}" in text or "e0]" in text)
    document: dict[str, Any] = (_decode_int64 if int64_possible else _decode_plain)(text)[0]
    _restore(document, document.items())
    return document


def _restore(container: Any, entries: Iterable[tuple[Any, Any]]) -> None:
    """Put back what JSON cannot say; `entries` are the container's names or positions with their values."""
    for place, value in entries:
        kind = value.__class__
        if kind is str:
            if value >= TAG:
                container[place] = _RESTORERS[value[1]](value)
        elif kind is int:
            if not -2147483648 <= value < 2147483648:
                container[place] = Int64(value)
        elif kind is dict:
            _restore(value, value.items())
        elif kind is list:
            _restore(value, enumerate(value))


def _int64_or_double(text: str) -> float:
    return Int64(text[:-2]) if text.endswith("e0") else float(text)


_decode_plain: Final = JSONDecoder().raw_decode
_decode_int64: Final = JSONDecoder(parse_float=_int64_or_double).raw_decode


def _date_of(text: str) -> datetime.datetime | DatetimeMS:
    if text[2] in "!~":
        return DatetimeMS(int(text[3:]) - 2**63)
    return datetime.datetime.fromisoformat(text[2:-1])


def _binary_of(text: str) -> bytes:
    subtype = int(text[10:12], 16)
    data = bytes.fromhex(text[12:])
    return Binary(data, subtype) if subtype else data


def _regex_of(text: str) -> Regex[str]:
    pattern, _, options = text[2:].partition(_END)
    return Regex(_unescaped(pattern), options)


_RAW: Final = CodecOptions(RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def _scoped_code_of(text: str) -> Any:
    return normalise(bson.decode(base64.b64decode(text[text.rindex(" ") + 1 :]), _RAW)[""])


_RESTORERS: Final[dict[str, Callable[[str], Any]]] = {
    ESCAPED[1]: lambda text: text[2:],
    _LETTERS["decimal"]: lambda text: number_of(text[2:]),
    _LETTERS["binary"]: _binary_of,
    _LETTERS["objectid"]: lambda text: ObjectId(bytes.fromhex(text[2:])),
    _LETTERS["date"]: _date_of,
    _LETTERS["timestamp"]: lambda text: Timestamp(int(text[2:10], 16), int(text[10:], 16)),
    _LETTERS["regex"]: _regex_of,
    _LETTERS["code"]: lambda text: Code(text[2:]),
    _LETTERS["scoped code"]: _scoped_code_of,
    _LETTERS["minkey"]: lambda _: MinKey(),
    _LETTERS["maxkey"]: lambda _: MaxKey(),
}

# ---- operands ------------------------------------------------------------------------------------


def tag_range(kind: ValueClass) -> Interval:
    """The interval that the stored strings of one class fill; 'decimal' is decimals without NaN.

    Raises:
        ValueError: no value of the class is stored as a string.
    """
    match kind:
        case "string":
            return ("", TAG + "B")
        case "nan":
            return number_range("$eq", math.nan)
        case "decimal":
            return (number_range("$gte", -math.inf)[0], number_range("$lte", math.inf)[1])
        case "minkey" | "maxkey":
            return (TAG + _LETTERS[kind], TAG + _LETTERS[kind] + "\0")
        case "binary" | "objectid" | "date" | "timestamp" | "regex" | "code" | "scoped code":
            return (TAG + _LETTERS[kind], TAG + chr(ord(_LETTERS[kind]) + 1))
        case _:
            raise ValueError(f"values of class {kind!r} are not stored as strings")


def number_range(op: Comparison, value: Number) -> Interval:
    """The interval of the stored decimals and NaNs that compare so with a number (semantics 1.2)."""
    first, after = body_range(op, value)
    tag = TAG + _LETTERS["decimal"]
    return (tag + first, tag + after)


def comparison_range(op: Comparison, value: Any) -> Interval:
    """The interval of the stored strings in the value's bracket that compare so with it (semantics 1.2).

    For a number it is that of `number_range`, and `native_number` has the rest.

    Raises:
        ValueError: values of the operand's bracket are not stored as strings.
    """
    value = normalise(value)
    kind = value_class(value)
    match kind:
        case "int" | "double" | "decimal" | "nan":
            return number_range(op, value)
        case "null" | "bool" | "object" | "array":
            raise ValueError(f"values of class {kind!r} are not stored as strings")
        case "scoped code":
            found = TAG + _identity(value)
            return part_of(tag_range(kind), op, found + " ", found + "!")
        case _:
            found = _STRINGS[value.__class__](value)
            return part_of(tag_range(kind), op, found, found + "\0")


def equality_pattern(value: Any) -> str:
    """JSON text of a document or array to compare stored ones with, leaf by leaf (semantics 1.3).

    A number becomes a string of PATTERN, its key, a space, and the JSON text of the int64 or double that
    equals it, if there is one: `[1.0, Decimal128("1E+400")]` is `["<PATTERN>410000100… 1.0",
    "<PATTERN>410400100… "]`. Code with a scope becomes PATTERN_PREFIX and what the stored
    string begins with. Every other leaf is as `encode` writes it, and equal values have equal leaves.
    """
    return _pattern(normalise(value))


def _pattern(value: Any) -> str:
    match value_class(value):
        case "object":
            return "{" + ",".join([_NAMES[name] + _pattern(item) for name, item in value.items()]) + "}"
        case "array":
            return "[" + ",".join([_pattern(item) for item in value]) + "]"
        case "int" | "double" | "decimal" | "nan":
            native = native_number("$eq", value)
            text = "" if native is None else _double(native) if isinstance(native, float) else repr(native)
            return _quote(f"{PATTERN}{number_key(value)} {text}")
        case "scoped code":
            return _quote(f"{PATTERN_PREFIX}{TAG}{_identity(value)} ")
        case _:
            return _JSON[value.__class__](value)


def identity(value: Any) -> str:
    """Text that is equal for two values exactly when a server calls them equal, as 1 and 1.0 (semantics 1.1).

    Its order is the server's total order.
    """
    return _identity(normalise(value))


def _identity(value: Any) -> str:
    kind = value_class(value)
    return _LETTERS[kind] + _identity_body(kind, value)


def _identity_body(kind: ValueClass, value: Any) -> str:
    """What follows the letter: none is the beginning of another, so that they can stand in a row."""
    match kind:
        case "null" | "minkey" | "maxkey":
            return ""
        case "int" | "double" | "decimal" | "nan":
            return short_number_key(value)
        case "string" | "code":
            return _ended(value)
        case "bool":
            return "1" if value else "0"
        case "binary":
            return _binary_body(value)
        case "objectid":
            return str(value)
        case "date":
            return _date_body(value)
        case "timestamp":
            return _timestamp_body(value)
        case "regex":
            return _regex_body(value) + _END
        case "array":
            return "".join([_identity(item) for item in value]) + _END
        case "object":
            return _fields_identity(value)
        case "scoped code":
            return _ended(value) + _fields_identity(value.scope)


def _fields_identity(document: dict[str, Any]) -> str:
    """Of each field the type, then the name, then the value, as in the server's order of objects."""
    parts = []
    for name, value in document.items():
        kind = value_class(value)
        parts.append(_LETTERS[kind] + _ended(name) + _identity_body(kind, value))
    return "".join(parts) + _END
