"""Predicates on a column that may hold values of any type, as columns of SQLite do where a table is not STRICT.

A comparison is guarded by the type that the value has, so that the bracket of the operand is not left. The
comparison itself is plain, and an index serves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import assert_never

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
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.values import INT32_MAX, INT32_MIN
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import native_number
from mongoglot.engines.sql.table import Column
from mongoglot.engines.sql.typed import typed_condition
from mongoglot.engines.sqlite.columns import number_condition
from mongoglot.engines.sqlite.conditions import list_of_natives
from mongoglot.engines.sqlite.glob import matches_glob, to_sqlite_glob
from mongoglot.engines.sqlite.text_conditions import regex_call, regex_parameters

Found = Condition | Superset[Condition] | None

_NUMBERS = ("integer", "real")


def any_condition(leaf: Leaf, column: Column, dialect: Dialect) -> Found:
    """The condition on a column of any type; None where the dialect, of SQLite, has none that is exact."""
    value = sql.name(column.name)
    match leaf:
        case Compare(_, op, operand):
            return _comparison(leaf, op, operand, column, dialect)
        case In(_, operand, ()):
            return _membership(leaf, operand, column, dialect)
        case Exists():
            return Condition(sql.TRUE)
        case Glob(_, operand, plain):
            label = f"c{operand.index}"
            matched = matches_glob(value, sql.parameter(label))
            parameters: Parameters = {label: (operand.index, partial(to_sqlite_glob, plain=plain))}
            found = Condition(_guarded(value, ("text",), matched), parameters, nullable=True)
            return found if plain else Superset(found)
        case RegexMatch(_, operand):
            matched = _guarded(value, ("text",), regex_call(value, operand))
            return Condition(matched, regex_parameters(operand), nullable=True)
        case HasType(_, types):
            return Condition(_type_condition(types, value))
        case Mod():
            tree, parameters, _ = number_condition(leaf, value)
            return Condition(tree, parameters)
        case Size() | ElemMatch():
            return Condition(sql.FALSE)
        case In() | Bits():
            return None  # a BLOB has bits, which Python counts
        case ServerOnly() | Sample() | JsonSchema() | Expr():
            raise AssertionError(leaf)  # lowering.py has them
        case _:
            assert_never(leaf)


def _comparison(
    leaf: Leaf, op: Comparison, operand: Slot, column: Column, dialect: Dialect
) -> Condition | None:
    value = sql.name(column.name)
    label = f"c{operand.index}"
    match operand.kind:
        case "null":
            return Condition(sql.is_null(value))
        case "minkey" | "maxkey" if op != "$eq":
            return Condition(sql.TRUE)
        case "int" | "double" | "decimal":
            compared = sql.compare(op, value, sql.parameter(label))
            parameters: Parameters = {label: (operand.index, partial(native_number, op))}
            return Condition(_guarded(value, _NUMBERS, compared), parameters, nullable=True)
        case "string":
            side = value if op == "$eq" else _ordered_text(column)
            return _of_type(leaf, "text", Column(column.name, "string", collation="other"), side, dialect)
        case "binary":
            return _of_type(leaf, "blob", Column(column.name, "binary"), value, dialect)
        case _:
            return Condition(sql.FALSE)


def _membership(leaf: In, operand: ListSlot, column: Column, dialect: Dialect) -> Condition | None:
    value = sql.name(column.name)
    hits: list[Condition | None] = []
    if "null" in operand.kinds:
        hits.append(Condition(sql.is_null(value)))
    if operand.kinds & {"int", "double", "decimal"}:
        label = f"c{operand.index}_numbers"
        listed, parameters = list_of_natives(value, operand, label)
        hits.append(Condition(_guarded(value, _NUMBERS, listed), parameters, nullable=True))
    if "string" in operand.kinds:
        text = Column(column.name, "string", nullable=False, collation="other")
        hits.append(_of_type(leaf, "text", text, value, dialect))
    if "binary" in operand.kinds:
        return None
    found = [hit for hit in hits if hit is not None]
    bound = {name: binder for hit in found for name, binder in hit.parameters.items()}
    return Condition(sql.some_of([hit.tree for hit in found]), bound, any(hit.nullable for hit in found))


def _ordered_text(column: Column) -> Expression:
    """The column as text is ordered beside it: for a column of numbers SQLite makes a number of `'5'`.

    No text in such a column looks like a number, so that for equality it does not matter.
    """
    value = sql.name(column.name)
    return sql.concat(value, sql.string("")) if column.affinity == "number" else value


def _of_type(leaf: Leaf, kind: str, column: Column, value: Expression, dialect: Dialect) -> Condition | None:
    found = typed_condition(leaf, column, value, dialect)
    if found is None:
        return None
    return Condition(_guarded(sql.name(column.name), (kind,), found.tree), found.parameters, nullable=True)


def _guarded(value: Expression, kinds: Sequence[str], condition: Expression) -> Expression:
    found = sql.call("typeof", value)
    names = [sql.string(kind) for kind in kinds]
    guard = sql.equals(found, names[0]) if len(names) == 1 else sql.member(found, names)
    return sql.all_of([condition, guard])


def _type_condition(types: frozenset[int], value: Expression) -> Expression:
    low, high = sql.integer(INT32_MIN), sql.integer(INT32_MAX)
    small = sql.all_of([sql.compare("$gte", value, low), sql.compare("$lte", value, high)])
    whole = sql.case([(small, sql.integer(int(16 in types)))], sql.integer(int(18 in types)))
    codes = {"null": 10, "real": 1, "text": 2}
    branches = [(sql.string(kind), sql.integer(int(code in types))) for kind, code in codes.items()]
    return sql.case(
        [*branches, (sql.string("integer"), whole)], sql.integer(int(5 in types)), sql.call("typeof", value)
    )
