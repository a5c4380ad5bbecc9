"""The sqlite engine: documents as JSONB in one file, filters as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.sql.table import Table

__all__ = ["open_backend", "pretty_sql", "to_sql", "undecided"]


def open_backend(url: str, *, tables: Iterable[Table] = (), synchronous: str = "normal") -> Any:
    """A store in a file; apsw is loaded here, when the first one is opened."""
    from mongoglot.engines.sqlite.backend import open_backend as opened

    return opened(url, tables=tables, synchronous=synchronous)


def to_sql(query: BoundPlan, table: Table | None, *, text_only: bool = False) -> Any:
    """A query as a condition; sqlglot is loaded here, when the first one is lowered."""
    from mongoglot.engines.sqlite.lowering import to_sql as lowered

    return lowered(query, table, text_only=text_only)


def pretty_sql(query: BoundPlan, table: Table | None) -> Any:
    """The condition laid out over lines."""
    from mongoglot.engines.sqlite.lowering import pretty_sql as printed

    return printed(query, table)


def undecided(query: BoundPlan, table: Table | None) -> list[str]:
    """Why the SQL leaves rows to the residual, in words."""
    from mongoglot.engines.sqlite.lowering import undecided as reasons

    return reasons(query, table)
