"""What all task databases for the Hub share: its interface, and what it leaves to them.

The Hub makes one of them, forks its schedulers, calls it from one thread, and never closes it. What it calls, with
which arguments, and what it does with answers and errors, is told in `requests`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ipyparallel.controller.dictdb import BaseDB
from traitlets import Bool, Float, Integer, Unicode, Union

from mongoglot.errors import StoreError
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.ipyparallel import requests
from mongoglot.taskdb.ipyparallel.incoming import kept
from mongoglot.taskdb.ipyparallel.limits import age, least
from mongoglot.taskdb.retention import Retention
from mongoglot.taskdb.schema import empty_record

Record = dict[str, Any]

REMEMBERED: Final = 20_000
"""How many tasks that were asked for last are remembered, to know output that comes after a purge."""

_EMPTY: Final = empty_record()


class HubDB(BaseDB):  # type: ignore[misc]  # ipyparallel has no types
    """A task database for `IPController.db_class`; the classes derived from it say where the records are."""

    keep_buffers = Bool(
        True,
        help="""Whether the serialized functions, arguments and results of tasks are kept.

        Without them a task leaves only its times, status, output and error: it can be queried, but its result
        cannot be fetched by another client, nor can it be submitted again.
        """,
    ).tag(config=True)

    max_age = Union(
        [Float(), Unicode()],
        default_value=0.0,
        help="""How long a task is kept after it has completed: seconds, or a number with s, m, h, d or w.

        As "30d". 0 is for ever. No limit ever takes a task that has not completed.
        """,
    ).tag(config=True)

    max_records = Integer(0, help="How many tasks are kept, those that completed last; 0 is no limit.").tag(
        config=True
    )

    max_bytes = Integer(
        0, help="How many bytes of buffers are kept, those of the tasks that completed last; 0 is no limit."
    ).tag(config=True)

    cull_fraction = Float(
        0.1,
        help="""The part of max_records or max_bytes that goes when there is more.

        The size is in [limit * (1 - cull_fraction), limit] most of the time.
        """,
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._process = os.getpid()
        self._requested: dict[str, None] = {}
        self._database = self._opened()
        requests.check_packer(getattr(self.parent, "session", None), self.log)
        # the controller never closes it, but ends in good order mostly
        self._finish = weakref.finalize(self, _close, self._database, self._process)

    def _opened(self) -> TaskDatabase:
        """The database that the options describe."""
        raise NotImplementedError

    def _retention(self, records: int = 0, size: int = 0) -> Retention | None:
        """How much is kept, within further limits of a derived class; None for all."""
        limits = age(self.max_age), least(self.max_records, records), least(self.max_bytes, size)
        return Retention(*limits, cull_fraction=self.cull_fraction) if any(limits) else None

    # ---- writing ---------------------------------------------------------------------------------

    def add_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Record a task; what was printed by a task that was purged meanwhile is not recorded.

        Raises:
            DuplicateKeyError: there is a record of that id.
            StoreError: the store cannot be used, which the Hub logs.
        """
        database = self._in_use()
        if not requests.is_output(rec):
            self._add(database, msg_id, self._kept(msg_id, rec))
            self._remember(msg_id)
        elif msg_id in self._requested:
            self.log.debug("output of task %r came after its record was dropped; it is not kept", msg_id)
        else:
            self._add(database, msg_id, self._kept(msg_id, rec))

    def update_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """Give some keys of a record new values.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
            StoreError: the store cannot be used, which the Hub logs.
        """
        self._update(self._in_use(), msg_id, self._kept(msg_id, rec))
        if "header" in rec or "result_header" in rec:
            self._remember(msg_id)

    def drop_record(self, msg_id: str) -> None:
        """Forget a task.

        Raises:
            UnknownTaskError: (a KeyError) there is no record of that id.
        """
        self._in_use().drop_record(msg_id)

    def drop_matching_records(self, check: Mapping[str, Any]) -> None:
        """Forget the tasks whose records match a query; a purge of all takes what is left of lost tasks, too.

        Raises:
            FilterError: the query is wrong; nothing was dropped.
        """
        database = self._in_use()
        database.drop_matching_records(check)
        if requests.purges_all(check):
            database.drop_matching_records(requests.ORPHANS)

    # ---- reading ---------------------------------------------------------------------------------

    def get_record(self, msg_id: str) -> Record:
        """The whole record of a task.

        Raises:
            UnknownTaskError: (a KeyError) there is none.
        """
        return self._whole([self._in_use().get_record(msg_id)])[0]

    def find_records(self, check: Mapping[str, Any], keys: Iterable[str] | None = None) -> list[Record]:
        """The records that match a query.

        Args:
            check: the query.
            keys: what is wanted besides `msg_id`; none at all, or None, is everything. What every record of the
                Hub has is there, None where nothing is known; of the others, what a record lacks is left out.

        Raises:
            FilterError: the query or the choice of keys is wrong.
            LookupError: tasks are to be submitted again, but their requests were not kept.
        """
        database = self._in_use()
        if isinstance(keys, Iterable) and not isinstance(keys, (str, bytes, Mapping)):
            keys = list(keys)
        records = database.find_records(check, keys)
        if not keys:
            records = self._whole(records)
            return requests.for_results(records) if requests.asks_for_results(check, keys) else records
        missing = {key: _EMPTY[key] for key in ([keys] if isinstance(keys, str) else keys) if key in _EMPTY}
        records = self._completed([{**missing, **record} for record in records])
        if requests.asks_to_resubmit(check, keys):
            requests.check_requests(records)
        return records

    def get_history(self) -> list[str]:
        """The ids of all tasks, in the order of `submitted`; those without it come first."""
        return self._in_use().get_history()

    def close(self) -> None:
        """Release the store; calling it again does nothing, nor does calling it in a process that was forked."""
        self._finish()

    # ---- what the derived classes may add to ----------------------------------------------------------

    def _add(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        database.add_record(msg_id, rec)

    def _update(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        database.update_record(msg_id, rec)

    def _completed(self, records: list[Record]) -> list[Record]:
        """Records with what is stored elsewhere."""
        return records

    def _in_use(self) -> TaskDatabase:
        """The database, in the process that opened it."""
        if os.getpid() != self._process:
            raise StoreError(
                "the task database was opened before this process was forked: open it again here"
            )
        return self._database

    # ---- records ---------------------------------------------------------------------------------

    def _whole(self, records: list[Record]) -> list[Record]:
        """Records with all the keys that the Hub reads without asking."""
        return self._completed([{**_EMPTY, **record} for record in records])

    def _kept(self, msg_id: str, rec: Mapping[str, Any]) -> Mapping[str, Any]:
        return kept(msg_id, rec, self.log, buffers=self.keep_buffers)

    def _remember(self, msg_id: str) -> None:
        """Put a task at the end of those that were asked for last."""
        self._requested.pop(msg_id, None)
        self._requested[msg_id] = None
        if len(self._requested) > REMEMBERED:
            del self._requested[next(iter(self._requested))]


def _close(database: TaskDatabase, process: int) -> None:
    """Close a database in the process that opened it; for a forked one it is not there."""
    if os.getpid() == process:
        database.close()
