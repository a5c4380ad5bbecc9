"""The connections to a PostgreSQL server, made when needed and kept, and transactions on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg import errors

from mongoglot.compiler.deadline import remaining
from mongoglot.engines.base import IN_INSERT
from mongoglot.engines.postgresql.errors import BrokenError, first_line, translated
from mongoglot.errors import StoreError

T = TypeVar("T")

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

MAX_CONNECTIONS: Final = 10
"""A thread that needs one more waits for another one's to be free."""

_AT_ONCE: Final = 100
"""Rows that are fetched at once where a few may be enough."""

_SESSION: Final = """
    SET search_path = '';
    SET standard_conforming_strings = on;
    SET client_encoding = 'UTF8';
    SET client_min_messages = error;
    SET plan_cache_mode = force_custom_plan;
    SET jit = off;
    SET enable_seqscan = off;
"""
"""No schema that others can write to is looked into. Plans are for the values, and are not compiled. A statement
names an index only where it helps, so a plan uses it, whatever the server knows of a table that has grown."""


class _WatchedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that, while it waits for long, looks whether the server takes others."""

    patience = 5.0
    look: Callable[[], None] | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Wait for what a generator of psycopg's asks for."""
        return super().wait(self._watched(gen), *args, **options)

    def _watched(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        begun = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.look is not None and time.monotonic() - begun > self.patience:
                    try:
                        self.look()
                    except psycopg.OperationalError:
                        self.pgconn.finish()
                        raise
                    begun = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as done:
            result: T = done.value
            return result


class _Current(threading.local):
    """What a thread has under way: the connection of its transaction, and what writes the rest before a read."""

    connection: Connection | None = None
    flush: Callable[[], None] | None = None


class Server:
    """A database on a server; each operation takes a connection of its own, a transaction keeps it."""

    def __init__(self, url: str, shown: str, timeout: float) -> None:
        self.shown = shown
        self._url = url
        self._timeout = timeout
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
        with translated(self.shown), _limited(connection, left) if left is not None else nullcontext():
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
        return self.connected(), False

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

    def connected(self) -> Connection:
        """A new connection."""
        try:
            connection = self._connect()
        except psycopg.OperationalError as error:
            raise StoreError(f"no PostgreSQL server answers at {self.shown}: {first_line(error)}") from None
        except (psycopg.Error, ValueError):
            # the driver's words may quote a part of the password
            raise StoreError(
                f"{self.shown} is not valid for a PostgreSQL server; write postgresql://user@host:port/database, "
                "user and password percent-encoded (urllib.parse.quote_plus)"
            ) from None
        try:
            with translated(self.shown):
                connection.execute(_SESSION)
        except BaseException:
            connection.close()
            raise
        connection.patience, connection.look = self._timeout, self._look
        return connection

    def _look(self) -> None:
        """Raise what psycopg raises if the server takes no new connection in time; it hangs, then."""
        try:
            self._connect().close()
        except errors.ConnectionTimeout:
            raise
        except psycopg.Error:
            return  # it answered, if only to refuse

    def _connect(self) -> _WatchedConnection:
        milliseconds = str(max(1, round(self._timeout * 1000)))
        seconds = str(max(1, round(self._timeout)))
        return _WatchedConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=max(1, round(self._timeout)),
            tcp_user_timeout=milliseconds,
            keepalives_idle=seconds,
            keepalives_interval=seconds,
            keepalives_count="2",
            cursor_factory=psycopg.RawCursor[tuple[Any, ...]],
        )

    def close(self) -> None:
        """Close the connections; those in use are closed when they are given back."""
        with self._lock:
            self._closed = True
        self._forget_idle()


@contextmanager
def _limited(connection: Connection, seconds: float) -> Iterator[None]:
    """The server itself ends what runs inside when the time is over."""
    connection.execute(f"SET statement_timeout = {max(int(seconds * 1000), 1):d}")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # in a transaction that failed, which takes the setting back
            connection.execute("SET statement_timeout = DEFAULT")
