"""Records in memory: what most records are made of is copied in one pass, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, cast, final

from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.projection_spec import read_projection
from mongoglot.compiler.values import SortKey, sort_key
from mongoglot.engines.base import FindRequest, finished
from mongoglot.engines.memory.backend import MemoryBackend
from mongoglot.engines.memory.keys import quick_sort_key
from mongoglot.projections import IN_PROJECTION
from mongoglot.store import Collection
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.queries import asked
from mongoglot.taskdb.records import (
    SIZES,
    in_utc,
    instant_of,
    record_of,
    restored,
    size_of,
    stored,
    stored_field,
)
from mongoglot.taskdb.schema import BUFFERS, KEYS
from mongoglot.taskdb.stores import Record, RecordStore, is_usual

_ATOMS: Final = frozenset({str, bool, type(None)})
_ONLY_BYTES: Final = frozenset({bytes})
_OWN: Final = ("_id", "msg_id")
_SAME: Final = frozenset({str, bool, type(None), bytes, int, float})
"""What comes out as it is stored."""


@final
class MemoryRecordStore(RecordStore):
    """The records in a collection of the memory engine; the history is kept as long as tasks come in its order."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        super().__init__(collection, sized=sized)
        self._backend = cast("MemoryBackend", collection.store.backend)
        self._history: list[Any] | None = []
        self._last: datetime | None = None

    def add(self, msg_id: Any, rec: Mapping[Any, Any]) -> int:
        """Add a record; see `RecordStore`."""
        if not is_usual(rec):
            self._history = None
            return super().add(msg_id, rec)
        is_plain = msg_id.__class__ is str and msg_id.isascii()
        key = msg_id if is_plain else normalise(stored(msg_id))
        document = {"_id": key, "msg_id": key}
        self._fill(document, rec)
        document["_id"] = document["msg_id"] = key
        with self._backend.lock:
            collection = self._backend.direct(self.collection.name)
            collection.insert(document)
            self._append(msg_id, document.get("submitted"))
        return self._size(document) if self.sized else 0

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record; see `RecordStore`."""
        if not is_usual(rec):
            return super().update(msg_id, rec)
        changes: Record = {}
        self._fill(changes, rec)
        for name in _OWN:
            changes.pop(name, None)
        with self._backend.lock:
            collection = self._backend.direct(self.collection.name)
            key = _key(msg_id)
            row = collection.rows.get(key)
            if row is None:
                return None
            document = collection.documents[row].copy()
            for name in sorted(changes):  # new fields stand in this order, as on a server
                document[name] = changes[name]
            collection.replace(key, document)
            if "submitted" in changes:
                self._history = None
        return self._size(changes) if self.sized else 0

    def get(self, msg_id: Any) -> Record | None:
        """A record, found by its id alone."""
        with self._backend.lock:
            collection = self._backend.direct(self.collection.name)
            row = collection.rows.get(_key(msg_id))
            return None if row is None else _record(collection.documents[row])

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them; see `RecordStore`."""
        query = asked(check).query
        if query.plan.server_only is not None:
            return super().find(check, fields)
        found = self._backend.found(self.collection.name, query.started())
        names = [name for name in sorted(fields, key=_place) if fields[name]]
        if not names:
            without = tuple(name for name in fields if name != "_id")
            return [_record(document, without) for document in found]
        if all("." not in name and not name.startswith(PREFIX) for name in names):
            return _chosen(list(found), names)
        request = FindRequest(query, read_projection(fields, IN_PROJECTION, schema=False))
        return list(map(record_of, finished(found, request)))

    def history(self) -> list[Any]:
        """The ids by `submitted`; see `RecordStore`."""
        with self._backend.lock:
            collection = self._backend.direct(self.collection.name)
            if self._history is None or len(self._history) != len(collection.documents):
                self._sort(list(collection.documents.values()))
            if self._history is not None:
                return self._history.copy()
        return super().history()

    def drop(self, msg_id: Any) -> bool:
        """Drop a record; whether there was one."""
        self._history = None
        return super().drop(msg_id)

    def drop_matching(self, check: Any) -> None:
        """Drop the records that match."""
        self._history = None
        super().drop_matching(check)

    def _append(self, msg_id: Any, submitted: Any) -> None:
        """Keep the history up where the new task is the last in it."""
        if self._history is None:
            return
        if submitted.__class__ is datetime and (self._last is None or submitted >= self._last):
            self._last = submitted
        elif submitted is not None or self._last is not None:
            self._history = None
            return
        self._history.append(msg_id if msg_id.__class__ is str else restored(stored(msg_id)))

    def _sort(self, documents: list[Record]) -> None:
        """Make the history anew, where each `submitted` is a date or None."""
        dates = [document.get("submitted") for document in documents]
        self._history, self._last = None, None
        if {datetime, type(None)}.issuperset(map(type, dates)):
            none = [document for document in documents if document.get("submitted") is None]
            others = [document for document in documents if document.get("submitted") is not None]
            others.sort(key=itemgetter("submitted"))
            self._history = [restored(document["_id"]) for document in (*none, *others)]
            self._last = others[-1]["submitted"] if others else None

    def _fill(self, document: Record, rec: Mapping[str, Any]) -> None:
        """Put the stored values of a record, normalised, into a document."""
        for name, value in rec.items():
            kind = value.__class__
            if value is None or (kind is str and value.isascii()):
                document[name] = value
            elif kind is datetime and (at := instant_of(value)) is not None:
                document[name] = at
            elif kind is dict and (copy := _copy(value)) is not None:
                document[name] = copy
            elif name in BUFFERS:
                buffers = stored_field(name, value)
                is_plain = buffers.__class__ is list and _ONLY_BYTES.issuperset(map(type, buffers))
                document[name] = buffers if is_plain else normalise(buffers)
            else:
                document[name] = normalise(stored(value))
        for name in BUFFERS if self.sized else ():
            if name in rec:
                document[SIZES[name]] = size_of(document[name])

    @staticmethod
    def _size(document: Record) -> int:
        return sum([document.get(name, 0) for name in SIZES.values()])


