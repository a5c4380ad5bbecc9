"""`$mod` and the operators of bits on columns of numbers, cut to an int64 (semantics 3.5, 3.8)."""

from __future__ import annotations

from typing import Final, assert_never

from sqlglot import exp

from mongoglot.compiler.ast import Bits, Mod
from mongoglot.compiler.values import INT64_MIN
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column

_SIGN_BIT: Final = 63
"""Where a number keeps its sign; every position beyond it reads the sign, too."""

_INT: Final = Column("whole", "int")

_LIMIT: Final = 2**63

_SAFE_DIGITS: Final = 18
"""So many digits before the point are an int64, whatever they are."""


def mod_condition(leaf: Mod, column: Column, value: Expression, dialect: Dialect) -> Condition | None:
    """`$mod`; the sign of a remainder is that of the value, so the divisor's does not matter."""
    if leaf.divisor == INT64_MIN:  # it has no opposite
        return None
    label = f"mod_{leaf.divisor}_{leaf.remainder}".replace("-", "n")
    divisor = abs(leaf.divisor)  # INT64_MIN % -1 is an error in some databases
    parameters: Parameters = {
        f"{label}_by": (None, lambda _: divisor),
        f"{label}_is": (None, lambda _: leaf.remainder),
    }
    by, rest = (dialect.parameter(f"{label}_{name}", _INT) for name in ("by", "is"))

    def leaves(whole: Expression) -> Expression:
        return sql.equals(dialect.remainder(whole, by), rest)

    if column.is_wide:  # a number beyond an int64 has no remainder
        int64 = exp.TryCast(this=value, to=exp.DataType(this=exp.DataType.Type.BIGINT))
        return Condition(leaves(int64), parameters, nullable=True)
    if column.type == "int":
        return Condition(leaves(value), parameters, column.nullable)
    if dialect.cut is None or not _is_bounded(column, dialect):
        return None
    whole = dialect.int64(sql.call(dialect.cut, value))
    return Condition(
        sql.case([(fits(value, column, nan=dialect.decimal_nan), leaves(whole))], dialect.false), parameters
    )


def bits_condition(leaf: Bits, column: Column, value: Expression, dialect: Dialect) -> Condition | None:
    """The operators of bits; those of decimals are rounded, which is left to Python."""
    if column.type not in ("int", "double") or column.is_wide or not dialect.bits:
        return None
    mask = sum(1 << position for position in {min(position, _SIGN_BIT) for position in leaf.positions})
    mask = mask - (1 << 64) if mask >> _SIGN_BIT else mask
    label = f"bits_{mask}".replace("-", "n")
    parameters: Parameters = {label: (None, lambda _: mask)}
    wanted = dialect.parameter(label, _INT)

    def holds(whole: Expression) -> Expression:
        masked = sql.bits_and(whole, wanted)
        match leaf.op:
            case "$bitsAllSet":
                return sql.equals(masked, wanted)
            case "$bitsAnySet":
                return sql.negated(sql.equals(masked, sql.integer(0)))
            case "$bitsAllClear":
                return sql.equals(masked, sql.integer(0))
            case "$bitsAnyClear":
                return sql.negated(sql.equals(masked, wanted))
            case _:
                assert_never(leaf.op)

    if column.type == "int":
        return Condition(holds(value), parameters, column.nullable)
    if dialect.cut is None:
        return None
    whole = dialect.int64(value)
    integral = sql.all_of(
        [fits(value, column, nan=dialect.decimal_nan), sql.equals(value, sql.call(dialect.cut, value))]
    )
    return Condition(sql.case([(integral, holds(whole))], dialect.false), parameters)


def fits(value: Expression, column: Column, *, nan: bool) -> Expression:
    """Whether a number is an int64 when it is cut; NaN is not, it is above all numbers or beside them."""
    if column.type == "decimal" and column.precision is not None and _whole_digits(column) <= _SAFE_DIGITS:
        return sql.compare("$lt", value, _not_a_number()) if nan else sql.negated(sql.is_null(value))
    kind = exp.DataType.Type.DOUBLE if column.type == "double" else exp.DataType.Type.DECIMAL
    low, high = (
        exp.Cast(this=sql.string(str(bound)), to=exp.DataType(this=kind)) for bound in (-_LIMIT, _LIMIT)
    )
    if column.type == "double":  # the next one below is far beyond
        return sql.all_of([sql.compare("$gte", value, low), sql.compare("$lt", value, high)])
    below = sql.difference(low, sql.integer(1))
    return sql.all_of([sql.compare("$gt", value, below), sql.compare("$lt", value, high)])


def _whole_digits(column: Column) -> int:
    return (column.precision or 0) - (column.scale or 0)


def _is_bounded(column: Column, dialect: Dialect) -> bool:
    """Whether decimals are int64 when they are cut, or may be compared with its bounds."""
    return column.type == "double" or dialect.decimal_nan or _whole_digits(column) <= _SAFE_DIGITS


def _not_a_number() -> Expression:
    return exp.Cast(this=sql.string("NaN"), to=exp.DataType(this=exp.DataType.Type.DECIMAL))
