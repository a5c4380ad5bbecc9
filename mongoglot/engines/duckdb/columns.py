"""Declared columns of a store: plain comparisons, beside the document, which stays the truth.

A column holds a value of its type, and NULL where the field is missing, null, or something that the column cannot
hold; for NULL the document's keys decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from mongoglot.compiler.ast import Compare, Comparison, In, Leaf
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.base import Record
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition
from mongoglot.engines.sql.numbers import double_bound
from mongoglot.engines.sql.table import Column, ColumnType

SQL_TYPES: Final[Mapping[ColumnType, str]] = {
    "string": "VARCHAR", "number": "DOUBLE", "date": "TIMESTAMP", "bool": "BOOLEAN",
}  # fmt: skip

_KINDS: Final[dict[ColumnType, frozenset[ValueClass]]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"int", "double", "decimal"}),
    "date": frozenset({"date"}),
    "bool": frozenset({"bool"}),
}
"""The classes of operands that values of a column can compare with."""


def column_value(document: Record, column: Column) -> Any:
    """What stands in a column: the value, or None where the document's keys decide."""
    value: Any = document
    for part in column.field:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    match column.type, value_class(value):
        case ("string", "string") | ("number", "double") | ("bool", "bool"):
            return value
        case "number", "int":
            return float(value) if int(float(value)) == value else None
        case "date", "date":
            return value if isinstance(value, datetime) else None
        case _:
            return None


def column_condition(leaf: Leaf, column: Column, on_document: Condition) -> Condition:
    """The condition on a column, and where that is NULL the one on the document.

    Args:
        leaf: whose path is the column's.
        column: of the collection.
        on_document: the same predicate on the document.
    """
    value = sql.name(column.name)
    compared = sql.call("epoch_ms", value) if column.type == "date" else value
    match leaf:
        case Compare(_, op, operand) if operand.kind in _KINDS[column.type]:
            label = f"c{operand.index}"
            own = sql.compare(op, compared, duck.parameter(label))
            source: Any = operand.index
            binder = _binder(column.type, op)
        case In(_, operands, ()) if operands.kinds <= _KINDS[column.type]:
            label = f"c{operands.index}"
            own = sql.call("list_contains", duck.parameter(label), compared)
            source = operands
            each = _binder(column.type, "$eq")
            binder = lambda items: [x for x in map(each, items) if x is not None]  # noqa: E731
        case _:
            return on_document
    marked = sql.all_of([sql.is_null(value), on_document.tree])
    parameters = {**on_document.parameters, label: (source, binder)}
    return Condition(sql.some_of([own, marked]), parameters, nullable=True)


def _binder(kind: ColumnType, op: Comparison) -> Any:
    match kind:
        case "number":
            return lambda value: double_bound(op, value)
        case "date":
            return milliseconds
        case "bool":
            return bool
        case _:
            return str
