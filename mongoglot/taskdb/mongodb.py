"""Records on a MongoDB server: sent as they are where nothing needs an escape, and read in one pass.

What the driver decodes is changed to a record in its place; only what has an escape is restored by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast, final

from mongoglot.compiler.projection_spec import read_projection
from mongoglot.engines.base import FindRequest
from mongoglot.engines.culling import sum_of
from mongoglot.engines.mongodb.backend import MongoDBBackend
from mongoglot.errors import FilterError
from mongoglot.projections import IN_PROJECTION
from mongoglot.query import Query, compile
from mongoglot.store import Collection
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.queries import stored_query
from mongoglot.taskdb.records import (
    EPOCH,
    EPOCH_UTC,
    SIZES,
    record_of,
    restored,
    sizes_of,
    stored,
    stored_field,
)
from mongoglot.taskdb.schema import BUFFERS
from mongoglot.taskdb.stores import Record, RecordStore, is_usual, named

_INT64: Final = range(-(2**63), 2**63)
_ATOMS: Final = frozenset({type(None), bool, float, bytes})
_SAME: Final = frozenset({str, bool, type(None), bytes, int, float})
"""What comes out as it is stored."""

_ONLY_BYTES: Final = frozenset({bytes})
_YEARS: Final = range(2, 9999)
"""Of dates that have a place in UTC, whatever their zone."""

_LEVELS: Final = 20
"""So deep a value is looked at; a deeper one is escaped, which looks at all of it."""


@final
class MongoRecordStore(RecordStore):
    """The records in a collection of a server."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        super().__init__(collection, sized=sized)
        self._backend = cast("MongoDBBackend", collection.store.backend)

    def add(self, msg_id: Any, rec: Mapping[Any, Any]) -> int:
        """Add a record; see `RecordStore`."""
        fields = self._plain_fields(rec)
        if fields is None or not _needs_no_escape(msg_id):
            return super().add(msg_id, rec)
        self._backend.insert(self.collection.name, [{"_id": msg_id, "msg_id": msg_id, **fields}])
        return sum_of(fields, tuple(SIZES.values()))

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record; see `RecordStore`."""
        fields = self._plain_fields(rec)
        if not fields:
            return super().update(msg_id, rec)
        found = self._backend.set_fields(self.collection.name, named(msg_id), fields)
        return sum_of(fields, tuple(SIZES.values())) if found else None

    def get(self, msg_id: Any) -> Record | None:
        """A record, found by its id alone."""
        found = self._backend.found_one(self.collection.name, stored(msg_id))
        return None if found is None else _record(found)

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them; see `RecordStore`."""
        query = stored_query(check)
        compiled = query if isinstance(query, Query) else compile(query, dialect="taskdb")
        whole = fields.keys() == {"_id"}  # which each record loses here
        projection = None if whole else read_projection(fields, IN_PROJECTION, schema=False)
        request = FindRequest(compiled.started(), projection)
        found = self._backend.found_in_order(self.collection.name, request)
        return list(map(_record, found))

    def history(self) -> list[Any]:
        """The ids by `submitted`, which the server puts into one list as long as that fits into a document."""
        pipeline: list[Record] = [
            {"$sort": {"submitted": 1}},
            {"$group": {"_id": None, "ids": {"$push": "$_id"}}},
        ]
        try:
            found = self._backend.aggregated(self.collection.name, pipeline)
        except FilterError:
            return super().history()
        return (
            [each if each.__class__ is str else restored(each) for each in found[0]["ids"]] if found else []
        )

    def _plain_fields(self, rec: Any) -> Record | None:
        """A record, or keys of one, as they are stored, where no value needs an escape; None where one may."""
        if not is_usual(rec):
            return None
        fields: Record = {}
        for name, value in rec.items():
            if name == "msg_id" or name == "_id":
                continue
            if name in BUFFERS and value.__class__ in (list, tuple):
                fields[name] = stored_field(name, value)
                if not _ONLY_BYTES.issuperset(map(type, fields[name])):
                    return None
            elif _needs_no_escape(value):
                fields[name] = value
            else:
                return None
        return {**fields, **sizes_of(fields)} if self.sized else fields


def _record(document: Record) -> Record:
    """The record of a document, which is changed to it: only what has an escape is made anew."""
    if PREFIX in "".join(document):  # it may be a name of the engine's, too
        return record_of(document)
    document.pop("_id", None)
    _restore(document)
    return document


def _restore(document: Record) -> None:
    """Change what is in a document, none of whose names has an escape, to what it stands for."""
    for name, value in document.items():
        kind = value.__class__
        if kind in _SAME:
            continue
        if kind is datetime:
            document[name] = EPOCH_UTC + (value - EPOCH)  # as `in_utc`: there are six in most records
        elif kind is dict and PREFIX not in "".join(value):
            _restore(value)
        elif kind is not list or not _SAME.issuperset(map(type, value)):
            document[name] = restored(value)


def _needs_no_escape(value: Any, levels: int = _LEVELS) -> bool:
    """Whether a value is stored as it is, which is said of most of them; False where it takes a closer look."""
    kind = value.__class__
    if kind is str:
        return bool(value.isascii())
    if kind in _ATOMS:
        return True
    if kind is datetime:
        return value.tzinfo is UTC or (value.year in _YEARS and value.utcoffset() is not None)
    if kind is int:
        return value in _INT64
    if kind is dict:
        try:
            names = "".join(value)
        except TypeError:
            return False
        if PREFIX in names or "\0" in names or not names.isascii():
            return False
        value = value.values()
    elif kind is not list:
        return False
    return levels > 0 and all(_needs_no_escape(item, levels - 1) for item in value)
