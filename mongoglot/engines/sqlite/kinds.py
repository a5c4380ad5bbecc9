"""Conditions of the operators that look at a value's type, its length or its remainder."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN
from functools import partial
from typing import Any, Final

from mongoglot.compiler.values import INT32_MAX, INT32_MIN, ValueClass
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import KEY_LENGTH, Interval
from mongoglot.engines.sqlite import operands
from mongoglot.engines.sqlite.decimals import int64_of, int64_range
from mongoglot.engines.sqlite.element import Conditions, Element

_STRINGS: Final[dict[int, ValueClass]] = {
    2: "string", 5: "binary", 7: "objectid", 9: "date", 11: "regex", 13: "code", 15: "scoped code",
    17: "timestamp", -1: "minkey", 127: "maxkey",
}  # fmt: skip
"""The types whose values are stored as strings of a bracket of their own."""

_DOUBLE, _OBJECT, _ARRAY, _BOOL, _NULL, _INT, _LONG, _DECIMAL = 1, 3, 4, 8, 10, 16, 18, 19
_INT64_LIMIT: Final = 2.0**63
_INT64: Final = int64_range(ROUND_DOWN)


def type_conditions(types: frozenset[int]) -> Conditions:
    """`$type` (semantics 3.4)."""
    found = Conditions()
    for code, names in (
        (_OBJECT, ["object"]),
        (_ARRAY, ["array"]),
        (_BOOL, ["true", "false"]),
        (_NULL, ["null"]),
    ):
        if code in types:
            for name in names:
                found.by_type[name] = _always
    if types & {_INT, _LONG}:
        found.by_type["integer"] = _always if {_INT, _LONG} <= types else partial(_is_int32, _INT in types)
    if types & {_DOUBLE, _LONG}:
        found.by_type["real"] = (
            _always if {_DOUBLE, _LONG} <= types else partial(_is_short_int64, _LONG in types)
        )
    brackets = sorted(_STRINGS[code] for code in types & _STRINGS.keys())
    texts: list[Callable[[Element], Expression]] = [partial(in_bracket, found, kind) for kind in brackets]
    if types & {_DOUBLE, _DECIMAL}:
        texts.append(partial(_is_number_tag, _DOUBLE in types, _DECIMAL in types))
    if texts:
        found.by_type["text"] = lambda element: sql.some_of([text(element) for text in texts])
    return found


def _is_int32(wanted: bool, element: Element) -> Expression:
    """Whether an integer fits in 32 bits; one that does and is an int64 is spelled as a real."""
    inside = sql.all_of(
        [
            sql.compare("$gte", element.value, sql.integer(INT32_MIN)),
            sql.compare("$lte", element.value, sql.integer(INT32_MAX)),
        ]
    )
    return inside if wanted else sql.negated(inside)


def _is_short_int64(wanted: bool, element: Element) -> Expression:
    """Whether a real is an int64, which is spelled with an exponent of 0 as no double is."""
    spelled = sql.compare("$gt", sql.call("instr", element.place.spelling, sql.string("e0,")), sql.integer(0))
    return spelled if wanted else sql.negated(spelled)


def in_bracket(found: Conditions, kind: ValueClass, element: Element) -> Expression:
    """Whether a string is in the bracket of a type."""
    label = f"type_{kind.replace(' ', '_')}"
    return in_interval(found, element, label, operands.tag_range(kind))


def in_interval(found: Conditions, element: Element, label: str, interval: Interval) -> Expression:
    """Whether a string is in an interval, whose bounds become parameters."""
    low, high = interval
    found.parameters[f"{label}_from"] = (None, lambda _: low)
    found.parameters[f"{label}_to"] = (None, lambda _: high)
    return sql.between(element.value, sql.parameter(f"{label}_from"), sql.parameter(f"{label}_to"))


def _is_number_tag(doubles: bool, decimals: bool, element: Element) -> Expression:
    """Whether a string is the NaN of a double, or a decimal."""
    begins = sql.equals(_part(element, 1, 2), sql.characters(operands.NUMBER_TAG))
    if doubles and decimals:
        return begins
    is_double = sql.equals(_part(element, KEY_LENGTH + 4, None), sql.string("double"))
    return sql.all_of([begins, is_double if doubles else sql.negated(is_double)])


def _part(element: Element, start: int, length: int | None) -> Expression:
    bounds = [start] if length is None else [start, length]
    return sql.call("substr", element.value, *map(sql.integer, bounds))


def size_conditions(length: int) -> Conditions:
    """`$size` (semantics 3.7)."""
    found = Conditions(expand=False)
    label = f"size_{length}"
    found.parameters[label] = (None, lambda _: length)
    found.by_type["array"] = lambda element: sql.equals(element.place.length, sql.parameter(label))
    return found


def mod_conditions(divisor: int, remainder: int) -> Conditions:
    """`$mod` (semantics 3.5)."""
    found = Conditions()
    label = f"mod_{divisor}_{remainder}".replace("-", "n")
    found.parameters[f"{label}_by"] = (None, lambda _: divisor)
    found.parameters[f"{label}_is"] = (None, lambda _: remainder)

    def leaves(whole: Expression) -> Expression:
        left = sql.remainder(whole, sql.parameter(f"{label}_by"))
        return sql.equals(left, sql.parameter(f"{label}_is"))

    found.by_type["integer"] = lambda element: leaves(element.value)
    found.by_type["real"] = lambda element: if_int64(element, leaves(sql.cast(element.value, "INTEGER")))
    found.by_type["text"] = lambda element: sql.case(
        [(in_interval(found, element, "mod_int64", _INT64), leaves(int64_of(element.value, ROUND_DOWN)))],
        sql.FALSE,
    )
    return found


def if_int64(element: Element, condition: Expression) -> Expression:
    """A condition on a real that is an int64 when truncated."""
    low = sql.compare("$gte", element.value, sql.real(-_INT64_LIMIT))
    high = sql.compare("$lt", element.value, sql.real(_INT64_LIMIT))
    return sql.case([(sql.all_of([low, high]), condition)], sql.FALSE)


def _always(_: Any) -> Expression:
    return sql.TRUE
