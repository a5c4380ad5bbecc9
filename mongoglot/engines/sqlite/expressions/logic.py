"""Comparison in the total order, boolean and conditional operators as SQL (semantics 3.9).

Operands are decided in their order: behind one that is undecided, which may stand for an error, nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite.expressions.program import Program
from mongoglot.engines.sqlite.expressions.values import (
    NULLISH,
    NUMBER,
    OPAQUE,
    Computed,
    Truth,
    boolean,
    merged_ranks,
    truth_of,
)

Operation = Callable[[Program, Sequence[Computed]], Computed]
"""From the operands to the result."""

# ---- comparison ----------------------------------------------------------------------------------


def compared(op: str, program: Program, operands: Sequence[Computed]) -> Computed:
    """`$eq`, `$gt`, …"""
    left, right = operands
    return boolean(program.kept_truth(_comparison(op, left, right)))


def _comparison(op: str, left: Computed, right: Computed) -> Truth:
    undecided = _open_of(left, right)
    if not (left.known and right.known):
        return Truth(sql.null(), undecided=undecided)
    first, second = sql.row(left.rank, left.value), sql.row(right.rank, right.value)
    tree = _related(op, first, second)
    if left.key is not None and right.key is not None:
        # where a value is NULL and both are numbers, one is a decimal
        tree = sql.call("coalesce", tree, _related(op, left.key, right.key))
    return Truth(tree, max(left.level, right.level), undecided)


def _related(op: str, left: Expression, right: Expression) -> Expression:
    return sql.negated(sql.equals(left, right)) if op == "$ne" else sql.compare(op, left, right)


def _open_of(left: Computed, right: Computed) -> frozenset[str]:
    """Why a comparison may be undecided."""
    both = (left.opaque & right.ranks) | (right.opaque & left.ranks)
    keyed = (NUMBER not in left.opaque or right.keyed) and (NUMBER not in right.opaque or left.keyed)
    if keyed and left.key is not None and right.key is not None:
        both -= {NUMBER}
    return left.undecided | right.undecided | {OPAQUE[rank] for rank in both}


def three_way(program: Program, operands: Sequence[Computed]) -> Computed:
    """`$cmp`."""
    left, right = map(program.kept, operands)
    less, equal = (_comparison(op, left, right) for op in ("$lt", "$eq"))
    if not less.known:
        return Computed(sql.null(), sql.null(), undecided=less.undecided)
    tests = [program.column(truth.tree, truth.level) for truth in (less, equal)]
    order = sql.case(
        [
            (sql.is_null(tests[0]), sql.null()),
            (tests[0], sql.integer(-1)),
            (tests[1], sql.integer(0)),
        ],
        sql.integer(1),
    )
    rank = sql.case([(sql.is_null(tests[0]), sql.null())], sql.string(NUMBER))
    return Computed(rank, order, frozenset({NUMBER}), less.level + 1, less.undecided, exact=lambda: order)


# ---- truth ---------------------------------------------------------------------------------------


def negation(program: Program, operands: Sequence[Computed]) -> Computed:
    """`$not`."""
    truth = truth_of(operands[0])
    if not truth.known:
        return boolean(truth)
    return boolean(program.kept_truth(Truth(sql.negated(truth.tree), truth.level, truth.undecided)))


def joined(stop: bool, program: Program, operands: Sequence[Computed]) -> Computed:
    """`$and`, which stops at the first that is false, and `$or`, which stops at the first that is true.

    Args:
        stop: the truth that decides.
        program: gets the columns.
        operands: in their order.
    """
    truths = [program.kept_truth(truth_of(operand)) for operand in operands]
    level = max((truth.level for truth in truths), default=0)
    undecided = frozenset().union(*(truth.undecided for truth in truths))
    trees = [truth.tree for truth in truths]
    if not undecided:
        return boolean(Truth((sql.some_of if stop else sql.all_of)(trees), level))
    if truths and not truths[0].known:
        return boolean(Truth(sql.null(), undecided=undecided))
    branches: list[tuple[Expression, Expression]] = []
    for truth in truths:
        if truth.undecided:
            branches.append((sql.is_null(truth.tree), sql.null()))
        decides = truth.tree if stop else sql.negated(truth.tree)
        branches.append((decides, sql.integer(int(stop))))
    tree = sql.case(branches, sql.integer(int(not stop)))
    return boolean(program.kept_truth(Truth(tree, level, undecided)))


# ---- choice --------------------------------------------------------------------------------------

Choice = tuple[Truth, Computed]
"""A condition, in a column where it may be undecided, and the value where it holds."""


def chosen(choices: Sequence[Choice], default: Computed) -> Computed:
    """The value of the first condition that holds; undecided where one before it is."""
    values = [*(value for _, value in choices), default]
    level = max([*(test.level for test, _ in choices), *(value.level for value in values)])
    undecided = frozenset().union(
        *(test.undecided for test, _ in choices), *(value.undecided for value in values)
    )

    def pick(part: Callable[[Computed], Expression]) -> Expression:
        branches: list[tuple[Expression, Expression]] = []
        for test, value in choices:
            if test.undecided:
                branches.append((sql.is_null(test.tree), sql.null()))
            branches.append((test.tree, part(value)))
        return sql.case(branches, part(default))

    if choices and not choices[0][0].known:
        return Computed(sql.null(), sql.null(), undecided=undecided)
    has_key = any(value.key is not None for value in values)
    return Computed(
        pick(lambda value: value.rank),
        pick(lambda value: value.value),
        merged_ranks(values),
        level,
        undecided,
        frozenset().union(*(value.opaque for value in values)),
        pick(lambda value: sql.null() if value.key is None else value.key) if has_key else None,
        all(value.keyed or NUMBER not in value.ranks for value in values),
        lambda: pick(Computed.number),
    )


def condition(program: Program, operands: Sequence[Computed]) -> Computed:
    """`$cond`."""
    test, then, otherwise = operands
    return program.kept(chosen([(program.kept_truth(truth_of(test)), then)], otherwise))


def first_value(program: Program, operands: Sequence[Computed]) -> Computed:
    """`$ifNull`: the first that is neither null nor missing, or the last."""
    choices: list[Choice] = []
    for operand in operands[:-1]:
        if not operand.undecided and not operand.ranks & NULLISH:
            return chosen(choices, operand)
        present = Truth(sql.null(), undecided=operand.undecided)
        if operand.known:
            present = Truth(sql.negated(operand.nullish()), operand.level, operand.undecided)
        choices.append((program.kept_truth(present), operand))
    return program.kept(chosen(choices, operands[-1]))


LOGIC: Final[dict[str, Operation]] = {
    **{op: partial(compared, op) for op in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")},
    "$cmp": three_way,
    "$not": negation,
    "$and": partial(joined, False),
    "$or": partial(joined, True),
    "$cond": condition,
    "$ifNull": first_value,
}
"""Operators of truth and order, of operands that are all lowered first."""
