"""The order of binary values on a column of bytes: by length, then by subtype, then by the bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from bson import Binary

from mongoglot.compiler.ast import Comparison, Slot
from mongoglot.compiler.values import binary_data
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.bounds import equal_bytes
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column


def compare_bytes(
    op: Comparison, operand: Slot, column: Column, value: Expression, dialect: Dialect
) -> Condition | None:
    """`value op operand`, of a column whose values have no subtype (semantics 1.1), or None."""
    label = f"c{operand.index}"
    if op == "$eq":
        equal = sql.equals(value, dialect.parameter(label, column))
        return Condition(equal, {label: (operand.index, equal_bytes)}, nullable=True)
    if dialect.byte_length is None:
        return None
    counted = sql.call(dialect.byte_length, value)
    count = dialect.parameter(f"{label}_length", Column("length", "int"))
    strict: Comparison = "$gt" if op in ("$gt", "$gte") else "$lt"
    of_equal_length = sql.all_of(
        [sql.equals(counted, count), sql.compare(op, value, dialect.parameter(label, column))]
    )
    tree = sql.some_of([sql.compare(strict, counted, count), of_equal_length])
    parameters: Parameters = {
        f"{label}_length": (operand.index, partial(_length, strict)),
        label: (operand.index, equal_bytes),
    }
    return Condition(tree, parameters, nullable=True)


def _length(strict: Comparison, value: Any) -> int:
    """The length that all greater or less values have; bytes of the length of a value of a subtype are less."""
    length = len(binary_data(value))
    subtype = value.subtype if isinstance(value, Binary) else 0
    return length + 1 if subtype and strict == "$lt" else length
