"""Records as a store keeps them: what BSON cannot hold is escaped, and comes back as it was.

The task database records an outcome in any case, so nothing in a record is refused. A value that BSON has no form
for is stored as an object of one field:

    {"mongoglot:int": "0x…"}          an int beyond 64 bits
    {"mongoglot:str": "…\\udc80…"}    text with lone surrogates, spelled like this; so are its backslashes
    {"mongoglot:uuid": "…"}           a UUID; likewise decimal, date, timedelta
    {"mongoglot:set": […]}            a set; likewise frozenset, and tuples inside of them
    {"mongoglot:deep": binary}        what nests deeper than a document may, as BSON of its own
    {"mongoglot:repr": "…"}           anything else: its repr, which comes back as a str

Names are escaped in `names`: none that a record brings begins with `mongoglot:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import bson
from bson import DBRef, Int64
from bson.codec_options import CodecOptions, DatetimeConversion

from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import sort_key
from mongoglot.taskdb.names import PREFIX, described, is_text, restored_name, spelled, stored_name, unspelled
from mongoglot.taskdb.schema import BUFFERS

SIZES: Final = {name: f"{PREFIX}bytes:{name}" for name in BUFFERS}
"""The fields that hold the bytes of the buffers, in stores with a limit of bytes."""

NOT_OF_RECORDS: Final = frozenset({"_id", *SIZES.values()})
"""Fields that a store has for itself."""

PIECE: Final = 100
"""After so many levels a value goes on in a BSON document of its own; a server allows 180 in one."""

MAX_LEVELS: Final = 300
"""A value that nests deeper, or contains itself, is stored as its repr."""

MAX_ELEMENT_LEVELS: Final = 20
"""The same for the elements of sets."""

_INT64: Final = range(-(2**63), 2**63)
_PLAIN: Final = frozenset({type(None), bool, float, bytes})
_CODEC: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_NOT_IN_TEXT: Final = re.compile(r"[\\\ud800-\udfff]")
EPOCH: Final = datetime(1970, 1, 1)
"""As a store gives it: naive, in UTC."""

EPOCH_UTC: Final = EPOCH.replace(tzinfo=UTC)


class TooDeepError(Exception):
    """A value nests deeper than `MAX_LEVELS`; it stays in this package."""


def stored_fields(record: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of a record as they are stored, `msg_id` apart; a store's own `_id` is left out."""
    return {
        stored_name(name): stored_field(name, value)
        for name, value in record.items()
        if name not in ("msg_id", "_id")
    }


def stored_field(name: Any, value: Any) -> Any:
    """The value of a key as it is stored."""
    return _stored_buffers(value) if name in BUFFERS else stored(value)


def sizes_of(fields: Mapping[str, Any]) -> dict[str, int]:
    """The fields for the sizes of the buffers among some stored fields."""
    return {SIZES[name]: size_of(fields[name]) for name in BUFFERS if name in fields}


def size_of(buffers: Any) -> int:
    """The bytes of stored buffers."""
    items = buffers if isinstance(buffers, list) else [buffers]
    return sum(len(item) for item in items if isinstance(item, bytes))


