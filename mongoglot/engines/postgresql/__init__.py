"""The postgresql engine: documents as jsonb in tables of a PostgreSQL database, filters as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.sql.table import Table

__all__ = ["open_backend", "to_sql"]


def open_backend(
    url: str, *, tables: Iterable[Table] = (), schema: str = "mongoglot", timeout: float = 5.0
) -> Any:
    """A store in a database on a server; psycopg is loaded here, when the first one is opened."""
    from mongoglot.engines.postgresql.opening import open_backend as opened

    return opened(url, tables=tables, schema=schema, timeout=timeout)


def to_sql(query: BoundPlan, table: Table | None) -> Any:
    """A query as a condition on a table that mongoglot did not make; sqlglot is loaded here, psycopg is not."""
    from mongoglot.engines.postgresql.typed import to_sql as lowered

    return lowered(query, table)
