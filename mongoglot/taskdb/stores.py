"""Where the records are: a collection of any engine, asked in the words of the task database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mongoglot.engines.culling import sum_of
from mongoglot.errors import EncodingTypeError
from mongoglot.store import Collection
from mongoglot.taskdb.queries import stored_query
from mongoglot.taskdb.records import SIZES, record_of, restored, sizes_of, stored, stored_fields
from mongoglot.taskdb.schema import KEYS

Record = dict[str, Any]

_USUAL: Final = frozenset({"_id", *(key.name for key in KEYS)})


class RecordStore:
    """The records in a collection; engines that can do more at once have their own."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        """Take a collection.

        Args:
            collection: in the dialect of the task database.
            sized: whether the sizes of buffers are noted.
        """
        self.collection = collection
        self.sized = sized

    @property
    def keeps_nothing(self) -> bool:
        """Whether it is the engine that keeps nothing."""
        return self.collection.store.backend.name == "null"

    def add(self, msg_id: Any, rec: Mapping[Any, Any]) -> int:
        """Add a record; the size of its buffers, where it is noted.

        Raises:
            DuplicateKeyError: there is a record of that id.
        """
        key, fields = stored(msg_id), self._fields(rec)
        self.collection.insert_one({"_id": key, "msg_id": key, **fields})
        return sum_of(fields, tuple(SIZES.values()))

    def add_many(self, records: Iterable[Mapping[Any, Any]]) -> tuple[int, int]:
        """Add records; how many, and the size of their buffers, where it is noted.

        Raises:
            DuplicateKeyError: there is a record of one of the ids.
        """
        documents = []
        for record in records:
            key = stored(record["msg_id"])
            documents.append({"_id": key, "msg_id": key, **self._fields(record)})
        self.collection.insert_many(documents)
        return len(documents), sum(sum_of(each, tuple(SIZES.values())) for each in documents)

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record; the size of its new buffers, where it is noted, or None where there is no record."""
        fields = self._fields(rec)
        if fields:
            found = self.collection.update_one(named(msg_id), {"$set": fields}).matched_count
        else:
            found = 0 if self.keeps_nothing else self.collection.count_documents(named(msg_id))
        return sum_of(fields, tuple(SIZES.values())) if found else None

    def drop(self, msg_id: Any) -> bool:
        """Drop a record; whether there was one."""
        return self.collection.delete_one(named(msg_id)).deleted_count > 0

    def drop_matching(self, check: Any) -> None:
        """Drop the records that match."""
        self.collection.delete_many(stored_query(check))

    def get(self, msg_id: Any) -> Record | None:
        """A record."""
        found = self.collection.find_one(named(msg_id))
        return None if found is None else record_of(found)

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them."""
        return [
            record_of(document) for document in self.collection.find_in_order(stored_query(check), fields)
        ]

    def history(self) -> list[Any]:
        """The ids by `submitted`."""
        return [restored(found["_id"]) for found in self.collection.find({}, ["_id"], sort="submitted")]

    def explain(self, check: Any, fields: dict[str, int]) -> dict[str, Any]:
        """What the engine makes of a find."""
        return self.collection.explain(stored_query(check), fields)

    def _fields(self, rec: Any) -> dict[str, Any]:
        """A record, or some keys of one, as stored fields."""
        if not isinstance(rec, Mapping):
            raise EncodingTypeError(f"a record is a mapping, not {type(rec).__name__}")
        fields = stored_fields(rec)
        return {**fields, **sizes_of(fields)} if self.sized else fields


def is_usual(rec: Any) -> bool:
    """Whether no name of a record needs an escape."""
    return isinstance(rec, Mapping) and _USUAL.issuperset(rec)


def named(msg_id: Any) -> dict[str, Any]:
    """The query for one record; its `_id` is its `msg_id`."""
    key = stored(msg_id)
    return (
        {"_id": key} if key.__class__ is str else {"_id": {"$eq": key}}
    )  # a server plans nothing for the first
