"""Stored decimals as whole numbers, in SQL: from the digits of their keys (`numbers.py`).

A stored decimal is NUMBER_TAG, the class of its sign, five digits of exponent, 34 of the number, and more. Of a
negative number all digits are nines' complements, so that text order is number order.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final, Literal, TypeAlias

from bson import Decimal128

from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import EXPONENT_BIAS, NEGATIVE, PRECISION, Interval, number_key
from mongoglot.engines.sqlite import operands

Rounding: TypeAlias = Literal["ROUND_DOWN", "ROUND_HALF_EVEN"]

_SIGN, _EXPONENT, _DIGITS = 3, 4, 9
"""Where the parts of a stored decimal begin; SQL counts from 1."""

_HALF: Final = PRECISION // 2
"""Half of the digits: as many as an int64 holds."""


def int64_range(rounding: Rounding) -> Interval:
    """The interval of the stored decimals that are an int64 when rounded so."""
    if rounding == ROUND_DOWN:
        below, above = Decimal(INT64_MIN - 1), Decimal(INT64_MAX + 1)
        return _stored(below) + "!", _stored(above)
    # the lowest is even, so a half below it is rounded to it; the highest is odd, and a half above it is not
    return _stored(Decimal(f"{INT64_MIN}.5")), _stored(Decimal(f"{INT64_MAX}.5"))


def _stored(number: Decimal) -> str:
    return operands.NUMBER_TAG + number_key(Decimal128(number))


def int64_of(stored: Expression, rounding: Rounding) -> Expression:
    """The int64 of a stored decimal in `int64_range`."""
    text = sql.name("text", "stored")
    exponent = sql.cast(_part(text, _EXPONENT, 5), "INTEGER")
    plain = _part(text, _DIGITS, PRECISION)
    halves = (_part(text, start, _HALF) for start in (_DIGITS, _DIGITS + _HALF))
    nines = sql.integer(10**_HALF - 1)
    restored = (sql.difference(nines, sql.cast(half, "INTEGER")) for half in halves)
    columns = {
        "sign": _where_negative(text, sql.string("-"), sql.string("")),
        # how many of the digits stand before the point; negative for 0.01 and less
        "length": _where_negative(
            text,
            sql.difference(sql.integer(99_999 - EXPONENT_BIAS + 1), exponent),
            sql.difference(exponent, sql.integer(EXPONENT_BIAS - 1)),
        ),
        "digits": _where_negative(text, sql.call("printf", sql.string(f"%0{_HALF}d" * 2), *restored), plain),
    }
    parts = sql.select(
        [sql.aliased(column, label) for label, column in columns.items()],
        [sql.derived(sql.select([sql.aliased(stored, "text")]), "stored")],
    )
    sign, length, digits = (sql.name(label, "decimal") for label in columns)
    before = sql.call("substr", digits, sql.integer(1), sql.call("max", length, sql.integer(0)))
    whole = sql.cast(sql.concat(sign, before), "INTEGER")
    if rounding == ROUND_HALF_EVEN:
        step = sql.cast(sql.concat(sign, sql.string("1")), "INTEGER")
        whole = sql.sum_of(whole, sql.case([(_rounds_away(length, digits), step)], sql.integer(0)))
    return sql.scalar(sql.select([whole], [sql.derived(parts, "decimal")]))


def _where_negative(text: Expression, negative: Expression, other: Expression) -> Expression:
    return sql.case([(sql.string(NEGATIVE), negative)], other, _part(text, _SIGN, 1))


def _rounds_away(length: Expression, digits: Expression) -> Expression:
    """Whether the digits behind the point are more than one half, or one half behind an odd digit.

    A 1 is put behind the digits where the one before is odd: 2.5 → '50…0' → '5', 3.5 → '50…01', which is more.
    """
    start = sql.sum_of(length, sql.integer(1))
    last = sql.call("substr", sql.concat(sql.string("0"), digits), start, sql.integer(1))
    behind = sql.concat(sql.call("substr", digits, start), sql.bits_and(last, sql.integer(1)))
    more = sql.compare("$gt", sql.call("rtrim", behind, sql.string("0")), sql.string("5"))
    return sql.all_of([sql.compare("$gte", length, sql.integer(0)), more])


def _part(text: Expression, start: int, length: int) -> Expression:
    return sql.call("substr", text, sql.integer(start), sql.integer(length))
