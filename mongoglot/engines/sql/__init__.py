"""What SQL engines share: tables, typed columns, nodes of SQL, quoting and printing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.sql.table import Column, Table

if TYPE_CHECKING:
    from mongoglot.engines.sql.statement import Sql

__all__ = ["Column", "Table", "to_sql"]


def to_sql(query: BoundPlan, dialect: str, table: Table | None) -> Sql:
    """A query as a condition on a table of typed columns; sqlglot is loaded here.

    Raises:
        UnsupportedError: there is no such dialect, or it cannot say the query or the table.
    """
    from mongoglot.engines.sql.lowering import to_sql as lowered

    return lowered(query, dialect, table)
