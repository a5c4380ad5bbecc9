"""From the tree of an expression to a closure, with constants folded in the order in which a server folds them.

Folding is not only an optimisation: it decides which errors come on an empty collection, and what `$add` and its
like compute, whose constant operands are put together at the end (semantics 3.9).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, assert_never, final

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Each,
    Expression,
    Let,
    Literal,
    ObjectOf,
    Removed,
    Switch,
    Variable,
)
from mongoglot.compiler.values import INT32_MAX, MISSING, Document
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.iteration import filtered, mapped, reduced
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish
from mongoglot.engines.python.expressions.paths import read_path
from mongoglot.engines.python.expressions.table import (
    ARRAY_ALONE,
    AS_WRITTEN,
    ASSOCIATIVE,
    CHECKS,
    COMMUTATIVE,
    DELAYED,
    FUNCTIONS,
    KNOWN_SUPERSET,
    SECOND_FIRST,
    STREAMS,
    UNFOLDED,
)
from mongoglot.errors import FilterError

Scope: TypeAlias = list[Any]
"""The values of the variables; the document is the first."""

Closure: TypeAlias = Callable[[Scope], Any]

FOLDING: Final = "Failed to optimize expression :: caused by :: "


@final
@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An expression whose value is known."""

    value: Any


@final
@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """An associative operator: its operands may become part of one around it."""

    operator: str
    operands: tuple[Built, ...]


Built: TypeAlias = Constant | Combination | Closure


def evaluator(expression: Expression, literals: Sequence[Any]) -> Callable[[Document], Any]:
    """The function that computes an expression on a document; `MISSING` where it has no value.

    Raises:
        FilterError: its constant parts cannot be computed, with the server's code.
    """
    try:
        closure = _closure(_build(expression, literals))
    except FilterError as error:
        if not error.reason.startswith(FOLDING):
            error.reason = FOLDING + error.reason
        raise
    except RecursionError:
        raise _too_deep() from None

    def evaluate(document: Document) -> Any:
        try:
            return closure([document])
        except RecursionError:
            raise _too_deep() from None

    return evaluate


def document_filter(expression: Expression, literals: Sequence[Any]) -> Callable[[Document], bool]:
    """Whether an expression is true of a document (semantics 3.9)."""
    evaluate = evaluator(expression, literals)
    return lambda document: is_true(evaluate(document))


def _too_deep() -> FilterError:
    return FilterError(15, "the expression nests deeper than this process can compute")


def _build(expression: Expression, literals: Sequence[Any], fold: bool = True) -> Built:
    """An expression; where nothing in it is folded, a closure, so that what is around it folds nothing either."""
    built = _node(expression, literals, fold)
    return built if fold else _closure(built)


def _node(expression: Expression, literals: Sequence[Any], fold: bool) -> Built:
    match expression:
        case Literal(index):
            return Constant(literals[index])
        case Removed():
            return Constant(MISSING)
        case Variable(place, path):
            return lambda scope: read_path(scope[place], path)
        case ArrayOf(items):
            return _array([_build(item, literals, fold) for item in items])
        case ObjectOf(names, fields):
            return _object(names, [_build(field, literals, fold) for field in fields])
        case Call(operator, operands):
            built: list[Built] = []
            inside = fold and operator not in AS_WRITTEN
            for number, part in enumerate(operands):
                operand = Constant(ABSENT) if part is None else _build(part, literals, inside)
                if operator == "$setEquals" and isinstance(operand, Constant):
                    CHECKS[operator](number, operand.value)
                built.append(operand)
            return _call(operator, built)
        case Let(values, body):
            return _let([_build(value, literals, fold) for value in values], _build(body, literals, fold))
        case Switch(branches, default):
            other = None if default is None else _build(default, literals, fold)
            return _switch(branches, other, literals, fold)
        case Each(operator, source, body, extra):
            return _each(
                operator,
                _build(source, literals, fold),
                None if extra is None else _build(extra, literals, fold),
                _build(body, literals, fold),
            )
        case _:
            assert_never(expression)


