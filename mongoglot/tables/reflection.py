"""The `Table` of a table that is there: its columns with their types, what may be NULL, and its key."""

from __future__ import annotations

from mongoglot.compiler.values import is_sayable
from mongoglot.engines.sql.table import Table
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.tables import duckdb_types, postgresql_types, sqlite_types
from mongoglot.tables.drivers import (
    Database,
    DuckdbDatabase,
    PostgresqlDatabase,
    Source,
    SqliteDatabase,
    opened,
)


def reflect(source: Source, name: str, *, schema: str | None = None) -> Table:
    """The `Table` of an existing table or view, for `to_sql` and `find`.

    Args:
        source: a connection of sqlite3, apsw, psycopg or duckdb, or a URL: `sqlite:PATH`, `postgresql://…`,
            `duckdb:PATH`.
        name: of the table.
        schema: that it is in; without it, what the database finds by the name alone.

    Raises:
        StoreError: there is no such table, or the database cannot be opened.
        UnsupportedError: the source is none of these.
    """
    with opened(source) as database:
        return reflected(database, name, schema)


def reflected(database: Database, name: str, schema: str | None = None) -> Table:
    """The `Table` of a table in an open database."""
    if not is_sayable(name) or (schema is not None and not is_sayable(schema)):
        raise UnsupportedError(f"{name!r} cannot name a table: it needs characters, but no NUL")
    match database:
        case SqliteDatabase():
            table = sqlite_types.reflected(database, name, schema)
        case PostgresqlDatabase():
            table = postgresql_types.reflected(database, name, schema)
        case DuckdbDatabase():
            table = duckdb_types.reflected(database, name, schema)
        case _:
            raise AssertionError(database)
    if not table.columns:
        raise StoreError(f"there is no table {name!r}" + (f" in {schema!r}" if schema else ""))
    return table
