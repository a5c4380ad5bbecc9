"""The Hub's task databases, ipyparallel's own and ours, opened for a test; the old ones leave no trace."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pymongo
from ipyparallel.controller.dictdb import DictDB
from ipyparallel.controller.mongodb import MongoDB as OldMongoDB
from ipyparallel.controller.sqlitedb import SQLiteDB as OldSQLiteDB
from tornado.ioloop import IOLoop

from mongoglot.taskdb.ipyparallel import MemoryDB, MongoDB, SQLiteDB

HubDatabase: TypeAlias = Any
"""A task database for the Hub; ipyparallel has no types."""

NAMES = {"D": "memory", "S": "sqlite", "M": "mongodb"}
"""The letters that tables have for the kinds of stores."""

OLD: dict[str, Any] = {"D": DictDB, "S": OldSQLiteDB, "M": OldMongoDB}
NEW: dict[str, Any] = {"D": MemoryDB, "S": SQLiteDB, "M": MongoDB}

LOG = logging.getLogger("tests.taskdb")


class Opener:
    """Opens empty task databases; `close` releases and removes them."""

    def __init__(self, folder: Path, server: Callable[[], str]) -> None:
        self.folder = folder
        self._server = server
        self._opened: list[HubDatabase] = []
        self._databases: list[str] = []

    def options(self, letter: str) -> dict[str, Any]:
        """Where a new database of that kind is; both classes understand it."""
        name = f"hub_{uuid.uuid4().hex[:12]}"
        if letter == "S":
            return {"location": str(self.folder), "filename": f"{name}.db"}
        if letter == "M":
            self._databases.append(name)
            return {"connection_args": [self._server()], "database": name}
        return {}

    def open(self, kind: Any, letter: str, **options: Any) -> HubDatabase:
        """A task database; the options are those of its class."""
        database = kind(**{**self.options(letter), **options}, log=LOG)
        self._opened.append(database)
        return database

    def close(self) -> None:
        """Close and remove what was opened."""
        for database in self._opened:
            with contextlib.suppress(sqlite3.Error):  # it was closed before
                database.close()
            if isinstance(database, OldMongoDB):
                database._connection.close()
        if self._databases:
            with pymongo.MongoClient[dict[str, Any]](self._server()) as client:
                for name in self._databases:
                    client.drop_database(name)


@contextlib.contextmanager
def opener_in(folder: Path, server: Callable[[], str]) -> Iterator[Opener]:
    """An opener; around it a loop, which the old SQLiteDB needs, and the adapters that it changes."""
    adapters, converters = dict(sqlite3.adapters), dict(sqlite3.converters)
    loop = IOLoop(make_current=True)
    opener = Opener(folder, server)
    try:
        yield opener
    finally:
        opener.close()
        loop.close(all_fds=True)
        restore(sqlite3.adapters, adapters)
        restore(sqlite3.converters, converters)


def restore(known: Any, before: Mapping[Any, Any]) -> None:
    """Give a table of the process what it had."""
    known.clear()
    known.update(before)


def host_and_port(url: str) -> tuple[str, int]:
    """Where a server is."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or 27017
