"""New connections to a PostgreSQL server, that do not wait for ever for one that is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg import errors

from mongoglot.engines.postgresql.errors import first_line, translated
from mongoglot.errors import StoreError

T = TypeVar("T")

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

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


class Connector:
    """Makes connections to one database.

    Args:
        url: of the database.
        shown: the same without what is secret.
        timeout: seconds after which a server that does not answer is given up.
    """

    def __init__(self, url: str, shown: str, timeout: float) -> None:
        self._url = url
        self._shown = shown
        self._timeout = timeout

    def connected(self) -> Connection:
        """A new connection."""
        try:
            connection = self._connect()
        except psycopg.OperationalError as error:
            raise StoreError(f"no PostgreSQL server answers at {self._shown}: {first_line(error)}") from None
        except (psycopg.Error, ValueError):
            # the driver's words may quote a part of the password
            raise StoreError(
                f"{self._shown} is not valid for a PostgreSQL server; write postgresql://user@host:port/database, "
                "user and password percent-encoded (urllib.parse.quote_plus)"
            ) from None
        try:
            with translated(self._shown):
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


@contextmanager
def limited(connection: Connection, seconds: float) -> Iterator[None]:
    """The server itself ends what runs inside when the time is over."""
    connection.execute(f"SET statement_timeout = {max(int(seconds * 1000), 1):d}")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # in a transaction that failed, which takes the setting back
            connection.execute("SET statement_timeout = DEFAULT")
