"""What is selected of a table to read its rows: forms that a driver gives whole."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.dialects import Dialect, type_of
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column, ColumnType, Table
from mongoglot.engines.sql.typed import read

INSTANTS: Final = frozenset({"timestamp", "timestamptz", "day"})
"""Types of columns that are read as microseconds since 1970."""

INFINITE: Final = 2**63 - 1
"""The microseconds that stand for an instant that is infinite."""


def selected(table: Table, dialect: Dialect) -> list[Expression]:
    """What to select of a table, column by column, the document column last."""
    columns = [_selected(column, dialect) for column in table.columns]
    if table.document is not None:
        columns.append(_json_text(sql.name(table.document), dialect))
    return columns or [sql.null()]


def _selected(column: Column, dialect: Dialect) -> Expression:
    value = sql.name(column.name)
    if column.type in INSTANTS and dialect.name != "postgresql":  # its driver counts them itself
        micros = sql.call("epoch_us", value)  # NULL for what is infinite
        infinite = sql.case([(sql.is_null(value), sql.null())], sql.integer(INFINITE))
        return exp.Coalesce(this=micros, expressions=[infinite])
    if column.type == "json":
        return _json_text(value, dialect)
    if dialect.name == "duckdb":
        return read(value, column) if column.type in _AS_IT_IS else exp.Cast(this=value, to=_read_as(column))
    if column.is_nested and _holds_text_of_others(column):
        return exp.Cast(this=value, to=_nested_type(column))
    if dialect.name == "postgresql" and "double" in (column.type, column.element and column.element.type):
        return exp.Cast(this=value, to=_nested_type(column))  # `real` has its shortest digits as text
    return read(value, column)


_AS_IT_IS: Final = frozenset[ColumnType]({"bool", "any", "number"})
"""Types of columns whose values are looked at when they are read, or that have no one type in SQL."""

_AS_TEXT: Final = frozenset[ColumnType]({"decimal", "uuid", "json"})
"""Types of columns for which Arrow has no plain type, or each version of DuckDB another one."""


def _read_as(column: Column) -> exp.DataType:
    """The type that a column of DuckDB is read as."""
    kinds = exp.DataType.Type
    if column.type == "list":
        assert column.element is not None  # noqa: S101 - a Column sees to it
        return exp.DataType(this=kinds.ARRAY, expressions=[_read_as(column.element)], nested=True)
    if column.type == "map":
        return exp.DataType(this=kinds.MAP, expressions=list(map(_read_as, column.fields)), nested=True)
    if column.type == "struct":
        fields = [
            exp.ColumnDef(this=exp.to_identifier(field.name, quoted=True), kind=_read_as(field))
            for field in column.fields
        ]
        return exp.DataType(this=kinds.STRUCT, expressions=fields, nested=True)
    return exp.DataType(this=kinds.TEXT) if column.type in _AS_TEXT or column.is_wide else type_of(column)


def _holds_text_of_others(column: Column) -> bool:
    """Whether there are values in a column that are compared as text, and have to be read as such."""
    return column.as_text or (column.element is not None and _holds_text_of_others(column.element))


def _nested_type(column: Column) -> exp.DataType:
    """The type of a list, its elements of the type that they are compared as."""
    if column.element is not None:
        inner = [_nested_type(column.element)]
        return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=inner, nested=True)
    return exp.DataType(this=exp.DataType.Type.JSON) if column.type == "json" else type_of(column)


def _json_text(value: Expression, dialect: Dialect) -> Expression:
    """JSON as text; SQLite may have it in binary form, too."""
    if dialect.name != "sqlite":
        return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.TEXT))
    is_binary = sql.equals(sql.call("typeof", value), sql.string("blob"))
    return sql.case([(is_binary, sql.call("json", value))], value)
