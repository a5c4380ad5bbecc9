"""What a caller gives as the row that is kept: one pass in C writes it, one walk says whether that was right.

Most documents hold nothing but what JSON has, ObjectIds and dates. orjson writes those, and refuses most of what
BSON cannot hold. What it takes for something else, as an enum or a UUID, what it writes as something else, as NaN,
and whatever it refuses goes the long way: `as_stored`, whose errors have the path of the value, and `encode`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import orjson
from bson import Decimal128, Int64, ObjectId

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.compiler.stored import PLAIN_IDS, as_stored
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, MAX_STORED_DEPTH
from mongoglot.engines.base import Record
from mongoglot.engines.sql.tags import LETTERS, STRINGS, TAG, date_body, stored_identity
from mongoglot.engines.sqlite.encoding import encode, int64_text

Row: TypeAlias = tuple[str, str | bytes]
"""The identity of a document's `_id`, and its JSON text, as str or in UTF-8."""


def row_of(document: Mapping[str, Any]) -> tuple[Any, Row]:
    """The `_id` of a document and its row, which are independent of the document.

    Raises:
        as `as_stored`.
    """
    try:
        return _quick_row(document)
    except _Rare:
        pass
    stored = as_stored(document)
    return stored["_id"], stored_row(stored)


def stored_row(document: Record) -> Row:
    """The row of a document that is as a server stores it."""
    return stored_identity(document["_id"]), encode(document)


class _Rare(Exception):  # noqa: N818 - it says where to go on, nobody sees it
    """This document goes the long way."""


def _quick_row(document: Any) -> tuple[Any, Row]:
    """As `row_of`, for what orjson writes as `encode` would."""
    if type(document) is not dict:
        raise _Rare
    if "_id" not in document:
        document = {"_id": ObjectId(), **document}
    elif next(iter(document)) != "_id":
        document = {"_id": document["_id"], **document}
    key = document["_id"]
    if type(key) not in PLAIN_IDS:
        raise _Rare
    try:
        text = orjson.dumps(document, _written, _STRICT)
    except TypeError:  # names that are no str, surrogates, great ints, unknown types, too many levels
        raise _Rare from None
    tags = _count_tags(document.values(), MAX_STORED_DEPTH - 1)
    if not text.isascii() and text.count(_TAGGED) != tags:
        raise _Rare  # a string begins as a tag does
    if text.find(b"\\") >= 0 and b"\\u0000" in text:  # a search for one byte is much faster
        raise _Rare  # a name may have a NUL
    if key.__class__ is int and not INT32_MIN <= key <= INT32_MAX:
        key = Int64(key)
    return key, (stored_identity(key), text)


_STRICT: Final = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_STRICT_INTEGER  # it would write up to 64 bits without a sign
)

_TAGGED: Final = f'"{TAG}'.encode()


def _count_tags(values: Iterable[Any], depth: int) -> int:
    """How many values are written as tags.

    Args:
        values: of a document or an array that orjson has written.
        depth: how many levels there may be below.

    Raises:
        _Rare: a value is written otherwise than as what it is.
    """
    tags = 0
    for value in values:
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is dict or kind is list:
            if not depth:
                raise _Rare
            inner = value.values() if kind is dict else value
            if inner and not _PLAIN.issuperset(map(type, inner)):
                tags += _count_tags(inner, depth - 1)
        elif kind is float:
            if value - value != 0.0:
                raise _Rare  # NaN and infinities are written as null
        elif kind in _TAGS:
            tags += 1
        elif kind is not Int64:
            raise _Rare
    return tags


_PLAIN: Final = frozenset({str, int, bool, type(None)})


def _written(value: Any) -> Any:
    """What orjson writes for a value of a type that it does not know."""
    kind = type(value)
    if kind is Int64 and INT64_MIN <= value <= INT64_MAX:
        return orjson.Fragment(int64_text(value).encode())
    return _TAGS[kind](value)


def _date(value: datetime.datetime) -> str:
    return _DATE + date_body(value if value.tzinfo is None else instant(milliseconds(value)))


_DATE: Final = TAG + LETTERS["date"]

_TAGS: Final[dict[type, Callable[[Any], str]]] = {
    ObjectId: STRINGS[ObjectId],
    datetime.datetime: _date,
    Decimal128: STRINGS[Decimal128],
    bytes: STRINGS[bytes],
}