def record_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a stored document, or a part of one, stands for."""
    return {
        restored_name(name): restored(value) for name, value in document.items() if name not in NOT_OF_RECORDS
    }


def stored(value: Any) -> Any:
    """A value as it is stored; whatever it is."""
    try:
        return escaped(value)
    except Exception:  # it nests too deep, or its type is no good
        return _described(value)


def _stored_buffers(value: Any) -> Any:
    """Buffers as a list of bytes, whatever gives their bytes."""
    if not isinstance(value, (list, tuple)):
        return stored(value)
    return [_stored_buffer(item) for item in value]


def _stored_buffer(value: Any) -> Any:
    if value.__class__ is bytes:
        return value
    try:
        return memoryview(value).tobytes()
    except (TypeError, ValueError):  # it has no bytes, or gave them back
        return stored(value)


def escaped(value: Any, depth: int = 0) -> Any:
    """A value as BSON can hold it, `depth` levels below a key of the record.

    Raises:
        TooDeepError: it nests deeper than `MAX_LEVELS`.
    """
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind is str:
        return value if is_text(value) else {PREFIX + "str": spelled(value, _NOT_IN_TEXT)}
    if kind is int:
        return value if value in _INT64 else {PREFIX + "int": hex(value)}
    if kind is dict:
        document = {stored_name(name, 1): escaped(item, _deeper(depth)) for name, item in value.items()}
        return _piece(document) if depth and depth % PIECE == 0 else document
    if kind is list:
        items = [escaped(item, _deeper(depth)) for item in value]
        return _piece(items) if depth and depth % PIECE == 0 else items
    if kind is datetime:
        return aware(value)
    return _escaped_rare(value, depth)


def _escaped_rare(value: Any, depth: int) -> Any:
    """Types that are rare in records, and subclasses."""
    kind = type(value)
    if kind in _DUMPS:
        name, dump = _DUMPS[kind]
        return {PREFIX + name: dump(value)}
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, Mapping):
        return escaped(dict(value.items()), depth)
    if isinstance(value, (list, tuple)):
        return escaped(list(value), depth)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, datetime):
        return aware(value)
    if isinstance(value, str):
        return escaped(str.__str__(value))
    if isinstance(value, int):
        return escaped(int.__int__(value))
    try:
        return normalise(value)
    except Exception:
        return _described(value)


def _deeper(depth: int) -> int:
    if depth >= MAX_LEVELS:
        raise TooDeepError
    return depth + 1


def _piece(value: Any) -> dict[str, Any]:
    return {PREFIX + "deep": bson.encode({"": value})}


def aware(value: datetime) -> datetime:
    """The instant that is meant: a naive datetime is local time, or UTC where the local calendar ends."""
    if value.utcoffset() is not None:
        return value
    try:
        return value.astimezone()
    except (OverflowError, ValueError, OSError):
        return value.replace(tzinfo=UTC)


def instant_of(value: datetime) -> datetime | None:
    """An aware date as it is stored: naive, in UTC, in milliseconds; None for others, and beyond the calendar."""
    try:
        instant = EPOCH + (value - EPOCH_UTC)
    except Exception:  # the code of its time zone may raise anything
        return None
    beyond = instant.microsecond % 1000
    return instant - timedelta(microseconds=beyond) if beyond else instant


def in_utc(value: datetime) -> datetime:
    """A naive date in UTC, made aware: by a difference, which takes an eighth of the time of `replace`."""
    return EPOCH_UTC + (value - EPOCH)


def _described(value: Any) -> dict[str, Any]:
    return {PREFIX + "repr": described(value)}


def _elements(values: Iterable[Any], depth: int = 0) -> list[Any]:
    """The members of a set, in one order for equal sets."""
    return sorted((_element(value, depth) for value in values), key=sort_key)


def _element(value: Any, depth: int) -> Any:
    """A member of a set: it must be hashable when it comes back."""
    if depth >= MAX_ELEMENT_LEVELS:
        raise TooDeepError
    if isinstance(value, tuple):
        return {PREFIX + "tuple": [_element(item, depth + 1) for item in value]}
    if isinstance(value, frozenset):
        return {PREFIX + "frozenset": _elements(value, depth + 1)}
    result = escaped(value)
    try:
        hash(restored(result))
    except TypeError:
        return _described(value)
    return result


def restored(value: Any) -> Any:
    """The value that a stored one stands for; dates are aware, in UTC."""
    kind = value.__class__
    if kind is dict:
        if len(value) == 1:
            ((name, content),) = value.items()
            if name.startswith(PREFIX) and (load := _LOADS.get(name.removeprefix(PREFIX))):
                try:
                    return load(content)
                except Exception:  # it was not stored here
                    return value
        return {restored_name(name): restored(item) for name, item in value.items()}
    if kind is list:
        return [restored(item) for item in value]
    if kind is datetime:
        return in_utc(value) if value.tzinfo is None else value.astimezone(UTC)
    if kind is Int64:
        return int(value)
    if kind is DBRef:
        value = value.as_doc()
    return restored(dict(value)) if isinstance(value, dict) else value


_DUMPS: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    UUID: ("uuid", str),
    Decimal: ("decimal", str),
    date: ("date", date.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    set: ("set", _elements),
    frozenset: ("frozenset", _elements),
}

_LOADS: Final[dict[str, Callable[[Any], Any]]] = {
    "int": lambda text: int(text, 16),
    "str": unspelled,
    "uuid": UUID,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "set": lambda items: set(restored(items)),
    "frozenset": lambda items: frozenset(restored(items)),
    "tuple": lambda items: tuple(restored(items)),
    "deep": lambda data: restored(bson.decode(data, _CODEC)[""]),
    "repr": str,
}
