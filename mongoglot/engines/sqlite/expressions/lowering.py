"""The SQLite lowering of `$expr`: what the tree of an expression becomes, operator by operator.

What SQL does not compute is undecided in it. So are errors, which only Python raises. The rows for which the whole
is undecided pass the condition, and the residual decides them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never, final

from mongoglot.compiler.ast import Expr, Slot
from mongoglot.compiler.expression_ast import (
    ROOT,
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
from mongoglot.compiler.lowering import Bounds
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sqlite.expressions import types
from mongoglot.engines.sqlite.expressions.arithmetic import ARITHMETIC
from mongoglot.engines.sqlite.expressions.constants import constant, is_constant, may_fold
from mongoglot.engines.sqlite.expressions.fields import field, place_of
from mongoglot.engines.sqlite.expressions.logic import LOGIC, chosen
from mongoglot.engines.sqlite.expressions.program import MAX_LEVELS, Program, TooLargeError
from mongoglot.engines.sqlite.expressions.values import (
    ARRAY,
    OBJECT,
    Computed,
    Truth,
    truth_of,
    unknown,
)

_MERGING: Final = frozenset({"$add", "$multiply"})
"""Operators that take in one of their own kind among their operands, and put constants together at the end."""

LOWERED: Final = frozenset({
    *LOGIC, *ARITHMETIC, *types.TYPES, "$type", "$size", "$in", "$literal", "$const", "$let", "$switch",
})  # fmt: skip
"""The operators that become SQL."""

_TOO_LARGE: Final = "the expression is too large for one statement"


@final
@dataclass(frozen=True, slots=True)
class Lowered:
    """What became of an `$expr`.

    Attributes:
        code: its bounds, or the condition where it is exact; None where SQL tells nothing.
        undecided: why the SQL may leave a row open, in words.
    """

    code: Condition | Bounds[Condition] | None
    undecided: frozenset[str]


def lower_expression(leaf: Expr, table: Table) -> Lowered:
    """Lower an `$expr` for a table.

    Raises:
        UnsupportedError: the table has no such field.
    """
    builder = _Builder(table, leaf.operand)
    try:
        truth = truth_of(builder.computed(leaf.expression, (field((), table, builder.program),)))
    except TooLargeError:
        return Lowered(None, frozenset({_TOO_LARGE}))
    if not truth.known:
        return Lowered(None, truth.undecided)
    tree, parameters = builder.program.select(truth), builder.program.parameters
    if not truth.undecided:
        return Lowered(Condition(tree, parameters, height=MAX_LEVELS), truth.undecided)
    upper, lower = (
        Condition(sql.not_null_else(tree, default), parameters, height=MAX_LEVELS)
        for default in (sql.TRUE, sql.FALSE)
    )
    return Lowered(Bounds(upper, lower), truth.undecided)


@final
class _Builder:
    """One walk over an expression.

    Attributes:
        table: that the SQL is for.
        program: the steps so far.
    """

    def __init__(self, table: Table, operand: Slot) -> None:
        self.table = table
        self.program = Program(operand.index)
        self._in_switch = False

    def computed(self, expression: Expression, scope: tuple[Computed, ...]) -> Computed:
        """The SQL of an expression, with the values of the variables in scope."""
        if is_constant(expression):
            return constant(expression, self.program, certain=not self._in_switch)
        match expression:
            case Literal() | Removed() | Now():
                raise AssertionError(expression)  # they are constants
            case Variable(place, path):
                return self._variable(scope[place], path, root=place == ROOT)
            case ArrayOf(items):
                return self._container(ARRAY, items, scope)
            case ObjectOf(_, fields):
                return self._container(OBJECT, fields, scope)
            case Let(values, body):
                kept = [self.program.kept(self.computed(value, scope)) for value in values]
                return self._after(kept, self.computed(body, (*scope, *kept)))
            case Switch():
                return self._switch(expression, scope)
            case Each(operator):
                return unknown(f"{operator} is computed in Python")
            case Call(operator, operands):
                return self._call(operator, operands, scope)
            case _:
                assert_never(expression)

    def _variable(self, value: Computed, path: tuple[str, ...], *, root: bool) -> Computed:
        if not path:
            return value
        if root or value.path is not None:
            return field((*(value.path or ()), *path), self.table, self.program)
        return unknown("a field of what is computed")

    def _container(self, rank: str, items: tuple[Expression, ...], scope: tuple[Computed, ...]) -> Computed:
        """A document or an array that is made: SQL knows that it is one."""
        made = [self.program.kept(self.computed(item, scope)) for item in items]
        whole = Computed(sql.string(rank), sql.null(), frozenset({rank}), opaque=frozenset({rank}))
        return self._after(made, whole)

    def _after(self, before: list[Computed], value: Computed) -> Computed:
        """A value that is computed after others, and not at all where one of those fails."""
        failing = [other for other in before if other.undecided]
        choices = []
        for other in failing:
            test = Truth(sql.is_null(other.rank), other.level, frozenset())
            choices.append((test, unknown("")))
        found = chosen(choices, value)
        undecided = value.undecided.union(*(other.undecided for other in failing))
        return (
            Computed(
                found.rank,
                found.value,
                value.ranks,
                found.level,
                undecided,
                value.opaque,
                found.key,
                value.keyed,
                found.exact,
            )
            if failing
            else value
        )

    def _switch(self, expression: Switch, scope: tuple[Computed, ...]) -> Computed:
        outer, self._in_switch = self._in_switch, True
        choices = []
        for condition, result in expression.branches:
            test = self.program.kept_truth(truth_of(self.computed(condition, scope)))
            choices.append((test, self.computed(result, scope)))
        if expression.default is None:
            default = unknown("$switch without a default finds no branch")
        else:
            default = self.computed(expression.default, scope)
        self._in_switch = outer
        return self.program.kept(chosen(choices, default))

    def _call(
        self, operator: str, operands: tuple[Expression | None, ...], scope: tuple[Computed, ...]
    ) -> Computed:
        written = [operand for operand in operands if operand is not None]
        if operator == "$in" and isinstance(written[1], ArrayOf) and is_constant(written[1]):
            return types.membership(self.computed(written[0], scope), written[1], self.program)
        if operator not in LOWERED or operator == "$in":
            return unknown(f"{operator} is computed in Python")
        if operator in _MERGING:
            merged = self._merged(operator, written)
            if merged is None:
                return unknown(f"{operator} of what may be constant")
            written = merged
        found = [self.computed(operand, scope) for operand in written]
        if operator in ARITHMETIC:
            return ARITHMETIC[operator](self.program, operator, found)
        if operator in types.TYPES:
            return types.TYPES[operator](self.program, found)
        if operator in ("$type", "$size"):
            place = None if found[0].path is None else place_of(found[0].path, self.table)
            return (types.type_name if operator == "$type" else types.size)(found[0], place, self.program)
        return LOGIC[operator](self.program, found)

    def _merged(self, operator: str, operands: list[Expression]) -> list[Expression] | None:
        """The operands of `$add` and `$multiply` as a server takes them: flat, the constants together at the end.

        None where the values of constants decide which are constant.
        """
        kept: list[Expression] = []
        constants: list[Expression] = []
        pending = operands[::-1]
        while pending:
            operand = pending.pop()
            if is_constant(operand):
                constants.append(operand)
            elif may_fold(operand):  # and then stands among the constants
                return None
            elif isinstance(operand, Call) and operand.operator == operator:
                pending.extend(reversed([part for part in operand.operands if part is not None]))
            else:
                kept.append(operand)
        if len(constants) > 1:
            return [*kept, Call(operator, tuple(constants))]
        return [*kept, *constants]
