"""What stands in a typed column of a row."""

from __future__ import annotations

from typing import Any, Final

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import value_class
from mongoglot.engines.base import Record
from mongoglot.engines.sql.table import Column

MARK: Final = b""
"""In a typed column: the field has a value that the column cannot hold; see the document."""


def column_value(document: Record, column: Column) -> Any:
    """What stands in a typed column: the value, NULL for null and missing, the mark for anything else."""
    value: Any = document
    for part in column.field:
        if not isinstance(value, dict):
            return MARK if isinstance(value, list) else None
        value = value.get(part)
    kind = value_class(value)
    match column.type, kind:
        case _, "null":
            return None
        case ("string", "string") | ("number", "double"):
            return value
        case ("number", "int") | ("bool", "bool"):
            return int(value)
        case "date", "date":
            return milliseconds(value)
        case _:
            return MARK
