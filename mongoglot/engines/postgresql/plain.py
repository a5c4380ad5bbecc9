"""Predicates on plain JSON, that mongoglot did not write, in the language of SQL/JSON paths.

JSON is read as JSON is: a number with a point or an exponent is the nearest double, one without is an int64, if it
is one. jsonb keeps all digits, so a number is compared with all that is read as one that compares so, and with a
little more: which of two readings a whole number beyond 2^53 has, the language does not tell.
"""

from __future__ import annotations

import json
import math
from decimal import Context, Decimal
from functools import partial
from typing import Any, Final, TypeAlias, assert_never

from mongoglot.compiler.ast import (
    Bits,
    Compare,
    Comparison,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    Mod,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.engines.postgresql.predicates import OnValue, Test, whole_of_array
from mongoglot.engines.postgresql.prefixes import plain_glob_prefix, regex_prefix
from mongoglot.engines.sql.numbers import Number, exact, greatest_double_below, least_double_above

Interval: TypeAlias = tuple[Decimal | None, Decimal | None]
"""From a number to a number, both included; None where there is no end."""

_EXACT: Final = Context(prec=7000)
"""Digits enough for what lies between any two doubles, and for every decimal."""

_BEYOND: Final = Decimal(2**1024)
"""What is infinite begins halfway between the greatest double and this."""

NOTHING: Final[Interval] = (Decimal(1), Decimal(0))

_JSON_TYPES: Final = {2: "string", 3: "object", 8: "boolean", 10: "null"}

_NUMBERS: Final = frozenset({1, 16, 18})
"""double, int and long: a number is of one of them, by its size and by whether it has a point."""


def test_of_plain(leaf: Leaf) -> Test | None:
    """The test of a predicate; None where the language has none."""
    match leaf:
        case Compare(_, op, operand):
            return _comparison(op, operand)
        case Glob(_, operand, _):
            return _beginning(operand, plain_glob_prefix)
        case RegexMatch(_, operand):
            return _beginning(operand, regex_prefix)
        case HasType(_, types):
            return _types(types)
        case Size(_, length):
            return Test(whole=whole_of_array(lambda value: f"{value}.size() == {length:d}"))
        case Mod() | Bits():
            return Test(partial(_is, "number"), superset=True)
        case In() | Exists() | ElemMatch() | Sample() | ServerOnly() | JsonSchema() | Expr():
            return None  # of these, those that are lowered are lowered elsewhere
        case _:
            assert_never(leaf)


def _is(kind: str, value: str) -> str:
    return f'{value}.type() == "{kind}"'


def _comparison(op: Comparison, operand: Slot) -> Test | None:
    """`$eq`, `$gt`, … by the class of the operand (semantics 1.2); a class that JSON has not equals nothing."""
    label = f"p{operand.index}"
    match operand.kind:
        case "object" | "array":
            return None
        case "null":
            return Test(partial(_is, "null"), missing=True)
        case "minkey" | "maxkey" if op != "$eq":  # all is on one side of it, a missing field, too
            return Test(lambda value: f"exists({value})", whole=partial(_is, "array"), missing=True)
        case "int" | "double" | "decimal":
            return _number(op, operand)
        case "bool":
            kind, encode = "boolean", json.dumps
        case "string":
            kind, encode = "string", partial(_string, op)
        case _:
            return Test()
    test = Test(lambda value: f"{_is(kind, value)} && {value} {_OPERATORS[op]} ${label}")
    test.variables[label] = (operand.index, encode)
    return test


_OPERATORS: Final[dict[Comparison, str]] = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def _string(op: Comparison, value: str) -> str:
    """The string that compares so with all strings of jsonb, which have no NUL; `[]` equals none."""
    head, nul, _ = str(value).partition("\0")
    if nul and op == "$eq":
        return "[]"
    return json.dumps(head + "\x01" if nul and op in ("$gte", "$lt") else head, ensure_ascii=False)


def _number(op: Comparison, operand: Slot) -> Test:
    low, high = f"p{operand.index}_from", f"p{operand.index}_to"
    test = Test(superset=True)
    test.element = lambda value: f"{_is('number', value)} && !({value} < ${low}) && !({value} > ${high})"
    for label, end in ((low, 0), (high, 1)):  # nothing is below or above null
        test.variables[label] = (operand.index, partial(_end, op, end))
    return test


def _end(op: Comparison, end: int, value: Number) -> str:
    found = interval(op, value)[end]
    return "null" if found is None else format(found, "f")


def interval(op: Comparison, value: Number) -> Interval:
    """The numbers of JSON that are read as a number that compares so with a value, and few others.

    >>> interval("$eq", 5)[0] < 5 < interval("$eq", 5)[1]  # 5.0000000000000000001 is read as 5.0
    True
    """
    number = exact(value)
    match op:
        case "$gt" | "$gte":
            return _from(op, number), None
        case "$lt" | "$lte":
            low = _from("$gt" if op == "$lt" else "$gte", number.copy_negate())
            return None, None if low is None else low.copy_negate()
        case "$eq":
            double = greatest_double_below(number)
            if exact(double) == number:
                return _read_as(double, 0), _read_as(double, 1)
            return (number, number) if number == number.to_integral_value() else NOTHING
        case _:
            assert_never(op)


def _from(op: Comparison, number: Decimal) -> Decimal | None:
    """The least number that may be read as one above another; that is never below it by more than rounding."""
    if number == Decimal("Infinity") and op == "$gt":
        return _HIGHEST  # nothing is, but numbers that only PostgreSQL has are read as infinite
    least = greatest_double_below(number) if op == "$gt" else least_double_above(number)
    rounded = _read_as(math.nextafter(least, math.inf) if op == "$gt" else least, 0)
    if rounded is None or not number.is_finite():
        return rounded
    if op == "$gte":
        return min(rounded, number)
    return min(rounded, _EXACT.add(number.to_integral_value(rounding="ROUND_FLOOR"), Decimal(1)))


_HIGHEST: Final = Decimal(10**400)


def _read_as(double: float, end: int) -> Decimal | None:
    """An end of the numbers that are read as a double; None where there is none."""
    neighbour = math.nextafter(double, math.inf if end else -math.inf)
    if neighbour == double:  # it is infinite, on that side
        return None
    return _EXACT.divide(_EXACT.add(_finite(double), _finite(neighbour)), Decimal(2))


def _finite(double: float) -> Decimal:
    if math.isinf(double):
        return _BEYOND.copy_sign(Decimal(double))
    return Decimal(double)


def _beginning(operand: Slot, prefix_of: Any) -> Test:
    """Strings that begin as every match does."""
    label = f"p{operand.index}_prefix"
    test = Test(lambda value: f"{_is('string', value)} && {value} starts with ${label}", superset=True)
    test.variables[label] = (operand.index, lambda value: json.dumps(prefix_of(value), ensure_ascii=False))
    return test


def _types(types: frozenset[int]) -> Test:
    """`$type` (semantics 3.4); of which type a number is depends on its digits."""
    kinds = [name for code, name in _JSON_TYPES.items() if code in types]
    if types & _NUMBERS:
        kinds.append("number")
    conditions: list[OnValue] = [partial(_is, kind) for kind in kinds]
    test = Test(superset=types & _NUMBERS not in (frozenset(), _NUMBERS))
    if conditions:
        test.element = lambda value: " || ".join(f"({condition(value)})" for condition in conditions)
    if 4 in types:
        test.whole = partial(_is, "array")
    return test
