"""Predicates on a typed column: plain comparisons, which the database's own indexes serve.

What MongoDB's types decide is decided here: a comparison of a number with a column of text is false, whatever
the database thinks of it. Where the column is NULL a condition may be NULL too; whoever negates it makes it false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, assert_never

from sqlglot import exp

from mongoglot.compiler.ast import (
    Bits,
    Compare,
    Comparison,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    ListSlot,
    Mod,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, ValueClass, value_class
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.binary import compare_bytes
from mongoglot.engines.sql.bounds import KINDS, bounds_of, equal_to
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.dialects import Dialect, type_of
from mongoglot.engines.sql.integers import bits_condition, mod_condition
from mongoglot.engines.sql.lists import membership
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import EDGES, Column, ColumnType

_NUMERIC: Final = frozenset[ColumnType]({"number", "int", "double", "decimal"})

_TYPE_CODES: Final[Mapping[ColumnType, int]] = {
    "string": 2, "date": 9, "timestamp": 9, "timestamptz": 9, "day": 9, "bool": 8, "double": 1, "decimal": 19,
    "uuid": 5, "binary": 5,
}  # fmt: skip

_NULL, _INT, _LONG, _DECIMAL = 10, 16, 18, 19


_MICROSECONDS: Final = 6
"""Digits behind the point of the seconds."""


def missing_matches(leaf: Leaf) -> bool | None:
    """Whether a predicate holds for a field that is not there; None for predicates that are about no field."""
    match leaf:
        case Compare(_, op, operand):
            return operand.kind == "null" or (operand.kind in ("minkey", "maxkey") and op != "$eq")
        case In(_, operand, _):
            return "null" in operand.kinds
        case Exists() | Glob() | RegexMatch() | HasType() | Mod() | Size() | Bits() | ElemMatch():
            return False
        case ServerOnly() | Sample() | JsonSchema() | Expr():
            return None
        case _:
            assert_never(leaf)


def typed_condition(leaf: Leaf, column: Column, value: Expression, dialect: Dialect) -> Condition | None:
    """The condition on a value of a column's type; None where the dialect has none that is exact.

    Args:
        leaf: whose path leads to the value.
        column: what the value is: scalar, not nested.
        value: the column, or a part of one.
        dialect: of the condition.
    """
    if column.type == "string" and column.collation == "other" and dialect.collation is None:
        return None
    value = read(value, column)
    match leaf:
        case Exists():
            return Condition(dialect.true)  # a row has all of its columns, some of them null
        case Compare(_, op, operand):
            return _comparison(op, operand, column, value, dialect)
        case In(_, operand, ()):
            return _membership(operand, column, value, dialect)
        case In():
            return None  # the passes take the patterns out
        case Glob() | RegexMatch():  # no database has just these patterns
            return None if column.type == "string" else Condition(dialect.false)
        case HasType(_, types):
            return _type_condition(types, column, value, dialect)
        case Mod():
            return (
                mod_condition(leaf, column, value, dialect)
                if _is_number(column)
                else Condition(dialect.false)
            )
        case Bits():
            if column.type in ("uuid", "binary"):
                return None  # bit by bit, which databases count differently
            return (
                bits_condition(leaf, column, value, dialect)
                if _is_number(column)
                else Condition(dialect.false)
            )
        case Size() | ElemMatch():
            return Condition(dialect.false)  # it is no array
        case ServerOnly() | Sample() | JsonSchema() | Expr():
            raise AssertionError(leaf)  # lowering.py has them
        case _:
            assert_never(leaf)


def read(value: Expression, column: Column) -> Expression:
    """The value of a column as it is compared.

    A cast makes text of it where it is read so. Of instants with nanoseconds it makes some with microseconds, as
    others compare with those of few centuries only.
    """
    nanoseconds = column.type == "timestamp" and (column.scale or 0) > _MICROSECONDS
    return exp.Cast(this=value, to=type_of(column)) if column.as_text or nanoseconds else value


def _is_number(column: Column) -> bool:
    return column.type in _NUMERIC


def _comparison(
    op: Comparison, operand: Slot, column: Column, value: Expression, dialect: Dialect
) -> Condition | None:
    label = f"c{operand.index}"
    match operand.kind:
        case "null":
            return Condition(sql.is_null(value)) if column.nullable else Condition(dialect.false)
        case "minkey" | "maxkey" if op != "$eq":  # below or above every value, and NULL
            return Condition(dialect.true)
        case "nan":
            if not _is_number(column) or op in ("$gt", "$lt"):
                return Condition(dialect.false)
            return _is_nan(column, value, dialect)
        case kind if kind not in KINDS[column.type]:
            return Condition(dialect.false)
        case kind if column.type == "binary":
            return compare_bytes(op, operand, column, value, dialect)
        case kind:
            bounds = bounds_of(op, kind, column, dialect.limits)
            parts, parameters = [], Parameters()
            for bound in bounds:
                name = label + bound.op.replace("$", "_") if len(bounds) > 1 else label
                side = collated(value, column, dialect, ordered=bound.op != "$eq")
                parts.append(sql.compare(bound.op, side, dialect.parameter(name, column)))
                parameters[name] = (operand.index, bound.bind)
            if op in ("$gt", "$gte") and dialect.nan == "greatest" and may_be_nan(column, dialect):
                parts.append(sql.compare("$lt", value, not_a_number(column)))
            nullable = column.nullable or not all(bound.total for bound in bounds)
            return Condition(sql.all_of(parts), parameters, nullable)


def collated(value: Expression, column: Column, dialect: Dialect, *, ordered: bool) -> Expression:
    """Text that compares by its bytes; equality is that of bytes in the usual collations, whatever their order."""
    if column.type != "string" or column.collation == "bytes" or dialect.collation is None:
        return value
    known = dialect.ordered if ordered or column.as_text else dialect.equal
    if column.collation == "default" and known:
        return value
    return sql.collate(value, dialect.collation)


def may_be_nan(column: Column, dialect: Dialect) -> bool:
    """Whether a column of numbers may hold NaN: of decimals only those of PostgreSQL."""
    if dialect.nan == "absent" or column.type == "int":
        return False
    return column.type == "double" or (_is_number(column) and dialect.decimal_nan)


def not_a_number(column: Column) -> Expression:
    """NaN, of a column's type."""
    kind = exp.DataType.Type.DOUBLE if column.type == "double" else exp.DataType.Type.DECIMAL
    return exp.Cast(this=sql.string("NaN"), to=exp.DataType(this=kind))


