"""Arithmetic on integers and doubles as SQL, where SQLite's result is the server's (semantics 3.9).

SQLite's integers and reals are int64 and doubles, and NULL takes the place of NaN. Undecided are what is no such
number, as it is an error, a date, a decimal or NaN, and sums that a server computes with more digits than a double
has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Final

from mongoglot.compiler.values import INT32_MAX
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite.expressions.program import Program
from mongoglot.engines.sqlite.expressions.values import NAN, NULL, NULLISH, NUMBER, Computed

_SMALL: Final = 2**32
"""A server adds larger integers to a double in two parts, which may be rounded twice."""

_WHOLE: Final = 2**53
"""Larger doubles are integers, and have no neighbours that are one away."""

Arithmetic = Callable[[Program, str, Sequence[Computed]], Computed]


def _is_integer(value: Expression) -> Expression:
    return sql.equals(sql.call("typeof", value), sql.string("integer"))


def _within(value: Expression, bound: int) -> Expression:
    return sql.all_of(
        [sql.compare("$gte", value, sql.integer(-bound)), sql.compare("$lte", value, sql.integer(bound))]
    )


def _real(value: Expression) -> Expression:
    return sql.cast(value, "REAL")


# ---- results -------------------------------------------------------------------------------------


def _result(
    program: Program,
    name: str,
    operands: Sequence[Computed],
    compute: Callable[[list[Expression]], Expression],
    *,
    stream: bool = False,
    total: bool = False,
) -> Computed:
    """The number that is computed of numbers; null where an operand is null.

    Args:
        program: gets the columns.
        name: of the operator.
        operands: in the order in which they are evaluated.
        compute: SQL of the result from the numbers; NULL where that is undecided.
        stream: whether a null before what is no number is null already.
        total: whether a result that is NULL is NaN.
    """
    undecided = _open_of(name, operands, total=total)
    if not operands[0].known or not (stream or all(operand.known for operand in operands)):
        return Computed(sql.null(), sql.null(), undecided=undecided)
    level = max(operand.level for operand in operands)
    numbers = [program.column(operand.number(), operand.level) for operand in operands]
    ranks = [program.column(operand.rank, operand.level) for operand in operands]
    result = program.column(compute(numbers), level + 1)
    nullish = [sql.member(rank, [sql.string(name) for name in sorted(NULLISH)]) for rank in ranks]
    branches: list[tuple[Expression, Expression]] = []
    if stream:
        for operand, number, is_nullish in zip(operands, numbers, nullish, strict=True):
            if operand.ranks & NULLISH:
                branches.append((is_nullish, sql.string(NULL)))
            if operand.undecided or operand.ranks - NULLISH != {NUMBER} or operand.opaque:
                branches.append((sql.is_null(number), sql.null()))
    else:
        branches.append((sql.some_of([sql.is_null(rank) for rank in ranks]), sql.null()))
        branches.append((sql.some_of(nullish), sql.string(NULL)))
        branches.append((sql.some_of([sql.is_null(number) for number in numbers]), sql.null()))
    without = sql.string(NAN) if total else sql.null()
    branches.append((sql.is_null(result), without))
    rank = program.column(sql.case(branches, sql.string(NUMBER)), level + 2)
    zeros = [(sql.string(NULL), sql.integer(0)), (sql.string(NAN), sql.integer(0))]
    value = sql.case([(sql.string(NUMBER), result), *zeros], sql.null(), rank)
    found = {NUMBER, *([NAN] if total else []), *([NULL] if any(o.ranks & NULLISH for o in operands) else [])}
    return program.kept(Computed(rank, value, frozenset(found), level + 3, undecided))


def _open_of(name: str, operands: Sequence[Computed], *, total: bool) -> frozenset[str]:
    reasons = set() if total else {_LIMITS[name]}
    for operand in operands:
        reasons |= operand.undecided
        if operand.ranks - NULLISH - {NUMBER, NAN}:
            reasons.add(f"{name} of what is no number")
        if NUMBER in operand.opaque:
            reasons.add(f"{name} of a Decimal128")
        if NAN in operand.ranks:
            reasons.add(f"{name} of NaN")
    return frozenset(reasons)


_LIMITS: Final = {
    "$add": "a sum has more digits than SQL computes with",
    "$subtract": "a difference has more digits than SQL computes with",
    "$divide": "$divide by zero",
    "$mod": "$mod by zero, or of fractions",
    "$abs": "$abs of the least long",
}
"""What stays undecided of numbers."""


# ---- operators -----------------------------------------------------------------------------------


def add(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$add`: a server adds with more digits than a double has, which two of them do not need."""

    def compute(numbers: list[Expression]) -> Expression:
        total = reduce(sql.sum_of, numbers)
        exact = [_is_integer(total)]
        if len(numbers) <= 2:
            exact.append(sql.all_of([_is_small_or_real(number) for number in numbers]))
        return sql.case([(sql.some_of(exact), total)], sql.null())

    return _result(program, name, operands, compute, stream=True)


