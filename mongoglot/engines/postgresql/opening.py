"""Opening a store in a PostgreSQL database: its URL and its options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mongoglot.compiler.values import is_sayable
from mongoglot.engines.postgresql.backend import PostgresqlBackend
from mongoglot.engines.postgresql.server import Server
from mongoglot.engines.sql.table import Table, by_name
from mongoglot.errors import UnsupportedError

MAX_TIMEOUT: Final = 1_000_000


def open_backend(url: str, *, tables: Iterable[Table], schema: str, timeout: float) -> PostgresqlBackend:
    """A store for `postgresql://user@host:port/database`, in one schema of that database.

    Args:
        url: as libpq takes it.
        tables: collections whose fields are to stand in columns too; their names are the collections'.
        schema: made if it is not there; several stores may share a database, each in its own.
        timeout: seconds to wait for a server, when a connection is made.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise UnsupportedError(f"timeout is a number of seconds, not {type(timeout).__name__}")
    if not 0.001 <= timeout <= MAX_TIMEOUT:
        raise UnsupportedError(f"timeout is a number of seconds, 0.001 to {MAX_TIMEOUT:,}, not {timeout}")
    if not is_sayable(schema) or len(schema.encode()) > _MAX_NAME or schema.startswith("pg_"):
        raise UnsupportedError(
            f"{schema!r} cannot name a schema of PostgreSQL: 1 to {_MAX_NAME} bytes, not pg_…"
        )
    scheme, _, rest = url.partition(":")
    if not rest.startswith("//"):
        raise UnsupportedError(
            f"'//' is missing behind '{scheme}:'; write postgresql://user@host:port/database, or postgresql:///database"
        )
    server = Server(url, _shown(url), timeout)
    try:
        return PostgresqlBackend(server, schema, by_name(tables))
    except BaseException:
        server.close()
        raise


_MAX_NAME: Final = 63


def _shown(url: str) -> str:
    """The URL without what may be a password: what stands before its last `@`, and its options."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
