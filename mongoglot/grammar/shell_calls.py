"""The constructors of mongosh that stand for a value, as tables."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import DecimalException
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.binary import UuidRepresentation

from mongoglot.grammar.javascript import INT32, JAVASCRIPT_DATES, SAFE_INTEGERS, number_text
from mongoglot.grammar.shell_dates import ago, instant_of, iso_date, javascript_date
from mongoglot.grammar.shell_values import (
    INT64,
    UnfitError,
    bson_regex,
    pattern_source,
    regex_of,
    shortened,
)


class Constructor(NamedTuple):
    """What a name in front of arguments makes.

    Attributes:
        read: from the arguments to the value; raises UnfitError, or TypeError where they are of other types.
        usage: how to write it.
    """

    read: Callable[..., Any]
    usage: str


_NOT_A_LITERAL: Final = "without an argument it makes a new value on every run"
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*+")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_REAL: Final = re.compile(
    r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?(?:Infinity|NaN)"
)
_DECIMAL: Final = re.compile(rf"{_REAL.pattern}|[+-]?(?:inf|sNaN)", re.IGNORECASE)


def _text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, Code):
        raise TypeError
    return value


def _document(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _whole(value: Any, allowed: range, what: str) -> int:
    """A whole number, given as a number or as its digits; nothing is cut or wrapped, as mongosh might."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value)
    elif isinstance(value, float) and value.is_integer():
        if int(value) not in SAFE_INTEGERS:
            hint = "JavaScript's numbers hold 53 bits: write the digits in quotes"
            raise UnfitError("the number may have lost digits already", hint)
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = int(value)
    elif isinstance(value, (str, float)):
        raise UnfitError(f"{_shown(value)} is no whole number")
    else:
        raise TypeError
    if number not in allowed:
        raise UnfitError(f"{_shown(value)} is not {what}")
    return number


def _shown(value: Any) -> str:
    return shortened(number_text(value) if isinstance(value, float) else str(value))


def _int32(value: Any = 0) -> int:
    return _whole(value, INT32, "an integer of 32 bits")


def _int64(value: Any = 0) -> Int64:
    return Int64(_whole(value, INT64, "an integer of 64 bits"))


def _double(value: Any) -> float:
    if isinstance(value, str) and _REAL.fullmatch(value):
        return float(value)
    if isinstance(value, str):
        raise UnfitError(f"{shortened(value)!r} is no number")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise TypeError


def _decimal(value: Any = 0) -> Decimal128:
    if isinstance(value, Decimal128):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = number_text(value) if isinstance(value, float) else str(value)
    if not _DECIMAL.fullmatch(_text(value)):
        raise UnfitError(f"{shortened(value)!r} is no number")
    try:
        return Decimal128(value)
    except DecimalException:
        raise UnfitError(f"{shortened(value)} has more digits than a decimal of 128 bits can hold") from None


def _date(value: Any) -> Any:
    if isinstance(value, str):
        return javascript_date(value)
    return instant_of(_whole(value, JAVASCRIPT_DATES, "an instant of JavaScript, in milliseconds"))


def _isodate(value: Any) -> Any:
    return iso_date(value) if isinstance(value, str) else _date(value)


def hex_bytes(text: str) -> bytes:
    """The bytes that hexadecimal digits stand for."""
    if not _HEX.fullmatch(text):
        raise UnfitError(f"{shortened(text)!r} is not hexadecimal")
    return bytes.fromhex(text)


