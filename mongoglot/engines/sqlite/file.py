"""The file of a SQLite store: opening and checking it, its errors, its transactions."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar, final

import apsw

from mongoglot.compiler.deadline import is_over, remaining
from mongoglot.engines.base import IN_INSERT
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sqlite.failures import BUSY_TIMEOUT, FAILURES, told, translated
from mongoglot.engines.sqlite.filesystems import Journal, journal_for
from mongoglot.engines.sqlite.functions import register_functions
from mongoglot.errors import StoreError

T = TypeVar("T")

APPLICATION_ID: Final = 0x6D676C74
"""Marks a file as a mongoglot store ("mglt")."""

FORMAT: Final = 3
"""The version of the layout of the file, in `user_version`: 2 has indexes, 3 has parts, more on columns."""

STEPS: Final = 10_000
"""Steps of SQLite between two looks at the clock, where time is limited: a fraction of a millisecond."""

_MAGIC: Final = b"SQLite format 3\0"

CATALOGUE: Final = "mongoglot collections"
"""The table that says which table and columns each collection has; users' tables never have its name."""

INDEXES: Final = "mongoglot indexes"
"""The table that says which indexes each collection has, and which table has the keys of each."""

PARTS: Final = "mongoglot parts"
"""The table of large values that stand beside the rows of a table, each with its table and row."""

LAYOUT: Final = (
    f"""CREATE TABLE IF NOT EXISTS {quoted(CATALOGUE)}
        (collection TEXT PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {quoted(INDEXES)}
        (collection TEXT NOT NULL, name TEXT NOT NULL, keys TEXT NOT NULL, options TEXT NOT NULL,
        entries TEXT NOT NULL, UNIQUE (collection, name)) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {quoted(PARTS)}
        (part INTEGER PRIMARY KEY, name TEXT NOT NULL, row INTEGER NOT NULL, value BLOB NOT NULL,
        UNIQUE (name, row, part)) STRICT""",
)
"""What every file has, in this format."""


_STEP: Final = 256
"""Pages that are given back in one transaction, which takes some milliseconds."""

_MOST_FREE: Final = 4
"""One page in so many may be free: new records take free pages before the file grows."""

_FEW: Final = 4096
"""Pages that are copied in a moment."""

_INCREMENTAL: Final = 2
"""What SQLite says of a file whose free pages can be given back one by one."""


