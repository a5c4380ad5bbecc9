"""The file of a SQLite store: its statements and its transactions, in turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar, final

import apsw

from mongoglot.compiler.deadline import is_over, remaining
from mongoglot.engines.base import IN_INSERT
from mongoglot.engines.sqlite.failures import FAILURES, told, translated
from mongoglot.engines.sqlite.file_format import FORMAT
from mongoglot.engines.sqlite.filesystems import Journal, journal_for
from mongoglot.engines.sqlite.free_pages import shortened
from mongoglot.engines.sqlite.opening import looked_at, opened, set_up, upgrade
from mongoglot.engines.sqlite.waiting import begin_reading, begin_writing, patiently
from mongoglot.errors import StoreError

T = TypeVar("T")

STEPS: Final = 10_000
"""Steps of SQLite between two looks at the clock, where time is limited: a fraction of a millisecond."""


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
        self._connection = opened(path, self.journal)
        try:
            self._check(synchronous, inspect)
        except BaseException:
            self.close()
            raise

    def _check(self, synchronous: str, inspect: Callable[[File], None]) -> None:
        """Refuse what is no store of ours before anything is written to it; make a new file ours."""
        empty, version = looked_at(self._connection, self.path)
        inspect(self)
        with translated(self.path):
            set_up(self._connection, synchronous, self.journal, is_new=empty)
            self.has_log = self.journal == "wal" and self.full_path != ""
            if version < FORMAT:  # a new file, or one from before
                with self.transaction():
                    upgrade(self._connection)

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
                    return patiently(lambda: fetch(connection.execute(statement, parameters)))
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
                begin_writing(connection)
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
                self._view = patiently(partial(begin_reading, connection))
            self._depth = 1
            try:
                yield
            finally:
                self._depth, self._view = 0, None
                if connection.in_transaction:
                    with suppress(apsw.Error):  # of a damaged file: SQLite has ended it, and nothing is lost
                        connection.execute("COMMIT")

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
            begin_writing(self._open())
        except apsw.Error as error:
            raise told(error, self.path) from None
        self._depth = 1
        return True

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
            if not self._depth and shortened(connection) and self.journal == "wal":
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
