"""Predicates on a declared column: plain comparisons, which an index can serve.

A column holds values of its type and NULL for null and missing. In a mongoglot store it may also hold an empty
BLOB, the mark of a value that the column cannot hold; then the document decides. `c = x''` finds the marks
through the same index. A BLOB is greater than every number and text, so `c > 5` finds them too
and `c < x''` keeps them out.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final, assert_never

from mongoglot.compiler.ast import (
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    Mod,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, ValueClass, value_class
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Binder, Parameters
from mongoglot.engines.sql.json_text import json_list
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import native_number
from mongoglot.engines.sql.table import Column, ColumnType
from mongoglot.engines.sql.tags import identity
from mongoglot.engines.sqlite.conditions import conditions_of
from mongoglot.engines.sqlite.element import Element
from mongoglot.engines.sqlite.glob import matches_glob, to_sqlite_glob
from mongoglot.engines.sqlite.paths import Place
from mongoglot.engines.sqlite.text_conditions import regex_call, regex_parameters

_KINDS: Final[dict[ColumnType, frozenset[ValueClass]]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"int", "double", "decimal"}),
    "date": frozenset({"date"}),
    "bool": frozenset({"bool"}),
}
"""The classes of operands that values of a column can compare with."""

Bound = tuple[Expression, Parameters]


def column_condition(leaf: Leaf, column: Column, on_document: Expression | None) -> Bound:
    """The condition on a column, and its parameters; it may be NULL where it does not hold.

    Args:
        leaf: whose path is the column's.
        column: of the table.
        on_document: the same predicate on the document, for a mixed column.
    """
    mark, value = sql.blob(""), sql.name(column.name)
    if on_document is not None and isinstance(
        leaf, Exists
    ):  # NULL is null or missing, which the document tells
        return sql.some_of([sql.compare("$lt", value, mark), on_document]), {}
    if on_document is not None and _is_beyond(leaf):
        return on_document, {}
    tree, parameters, with_marks = _on_column(leaf, column)
    if on_document is None:
        return tree, parameters
    if with_marks:  # the comparison is true of the marks too
        tree = sql.all_of([tree, sql.compare("$lt", value, mark)])
    marked = sql.all_of([sql.equals(value, mark), on_document])
    return sql.some_of([tree, marked]), parameters


def identity_condition(leaf: Leaf, column: str) -> Bound | None:
    """Equality of `_id`, which every document has and which is no array, by its identity; None for others."""
    value = sql.name(column)
    match leaf:
        case Compare(_, "$eq", operand):
            label = f"id{operand.index}"
            return sql.equals(value, sql.parameter(label)), {label: (operand.index, identity)}
        case In(_, operand, ()):
            label = f"id{operand.index}"
            members = sql.source(sql.call("json_each", sql.parameter(label)), "list")
            chosen = sql.select([sql.name("value", "list")], [members])
            return sql.member_of(value, chosen), {label: (operand, _identities)}
        case _:
            return None


def _identities(items: list[Any]) -> str:
    return json.dumps([identity(item) for item in items], ensure_ascii=False)


def _on_column(leaf: Leaf, column: Column) -> tuple[Expression, Parameters, bool]:
    """The condition on the column's own values, its parameters, and whether it holds for marks too."""
    value = sql.name(column.name)
    match leaf:
        case Exists():
            return sql.TRUE, {}, False  # a row has all of its columns, some of them null
        case Compare(_, op, operand):
            label = f"c{operand.index}"
            match operand.kind:
                case "null" if op == "$eq":
                    return sql.is_null(value), {}, False
                case _ if _is_beyond(leaf):
                    return sql.TRUE, {}, False
                case kind if kind in _KINDS[column.type]:
                    binder = _binder(column.type, op)
                    condition = sql.compare(op, value, sql.parameter(label))
                    return condition, {label: (operand.index, binder)}, op in ("$gt", "$gte")
                case _:
                    return sql.FALSE, {}, False
        case In(_, list_operand, ()):
            label = f"c{list_operand.index}"
            hits = [sql.is_null(value)] if "null" in list_operand.kinds else []
            parameters: Parameters = {}
            if list_operand.kinds & _KINDS[column.type]:
                members = sql.source(sql.call("json_each", sql.parameter(label)), "list")
                hits.append(sql.member_of(value, sql.select([sql.name("value", "list")], [members])))
                parameters[label] = (list_operand, _list_binder(column.type))
            return sql.some_of(hits), parameters, False
        case Glob(_, operand, plain):
            if column.type != "string":
                return sql.FALSE, {}, False
            label = f"c{operand.index}"
            condition = matches_glob(value, sql.parameter(label))
            return condition, {label: (operand.index, partial(to_sqlite_glob, plain=plain))}, True
        case RegexMatch(_, operand):
            if column.type != "string":
                return sql.FALSE, {}, False
            return regex_call(value, operand), regex_parameters(operand), False
        case HasType(_, types):
            return _type_condition(column, types), {}, False
        case Mod() | Bits():
            return number_condition(leaf, value) if column.type == "number" else (sql.FALSE, {}, False)
        case Size() | ElemMatch():
            return sql.FALSE, {}, False  # a column of its own holds no arrays
        case In() | Sample() | ServerOnly() | JsonSchema() | Expr():
            raise AssertionError(leaf)  # lowering.py has them
        case _:
            assert_never(leaf)


def _type_condition(column: Column, types: frozenset[int]) -> Expression:
    """`$type` on a column: NULL is null, and the numbers are told apart as SQLite stores them."""
    value = sql.name(column.name)
    branches = [(sql.string("null"), sql.integer(int(10 in types)))]
    if column.type == "number":
        inside = sql.all_of(
            [
                sql.compare("$gte", value, sql.integer(INT32_MIN)),
                sql.compare("$lte", value, sql.integer(INT32_MAX)),
            ]
        )
        by_size = sql.case([(inside, sql.integer(int(16 in types)))], sql.integer(int(18 in types)))
        branches.append((sql.string("integer"), by_size))
        return sql.case(branches, sql.integer(int(1 in types)), sql.call("typeof", value))
    code = {"string": 2, "bool": 8, "date": 9}[column.type]
    return sql.case(branches, sql.integer(int(code in types)), sql.call("typeof", value))


def number_condition(leaf: Leaf, value: Expression) -> tuple[Expression, Parameters, bool]:
    """`$mod` and the operators of bits on the numbers of a column."""
    conditions = conditions_of(leaf)
    if conditions is None:
        return sql.FALSE, {}, False
    place = Place(value, sql.string("$"))
    branches = [
        (sql.string(kind), conditions.by_type[kind](Element(value, value, place)))
        for kind in ("integer", "real")
    ]
    return sql.case(branches, sql.FALSE, sql.call("typeof", value)), conditions.parameters, False


def _is_beyond(leaf: Leaf) -> bool:
    """`$gt: MinKey` and the like, true of every value of a column and of NULL."""
    return isinstance(leaf, Compare) and leaf.operand.kind in ("minkey", "maxkey") and leaf.op != "$eq"


def _binder(kind: ColumnType, op: Any) -> Binder:
    match kind:
        case "number":
            return lambda value: native_number(op, value)
        case "date":
            return milliseconds
        case "bool":
            return int
        case "string":
            return str
        case _:
            raise AssertionError(kind)  # lowering.py has them


def _list_binder(kind: ColumnType) -> Binder:
    kinds, convert = _KINDS[kind], _binder(kind, "$eq")

    def bound(items: list[Any]) -> str:
        natives = (convert(item) for item in items if value_class(item) in kinds)
        return json_list(native for native in natives if native is not None)

    return bound