class File:
    """One open database file; calls from several threads take turns.

    Attributes:
        undone: how many transactions were taken back; what was read in them may not be in the file.
        has_log: whether others may write while it is read: it has a write-ahead log, and is not in memory.
    """

    def __init__(
        self, path: str, synchronous: str, inspect: Callable[[File], None], journal: Journal = "auto"
    ) -> None:
        self.path = path
        self.journal = journal_for(path) if journal == "auto" else journal
        self.lock = threading.RLock()
        self._closed = False
        self._depth = 0
        self._view: int | None = None
        self._flush: Callable[[], None] | None = None
        self.undone = 0
        self.has_log = False
        self._seen = -1, -1
        _check_header(path)
        with translated(path):
            self._connection = apsw.Connection(path)
            self._connection.set_busy_handler(_Waiting())
            if self.journal != "wal" and _uses_log(
                path
            ):  # a log without shared memory: for one process at a time
                self._connection.pragma("locking_mode", "exclusive")
            self._connection.pragma("trusted_schema", False)
            self._connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
            self._connection.pragma("cell_size_check", True)
            # closing a file that is refused must not move its log into it
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, _has_log(path))
            register_functions(self._connection)
        try:
            self._check(synchronous, inspect)
        except BaseException:
            self.close()
            raise

    def _check(self, synchronous: str, inspect: Callable[[File], None]) -> None:
        """Refuse what is no store of ours before anything is written to it; make a new file ours."""
        with translated(self.path):
            empty, application, version = _patiently(self._look)
        if application != APPLICATION_ID and not empty:
            raise StoreError(
                f"{self.path} is an SQLite database, but not a mongoglot store; it was left untouched"
            )
        if application == APPLICATION_ID and version > FORMAT:
            raise StoreError(
                f"{self.path} was written by a newer mongoglot (format {version}, this one knows {FORMAT}); "
                "it was left untouched"
            )
        inspect(self)
        with translated(self.path):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            self._connection.pragma("synchronous", synchronous)
            if empty:
                self._connection.pragma("auto_vacuum", "incremental")
            if empty or self.journal != "wal":
                _patiently(lambda: self._connection.pragma("journal_mode", self.journal))
            if self.journal != "wal":
                self._connection.pragma("locking_mode", "normal")
            self.has_log = self.journal == "wal" and self.full_path != ""
            if version < FORMAT:  # a new file, or one from before
                with self.transaction():
                    self._upgrade()

    def _upgrade(self) -> None:
        """Bring the file to this format, unless another process has done so, or has made it newer, meanwhile."""
        if self._connection.pragma("user_version") < FORMAT:
            self._connection.pragma("application_id", APPLICATION_ID)
            self._connection.pragma("user_version", FORMAT)
            for statement in LAYOUT:
                self._connection.execute(statement)

    def _look(self) -> tuple[bool, int, int]:
        """Whether the file is empty, its mark and its format: in one look, as another may be making it."""
        with self._connection:
            empty = not next(iter(self._connection.execute("SELECT count(*) FROM sqlite_schema")))[0]
            application = self._connection.pragma("application_id")
            version = self._connection.pragma("user_version")
        return empty and application in (0, APPLICATION_ID), application, version

    def rows(self, statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement; all of its rows."""
        return self.fetched(statement, parameters, apsw.Cursor.fetchall)

    def fetched(self, statement: str, parameters: Any, fetch: Callable[[apsw.Cursor], T]) -> T:
        """Run a statement; what `fetch` takes of its rows."""
        with self.lock:
            connection = self._open()
            if remaining() is not None:
                connection.set_progress_handler(is_over, STEPS)
            try:
                try:
                    return fetch(connection.execute(statement, parameters))
                except apsw.BusyError:
                    if self._depth:
                        raise
                    return _patiently(lambda: fetch(connection.execute(statement, parameters)))
            except FAILURES as error:
                raise told(error, self.path) from None
            finally:
                if remaining() is not None:
                    connection.set_progress_handler(None)

    def schema_version(self) -> int:
        """A number that changes with the tables and columns of the file, whoever changes them."""
        return self._view if self._view is not None else int(self.rows("PRAGMA schema_version")[0][0])

    def seen_schema_version(self) -> int:
        """As `schema_version`, in the view of the last statement or a later one; outside a transaction."""
        content = self._open().data_version()
        if content != self._seen[0]:
            self._seen = content, self.schema_version()
        return self._seen[1]

    def content_version(self) -> tuple[int, int]:
        """What changes with anything in the file, whoever changes it, as the last statement saw it."""
        return self._open().data_version(), self.undone

    @property
    def in_transaction(self) -> bool:
        """Whether statements are a part of something greater now."""
        return self._depth > 0

    @property
    def is_writing(self) -> bool:
        """Whether statements are a part of something greater now that may have written."""
        return self._depth > 0 and self._view is None

    @property
    def full_path(self) -> str:
        """Where the file is, whatever the working directory is now; empty for one in memory."""
        return self._open().filename

    def write(self, statement: str, parameters: Any) -> None:
        """Run a statement that has no rows; inside a transaction, and so without a lock of its own."""
        connection = self._open()
        try:
            connection.execute(statement, parameters)
        except apsw.Error as error:
            raise told(error, self.path) from None

    def write_alone(self, version: tuple[int, int], statement: str, parameters: Any) -> int | None:
        """Run one statement in a transaction of its own, where the schema is of a version; the rows it changed.

        None where the schema is another one now, or a transaction is under way: then nothing was written.

        Args:
            version: of the schema, and how many transactions had been taken back when it was that.
            statement: that changes no table.
            parameters: of it.
        """
        with self.lock:
            connection = self._open()
            if self._depth or self.undone != version[1]:
                return None
            try:
                self._begin(connection)
                if self.seen_schema_version() != version[0]:
                    connection.execute("ROLLBACK")
                    return None
                connection.execute(statement, parameters)
                changes: int = connection.changes()
                connection.execute("COMMIT")
                self._seen = connection.data_version(), version[0]
            except BaseException as error:
                self._roll_back()
                if not isinstance(error, apsw.Error):
                    raise
                with translated(self.path):
                    raise
            return changes

    def write_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement once for each row of parameters; inside a transaction, as `write`."""
        connection = self._open()
        try:
            connection.executemany(statement, rows)
        except apsw.Error as error:
            raise told(error, self.path) from None

    def last_row(self) -> int:
        """The row that was inserted last."""
        return self._open().last_insert_rowid()

    def changes(self) -> int:
        """How many rows the last statement changed."""
        return self._open().changes()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One view of the file for all statements inside; they only read."""
        with self.lock:
            if self._depth:
                if self._flush is not None:
                    self._flush()
                yield
                return
            connection = self._open()
            with translated(self.path):
                self._view = _patiently(self._begin_reading)
            self._depth = 1
            try:
                yield
            finally:
                self._depth, self._view = 0, None
                if connection.in_transaction:
                    with suppress(apsw.Error):  # of a damaged file: SQLite has ended it, and nothing is lost
                        connection.execute("COMMIT")

    def _begin_reading(self) -> int:
        """The version of the schema: the first statement that reads takes the view."""
        connection = self._open()
        connection.execute("BEGIN")
        try:
            return int(next(iter(connection.execute("PRAGMA schema_version")))[0])
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def transaction(self) -> AbstractContextManager[None]:
        """Write whole or not at all; inside another transaction, as a part of that."""
        return _Transaction(self)

    def begin(self) -> bool:
        """Begin a transaction, with the lock held; False inside another one, which then has it all."""
        if self._depth:
            if self._flush is not None:
                raise StoreError(IN_INSERT)
            return False
        try:
            self._begin(self._open())
        except apsw.Error as error:
            raise told(error, self.path) from None
        self._depth = 1
        return True

    @staticmethod
    def _begin(connection: apsw.Connection) -> None:
        """Begin to write, as soon as nobody else does; what is read from now on is what is there."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            _patiently(partial(connection.execute, "BEGIN IMMEDIATE"))

    def end(self, *, whole: bool) -> None:
        """Commit the transaction that was begun, or take it back."""
        self._depth = 0
        try:
            if whole:
                self._open().execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, FAILURES):
                raise told(error, self.path) from None
            raise
        if not whole:
            self._roll_back()

    def keep_in_memory(self, kibibytes: int) -> None:
        """Keep pages in memory, so many at most."""
        with self.lock, translated(self.path):
            self._open().pragma("cache_size", -kibibytes)

    def give_back(self) -> None:
        """Make the file shorter where much of it is free, in steps that others can write between.

        A file of an earlier version is written anew, if little is left in it.
        """
        with self.lock, suppress(apsw.BusyError), translated(self.path):
            connection = self._open()
            free, pages = connection.pragma("freelist_count"), connection.pragma("page_count")
            if self._depth or free < _STEP or free * _MOST_FREE < pages:
                return
            if connection.pragma("auto_vacuum") == _INCREMENTAL:
                while connection.pragma("freelist_count"):
                    list(connection.execute(f"PRAGMA incremental_vacuum({_STEP})"))
            elif pages - free < _FEW:
                connection.pragma("auto_vacuum", "incremental")
                connection.execute("VACUUM")
            if self.journal == "wal":
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def commit(self) -> None:
        """Commit what the current transaction has written so far, and go on in a new one."""
        with translated(self.path):
            self._open().execute("COMMIT")
            self._open().execute("BEGIN IMMEDIATE")

    def stream(self, flush: Callable[[], None] | None) -> None:
        """From now on a caller's code runs in the transaction: it may read the file, after `flush`, but not write.

        None: that is over.
        """
        self._flush = flush

    def _roll_back(self) -> None:
        """End the transaction, if SQLite has not done so; the error that led here is the one to tell."""
        self.undone += 1
        with suppress(apsw.Error):
            if not self._closed and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        with self.lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _open(self) -> apsw.Connection:
        if self._closed:
            raise StoreError(f"the store in {self.path} is closed")
        return self._connection


