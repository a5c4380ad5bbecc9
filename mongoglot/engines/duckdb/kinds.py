"""Conditions on typed values of the operators that look at a value's type or at its remainder."""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN
from mongoglot.engines.duckdb.types import Entries, Kind, ListOf, MapOf, Scalar, Struct, Type
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

_CODES: Final[dict[Kind, int]] = {
    "bool": 8,
    "float": 1,
    "decimal": 19,
    "string": 2,
    "date": 9,
    "uuid": 5,
    "blob": 5,
}


def of_types(value: Expression, kind: Type, types: frozenset[int]) -> Expression:
    """`$type` (semantics 3.4): what the column's type says, for values that are there."""
    null, there = sql.is_null(value), duck.not_null(value)
    holds: Expression
    match kind:
        case Scalar("int", _, low, high):
            return _of_integer(value, low, high, types)
        case Scalar(name):
            holds = there if name != "null" and _CODES[name] in types else duck.FALSE
        case ListOf() | Entries():
            holds = there if 4 in types else duck.FALSE
        case Struct() | MapOf():
            holds = there if 3 in types else duck.FALSE
    return duck.some_of([holds, null] if 10 in types else [holds])


def _inside(value: Expression, edges: tuple[int, int]) -> Expression:
    low, high = edges
    return sql.all_of(
        [sql.compare("$gte", value, sql.integer(low)), sql.compare("$lte", value, sql.integer(high))]
    )


def _of_integer(value: Expression, low: int, high: int, types: frozenset[int]) -> Expression:
    """A whole number is of the smallest type that holds it."""
    branches = [(sql.is_null(value), duck.truth(10 in types))]
    if low >= INT32_MIN and high <= INT32_MAX:
        return sql.case(branches, duck.truth(16 in types))
    branches.append((_inside(value, (INT32_MIN, INT32_MAX)), duck.truth(16 in types)))
    branches.append((_inside(value, (INT64_MIN, INT64_MAX)), duck.truth(18 in types)))
    return sql.case(branches, duck.truth(19 in types))


def leaves_remainder(value: Expression, kind: Type, divisor: int, remainder: int) -> Expression:
    """`$mod` (semantics 3.5)."""
    if not isinstance(kind, Scalar):
        return duck.FALSE
    match kind.kind:
        case "int" | "decimal" | "float":
            whole = duck.cast(sql.call("trunc", value), "INT128") if kind.kind != "int" else value
            # of 128 bits, as the least number by -1 has no result in 64
            left = sql.remainder(duck.cast(whole, "INT128"), duck.cast(sql.integer(divisor), "INT128"))
            edges = [sql.integer(INT64_MIN), sql.integer(INT64_MAX)]
            if kind.kind == "float":
                in_range = sql.between(value, sql.real(-(2.0**63)), sql.real(2.0**63))
            elif kind.kind == "decimal":
                edges = [duck.cast(edge, "INT128") for edge in edges]
                in_range = sql.all_of(
                    [sql.compare("$gte", whole, edges[0]), sql.compare("$lte", whole, edges[1])]
                )
            else:
                in_range = _inside(value, (INT64_MIN, INT64_MAX))
            return sql.case([(in_range, sql.equals(left, sql.integer(remainder)))], duck.FALSE)
        case _:
            return duck.FALSE
