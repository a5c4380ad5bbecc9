"""Predicates that the language of paths cannot say, in SQL on the set of values that a path gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from mongoglot.compiler.ast import Compare, HasType, In
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.values import INT32_MAX, INT32_MIN
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.condition import Condition, Connectives
from mongoglot.engines.postgresql.documents import tested
from mongoglot.engines.postgresql.paths import Reading, readings
from mongoglot.engines.postgresql.predicates import NUMBER_TYPES, Test, types_test
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression

_VALUE: Final = "v"
"""The name of a value of the set."""


def some_value(document: str, paths: Sequence[str], condition: Expression) -> Condition:
    """Some of the values that paths give is as a condition on `v` says."""
    parameters: Parameters = {}
    choices: list[Expression] = []
    for path in paths:
        label = f"path {path}"
        parameters[label] = (None, partial(_fixed, path))
        arguments = (sql.name(document), sql.parameter(label), sql.string("{}"), sql.truth(True))
        values = sql.source(sql.call("jsonb_path_query", *arguments), _VALUE)
        choices.append(sql.exists([values], condition))
    return Condition(None, sql.some_of(choices), parameters=parameters)


def _fixed(text: str, _: Any) -> str:
    return text


def _paths(found: Sequence[Reading], *, arrays: bool) -> list[str]:
    """The paths of the elements, and of the values unexpanded where arrays are looked for."""
    paths = [reading.elements() for reading in found]
    return list(dict.fromkeys(paths + [reading.values() for reading in found] if arrays else paths))


def equality(leaf: Compare, document: str) -> Condition | None:
    """Equality with an object or array: jsonb is equal where values are."""
    found = readings(leaf.path)
    if found is None:
        return None
    label, operand = f"p{leaf.operand.index}", leaf.operand
    wanted = sql.equals(sql.name(_VALUE), sql.parameter(label))
    code = some_value(document, _paths(found, arrays=operand.kind == "array"), wanted)
    code.parameters[label] = (operand.index, encoding.encode_value)
    return code


def membership(leaf: In, document: str, join: Connectives) -> Condition | None:
    """`$in` (semantics 3.1): the list becomes a table of hashes, so its length does not matter."""
    found = readings(leaf.path)
    if found is None:
        return None
    operand, label = leaf.operand, f"p{leaf.operand.index}"
    members = sql.select([sql.call("jsonb_array_elements", sql.parameter(label))])
    wanted = sql.member_of(sql.name(_VALUE), members)
    code = some_value(document, _paths(found, arrays="array" in operand.kinds), wanted)
    code.parameters[label] = (operand, _list)
    if "null" not in operand.kinds:
        return code
    return join.disjunction([code, tested(Test(missing=True), found)])


def _list(items: list[Any]) -> str:
    return f"[{','.join(map(encoding.encode_value, items))}]"


def types(leaf: HasType, document: str, join: Connectives) -> Condition | Superset[Condition] | None:
    """`$type` of some types of numbers, which their decimal places tell apart."""
    found = readings(leaf.path)
    if found is None:
        return None
    numbers = [reading.numbers() for reading in found]
    code: Condition | None = some_value(document, numbers, _of_types(leaf.types))
    rest = types_test(leaf.types, numbers=False)
    if code is not None and (rest.element is not None or rest.whole is not None):
        code = join.disjunction([code, tested(rest, found)])
    return Superset(code) if code is not None and rest.superset else code


_TYPE_OF_SCALE: Final = {
    16: encoding.INT32_SCALE, 1: encoding.DOUBLE_SCALE, 18: encoding.INT64_SCALE, 19: encoding.DECIMAL_SCALE,
}  # fmt: skip


def _of_types(wanted: frozenset[int]) -> Expression:
    number = sql.cast(sql.name(_VALUE), "numeric")
    scale = sql.remainder(sql.call("scale", number), sql.integer(4))
    places = sorted(_TYPE_OF_SCALE[code] for code in wanted & NUMBER_TYPES)
    of_types = sql.member(scale, map(sql.integer, places))
    if (16 in wanted) == (18 in wanted):
        return of_types
    # an int beyond 32 bits has no decimal places, as an int32
    short = [
        sql.compare("$gte", number, sql.integer(INT32_MIN)),
        sql.compare("$lte", number, sql.integer(INT32_MAX)),
    ]
    whole = sql.equals(scale, sql.integer(encoding.INT32_SCALE))
    if 16 in wanted:
        return sql.all_of([of_types, sql.some_of([sql.negated(whole), sql.all_of(short)])])
    return sql.some_of([of_types, sql.all_of([whole, sql.negated(sql.all_of(short))])])
