"""Predicates as conditions on the key of one value (`keys.py`), a JSON text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias, assert_never, final

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
from mongoglot.compiler.regex import Pattern
from mongoglot.compiler.values import ValueClass
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.remainders import leaves
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression

Test: TypeAlias = Callable[[Expression], Expression]
"""From SQL of a value's JSON text to a condition on it, which may be NULL where it does not hold."""


@final
@dataclass(frozen=True, slots=True)
class Conditions:
    """A predicate on one value.

    Attributes:
        test: the condition on a value; it does not hold where that is NULL.
        missing: whether an absent field matches.
        whole: whether an array may match as a whole.
        expand: whether the elements of an array are tested beside the array.
        superset: whether the condition lets through more than the predicate.
        parameters: what the condition uses.
    """

    test: Test
    missing: bool = False
    whole: bool = False
    expand: bool = True
    superset: bool = False
    parameters: Parameters = field(default_factory=dict)


ARRAY: Final = "["
OBJECT: Final = "{"


def begins(text: Expression, start: str) -> Expression:
    """Whether a text begins so."""
    return sql.call("starts_with", text, sql.string(start))


def conditions_of(leaf: Leaf) -> Conditions | None:
    """The conditions of a predicate, or None where SQL has none."""
    match leaf:
        case Compare(_, op, operand):
            return comparison(op, operand)
        case In(_, operand, ()):
            return membership(operand)
        case In():
            return None  # the passes take the patterns out
        case Exists():
            return Conditions(duck.not_null, whole=True, expand=False)
        case HasType(_, types):
            return of_types(types)
        case Size(_, length):
            return Conditions(partial(_has_length, length), whole=True, expand=False)
        case Mod(_, divisor, remainder):
            return Conditions(lambda text: leaves(text, divisor, remainder))
        case Bits():
            return Conditions(partial(_is_of, ("int", "binary")), superset=True)
        case RegexMatch(_, operand):
            return regex(operand)
        case Glob():
            return Conditions(partial(_is_of, ("string",)), superset=True)
        case ElemMatch() | Sample() | ServerOnly() | JsonSchema() | Expr():
            return None  # ElemMatch nests: documents.py has it; the others are about no value
        case _:
            assert_never(leaf)


def comparison(op: Comparison, operand: Slot) -> Conditions | None:
    """`$eq`, `$gt`, … by the class of the operand (semantics 1.2)."""
    index, kind = operand.index, operand.kind
    label = f"p{index}"
    if op == "$eq":
        return Conditions(
            lambda text: sql.equals(text, duck.parameter(label)),
            missing=kind == "null",
            whole=kind == "array",
            parameters={label: (index, keys.key)},
        )
    if kind in ("minkey", "maxkey"):  # every other value is on one side of the operand, a missing one too
        return _beyond(op, operand)
    if not keys.is_ordered(kind):
        return None
    low, high = f"{label}_from", f"{label}_to"
    return Conditions(
        lambda text: sql.between(text, duck.parameter(low), duck.parameter(high)),
        parameters={
            low: (index, lambda value: keys.comparison(op, value)[0]),
            high: (index, lambda value: keys.comparison(op, value)[1]),
        },
    )


def _beyond(op: Comparison, operand: Slot) -> Conditions:
    if op in ("$gte", "$lte"):
        return Conditions(lambda _: duck.TRUE, missing=True, whole=True)
    label = f"p{operand.index}"
    return Conditions(
        lambda text: sql.negated(sql.equals(text, duck.parameter(label))),
        missing=True,
        whole=True,
        parameters={label: (operand.index, keys.key)},
    )


def membership(operand: ListSlot) -> Conditions:
    """`$in` (semantics 3.1); the text of the SQL does not depend on how long the list is."""
    label = f"p{operand.index}"
    return Conditions(
        lambda text: sql.call("list_contains", duck.parameter(label), text),
        missing="null" in operand.kinds,
        whole="array" in operand.kinds,
        parameters={label: (operand, lambda items: [keys.key(item) for item in items])},
    )


_KINDS: Final[dict[int, ValueClass]] = {
    2: "string", 5: "binary", 7: "objectid", 8: "bool", 9: "date", 10: "null", 11: "regex", 13: "code",
    15: "scoped code", 17: "timestamp", -1: "minkey", 127: "maxkey",
}  # fmt: skip
_NUMBERS: Final = frozenset({1, 16, 18, 19})


def of_types(types: frozenset[int]) -> Conditions:
    """`$type` (semantics 3.4); equal numbers have one key, so their types are told apart elsewhere."""
    kinds = tuple(kind for code, kind in _KINDS.items() if code in types)
    if types & _NUMBERS:
        kinds = (*kinds, "int")
    containers = [start for code, start in ((3, OBJECT), (4, ARRAY)) if code in types]

    def test(text: Expression) -> Expression:
        return duck.some_of([*(begins(text, start) for start in containers), _is_of(kinds, text)])

    superset = bool(types & _NUMBERS) and not types >= _NUMBERS
    return Conditions(test, whole=ARRAY in containers, superset=superset)


def _is_of(kinds: tuple[ValueClass, ...], text: Expression) -> Expression:
    return duck.some_of(
        [sql.between(text, *(sql.string(edge) for edge in keys.brackets(kind))) for kind in kinds]
    )


def _has_length(length: int, text: Expression) -> Expression:
    counted = sql.equals(sql.call("json_array_length", text), sql.integer(length))
    return sql.case([(begins(text, ARRAY), counted)], duck.FALSE)


def regex(operand: Slot) -> Conditions:
    """`$regex`: any string may match, and a stored regex that equals the pattern."""
    label = f"p{operand.index}"

    def test(text: Expression) -> Expression:
        return sql.some_of([_is_of(("string",), text), sql.equals(text, duck.parameter(label))])

    return Conditions(test, superset=True, parameters={label: (operand.index, _stored)})


def _stored(pattern: Pattern) -> str:
    """The key of the stored regex that equals a pattern; where there is none, what no key equals."""
    return "" if pattern.stored is None else keys.key(pattern.stored)