@final
class _Transaction(AbstractContextManager[None]):
    """A transaction, or a part of one; a class, as a generator costs a write some of its time."""

    __slots__ = ("_file", "_outermost")

    def __init__(self, file: File) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._file.lock.acquire()
        try:
            self._outermost = self._file.begin()
        except BaseException:
            self._file.lock.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._outermost:
                self._file.end(whole=kind is None)
        finally:
            self._file.lock.release()


def _check_header(path: str) -> None:
    """Refuse a file that SQLite would take for an empty one because it is short."""
    try:
        with open(path, "rb") as file:
            header = file.read(len(_MAGIC))
    except OSError:
        return  # not there, or not readable: SQLite says which
    if header.strip(b"\0") and header != _MAGIC:  # zeros: another process is making the file
        raise StoreError(f"{path} is not an SQLite database; it was left untouched")


def _uses_log(path: str) -> bool:
    """Whether a file that is there has a write-ahead log as its journal: bytes 18 and 19 of its header say 2."""
    try:
        with open(path, "rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError:
        return False


def _has_log(path: str) -> bool:
    """Whether something was written that does not stand in the file itself yet."""
    try:
        return os.path.getsize(f"{path}-wal") > 0
    except OSError:
        return False


class _Waiting:
    """Waits for a lock: SQLite's own way sleeps longer and longer, and a busy process shuts it out."""

    def __init__(self) -> None:
        self._deadline = 0.0

    def __call__(self, count: int) -> bool:
        """Whether to try once more."""
        if not count:
            self._deadline = time.monotonic() + BUSY_TIMEOUT
        time.sleep(random.uniform(0.0005, 0.005))  # noqa: S311 - so that two do not wait in step
        return time.monotonic() < self._deadline


def _patiently(step: Callable[[], T]) -> T:
    """The result of a step outside a transaction, tried again for as long as the file is busy.

    SQLite waits by itself for most locks, but not where two waiters could wait for each other: while the
    journal mode of a new file changes, and while the last connection removes the log.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            return step()
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
