"""Constants of expressions: values that a query binds, computed as the Python engine folds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Each,
    Expression,
    ExpressionOperand,
    Let,
    Literal,
    Now,
    ObjectOf,
    Removed,
    Switch,
    Variable,
    parts,
)
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import MISSING as NO_VALUE
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.python.expressions import evaluator
from mongoglot.engines.python.expressions.table import AS_WRITTEN, UNFOLDED
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.number_keys import native_number, number_key
from mongoglot.engines.sql.tags import LETTERS, STRINGS
from mongoglot.engines.sqlite.expressions.program import Program
from mongoglot.engines.sqlite.expressions.values import MISSING, NAN, NUMBER, OPAQUE, RANKS, Computed
from mongoglot.errors import FilterError, UnsupportedError

_SKIPPED: Final = "a constant may stand where it is never computed"


def is_constant(expression: Expression) -> bool:
    """Whether a server computes it before it looks at a document."""
    match expression:
        case Literal() | Removed() | Now():
            return True
        case Call(operator) if operator in UNFOLDED | AS_WRITTEN:
            return False
        case ArrayOf() | ObjectOf() | Switch():
            return all(is_constant(part) for part in parts(expression))
        case Call(_, operands):
            return all(operand is None or is_constant(operand) for operand in operands)
        case _:
            return False


def may_fold(expression: Expression) -> bool:
    """Whether it may become a constant, or an operand of the operator around it, once constants have values."""
    if is_constant(expression):
        return True
    match expression:
        case Call(operator) if operator in AS_WRITTEN:
            return False
        case Call("$cond" | "$indexOfArray", (first, *_)):
            return first is not None and may_fold(first)
        case Call("$and" | "$or" | "$ifNull", operands):
            return any(operand is not None and may_fold(operand) for operand in operands)
        case Switch(branches, _):
            return any(may_fold(condition) for condition, _ in branches)
        case Let(values, _):
            return not values
        case Variable() | Each():
            return False
        case _:
            return all(may_fold(part) for part in parts(expression))


def constant(expression: Expression, program: Program, *, certain: bool) -> Computed:
    """The value of a constant as parameters.

    Args:
        expression: the constant.
        program: gets the parameters.
        certain: whether it was computed without an error when the query was compiled.
    """
    if isinstance(expression, Removed):
        return Computed(sql.string(MISSING), sql.integer(0), frozenset({MISSING}))
    name = program.next_constant()

    def bound(part: str, of: Callable[[Any], Any]) -> sql.Expression:
        return program.parameter(f"{name}_{part}", lambda operand: _value(expression, operand, of))

    if isinstance(expression, Literal):
        rank = rank_of(expression.kind)
        opaque = rank != NUMBER or expression.kind == "decimal"
        return Computed(
            sql.string(rank),
            bound("value", comparable),
            frozenset({rank}),
            opaque=frozenset({rank} & OPAQUE.keys()) if opaque else frozenset(),
            key=bound("key", _key) if rank == NUMBER else None,
            keyed=True,
        )
    plain = _is_plain_number(expression)
    return Computed(
        bound("rank", _rank),
        bound("value", comparable),
        frozenset({NAN, NUMBER}) if plain else RANKS,
        undecided=frozenset() if certain else frozenset({_SKIPPED}),
        opaque=frozenset() if plain else frozenset(OPAQUE),
        key=bound("key", _key),
        keyed=True,
    )


def _is_plain_number(expression: Expression) -> bool:
    """Whether a constant is a number and no decimal, as it is computed of such numbers."""
    match expression:
        case Literal(_, kind):
            return kind in ("int", "double")
        case Call("$add" | "$multiply" | "$subtract" | "$divide" | "$mod" | "$abs", operands):
            return all(operand is not None and _is_plain_number(operand) for operand in operands)
        case _:
            return False


def elements(expression: ArrayOf, program: Program) -> sql.Expression:
    """A parameter with rank, value and key of each element of a constant array, as JSON."""
    name = program.next_constant()
    return program.parameter(f"{name}_list", lambda operand: _value(expression, operand, _elements))


def rank_of(kind: ValueClass) -> str:
    """The rank of a class."""
    return NAN if kind == "nan" else LETTERS[kind]


def _value(expression: Expression, operand: ExpressionOperand, of: Callable[[Any], Any]) -> Any:
    """A part of the value of a constant; NULL where computing it fails, which a server may never do."""
    try:
        value = evaluator(expression, operand.literals, operand.now)({})
    except (FilterError, UnsupportedError):
        return None
    return of(value if value is NO_VALUE else normalise(value))


def _rank(value: Any) -> str:
    return MISSING if value is NO_VALUE else rank_of(value_class(value))


def comparable(value: Any) -> Any:
    """What compares within the rank of a value; NULL where nothing does."""
    if value is NO_VALUE:
        return 0
    match value_class(value):
        case "null" | "nan":
            return 0
        case "bool" | "int":
            return int(value)
        case "double":
            return float(value)
        case "decimal" | "object" | "array" | "scoped code":
            return None
        case _:
            return STRINGS[value.__class__](value)


def _key(value: Any) -> str | None:
    is_number = value is not NO_VALUE and value_class(value) in ("int", "double", "decimal")
    return number_key(value) if is_number else None


def _elements(array: list[Any]) -> str:
    # what is no number has a key that no number has, as NULL in a list would leave all open
    rows = [(_rank(item), _member(item), _key(item) or "") for item in array]
    return json.dumps(rows, ensure_ascii=False)


def _member(item: Any) -> Any:
    """As `comparable`; a decimal is the native number that equals it, or what no number equals."""
    if value_class(item) != "decimal":
        return comparable(item)
    native = native_number("$eq", item)
    return "" if native is None else native
