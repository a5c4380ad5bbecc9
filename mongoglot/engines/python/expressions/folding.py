"""Constants folded in the order in which a server folds them: from the tree of an expression to a smaller one.

Folding is not only an optimisation: it decides which errors come on an empty collection, and what `$add` and its
like compute, whose constant operands are put together at the end (semantics 3.9).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard, assert_never, final

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Each,
    Expression,
    Let,
    Literal,
    Now,
    ObjectOf,
    Removed,
    Switch,
    Variable,
)
from mongoglot.compiler.instants import current_time
from mongoglot.compiler.values import INT32_MAX, MISSING, value_class
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish
from mongoglot.engines.python.expressions.table import (
    ARRAY_ALONE,
    AS_WRITTEN,
    ASSOCIATIVE,
    CHECKS,
    COMMUTATIVE,
    KNOWN_SUPERSET,
    PREPARED,
    UNFOLDED,
    computed,
)
from mongoglot.errors import FilterError

_SHAPES: Final = 512

_Operand: TypeAlias = Expression | None


class Folded(NamedTuple):
    """An expression whose constant parts are computed.

    Attributes:
        expression: its `Literal` nodes are positions among `literals`; what has no value is `Removed`.
        literals: those that were written, and behind them those that folding computed.
    """

    expression: Expression
    literals: tuple[Any, ...]


def fold(expression: Expression, literals: tuple[Any, ...], now: datetime.datetime | None = None) -> Folded:
    """Compute the constant parts of an expression.

    Args:
        expression: as it was read.
        literals: the values of its `Literal` nodes.
        now: `$$NOW`; None for the time of this call.

    Raises:
        FilterError: one of them cannot be computed, with the server's code.
    """
    known = _regardless(expression, len(literals))
    if known is not None:
        return Folded(known.expression, literals + known.literals if known.literals else literals)
    folder = _Folder(len(literals), literals, now)
    folded = folder.fold(expression)
    return Folded(folded, literals + tuple(folder.computed))


@final
class _ValueNeededError(Exception):
    """What folding makes of an expression depends on the value of a literal."""


@lru_cache(_SHAPES)
def _regardless(expression: Expression, count: int) -> Folded | None:
    """What folding makes of an expression, whatever its literals are; None where it depends on them."""
    folder = _Folder(count, None, None)
    try:
        folded = folder.fold(expression)
    except _ValueNeededError:
        return None
    return Folded(folded, tuple(folder.computed))


class _Folder:
    """One walk over an expression.

    Attributes:
        computed: the constants that are not among the literals.
    """

    def __init__(self, count: int, literals: Sequence[Any] | None, now: datetime.datetime | None) -> None:
        self.computed: list[Any] = []
        self._count = count
        self._literals = literals
        self._now = now
        self._folds = True

    def value(self, part: _Operand) -> Any:
        """The value of a constant."""
        if part is None:
            return ABSENT
        if isinstance(part, Removed):
            return MISSING
        assert isinstance(part, Literal)  # noqa: S101 - only constants are asked
        if part.index >= self._count:
            return self.computed[part.index - self._count]
        if self._literals is None:
            raise _ValueNeededError
        return self._literals[part.index]

    def constant(self, value: Any) -> Expression:
        """The node of a constant that was computed."""
        if value is MISSING:
            return Removed()
        self.computed.append(value)
        return Literal(self._count + len(self.computed) - 1, value_class(value))

    def is_constant(self, part: _Operand) -> bool:
        """Whether the value of a part is known, as far as folding may look at it."""
        return part is None or (self._folds and isinstance(part, (Literal, Removed)))

    def all_constant(self, items: Iterable[_Operand]) -> bool:
        """Whether the values of all of some parts are known."""
        return all(self.is_constant(item) for item in items)

    def fold(self, expression: Expression) -> Expression:
        """An expression, its constant parts computed."""
        match expression:
            case Literal() | Removed() | Variable():
                return expression
            case Now():
                if self._literals is None:
                    raise _ValueNeededError
                self._now = self._now or current_time()  # one for all of the expression
                return self.constant(self._now)
            case ArrayOf(items):
                items = tuple([self.fold(item) for item in items])
                if not self.all_constant(items):
                    return ArrayOf(items)
                found = [self.value(item) for item in items]
                return self.constant([None if value is MISSING else value for value in found])
            case ObjectOf(names, fields):
                fields = tuple([self.fold(field) for field in fields])
                if not self.all_constant(fields):
                    return ObjectOf(names, fields)
                pairs = [(name, self.value(field)) for name, field in zip(names, fields, strict=True)]
                return self.constant({name: value for name, value in pairs if value is not MISSING})
            case Call(operator, operands):
                return self._call(operator, self._operands(operator, operands))
            case Let(values, body):
                values = tuple([self.fold(value) for value in values])
                body = self.fold(body)
                return Let(values, body) if values else body
            case Switch(branches, default):
                return self._switch(branches, default)
            case Each(operator, source, body, extra):  # none is computed, whatever is constant in it
                source = self.fold(source)
                extra = None if extra is None else self.fold(extra)
                return Each(operator, source, self.fold(body), extra)
            case _:
                assert_never(expression)

    def _operands(self, operator: str, operands: tuple[_Operand, ...]) -> list[_Operand]:
        folds, self._folds = self._folds, self._folds and operator not in AS_WRITTEN
        folded: list[_Operand] = []
        for number, part in enumerate(operands):
            operand = None if part is None else self.fold(part)
            if operator == "$setEquals" and self.is_constant(operand):
                CHECKS[operator](number, self.value(operand))
            folded.append(operand)
        self._folds = folds
        return folded

    def _switch(self, pairs: tuple[tuple[Expression, Expression], ...], default: _Operand) -> Expression:
        """Branches that can never be taken are dropped, and those behind one that always is: not even folded."""
        default = None if default is None else self.fold(default)
        kept: list[tuple[Expression, Expression]] = []
        for condition, result in pairs:
            case = self.fold(condition)
            if self.is_constant(case):
                if not is_true(self.value(case)):
                    continue
                default = self.fold(result)
                break
            kept.append((case, self.fold(result)))
        if kept:
            return Switch(tuple(kept), default)
        if default is None:
            reason = (
                "Cannot execute a switch statement where all the cases evaluate to false without a default"
            )
            raise FilterError(40069, reason)
        return default

    def _call(self, operator: str, operands: list[_Operand]) -> Expression:
        constant = operator not in UNFOLDED and operator not in AS_WRITTEN and self.all_constant(operands)
        if operator in PREPARED and operator not in AS_WRITTEN and self.all_constant(operands[1:]):
            PREPARED[operator](*[self.value(operand) for operand in operands[1:]])
        if operator == "$cond":
            return self._condition(operands)
        if operator == "$ifNull":
            return self._first_value(operands)
        if operator == "$setEquals":  # all are compared with the first constant
            known = next((number for number, part in enumerate(operands) if self.is_constant(part)), 0)
            operands = [operands[known], *operands[:known], *operands[known + 1 :]]
        elif operator in CHECKS and not constant:
            for number, operand in enumerate(operands):
                if self.is_constant(operand):
                    CHECKS[operator](number, self.value(operand))
        if operator == "$indexOfArray":  # what is looked for is evaluated last
            if self.is_constant(operands[0]) and is_nullish(self.value(operands[0])):
                return self.constant(None)
            bounds = [*operands[2:], *[self.constant(bound) for bound in (0, INT32_MAX)[len(operands) - 2 :]]]
            operands = [operands[0], *bounds, operands[1]]
        if constant:
            return self.constant(computed(operator, [self.value(operand) for operand in operands]))
        if operator == "$setIsSubset" and self.is_constant(operands[1]):
            operator = KNOWN_SUPERSET
        if operator in ASSOCIATIVE and (len(operands) > 1 or operator not in ARRAY_ALONE):
            return self._combination(operator, operands)
        return Call(operator, tuple(operands))

    def _combination(self, operator: str, operands: list[_Operand]) -> Expression:
        """An associative operator, one level of it: constants that stand together become one."""
        kept: list[_Operand] = []
        constants: list[_Operand] = []

        def put_together() -> None:
            if len(constants) > 1:
                values = [self.value(constant) for constant in constants]
                kept.append(self.constant(computed(operator, values)))
            else:
                kept.extend(constants)
            constants.clear()

        pending = operands[::-1]
        while pending:
            operand = pending.pop()
            if self.is_constant(operand):
                constants.append(operand)
            elif self._folds and _is_combination(operand, operator):
                pending.extend(reversed(operand.operands))
            else:
                if operator not in COMMUTATIVE:
                    put_together()
                kept.append(operand)
        put_together()
        if operator in ("$and", "$or") and self.is_constant(kept[-1]):
            # false decides $and, true adds nothing to it; $or likewise
            if is_true(self.value(kept[-1])) == (operator == "$or"):
                return self.constant(operator == "$or")
            kept.pop()
        return Call(operator, tuple(kept))

    def _condition(self, operands: list[_Operand]) -> Expression:
        condition, then, otherwise = operands
        assert then is not None and otherwise is not None  # noqa: S101, PT018 - the grammar has all three
        if not self.is_constant(condition):
            return Call("$cond", (condition, then, otherwise))
        return then if is_true(self.value(condition)) else otherwise

    def _first_value(self, operands: list[_Operand]) -> Expression:
        """`$ifNull`: constant nulls before the last operand go, and what is behind another constant."""
        kept: list[_Operand] = []
        for operand in operands[:-1]:
            if self.is_constant(operand):
                if is_nullish(self.value(operand)):
                    continue
                kept.append(operand)
                break
            kept.append(operand)
        else:
            kept.append(operands[-1])
        if len(kept) == 1 and kept[0] is not None:
            return kept[0]
        return Call("$ifNull", tuple(kept))


def _is_combination(part: _Operand, operator: str) -> TypeGuard[Call]:
    """Whether a part is the associative operator itself, whose operands can be taken for its own."""
    return (
        isinstance(part, Call)
        and part.operator == operator
        and (len(part.operands) > 1 or operator not in ARRAY_ALONE)
    )
