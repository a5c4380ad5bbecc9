"""Reading records that a MongoDB server sends: the driver's decoder makes of them what it can in one pass.

It gives aware dates and plain ints. What has an escape, or looks like a DBRef, is looked for in the bytes: most
answers have nothing of that, and are records as they are decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Final, final

from bson import DBRef, Int64
from bson.codec_options import CodecOptions, DatetimeConversion, TypeDecoder, TypeRegistry

from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.records import in_utc, record_of
from mongoglot.taskdb.stores import Record

_ESCAPE: Final = PREFIX.encode()
_REFERENCE: Final = b"$ref\0"

_LARGE: Final = 10_000
"""Bytes of a document whose values are looked at in less time than its bytes."""


@final
class _Dates(TypeDecoder):
    """Aware dates, at half the cost of the driver's own; those beyond Python's calendar are not touched."""

    bson_type = datetime

    def transform_bson(self, value: datetime) -> datetime:
        """The date in UTC."""
        return in_utc(value)


@final
class _Ints(TypeDecoder):
    """Ints of 64 bits as plain ones."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        """The int."""
        return int(value)


CODEC: Final = CodecOptions[Record](
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    type_registry=TypeRegistry([_Dates(), _Ints()]),
)


def records_of(replies: Iterable[tuple[bytes, list[Record]]], place: str | None) -> list[Record]:
    """The records in the replies of a server to a find.

    Args:
        replies: as BSON, and the documents in them, read with `CODEC`.
        place: the field that they are to be sorted by, which no record has; None where they are in order.
    """
    found: list[Record] = []
    are_plain = True
    for reply, documents in replies:
        are_plain = are_plain and _looks_plain(reply, len(documents))
        found += documents
    in_order(found, place)
    if not are_plain:
        return list(map(record, found))
    for document in found:
        document.pop("_id", None)
    return found


def in_order(documents: list[Record], place: str | None) -> None:
    """Sort documents by a field, which they lose."""
    if place is not None:
        documents.sort(key=itemgetter(place))
        for document in documents:
            del document[place]


def _looks_plain(data: bytes, documents: int) -> bool:
    """Whether some documents have no escape and no DBRef, so that nothing is left to do."""
    is_searched = len(data) <= _LARGE * documents
    return is_searched and _ESCAPE not in data and (b"$" not in data or _REFERENCE not in data)


def record(document: Record) -> Record:
    """The record of a document that was read with `CODEC`."""
    document.pop("_id", None)
    return document if _is_plain(document) else record_of(document)


def _is_plain(document: Record) -> bool:
    """Whether no name in a document has an escape; False also where a list takes a closer look."""
    if PREFIX in "".join(document):
        return False
    for value in document.values():
        kind = value.__class__
        if kind is dict:
            if not _is_plain(value):
                return False
        elif kind is DBRef or (kind is list and not _NESTED.isdisjoint(map(type, value))):
            return False
    return True


_NESTED: Final = frozenset({dict, list, DBRef})
