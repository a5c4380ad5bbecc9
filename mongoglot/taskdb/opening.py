"""Opening a task database: which store is for which engine, its indexes, and the retention."""

from __future__ import annotations

from typing import Any, Final

from mongoglot.engines.culling import CullingBackend
from mongoglot.errors import UnsupportedError
from mongoglot.store import Collection
from mongoglot.taskdb.records import SIZES
from mongoglot.taskdb.retention import Keeper, Retention
from mongoglot.taskdb.schema import BUFFERS, INDEXED
from mongoglot.taskdb.stores import RecordStore

WITHOUT_COLUMNS: Final = ("memory", "mongodb")
"""Engines whose indexes are those of collections; others keep them on columns."""


def record_store(collection: Collection, *, sized: bool) -> RecordStore:
    """The store of the records in a collection, with the indexes that the task database asks by."""
    backend = collection.store.backend
    if backend.name in WITHOUT_COLUMNS:
        for name in INDEXED:
            collection.create_index(name)
    if backend.name == "sqlite":
        from mongoglot.taskdb.sqlite import SqliteRecordStore

        return SqliteRecordStore(collection, sized=sized)
    if backend.name == "memory":
        from mongoglot.taskdb.memory import MemoryRecordStore

        return MemoryRecordStore(collection, sized=sized)
    if backend.name == "mongodb":
        from mongoglot.taskdb.mongodb import MongoRecordStore

        return MongoRecordStore(collection, sized=sized)
    return RecordStore(collection, sized=sized)


def keeper(retention: Retention, records: RecordStore) -> Keeper | None:
    """What enforces a retention, and has done so when this returns.

    Raises:
        UnsupportedError: the engine cannot.
    """
    backend = records.collection.store.backend
    if records.keeps_nothing:
        return None
    if not isinstance(backend, CullingBackend):
        raise UnsupportedError(f"the engine {backend.name!r} cannot enforce a retention")
    if records.sized:
        _note_sizes(records)
    kept = Keeper(retention, backend, records.collection.name, alone=backend.name == "memory")
    kept.enforce()
    return kept


def _note_sizes(records: RecordStore) -> None:
    """Note the sizes of buffers in records that were written without a limit of bytes."""
    unknown: dict[str, Any] = {"$or": [{SIZES[name]: None, name: {"$nin": [None, []]}} for name in BUFFERS]}
    for record in records.find(unknown, {"_id": 0, **dict.fromkeys(("msg_id", *BUFFERS), 1)}):
        records.update(record["msg_id"], {name: record[name] for name in BUFFERS if name in record})