def _place(name: str) -> int:
    """Where a key stands in a record of some keys."""
    return _PLACES.get(name, len(_PLACES))


_PLACES: Final = {key.name: place for place, key in enumerate(KEYS)}


def _key(msg_id: Any) -> SortKey:
    is_plain = msg_id.__class__ is str and msg_id.isascii()
    return (is_plain and quick_sort_key(msg_id)) or sort_key(stored(msg_id))


def _copy(value: dict[Any, Any]) -> Record | None:
    """The stored form of a document of str, bool, None and aware dates; None where there is more to it."""
    try:
        names = "".join(value)
    except TypeError:
        return None
    if PREFIX in names or not names.isascii() or "\0" in names:
        return None
    copy = value.copy()
    for name, item in value.items():
        kind = item.__class__
        if kind is str:
            if not item.isascii():
                return None
        elif kind is datetime:
            at = instant_of(item)
            if at is None:
                return None
            copy[name] = at
        elif kind is dict and item:
            return None
        elif kind is list or kind is dict:
            if item:
                return None
            copy[name] = item.copy()
        elif kind not in _ATOMS:
            return None
    return copy


def _record(document: Record, without: tuple[str, ...] = ()) -> Record:
    """The record of a stored document, without some of its keys."""
    if PREFIX in "".join(document):
        return record_of({name: value for name, value in document.items() if name not in without})
    record = document.copy()
    del record["_id"]
    for name in without:
        record.pop(name, None)
    for name, value in record.items():
        if value.__class__ not in _SAME:
            record[name] = _restored(value)
    return record


def _restored(value: Any) -> Any:
    kind = value.__class__
    if kind is datetime:
        return in_utc(value)
    if kind is list and _SAME.issuperset(map(type, value)):
        return value.copy()
    if kind is not dict or PREFIX in "".join(value):
        return restored(value)
    copy = value.copy()
    for name, item in value.items():
        if item.__class__ not in _SAME:
            copy[name] = _restored(item)
    return copy


def _chosen(documents: list[Record], names: list[str]) -> list[Record]:
    """Some keys of the records of stored documents; what one lacks is left out."""
    records: list[Record] = [{} for _ in documents]
    for name in names:
        for record, document in zip(records, documents, strict=True):
            if name in document:
                value = document[name]
                record[name] = value if value.__class__ in _SAME else _restored(value)
    return records
