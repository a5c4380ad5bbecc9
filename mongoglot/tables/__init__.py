"""Tables that something else made: found out about, and read."""

from __future__ import annotations

from typing import Any

from mongoglot.compiler import projection_spec as projections
from mongoglot.compiler import sort as sorts
from mongoglot.cursor import Cursor
from mongoglot.engines.sql.table import Table
from mongoglot.store import Bound, Collection, Filter, Store

__all__ = ["find", "reflect"]


def reflect(source: Any, name: str, *, schema: str | None = None) -> Table:
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
    from mongoglot.tables.reflection import reflect as reflected

    return reflected(source, name, schema=schema)


def find(
    source: Any,
    table: Table | str,
    filter: Filter | None = None,
    projection: projections.Spec = None,
    *,
    sort: sorts.Spec = None,
    skip: Bound = 0,
    limit: Bound = 0,
    max_time_ms: int | None = None,
) -> Cursor:
    """The rows of an existing table that match, as documents, read as they are asked for.

    The database finds them as far as its SQL says the filter; the rest is checked here. PostgreSQL sorts typed
    columns, too; other sorts are done here.

    Args:
        source: a connection or a URL, as `reflect` takes it; what a URL names is opened for reading only.
        table: its name, or what `reflect` gave for it, perhaps changed.
        filter: as `Collection.find` takes it, and so all that follows.
        projection: fields to include, to exclude or to compute.
        sort: a name, pairs of a name and 1 or -1, or a document.
        skip: how many to leave out at the start.
        limit: how many at most; 0 for all.
        max_time_ms: how long finding and reading may take.

    Raises:
        FilterError: with the server's code.
        StoreError: (when documents are asked for) the database refuses, or a row is none that a document can be.
        UnsupportedError: the filter needs a server; or (when documents are asked for) a part of the find names a
            field that the table does not have.
    """
    from mongoglot.tables.backend import TableBackend

    name = table.name if isinstance(table, Table) else table
    collection = Collection(Store(TableBackend(source, table)), name)
    return collection.find(filter, projection, sort=sort, skip=skip, limit=limit, max_time_ms=max_time_ms)