def _closure(built: Built) -> Closure:
    match built:
        case Constant(value):
            return lambda _: value
        case Combination(operator, operands):
            return _stream(operator, [_closure(operand) for operand in operands])
        case closure:
            return closure


def _array(items: list[Built]) -> Built:
    if all(isinstance(item, Constant) for item in items):
        return Constant([_element(item.value) for item in items if isinstance(item, Constant)])
    closures = [_closure(item) for item in items]
    return lambda scope: [_element(closure(scope)) for closure in closures]


def _element(value: Any) -> Any:
    """What is missing is null in an array."""
    return None if value is MISSING else value


def _object(names: tuple[str, ...], fields: list[Built]) -> Built:
    closures = [_closure(field) for field in fields]

    def evaluate(scope: Scope) -> Any:
        pairs = [(name, closure(scope)) for name, closure in zip(names, closures, strict=True)]
        return {name: value for name, value in pairs if value is not MISSING}

    if all(isinstance(field, Constant) for field in fields):
        return Constant(evaluate([]))
    return evaluate


def _let(values: list[Built], body: Built) -> Built:
    if not values:
        return body
    closures, inner = [_closure(value) for value in values], _closure(body)
    return lambda scope: inner([*scope, *[closure(scope) for closure in closures]])


def _switch(
    pairs: tuple[tuple[Expression, Expression], ...],
    default: Built | None,
    literals: Sequence[Any],
    fold: bool,
) -> Built:
    """Branches that can never be taken are dropped, and those behind one that always is: not even folded."""
    kept: list[tuple[Built, Built]] = []
    for condition, result in pairs:
        case = _build(condition, literals, fold)
        if isinstance(case, Constant):
            if not is_true(case.value):
                continue
            default = _build(result, literals, fold)
            break
        kept.append((case, _build(result, literals, fold)))
    if not kept:
        if default is None:
            reason = (
                "Cannot execute a switch statement where all the cases evaluate to false without a default"
            )
            raise FilterError(40069, reason)
        return default
    branches = [(_closure(case), _closure(then)) for case, then in kept]
    otherwise = None if default is None else _closure(default)

    def evaluate(scope: Scope) -> Any:
        for case, then in branches:
            if is_true(case(scope)):
                return then(scope)
        if otherwise is None:
            reason = "$switch could not find a matching branch for an input, and no default was specified."
            raise FilterError(40066, reason)
        return otherwise(scope)

    return evaluate


def _each(operator: str, source: Built, extra: Built | None, body: Built) -> Built:
    """None of them is folded, whatever is constant in it."""
    items, inner = _closure(source), _closure(body)
    other = None if extra is None else _closure(extra)
    match operator:
        case "$map":
            return mapped(items, inner)
        case "$filter":
            return filtered(items, other, inner)
        case "$reduce" if other is not None:
            return reduced(items, other, inner)
        case _:
            raise AssertionError(operator)


