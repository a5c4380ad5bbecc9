"""The task database: records of tasks in any store, and IPython's way of asking for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, final

from mongoglot.engines.sql.table import Table
from mongoglot.errors import UnknownTaskError
from mongoglot.store import Collection, Store, connect
from mongoglot.taskdb.opening import keeper, record_store
from mongoglot.taskdb.queries import projection
from mongoglot.taskdb.records import stored
from mongoglot.taskdb.retention import SIZE_COLUMNS, Retention, note_late
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

    def __init__(
        self, url: str, *, collection: str = TABLE.name, retention: Retention | None = None, **options: Any
    ) -> None:
        """Open the database.

        Args:
            url: of a store: `memory:`, `sqlite:PATH`, `mongodb://host/database`, `null:`.
            collection: where in the store the records are.
            retention: how long and how much is kept; None for all.
            options: of the engine.

        Raises:
            as `mongoglot.connect`; UnsupportedError: the engine cannot enforce a retention.
        """
        sized = retention is not None and retention.max_bytes is not None
        columns = TABLE.columns + (SIZE_COLUMNS if sized else ())
        store = connect(url, tables=[Table(collection, columns)], **options)
        try:
            self._records = record_store(store[collection].with_dialect("taskdb"), sized=sized)
            self._keeper = None if retention is None else keeper(retention, self._records)
        except BaseException:
            store.close()
            raise

    # ---- writing ---------------------------------------------------------------------------------

    def add_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Record a task under its id, which is its `msg_id` whatever `rec` says.

        What arrives of a task after a retention has culled its record, as output without a request, is ignored.

        Args:
            msg_id: of the task.
            rec: the record, key → value.

        Raises:
            DuplicateKeyError: there is a record of that id.
        """
        if self._keeper is None:
            self._records.add(msg_id, rec)
        elif not (self._keeper.is_gone(stored(msg_id)) and rec.get("submitted") is None):
            self._keeper.written(1, self._records.add(msg_id, rec))
        else:
            note_late(msg_id)

    def add_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Record many tasks, each under its own `msg_id`, in one transaction where the store is none of a server.

        Args:
            records: each with its `msg_id`.

        Raises:
            DuplicateKeyError: there is a record of one of the ids; the records before it are there, those behind
                it are not.
        """
        count, size = self._records.add_many(records)
        if self._keeper is not None:
            self._keeper.written(count, size)

    def update_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Give some keys of a record new values; its `msg_id` stays what it is.

        What arrives of a task after a retention has culled its record is ignored.

        Args:
            msg_id: of the task.
            rec: the keys that change, key → value.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
        """
        size = self._records.update(msg_id, rec)
        if size is None and self._keeper is not None and self._keeper.is_gone(stored(msg_id)):
            note_late(msg_id)
        elif size is not None and self._keeper is not None:
            self._keeper.written(0, size)
        else:
            self._check_found(size is not None, msg_id)

    def drop_record(self, msg_id: str) -> None:
        """Forget a task.

        Args:
            msg_id: of the task.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
        """
        self._check_found(self._records.drop(msg_id), msg_id)

    def drop_matching_records(self, check: Mapping[str, Any] | str) -> None:
        """Forget the tasks whose records match a query.

        Args:
            check: the query, as a mapping or as text.

        Raises:
            FilterError: the query is wrong; nothing was dropped.
        """
        self._records.drop_matching(check)

    # ---- reading ---------------------------------------------------------------------------------

    def get_record(self, msg_id: str) -> TaskRecord:
        """The whole record of a task.

        Args:
            msg_id: of the task.

        Raises:
            UnknownTaskError: (a KeyError) there is none.
        """
        found = self._records.get(msg_id)
        if found is None:
            raise UnknownTaskError(msg_id)
        return found

    def get_result(self, msg_id: str) -> TaskRecord:
        """The record of a task, whoever submitted it: `get_record` by the name that clients know.

        Args:
            msg_id: of the task.

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
        return self._records.find(check, projection(keys, ()))

    def db_query(self, query: Mapping[str, Any] | str, keys: Keys = None) -> list[TaskRecord]:
        """As `find_records`, but the buffers come only if they are among `keys`: IPython's call.

        Args:
            query: as a mapping or as text.
            keys: what is wanted besides `msg_id`; None for all but the buffers.

        Raises:
            FilterError: the query or the choice of keys is wrong.
        """
        return self._records.find(query, projection(keys, BUFFERS))

    def get_history(self) -> list[str]:
        """The ids of all tasks, in the order of `submitted`; those without it come first."""
        return self._records.history()

    def explain(self, query: Mapping[str, Any] | str, keys: Keys = None) -> dict[str, Any]:
        """What the store makes of a `db_query`: see `Collection.explain`."""
        return self._records.explain(query, projection(keys, BUFFERS))

    # ---- the store -------------------------------------------------------------------------------

    @property
    def collection(self) -> Collection:
        """Where the records are, as they are stored."""
        return self._records.collection

    @property
    def store(self) -> Store:
        """The store that holds the records."""
        return self._records.collection.store

    def close(self) -> None:
        """Release the store; calling it again does nothing."""
        self._records.collection.store.close()

    def __enter__(self) -> TaskDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mongoglot task database in {self._records.collection!r}>"

    def _check_found(self, found: bool, msg_id: str) -> None:
        if not found and not self._records.keeps_nothing:
            raise UnknownTaskError(msg_id)
