"""Records that are larger than a document of a MongoDB server, 16 MiB: what the task database keeps of them.

The outcome of a task is recorded in any case. Its buffers go to a collection of their own, in parts:

    {"_id": …, "msg_id": "…", "key": "result_buffers", "data": binary}

and the record says which: {"mongoglot parts": [ids], "sizes": [bytes of each buffer]}. The record is written
first, so that it is there if the parts fail. If it is still too large, long texts are cut, and the log says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from logging import Logger
from typing import Any, Final

import bson

from mongoglot.errors import StoreError
from mongoglot.store import Store
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.records import stored_fields
from mongoglot.taskdb.schema import BUFFERS, TABLE

TOO_LARGE: Final = frozenset({2, 10334, 17419})
"""A server's codes for a document that is too large: on its own, in any command, after an update."""

COLLECTION: Final = f"{TABLE.name}.parts"

PARTS: Final = "mongoglot parts"

LIMIT: Final = 15 * 2**20
"""Bytes that a record may have here: less than a server's limit, so that it can still grow by a little."""

PART: Final = 12 * 2**20
"""Bytes of a part."""

TEXT: Final = 2**20
"""Characters that are kept of a text that makes a record too large."""

_NOTE: Final = "[mongoglot: the beginning is left out, a record on a MongoDB server holds 16 MiB]\n"


class LargeRecords:
    """The parts of large records in a store."""

    def __init__(self, store: Store, log: Logger) -> None:
        self._parts = store[COLLECTION]
        self._log = log

    def add(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Record a task whose record is too large.

        Raises:
            as `TaskDatabase.add_record`.
        """
        fields, parts = self._fitted(msg_id, dict(rec))
        database.add_record(msg_id, fields)
        self._write(msg_id, parts)

    def update(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Give some keys of a record new values, which make it too large.

        Raises:
            as `TaskDatabase.update_record`.
        """
        before = database.get_record(msg_id)
        fields, parts = self._fitted(msg_id, {**before, **rec})
        changed = {key: value for key, value in fields.items() if key in rec or before[key] is not value}
        database.update_record(msg_id, changed)
        self._write(msg_id, parts)

    def completed(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Records with their buffers; None where a part is missing."""
        for record in records:
            for key in BUFFERS:
                value = record.get(key)
                if isinstance(value, dict) and PARTS in value:
                    record[key] = self._read(record["msg_id"], key, value)
        return records

    def sweep(self, database: TaskDatabase) -> None:
        """Delete the parts of records that are gone."""
        ids = {part["msg_id"] for part in self._parts.find({}, ["msg_id"])}
        if ids:
            found = database.find_records({"msg_id": {"$in": sorted(ids)}}, ["msg_id"])
            gone = ids - {record["msg_id"] for record in found}
            self._parts.delete_many({"msg_id": {"$in": sorted(gone)}})

    def _fitted(self, msg_id: str, fields: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What goes into the record, and the parts of its buffers."""
        parts: list[dict[str, Any]] = []
        for key in BUFFERS:
            if isinstance(fields.get(key), (list, tuple)) and fields[key]:
                fields[key], made = _split(msg_id, key, [bytes(memoryview(buffer)) for buffer in fields[key]])
                parts += made
        cut: set[str] = set()
        while _size(fields) >= LIMIT:
            key = max(fields, key=lambda key: _size({key: fields[key]}))
            fields[key] = None if key in cut else _cut(fields[key])
            self._log.warning(
                "task %r: %r is %s, for a record on a MongoDB server holds 16 MiB; SQLiteDB keeps larger ones",
                msg_id, key, "left out" if key in cut else "cut",
            )  # fmt: skip
            cut.add(key)
        if parts:
            self._log.info("task %r: its buffers are kept apart, in %d parts", msg_id, len(parts))
        return fields, parts

    def _write(self, msg_id: str, parts: list[dict[str, Any]]) -> None:
        """Write parts, and delete those that they replace."""
        if not parts:
            return
        try:
            self._parts.create_index("msg_id")
            for part in parts:
                self._parts.insert_one(part)
            keys = sorted({part["key"] for part in parts})
            new = [part["_id"] for part in parts]
            self._parts.delete_many({"msg_id": msg_id, "key": {"$in": keys}, "_id": {"$nin": new}})
        except StoreError as error:
            self._log.error("task %r is recorded, but its buffers are lost: %s", msg_id, error)

    def _read(self, msg_id: Any, key: str, place: Mapping[str, Any]) -> list[bytes] | None:
        found = {part["_id"]: part["data"] for part in self._parts.find({"_id": {"$in": place[PARTS]}})}
        data = b"".join(found.get(name, b"") for name in place[PARTS])
        if len(data) != sum(place["sizes"]):
            self._log.error("task %r: %r cannot be read, %d of %d parts are there", msg_id, key,
                            len(found), len(place[PARTS]))  # fmt: skip
            return None
        return list(_pieces(data, place["sizes"]))


def _split(msg_id: str, key: str, buffers: list[bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the record says of its buffers, and the parts."""
    data = b"".join(buffers)
    parts = [
        {"_id": uuid.uuid4().hex, "msg_id": msg_id, "key": key, "data": data[start : start + PART]}
        for start in range(0, len(data), PART)
    ]
    return {PARTS: [part["_id"] for part in parts], "sizes": list(map(len, buffers))}, parts


def _pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size


def _cut(value: Any) -> Any:
    """A value with its long texts cut."""
    if isinstance(value, str) and len(value) > TEXT:
        return _NOTE + value[-TEXT:]
    if isinstance(value, Mapping):
        return {name: _cut(item) for name, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, (list, tuple)) else value


def _size(fields: Mapping[str, Any]) -> int:
    """Bytes of a document with these fields."""
    return len(bson.encode(stored_fields(fields)))