def _is_small_or_real(number: Expression) -> Expression:
    return sql.some_of([sql.negated(_is_integer(number)), _within(number, _SMALL)])


def multiply(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$multiply`: of integers that overflow, or beside a double, the product of doubles from the left."""

    def compute(numbers: list[Expression]) -> Expression:
        exact = reduce(sql.product, numbers)
        rounded = reduce(sql.product, [_real(numbers[0]), *numbers[1:]])
        return sql.case([(_is_integer(exact), exact)], rounded)

    return _result(program, name, operands, compute, stream=True, total=True)


def subtract(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$subtract`: undecided where the difference of two integers is none."""

    def compute(numbers: list[Expression]) -> Expression:
        left, right = numbers
        difference = sql.difference(left, right)
        overflow = sql.all_of([_is_integer(left), _is_integer(right), sql.negated(_is_integer(difference))])
        return sql.case([(overflow, sql.null())], difference)

    return _result(program, name, operands, compute)


def divide(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$divide`: a double; SQLite gives NULL for a division by zero."""
    return _result(program, name, operands, lambda numbers: sql.quotient(_real(numbers[0]), numbers[1]))


def mod(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$mod` of whole numbers: SQLite cuts off the fractions of others."""

    def compute(numbers: list[Expression]) -> Expression:
        whole = [sql.cast(number, "INTEGER") for number in numbers]
        are_whole = [
            sql.some_of([_is_integer(number), sql.all_of([_within(number, _WHOLE), sql.equals(number, cut)])])
            for number, cut in zip(numbers, whole, strict=True)
        ]
        left, right = numbers
        integers = sql.all_of([_is_integer(left), _is_integer(right)])
        exact = sql.some_of([integers, sql.all_of([_within(number, _WHOLE) for number in numbers])])
        # a double that an int could hold is one to a server
        is_int = sql.some_of([_is_integer(right), _within(right, INT32_MAX)])
        remainder = sql.remainder(*whole)
        result = sql.case([(sql.all_of([_is_integer(left), is_int]), remainder)], _real(remainder))
        return sql.case([(sql.all_of([*are_whole, exact]), result)], sql.null())

    return _result(program, name, operands, compute)


def absolute(program: Program, name: str, operands: Sequence[Computed]) -> Computed:
    """`$abs`: SQLite's own function fails for the least integer."""

    def compute(numbers: list[Expression]) -> Expression:
        (number,) = numbers
        opposite = sql.difference(sql.integer(0), number)
        overflow = sql.all_of([_is_integer(number), sql.negated(_is_integer(opposite))])
        negative = sql.case([(overflow, sql.null())], opposite)
        return sql.case([(sql.compare("$lt", number, sql.integer(0)), negative)], number)

    return _result(program, name, operands, compute)


def _rounded(
    step: Callable[[Expression, Expression], Expression],
    program: Program,
    name: str,
    operands: Sequence[Computed],
) -> Computed:
    """`$floor`, `$ceil`, `$trunc`: of a double the whole part, and one more or less where `step` says so."""

    def compute(numbers: list[Expression]) -> Expression:
        (number,) = numbers
        whole = sql.cast(number, "INTEGER")
        has_fraction = sql.all_of([sql.negated(_is_integer(number)), _within(number, _WHOLE)])
        return sql.case([(has_fraction, _real(step(whole, number)))], number)

    return _result(program, name, operands, compute, total=True)


ARITHMETIC: Final[dict[str, Arithmetic]] = {
    "$add": add,
    "$multiply": multiply,
    "$subtract": subtract,
    "$divide": divide,
    "$mod": mod,
    "$abs": absolute,
    "$floor": partial(
        _rounded, lambda whole, number: sql.difference(whole, sql.compare("$lt", number, whole))
    ),
    "$ceil": partial(_rounded, lambda whole, number: sql.sum_of(whole, sql.compare("$gt", number, whole))),
}
"""Operators of numbers, with their names."""
