"""Sorts that a database does on typed columns, as a server sorts the documents (semantics 6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from sqlglot import exp

from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.sort import Sort
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.bounds import is_finer
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sql.typed import collated, may_be_nan, not_a_number, read

_SORTING: Final = frozenset({"postgresql"})
"""The databases that are asked to sort."""


def ordering(sort: Sort, query: BoundPlan, table: Table, dialect: Dialect) -> list[Expression] | None:
    """The items of ORDER BY, so that rows come exactly as sorted; None where Python has to sort.

    A filter that may fail for a document is asked of all of them before a server sorts, so that is left to Python.

    Args:
        sort: what is asked for.
        query: the filter.
        table: with typed columns.
        dialect: of the database.
    """
    if not sort.keys or dialect.name not in _SORTING or query.plan.has_expressions:
        return None
    items: list[Expression] = []
    for position, (path, way) in enumerate(sort.keys):
        column = table.column(tuple(path.split(".")))
        if column is None or column.is_nested or column.type == "any":
            return None
        last = position == len(sort.keys) - 1
        items.extend(_of_column(column, way == -1, dialect, last=last))
    return items


def _of_column(column: Column, descending: bool, dialect: Dialect, *, last: bool) -> Iterator[Expression]:
    """NULL is before all values, and NaN before all other numbers."""
    value = read(sql.name(column.name), column)
    if may_be_nan(column, dialect):
        yield _item(
            sql.equals(value, not_a_number(column)), not descending, column, nulls_first=not descending
        )
    match column.type:
        case "string":
            value = collated(value, column, dialect, ordered=True)
        case "timestamp" | "timestamptz":
            if (
                is_finer(column) and not last
            ):  # else instants of one date would keep their order from what follows
                value = sql.call("date_trunc", sql.string("milliseconds"), value)
        case "binary":
            assert dialect.byte_length is not None  # noqa: S101 - of the databases that sort
            yield _item(sql.call(dialect.byte_length, value), descending, column)
        case "int" | "number" | "double" | "decimal" | "bool" | "date" | "day" | "uuid":
            pass
        case "json" | "list" | "struct" | "map" | "any":
            raise AssertionError(column)
        case _:
            assert_never(column.type)
    yield _item(value, descending, column)


def _item(
    value: Expression, descending: bool, column: Column, *, nulls_first: bool | None = None
) -> Expression:
    """An item; where there is no NULL, it is one that any index serves."""
    operand = exp.Paren(this=value) if isinstance(value, exp.Binary) else value
    if not column.nullable:
        nulls_first = descending  # as PostgreSQL has it by itself
    elif nulls_first is None:
        nulls_first = not descending
    return exp.Ordered(this=operand, desc=descending, nulls_first=nulls_first)