def base64_bytes(text: str) -> bytes:
    """The bytes that base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitError(f"{shortened(text)!r} is not base64") from None


def binary_of(subtype: Any, data: bytes) -> Any:
    """A binary value of a subtype from 0 to 255."""
    number = _whole(subtype, range(256), "a subtype: those are 0 to 255")
    return Binary(data, number) if number else data


def object_id(text: Any) -> ObjectId:
    """An ObjectId of 24 hexadecimal digits."""
    if len(_text(text)) != 24 or not _HEX.fullmatch(text):
        raise UnfitError(f"{shortened(text)!r} is no ObjectId: it has 24 hexadecimal digits")
    return ObjectId(text)


def _uuid_of(text: Any) -> UUID:
    digits = _text(text).replace("-", "")
    if len(digits) != 32 or not _HEX.fullmatch(digits):
        raise UnfitError(f"{shortened(text)!r} is no UUID: it has 32 hexadecimal digits")
    return UUID(digits)


def uuid_binary(text: Any) -> Binary:
    """A UUID as the binary value that mongosh sends, of subtype 4."""
    return Binary.from_uuid(_uuid_of(text), UuidRepresentation.STANDARD)


def _legacy_uuid(representation: int) -> Callable[[Any], Binary]:
    return lambda text: Binary.from_uuid(_uuid_of(text), representation)


def timestamp_of(time: Any = 0, increment: Any = 0) -> Timestamp:
    """A timestamp of seconds and an ordinal, or of a document with both."""
    if isinstance(time, dict):
        if time.keys() != {"t", "i"} or increment != 0:
            raise TypeError
        time, increment = time["t"], time["i"]
    what = "an integer of 32 bits without a sign"
    return Timestamp(_whole(time, range(2**32), what), _whole(increment, range(2**32), what))


def _code(text: Any = "", scope: Any = None) -> Code:
    return Code(_text(text), None if scope is None else _document(scope))


def _dbref(collection: Any, key: Any, database: Any = None, fields: Any = None) -> DBRef:
    name = None if database is None else _text(database)
    return DBRef(_text(collection), key, name, dict(_document(fields or {})))


_CONSTRUCTORS: Final[dict[str, Constructor]] = {
    "ISODate": Constructor(_isodate, 'ISODate("2026-01-31") or ISODate("2026-01-31T23:59:59.999Z")'),
    "ago": Constructor(lambda text: ago(_text(text)), 'ago("1h") or ago("30d")'),
    "ObjectId": Constructor(object_id, 'ObjectId("0123456789abcdef01234567")'),
    "NumberInt": Constructor(_int32, "NumberInt(5)"),
    "Int32": Constructor(_int32, "Int32(5)"),
    "NumberLong": Constructor(_int64, 'NumberLong("5")'),
    "Long": Constructor(_int64, 'Long("5")'),
    "Double": Constructor(_double, "Double(5)"),
    "NumberDecimal": Constructor(_decimal, 'NumberDecimal("0.1")'),
    "Decimal128": Constructor(_decimal, 'Decimal128("0.1")'),
    "Timestamp": Constructor(timestamp_of, "Timestamp(1, 2) or Timestamp({t: 1, i: 2})"),
    "UUID": Constructor(uuid_binary, 'UUID("01234567-89ab-cdef-0123-456789abcdef")'),
    "LegacyJavaUUID": Constructor(
        _legacy_uuid(UuidRepresentation.JAVA_LEGACY), 'LegacyJavaUUID("01234567-89ab-cdef-0123-456789abcdef")'
    ),
    "LegacyCSharpUUID": Constructor(
        _legacy_uuid(UuidRepresentation.CSHARP_LEGACY),
        'LegacyCSharpUUID("01234567-89ab-cdef-0123-456789abcdef")',
    ),
    "LegacyPythonUUID": Constructor(
        _legacy_uuid(UuidRepresentation.PYTHON_LEGACY),
        'LegacyPythonUUID("01234567-89ab-cdef-0123-456789abcdef")',
    ),
    "BinData": Constructor(
        lambda subtype, text: binary_of(subtype, base64_bytes(_text(text))), 'BinData(0, "AQID")'
    ),
    "HexData": Constructor(
        lambda subtype, text: binary_of(subtype, hex_bytes(_text(text))), 'HexData(0, "010203")'
    ),
    "MD5": Constructor(
        lambda text: binary_of(5, hex_bytes(_text(text))), 'MD5("0123456789abcdef0123456789abcdef")'
    ),
    "MinKey": Constructor(MinKey, "MinKey()"),
    "MaxKey": Constructor(MaxKey, "MaxKey()"),
    "Code": Constructor(_code, 'Code("return 1") or Code("return x", {x: 1})'),
    "DBRef": Constructor(_dbref, 'DBRef("collection", id)'),
    "BSONSymbol": Constructor(_text, 'BSONSymbol("text")'),
    "Symbol": Constructor(_text, 'BSONSymbol("text")'),
    "RegExp": Constructor(
        lambda pattern, flags="": regex_of(pattern_source(_text(pattern)), _text(flags)),
        'RegExp("pattern", "i")',
    ),
    "BSONRegExp": Constructor(
        lambda pattern, options="": bson_regex(_text(pattern), _text(options)), 'BSONRegExp("pattern", "i")'
    ),
}

CONSTRUCTORS: Final[Mapping[str, Constructor]] = MappingProxyType(
    {
        **_CONSTRUCTORS,
        "Long.fromString": Constructor(lambda text: _int64(_text(text)), 'Long.fromString("5")'),
        "Long.fromNumber": Constructor(_int64, "Long.fromNumber(5)"),
        "Long.fromInt": Constructor(lambda number: Int64(_int32(number)), "Long.fromInt(5)"),
        "Long.fromBigInt": Constructor(_int64, "Long.fromBigInt(5n)"),
        "Int32.fromString": Constructor(lambda text: _int32(_text(text)), 'Int32.fromString("5")'),
        "Double.fromString": Constructor(lambda text: _double(_text(text)), 'Double.fromString("0.1")'),
        "Decimal128.fromString": Constructor(
            lambda text: _decimal(_text(text)), 'Decimal128.fromString("0.1")'
        ),
        "ObjectId.createFromHexString": Constructor(
            object_id, 'ObjectId.createFromHexString("0123456789abcdef01234567")'
        ),
        "Binary.createFromBase64": Constructor(
            lambda text, subtype=0: binary_of(subtype, base64_bytes(_text(text))),
            'Binary.createFromBase64("AQID", 0)',
        ),
        "Binary.createFromHexString": Constructor(
            lambda text, subtype=0: binary_of(subtype, hex_bytes(_text(text))),
            'Binary.createFromHexString("010203", 0)',
        ),
        "UUID.createFromHexString": Constructor(
            uuid_binary, 'UUID.createFromHexString("01234567-89ab-cdef-0123-456789abcdef")'
        ),
    }
)
"""Those that can be called with and without `new`, and functions of them."""

DATE: Final = Constructor(_date, 'new Date("2026-01-31T23:59:59.999Z") or new Date(0)')
"""`Date` with `new`; without it, JavaScript gives the current time as a string."""

NEVER_A_LITERAL: Final = frozenset({"ISODate", "ObjectId", "UUID", "new Date"})
"""Constructors that read the clock or make something up where they are given nothing."""


def made(name: str, is_new: bool, arguments: list[Any]) -> Any:
    """The value of a call.

    Args:
        name: of the constructor, `"ISODate"` or `"Long.fromString"`.
        is_new: whether `new` stands in front.
        arguments: the values between the parentheses.

    Raises:
        UnfitError: the arguments stand for no value.
        KeyError: nothing is called so.
    """
    constructor = DATE if name == "Date" and is_new else CONSTRUCTORS[name]
    spelled = f"new {name}" if constructor is DATE else name
    if not arguments and spelled in NEVER_A_LITERAL:
        raise UnfitError(f"{spelled}() is no literal: {_NOT_A_LITERAL}", f"write {constructor.usage}")
    try:
        return constructor.read(*arguments)
    except TypeError:
        raise UnfitError(f"{spelled} does not take this", f"write {constructor.usage}") from None
    except UnfitError as error:
        raise UnfitError(error.reason, error.hint or f"write {constructor.usage}") from None
