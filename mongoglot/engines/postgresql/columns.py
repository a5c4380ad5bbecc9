"""Typed columns of a store: declared fields beside the document, with plain comparisons that an index serves.

A column has the field's value where that is one value of the column's type, and NULL otherwise. Where it is NULL,
the document decides.
"""

from __future__ import annotations

from typing import Any, Final

from mongoglot.compiler.ast import Compare, In, Leaf
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.condition import Condition, in_sql
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column, ColumnType

TYPES: Final[dict[ColumnType, str]] = {
    "string": 'text COLLATE "C"', "number": "numeric", "date": "bigint", "bool": "boolean",
}  # fmt: skip
"""The types of columns in PostgreSQL; dates are milliseconds since 1970, UTC: its own types have fewer."""

_ARRAYS: Final[dict[ColumnType, str]] = {
    "string": "text[]", "number": "numeric[]", "date": "bigint[]", "bool": "boolean[]",
}  # fmt: skip

_KINDS: Final[dict[ColumnType, frozenset[ValueClass]]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"int", "double", "decimal"}),
    "date": frozenset({"date"}),
    "bool": frozenset({"bool"}),
}
"""The classes of values that a column holds."""


def column_value(document: dict[str, Any], column: Column) -> str | None:
    """What stands in a typed column, as text; None where the document decides."""
    value: Any = document
    for part in column.field:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    if value_class(value) not in _KINDS[column.type] or value in (float("inf"), float("-inf")):
        return None
    return _text(value)


def _text(value: Any) -> str:
    """A value of a column as text; strings as they stand in jsonb, so that every one can be held."""
    match value_class(value):
        case "string":
            return encoding.escaped(value)
        case "date":
            return str(milliseconds(value))
        case _:
            return encoding.encode_value(value)


def is_on_column(leaf: Leaf) -> bool:
    """Whether a column says something about a predicate on its field."""
    return isinstance(leaf, (Compare, In))


def column_condition(leaf: Leaf, column: Column, on_document: Condition, document: str) -> Condition:
    """A comparison with the column, or where that is NULL the predicate on the document."""
    otherwise = in_sql(on_document, document)
    assert otherwise.tree is not None  # noqa: S101 - it is SQL now
    value = sql.name(column.name)
    undecided = sql.all_of([sql.is_null(value), otherwise.tree])
    parameters = dict(otherwise.parameters)
    compared = _compared(leaf, column, value, parameters)
    tree = undecided if compared is None else sql.some_of([compared, undecided])
    return Condition(None, tree, otherwise.variables, parameters, nullable=True)


def _compared(leaf: Leaf, column: Column, value: Expression, parameters: Parameters) -> Expression | None:
    """The condition on a value of the column; None where none can match."""
    match leaf:
        case Compare(_, op, operand) if operand.kind in _KINDS[column.type]:
            label = f"c{operand.index}"
            parameters[label] = (operand.index, _text)
            return sql.compare(op, value, sql.parameter(label))
        case In(_, operand, _) if operand.kinds & _KINDS[column.type]:
            label = f"c{operand.index}"
            parameters[label] = (operand, lambda items: _texts(column.type, items))
            return sql.equals(value, sql.call("ANY", sql.cast(sql.parameter(label), _ARRAYS[column.type])))
        case _:
            return None


def _texts(kind: ColumnType, items: list[Any]) -> str:
    """The members of a list that a column can equal, as the text of an array."""
    found = [_quoted(_text(item)) for item in items if value_class(item) in _KINDS[kind]]
    return "{" + ",".join(found) + "}"


def _quoted(text: str) -> str:
    """An element in the text of an array."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
