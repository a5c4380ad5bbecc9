"""The task database: records of tasks in any store, and IPython's way of asking for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, final

from mongoglot.errors import EncodingTypeError, UnknownTaskError
from mongoglot.store import connect
from mongoglot.taskdb.queries import projection, stored_query
from mongoglot.taskdb.records import record_of, restored, stored, stored_fields
from mongoglot.taskdb.schema import BUFFERS, TABLE

TaskRecord: TypeAlias = dict[str, Any]

Keys: TypeAlias = Iterable[str] | str | None
"""A choice of keys: a name, or several of them; dotted names are paths. None, or none at all, is no choice."""


@final
class TaskDatabase:
    """The records of a cluster's tasks; also a context manager that closes the store.

    Queries are MongoDB filters, with the words of IPython's documentation added: `$ge` is `>`, `$le` is `<`, and
    `$glob` a shell pattern. Datetimes are instants in milliseconds: a naive one, in a record or a query, is local
    time; those in results are aware, in UTC. What comes back is the caller's own copy. A record may hold anything:
    what BSON cannot hold is escaped (see `records`).

    Every method that reads raises NoDataError, a KeyError, on `null:`, which keeps nothing.
    """

    def __init__(self, url: str, *, collection: str = TABLE.name, **options: Any) -> None:
        """Open the database.

        Args:
            url: of a store: `memory:`, `sqlite:PATH`, `mongodb://host/database`, `null:`.
            collection: where in the store the records are.
            options: of the engine.

        Raises:
            as `mongoglot.connect`.
        """
        self._store = connect(url, tables=[replace(TABLE, name=collection)], **options)
        self._records = self._store[collection].with_dialect("taskdb")

    # ---- writing ---------------------------------------------------------------------------------

    def add_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Record a task under its id, which is its `msg_id` whatever `rec` says.

        Raises:
            DuplicateKeyError: there is a record of that id.
        """
        key = stored(msg_id)
        self._records.insert_one({"_id": key, "msg_id": key, **_fields(rec)})

    def add_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Record many tasks, each under its own `msg_id`, in one transaction where the store is none of a server.

        Raises:
            DuplicateKeyError: there is a record of one of the ids; the records before it are there, those behind
                it are not.
        """
        documents = []
        for record in records:
            key = stored(record["msg_id"])
            documents.append({"_id": key, "msg_id": key, **_fields(record)})
        self._records.insert_many(documents)

    def update_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Give some keys of a record new values; its `msg_id` stays what it is.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
        """
        fields, record = _fields(rec), _named(msg_id)
        if fields:
            found = self._records.update_one(record, {"$set": fields}).matched_count
        else:
            found = 0 if self._keeps_nothing else self._records.count_documents(record)
        self._check_found(found, msg_id)

    def drop_record(self, msg_id: str) -> None:
        """Forget a task.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
        """
        self._check_found(self._records.delete_one(_named(msg_id)).deleted_count, msg_id)

    def drop_matching_records(self, check: Mapping[str, Any] | str) -> None:
        """Forget the tasks whose records match a query.

        Raises:
            FilterError: the query is wrong; nothing was dropped.
        """
        self._records.delete_many(stored_query(check))

    # ---- reading ---------------------------------------------------------------------------------

    def get_record(self, msg_id: str) -> TaskRecord:
        """The whole record of a task.

        Raises:
            UnknownTaskError: (a KeyError) there is none.
        """
        found = self._records.find_one(_named(msg_id))
        if found is None:
            raise UnknownTaskError(msg_id)
        return record_of(found)

    def get_result(self, msg_id: str) -> TaskRecord:
        """The record of a task, whoever submitted it: `get_record` by the name that clients know.

        Raises:
            UnknownTaskError: (a KeyError) there is none.
        """
        return self.get_record(msg_id)

    def find_records(self, check: Mapping[str, Any] | str, keys: Keys = None) -> list[TaskRecord]:
        """The records that match a query, whole or only some keys of them.

        Args:
            check: the query, as a mapping or as text.
            keys: what is wanted besides `msg_id`; what a record lacks is left out.

        Raises:
            FilterError: the query or the choice of keys is wrong.
        """
        return self._find(check, projection(keys, ()))

    def db_query(self, query: Mapping[str, Any] | str, keys: Keys = None) -> list[TaskRecord]:
        """As `find_records`, but the buffers come only if they are among `keys`: IPython's call.

        Raises:
            FilterError: the query or the choice of keys is wrong.
        """
        return self._find(query, projection(keys, BUFFERS))

    def get_history(self) -> list[str]:
        """The ids of all tasks, in the order of `submitted`; those without it come first."""
        found = self._records.find({}, ["msg_id"], sort="submitted")
        return [restored(document["msg_id"]) for document in found]

    def explain(self, query: Mapping[str, Any] | str, keys: Keys = None) -> dict[str, Any]:
        """What the store makes of a `db_query`: see `Collection.explain`."""
        return self._records.explain(stored_query(query), projection(keys, BUFFERS))

    def _find(self, query: Any, fields: dict[str, int]) -> list[TaskRecord]:
        return [record_of(document) for document in self._records.find(stored_query(query), fields)]

    # ---- the store -------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the store; calling it again does nothing."""
        self._store.close()

    def __enter__(self) -> TaskDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mongoglot task database in {self._records!r}>"

    @property
    def _keeps_nothing(self) -> bool:
        return self._store.backend.name == "null"

    def _check_found(self, count: int, msg_id: str) -> None:
        if not count and not self._keeps_nothing:
            raise UnknownTaskError(msg_id)


def _named(msg_id: Any) -> dict[str, Any]:
    """The query for one record: a server has its index on `_id`, a table with columns its on `msg_id`."""
    key = stored(msg_id)
    return {"_id": {"$eq": key}, "msg_id": {"$eq": key}}


def _fields(rec: Any) -> dict[str, Any]:
    if not isinstance(rec, Mapping):
        raise EncodingTypeError(f"a record is a mapping, not {type(rec).__name__}")
    return stored_fields(rec)
