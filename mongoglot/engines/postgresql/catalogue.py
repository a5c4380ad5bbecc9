"""The schema of a store and its catalogue, a table that has a row for each collection."""

from __future__ import annotations

from typing import Final

from mongoglot.engines.postgresql.server import Server
from mongoglot.engines.sql.nodes import quoted
from mongoglot.errors import StoreError

CATALOGUE: Final = "mongoglot collections"
"""The table that says which table, columns and indexes each collection has; users' tables never have its name."""

FORMAT: Final = "mongoglot 1"
"""The version of the layout of the schema, the comment of the catalogue."""

_DDL_LOCK: Final = 0x6D676C74
"""The advisory lock of whoever makes, changes or drops tables."""


def named(schema: str, table: str) -> str:
    """A table's name in SQL, with its schema."""
    return f"{quoted(schema)}.{quoted(table)}"


def prepare(server: Server, schema: str) -> None:
    """Make the schema and the catalogue, unless they are there.

    Raises:
        StoreError: a newer mongoglot made them, or something else did.
    """
    if _format(server, schema) is None:
        with server.transaction():
            lock_definitions(server)
            if _format(server, schema) is None:
                _make(server, schema)
    if _format(server, schema) != FORMAT:
        raise StoreError(
            f"the schema {schema!r} at {server.shown} has a table {CATALOGUE!r} that is no store's, "
            "or that of a newer mongoglot; it was left untouched"
        )


def _make(server: Server, schema: str) -> None:
    there = server.write("SELECT 1 FROM pg_namespace WHERE nspname = $1", (schema,))
    if not there:
        server.write(f"CREATE SCHEMA {quoted(schema)}")
    catalogue = named(schema, CATALOGUE)
    server.write(
        f'CREATE TABLE {catalogue} (collection text COLLATE "C" PRIMARY KEY, name text NOT NULL UNIQUE, '
        "layout text NOT NULL)"
    )
    server.write(f"COMMENT ON TABLE {catalogue} IS '{FORMAT}'")


def _format(server: Server, schema: str) -> str | None:
    """What the comment of the catalogue says; empty where it has none, None where there is no catalogue."""
    found = server.rows(
        "SELECT coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
        (schema, CATALOGUE),
    )
    return str(found[0][0]) if found else None


def lock_definitions(server: Server) -> None:
    """Wait for others that make, change or drop tables; until the transaction ends, they wait."""
    server.write("SELECT pg_advisory_xact_lock($1)", (_DDL_LOCK,))
