"""`$mod` on the keys of numbers: the whole number is read from the digits of the key (semantics 3.5).

A key is `"D`, the class of the sign, five digits of exponent, and the digits that say something; of a negative
number all digits are nines' complements (`engines/sql/number_keys.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bson import Decimal128

from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.duckdb import keys
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import EXPONENT_BIAS, NEGATIVE

_SIGN, _EXPONENT, _DIGITS = 3, 4, 9
"""Where the parts of a key begin; SQL counts from 1."""

_LOW: Final = keys.key(Decimal128(Decimal(INT64_MIN - 1)))
_HIGH: Final = keys.key(Decimal128(Decimal(INT64_MAX + 1)))
"""The keys between are those of numbers that are an int64 when truncated."""


def leaves(text: Expression, divisor: int, remainder: int) -> Expression:
    """Whether the number, truncated, leaves the remainder."""
    inside = sql.all_of(
        [
            sql.compare("$gt", text, sql.string(_LOW)),
            sql.compare("$lt", text, sql.string(_HIGH)),
        ]
    )
    left = sql.remainder(_truncated(text), sql.integer(divisor))
    return sql.case([(inside, sql.equals(left, sql.integer(remainder)))], duck.FALSE)


def _truncated(text: Expression) -> Expression:
    """The whole number of a key."""
    negative = sql.equals(_part(text, _SIGN, 1), sql.string(NEGATIVE))
    complement = [sql.string("0123456789"), sql.string("9876543210")]
    plain = sql.case([(negative, sql.call("translate", text, *complement))], text)
    exponent = sql.difference(duck.cast(_part(plain, _EXPONENT, 5), "INT"), sql.integer(EXPONENT_BIAS))
    digits = sql.call("rtrim", _part(plain, _DIGITS, None), sql.string(' ~"'))
    length = sql.sum_of(exponent, sql.integer(1))
    whole = duck.cast(sql.call("left", sql.call("rpad", digits, length, sql.string("0")), length), "INT128")
    signed = sql.case([(negative, sql.product(sql.integer(-1), whole))], whole)
    # zero has no digits, and a fraction none before the point
    return sql.case(
        [(sql.compare("$gte", _part(plain, _EXPONENT, 5), sql.string(str(EXPONENT_BIAS))), signed)],
        sql.integer(0),
    )


def _part(text: Expression, start: int, length: int | None) -> Expression:
    bounds = [start] if length is None else [start, length]
    return sql.call("substr", text, *map(sql.integer, bounds))