def _call(operator: str, operands: list[Built]) -> Built:
    constant = operator not in UNFOLDED and all(isinstance(operand, Constant) for operand in operands)
    if operator == "$cond":
        return _condition(*operands)
    if operator == "$ifNull":
        return _first_value(operands)
    if operator == "$setEquals":  # all are compared with the first constant
        known = next((number for number, part in enumerate(operands) if isinstance(part, Constant)), 0)
        operands = [operands[known], *operands[:known], *operands[known + 1 :]]
    elif operator in CHECKS and not constant:
        for number, operand in enumerate(operands):
            if isinstance(operand, Constant):
                CHECKS[operator](number, operand.value)
    if operator == "$indexOfArray":  # what is looked for is evaluated last
        if isinstance(operands[0], Constant) and is_nullish(operands[0].value):
            return Constant(None)
        bounds = [*operands[2:], *[Constant(0), Constant(INT32_MAX)][len(operands) - 2 :]]
        operands = [operands[0], *bounds, operands[1]]
    if operator == "$setIsSubset" and not constant and isinstance(operands[1], Constant):
        operator = KNOWN_SUPERSET
    if operator in DELAYED:
        delayed = _delayed(operator, [_closure(operand) for operand in operands])
        return Constant(delayed([])) if constant else delayed
    if operator in FUNCTIONS:
        function = FUNCTIONS[operator]
        closures = [_closure(operand) for operand in operands]
        if constant:
            return Constant(function(*[closure([]) for closure in closures]))
        if len(closures) == 1:
            (only,) = closures
            return lambda scope: function(only(scope))
        if len(closures) == 2:
            first, second = closures
            if operator in SECOND_FIRST:
                return lambda scope: function(right=second(scope), left=first(scope))
            return lambda scope: function(first(scope), second(scope))
        return lambda scope: function(*[closure(scope) for closure in closures])
    if constant:
        return Constant(_stream(operator, [_closure(operand) for operand in operands])([]))
    if operator in ASSOCIATIVE and (len(operands) > 1 or operator not in ARRAY_ALONE):
        return _combination(operator, operands)
    return _stream(operator, [_closure(operand) for operand in operands])


def _delayed(operator: str, closures: list[Closure]) -> Closure:
    """An operator that asks for each operand when it needs it."""
    function = DELAYED[operator]
    return lambda scope: function(*[functools.partial(closure, scope) for closure in closures])


def _stream(operator: str, closures: list[Closure]) -> Closure:
    """An operator that takes its operands one after the other, and may stop before the last."""
    function = STREAMS[operator]

    def operands(scope: Scope) -> Iterator[Any]:
        for closure in closures:
            yield closure(scope)

    return lambda scope: function(operands(scope))


def _combination(operator: str, operands: list[Built]) -> Built:
    """An associative operator, one level of it: constants that stand together become one."""
    kept: list[Built] = []
    constants: list[Built] = []

    def fold() -> None:
        if len(constants) > 1:
            closures = [_closure(constant) for constant in constants]
            kept.append(Constant(_stream(operator, closures)([])))
        else:
            kept.extend(constants)
        constants.clear()

    pending = operands[::-1]
    while pending:
        operand = pending.pop()
        if isinstance(operand, Constant):
            constants.append(operand)
        elif isinstance(operand, Combination) and operand.operator == operator:
            pending.extend(reversed(operand.operands))
        else:
            if operator not in COMMUTATIVE:
                fold()
            kept.append(operand)
    fold()
    if operator in ("$and", "$or") and isinstance(kept[-1], Constant):
        return _decided(operator, kept)
    return Combination(operator, tuple(kept))


def _decided(operator: str, operands: list[Built]) -> Built:
    """`$and` with a constant at its end: false decides it, true adds nothing; `$or` likewise."""
    last = operands[-1]
    assert isinstance(last, Constant)  # noqa: S101 - it was asked
    if is_true(last.value) == (operator == "$or"):
        return Constant(operator == "$or")
    return Combination(operator, tuple(operands[:-1]))


def _condition(condition: Built, then: Built, otherwise: Built) -> Built:
    if isinstance(condition, Constant):
        return then if is_true(condition.value) else otherwise
    test, first, second = _closure(condition), _closure(then), _closure(otherwise)
    return lambda scope: first(scope) if is_true(test(scope)) else second(scope)


def _first_value(operands: list[Built]) -> Built:
    """`$ifNull`: constant nulls before the last operand go, and what is behind another constant."""
    kept: list[Built] = []
    for operand in operands[:-1]:
        if isinstance(operand, Constant):
            if operand.value is None or operand.value is MISSING:
                continue
            kept.append(operand)
            break
        kept.append(operand)
    else:
        kept.append(operands[-1])
    if len(kept) == 1:
        return kept[0]
    closures = [_closure(operand) for operand in kept]

    def evaluate(scope: Scope) -> Any:
        value = None
        for closure in closures:
            value = closure(scope)
            if value is not None and value is not MISSING:
                return value
        return value

    return evaluate