def _is_nan(column: Column, value: Expression, dialect: Dialect) -> Condition:
    if not may_be_nan(column, dialect):
        return Condition(dialect.false)
    if dialect.nan == "greatest":
        return Condition(sql.equals(value, not_a_number(column)), nullable=column.nullable)
    return Condition(exp.IsNan(this=value), nullable=column.nullable)


def _membership(operand: ListSlot, column: Column, value: Expression, dialect: Dialect) -> Condition:
    hits: list[Condition] = []
    if "null" in operand.kinds and column.nullable:
        hits.append(Condition(sql.is_null(value)))
    if "nan" in operand.kinds and _is_number(column):
        hits.append(_is_nan(column, value, dialect))
    kinds = operand.kinds & KINDS[column.type]
    if kinds:
        hits.append(_some_of_list(operand, kinds, column, value, dialect))
    parameters = {label: binder for hit in hits for label, binder in hit.parameters.items()}
    tree = sql.some_of([hit.tree for hit in hits]) if hits else dialect.false
    return Condition(tree, parameters, any(hit.nullable for hit in hits))


def _some_of_list(
    operand: ListSlot, kinds: frozenset[ValueClass], column: Column, value: Expression, dialect: Dialect
) -> Condition:
    side = collated(value, column, dialect, ordered=False)
    members = partial(_members, kinds, equal_to(column, dialect.limits))
    return membership(side, operand, members, column, dialect)


def _members(
    kinds: frozenset[ValueClass], bind: Callable[[Any, ValueClass], Any], items: list[Any]
) -> list[Any]:
    """The members of a list that a column can equal, each as the column has it."""
    found = []
    for item in items:
        kind = value_class(item)
        if kind in kinds and (bound := bind(item, kind)) is not None:
            found.append(bound)
    return found


def _type_by_size(types: frozenset[int], column: Column, value: Expression, dialect: Dialect) -> Expression:
    """A whole number is of the smallest type that holds it: int, long, decimal."""
    low, high = EDGES[column.width]
    branches = []
    for code, least, greatest in ((_INT, INT32_MIN, INT32_MAX), (_LONG, INT64_MIN, INT64_MAX)):
        edges = (("$gte", max(least, low)), ("$lte", min(greatest, high)))
        inside = [
            sql.compare(op, value, exp.Cast(this=sql.integer(edge), to=type_of(column))) for op, edge in edges
        ]
        branches.append((sql.all_of(inside), dialect.constant(code in types)))
    return sql.case(branches, dialect.constant(_DECIMAL in types))


def _type_condition(
    types: frozenset[int], column: Column, value: Expression, dialect: Dialect
) -> Condition | None:
    """`$type` (semantics 3.4): NULL is null; a whole number is an int or a long by its size."""
    if column.type == "number":
        return None  # which of the types a number has is not kept
    null = dialect.constant(_NULL in types)
    if column.is_wide:
        present = _type_by_size(types, column, value, dialect)
    elif column.type == "int":
        if (_INT in types) != (_LONG in types):
            low, high = sql.integer(INT32_MIN), sql.integer(INT32_MAX)
            small = sql.all_of([sql.compare("$gte", value, low), sql.compare("$lte", value, high)])
            present = small if _INT in types else sql.negated(small)
        else:
            present = dialect.constant(_INT in types)
    else:
        present = dialect.constant(_TYPE_CODES[column.type] in types)
    if not column.nullable:
        return Condition(present)
    return Condition(sql.case([(sql.is_null(value), null)], present))
