"""A PostgreSQL server: connections made when needed and kept, statements and transactions on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final

import psycopg

from mongoglot.compiler.deadline import remaining
from mongoglot.engines.base import IN_INSERT
from mongoglot.engines.postgresql.connections import Connection, Connector, limited
from mongoglot.engines.postgresql.errors import BrokenError, translated
from mongoglot.errors import StoreError

MAX_CONNECTIONS: Final = 10
"""A thread that needs one more waits for another one's to be free."""

_AT_ONCE: Final = 100
"""Rows that are fetched at once where a few may be enough."""


class _Current(threading.local):
    """What a thread has under way: the connection of its transaction, and what writes the rest before a read."""

    connection: Connection | None = None
    flush: Callable[[], None] | None = None


class Server:
    """A database on a server; each operation takes a connection of its own, a transaction keeps it."""

    def __init__(self, url: str, shown: str, timeout: float) -> None:
        self.shown = shown
        self._connector = Connector(url, shown, timeout)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._current = _Current()
        self._closed = False

    # ---- statements ------------------------------------------------------------------------------

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; all of its rows."""
        current = self._current
        if current.connection is not None:
            if current.flush is not None:
                current.flush()
            return self._run(current.connection, statement, parameters)
        with self._borrowed() as (connection, kept):
            try:
                return self._run(connection, statement, parameters)
            except BrokenError:
                if not kept:
                    raise
        self._forget_idle()  # the server was away meanwhile
        with self._borrowed() as (connection, _):
            return self._run(connection, statement, parameters)

    def rows_in_turn(
        self, statement: str, parameters: Sequence[Any] = ()
    ) -> Generator[tuple[Any, ...], None, None]:
        """Run a statement; its rows in batches, in a transaction that ends with them, or when this is closed."""
        if self._current.flush is not None:
            self._current.flush()
        with self.transaction(view=True):
            self.write(f'DECLARE "rows" NO SCROLL CURSOR FOR {statement}', parameters)
            try:
                while batch := self.write(f'FETCH {_AT_ONCE} FROM "rows"'):
                    yield from batch
            finally:
                with suppress(StoreError):  # of a connection that broke: that error is the one to tell
                    self.write('CLOSE "rows"')

    def write(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement inside the transaction of this thread, without what a read does before; its rows."""
        connection = self._current.connection
        assert connection is not None  # noqa: S101 - writes stand in a transaction
        return self._run(connection, statement, parameters)

    def changes(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement inside the transaction of this thread; how many rows it changed."""
        connection = self._current.connection
        assert connection is not None  # noqa: S101 - as above
        with translated(self.shown):
            return connection.execute(statement, parameters).rowcount

    def _run(
        self, connection: Connection, statement: str, parameters: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        left = remaining()
        with translated(self.shown), limited(connection, left) if left is not None else nullcontext():
            cursor = connection.execute(statement, parameters, binary=True)
            return cursor.fetchall() if cursor.description is not None else []

    # ---- transactions ----------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction under way."""
        return self._current.connection is not None

    @contextmanager
    def transaction(self, *, view: bool = False) -> Iterator[None]:
        """Write whole or not at all; inside another transaction, as a part of that.

        Args:
            view: whether all statements are to see the same state, and only read.
        """
        current = self._current
        if current.connection is not None:
            if current.flush is not None and not view:
                raise StoreError(IN_INSERT)
            yield
            return
        with self._begun("ISOLATION LEVEL REPEATABLE READ, READ ONLY" if view else "") as connection:
            current.connection = connection
            try:
                yield
            except BaseException:
                current.connection = None
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise
            current.connection = None
            with translated(self.shown):
                connection.execute("COMMIT")

    @contextmanager
    def _begun(self, mode: str) -> Iterator[Connection]:
        """A connection with a transaction that has begun."""
        begin = f"BEGIN {mode}"
        with self._borrowed() as (connection, kept):
            try:
                self._run(connection, begin, ())
            except BrokenError:
                if not kept:
                    raise
            else:
                yield connection
                return
        self._forget_idle()
        with self._borrowed() as (connection, _):
            self._run(connection, begin, ())
            yield connection

    def commit(self) -> None:
        """Commit what the transaction of this thread has written so far, and go on in a new one."""
        self.write("COMMIT")
        self.write("BEGIN")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is written inside is written whole, or taken back while the transaction goes on."""
        self.write('SAVEPOINT "part"')
        try:
            yield
        except BaseException:
            with suppress(StoreError):  # of a connection that broke: that error is the one to tell
                self.write('ROLLBACK TO "part"')
            raise
        self.write('RELEASE "part"')

    @contextmanager
    def streaming(self, flush: Callable[[], None]) -> Iterator[None]:
        """Run a caller's code in a transaction: it may read the store, after `flush`, but not write."""
        self._current.flush = flush
        try:
            yield
        finally:
            self._current.flush = None

    # ---- connections -----------------------------------------------------------------------------

    @contextmanager
    def _borrowed(self) -> Iterator[tuple[Connection, bool]]:
        """A connection, and whether it was made for an earlier operation, and may have broken since."""
        with self._free:
            connection, kept = self._take()
            try:
                yield connection, kept
            finally:
                self._give_back(connection)

    def _take(self) -> tuple[Connection, bool]:
        with self._lock:
            if self._closed:
                raise StoreError(f"the store at {self.shown} is closed")
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection, True
        return self._connector.connected(), False

    def _give_back(self, connection: Connection) -> None:
        idle = psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if not self._closed and not connection.closed and connection.info.transaction_status == idle:
                self._idle.append(connection)
                return
        connection.close()

    def _forget_idle(self) -> None:
        with self._lock:
            gone, self._idle = self._idle, []
        for connection in gone:
            connection.close()

    def close(self) -> None:
        """Close the connections; those in use are closed when they are given back."""
        with self._lock:
            self._closed = True
        self._forget_idle()
