"""The task database for the Hub on a MongoDB server: servers that are gone, and records that are too large."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from bson import ObjectId
from traitlets import Dict, Float, List, Unicode

from mongoglot.errors import MongoglotError, StoreError, WriteError
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.ipyparallel.addresses import address
from mongoglot.taskdb.ipyparallel.base import HubDB, Record
from mongoglot.taskdb.ipyparallel.large import TOO_LARGE, LargeRecords
from mongoglot.taskdb.schema import TABLE

T = TypeVar("T")

HEARTBEAT: Final = 1000
"""Milliseconds between two looks of the driver at a server: so soon one that is back is used again."""


class MongoDB(HubDB):
    """Records on a MongoDB server.

    All calls come from the Hub's only thread, so a server that is gone must not be waited for again and again. The
    first call waits for `timeout`. Those after it fail at once, until the driver, which looks by itself, sees the
    server again.
    """

    connection_args: Any = List(
        help="""Positional arguments of pymongo.MongoClient: the host and the port, or a URL.

        Only necessary if the server is not the one at localhost:27017.
        """,
    ).tag(config=True)

    connection_kwargs: Any = Dict(
        help="""Keyword arguments of pymongo.MongoClient, as username, password, replicaSet, tls.""",
    ).tag(config=True)

    database = Unicode(
        "mongoglot-tasks",
        help="""The name of the database; if empty, one named for the session of the Hub.

        ipyparallel's own MongoDB has ipython-tasks, and each would not understand the other's records.
        With a name, tasks from earlier sessions are there for db_query, get_result and purges.
        """,
    ).tag(config=True)

    timeout = Float(5.0, help="How long, in seconds, a call waits for a server that does not answer.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._down_since: float | None = None
        self._large = LargeRecords(self._database.store, self.log)
        self._large.sweep(self._database)

    def _opened(self) -> TaskDatabase:
        name = self.database or self.session
        url, options = address(self.connection_args, self.connection_kwargs, name)
        options = {"heartbeatFrequencyMS": HEARTBEAT, **options}
        try:
            database = TaskDatabase(url, retention=self._retention(), timeout=self.timeout, **options)
        except StoreError as error:
            raise StoreError(
                f"{error}; start the server, or say where it is: MongoDB.connection_args=['HOST', PORT], and "
                "MongoDB.connection_kwargs for user and password"
            ) from None
        if database.store[TABLE.name].find_one({"_id": {"$gte": ObjectId("0" * 24)}}) is not None:
            database.close()
            raise StoreError(
                f"the database {name!r} has records of ipyparallel's own MongoDB, which were left as they are; "
                "set MongoDB.database to another, and import them if they are wanted: "
                f"mongoglot tasks --db mongodb://HOST/OTHER import mongodb://HOST/{name}"
            )
        return database

    # ---- a server that is gone ---------------------------------------------------------------------

    def add_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """As `HubDB.add_record`."""
        self._asked(super().add_record, msg_id, rec)

    def update_record(self, msg_id: str, rec: Mapping[str, Any]) -> None:
        """As `HubDB.update_record`."""
        self._asked(super().update_record, msg_id, rec)

    def drop_record(self, msg_id: str) -> None:
        """As `HubDB.drop_record`."""
        self._asked(super().drop_record, msg_id)
        self._asked(self._large.sweep, self._database)

    def drop_matching_records(self, check: Mapping[str, Any]) -> None:
        """As `HubDB.drop_matching_records`."""
        self._asked(super().drop_matching_records, check)
        self._asked(self._large.sweep, self._database)

    def get_record(self, msg_id: str) -> Record:
        """As `HubDB.get_record`."""
        return self._asked(super().get_record, msg_id)

    def find_records(self, check: Mapping[str, Any], keys: Iterable[str] | None = None) -> list[Record]:
        """As `HubDB.find_records`."""
        return self._asked(super().find_records, check, keys)

    def get_history(self) -> list[str]:
        """As `HubDB.get_history`."""
        return self._asked(super().get_history)

    def _asked(self, call: Callable[..., T], *arguments: Any) -> T:
        """The result of a call, or at once an error while the server is known to be gone.

        Raises:
            StoreError: says since when.
        """
        if self._down_since is not None and not self._is_reachable():
            gone = time.monotonic() - self._down_since
            raise StoreError(
                f"the MongoDB server of the task database has not answered for {gone:.0f} s; it is not waited "
                "for, and used again when it answers"
            )
        try:
            result = call(*arguments)
        except StoreError as error:
            if not self._is_reachable() and self._down_since is None:
                self._down_since = time.monotonic()
                self.log.error(
                    "the task database is gone, tasks run but are not recorded until it is back: %s", error
                )
            raise
        except MongoglotError:  # an answer, too
            self._is_back()
            raise
        self._is_back()
        return result

    def _is_back(self) -> None:
        """Note that the server has answered."""
        if self._down_since is not None:
            gone = time.monotonic() - self._down_since
            self.log.warning(
                "the task database is back after %.0f s; what happened meanwhile is missing", gone
            )
            self._down_since = None

    def _is_reachable(self) -> bool:
        reachable: bool = self._database.store.backend.is_reachable()  # type: ignore[attr-defined]  # a server's
        return reachable

    # ---- records that are too large ------------------------------------------------------------------

    def _add(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        try:
            database.add_record(msg_id, rec)
        except WriteError as error:
            if error.code not in TOO_LARGE:
                raise
            self._large.add(database, msg_id, rec)

    def _update(self, database: TaskDatabase, msg_id: str, rec: Mapping[str, Any]) -> None:
        try:
            database.update_record(msg_id, rec)
        except WriteError as error:
            if error.code not in TOO_LARGE:
                raise
            self._large.update(database, msg_id, rec)

    def _completed(self, records: list[Record]) -> list[Record]:
        return self._large.completed(records)
