"""Records on a MongoDB server: sent as they are where nothing needs an escape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast, final

from mongoglot.compiler.projection_spec import read_projection
from mongoglot.engines.culling import sum_of
from mongoglot.engines.mongodb import to_filter
from mongoglot.engines.mongodb.backend import MongoDBBackend
from mongoglot.engines.mongodb.commands import PLACE, NotAloneError
from mongoglot.errors import FilterError, WriteError
from mongoglot.projections import IN_PROJECTION
from mongoglot.query import Query, compile
from mongoglot.store import Collection
from mongoglot.taskdb.mongodb_reading import CODEC, in_order, record, records_of
from mongoglot.taskdb.names import PREFIX, is_text
from mongoglot.taskdb.queries import may_ask_about, stored_query
from mongoglot.taskdb.records import SIZES, restored, sizes_of, stored, stored_field
from mongoglot.taskdb.schema import BUFFERS, INDEXED
from mongoglot.taskdb.stores import Record, RecordStore, is_usual, named

_INT64: Final = range(-(2**63), 2**63)
_ATOMS: Final = frozenset({type(None), bool, float, bytes})
_YEARS: Final = range(2, 9999)
"""Of dates that have a place in UTC, whatever their zone."""

_INDEXED: Final = ("_id", "msg_id", *INDEXED)
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
        if fields is None or not _are_stored_as_they_are((msg_id,)):
            return super().add(msg_id, rec)
        self._backend.insert_one(self.collection.name, {"_id": msg_id, "msg_id": msg_id, **fields})
        return self._size(fields)

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record; see `RecordStore`."""
        fields = self._plain_fields(rec)
        if not fields:
            return super().update(msg_id, rec)
        is_there = self._backend.set_fields(self.collection.name, stored(msg_id), fields)
        return self._size(fields) if is_there else None

    def get(self, msg_id: Any) -> Record | None:
        """A record, found by its id alone."""
        return next(iter(self._found(named(msg_id), None, None)), None)

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them; see `RecordStore`.

        They are in the order of insertion, but where they are asked for by a list of ids: in that of the ids.
        """
        query = stored_query(check)
        whole = fields.keys() == {"_id"}  # which each record loses here
        projection = None if whole else read_projection(fields, IN_PROJECTION, schema=False)
        spec = None if projection is None else projection.spec
        if _has_only_ids(query):
            return self._found(query, spec, None)
        compiled = query if isinstance(query, Query) else compile(query, dialect="taskdb")
        is_read_in_order = isinstance(check, (str, Mapping)) and not may_ask_about(check, _INDEXED)
        return self._found(to_filter(compiled.started()), spec, None if is_read_in_order else PLACE)

    def _found(self, filter: Record, projection: Any, place: str | None) -> list[Record]:
        """The records that a filter of the server finds, sorted by a field of the server's."""
        asked = self.collection.name, filter, projection, CODEC
        places = place is not None
        try:
            return records_of(self._backend.replies(*asked, places=places), place)
        except NotAloneError:
            documents = self._backend.documents(*asked, places=places)
            in_order(documents, place)
            return list(map(record, documents))

    def history(self) -> list[Any]:
        """The ids by `submitted`, which the server puts into one list as long as that fits into a document."""
        pipeline: list[Record] = [
            {"$sort": {"submitted": 1}},
            {"$group": {"_id": None, "ids": {"$push": "$_id"}}},
            # asked for its size, a server refuses what is too large; or else it breaks the connection
            {"$project": {"ids": 1, "size": {"$bsonSize": "$$ROOT"}}},
        ]
        try:
            found = self._backend.aggregated(self.collection.name, pipeline)
        except (FilterError, WriteError):
            return super().history()
        return (
            [each if each.__class__ is str else restored(each) for each in found[0]["ids"]] if found else []
        )

    def _plain_fields(self, rec: Any) -> Record | None:
        """A record, or keys of one, as they are stored, where no value needs an escape; None where one may."""
        if not is_usual(rec):
            return None
        fields = dict(rec)
        fields.pop("msg_id", None)
        fields.pop("_id", None)
        for name in BUFFERS:
            if fields.get(name).__class__ in (list, tuple):
                fields[name] = stored_field(name, fields[name])
        if not _are_stored_as_they_are(fields.values()):
            return None
        return {**fields, **sizes_of(fields)} if self.sized else fields

    def _size(self, fields: Record) -> int:
        return sum_of(fields, tuple(SIZES.values())) if self.sized else 0


def _has_only_ids(query: Any) -> bool:
    """Whether a query asks for records by a list of ids and nothing else, so that there is nothing to compile."""
    condition = query.get("_id") if query.__class__ is dict and len(query) == 1 else None
    return (
        condition.__class__ is dict
        and condition.keys() == {"$in"}
        and {*map(type, condition["$in"])} <= {str}
    )


def _are_stored_as_they_are(values: Iterable[Any], levels: int = _LEVELS) -> bool:
    """Whether no value needs an escape, which is said of most of them; False where one takes a closer look."""
    for value in values:
        kind = value.__class__
        if kind in _ATOMS:
            continue
        if kind is str:
            if not value.isascii() and not is_text(value):
                return False
        elif kind is dict:
            if not levels or not (_are_names(value) and _are_stored_as_they_are(value.values(), levels - 1)):
                return False
        elif kind is list:
            if value and not (levels and _are_stored_as_they_are(value, levels - 1)):
                return False
        elif kind is int:
            if value not in _INT64:
                return False
        elif kind is not datetime or not _is_instant(value):
            return False
    return True


def _are_names(names: Iterable[Any]) -> bool:
    """Whether a server takes names as they are."""
    try:
        joined = "".join(names)
    except TypeError:
        return False
    return joined.isascii() and PREFIX not in joined and "\0" not in joined


def _is_instant(value: datetime) -> bool:
    return value.tzinfo is UTC or (value.year in _YEARS and value.utcoffset() is not None)
