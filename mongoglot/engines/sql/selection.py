"""What is selected of a table to read its rows: forms that a driver gives whole."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.dialects import Dialect, type_of
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column, Table
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
    if column.is_nested and _holds_text_of_others(column):
        return exp.Cast(this=value, to=_nested_type(column))
    if dialect.name == "postgresql" and "double" in (column.type, column.element and column.element.type):
        return exp.Cast(this=value, to=_nested_type(column))  # `real` has its shortest digits as text
    return read(value, column)


def _holds_text_of_others(column: Column) -> bool:
    """Whether there are values in a column that are compared as text, and have to be read as such."""
    inside = column.fields if column.element is None else (column.element,)
    return column.as_text or any(map(_holds_text_of_others, inside))


def _nested_type(column: Column) -> exp.DataType:
    """The type of a list or a struct, its parts of the types that they are compared as."""
    if column.element is not None:
        inner = [_nested_type(column.element)]
        return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=inner, nested=True)
    if column.type == "struct":
        fields = [
            exp.ColumnDef(this=exp.to_identifier(field.name, quoted=True), kind=_nested_type(field))
            for field in column.fields
        ]
        return exp.DataType(this=exp.DataType.Type.STRUCT, expressions=fields, nested=True)
    return exp.DataType(this=exp.DataType.Type.JSON) if column.type == "json" else type_of(column)


def _json_text(value: Expression, dialect: Dialect) -> Expression:
    """JSON as text; SQLite may have it in binary form, too."""
    if dialect.name != "sqlite":
        return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.TEXT))
    is_binary = sql.equals(sql.call("typeof", value), sql.string("blob"))
    return sql.case([(is_binary, sql.call("json", value))], value)
