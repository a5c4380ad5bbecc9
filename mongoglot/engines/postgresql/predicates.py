"""Predicates as conditions in the language of SQL/JSON paths, on one value; operands are variables, `$p0`.

A condition tests the type before it compares, so that it is true or false and never unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias, assert_never, final

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
    ListSlot,
    Mod,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.regex import Pattern
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.prefixes import glob_prefix, regex_prefix
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.number_keys import Interval

OnValue: TypeAlias = Callable[[str], str]
"""From the accessor of a value, such as `@` or `@."a"[0]`, to a condition on it."""


@final
@dataclass(slots=True)
class Test:
    """A predicate on one value.

    Attributes:
        element: what holds of an element of the path that is no array to be expanded; None for nothing.
        filtered: the same for the `@` of a filter, where what is unknown is false: the comparison comes first, as
            it is the cheapest part and mostly decides. None where there is no such form.
        whole: what holds of the value at the end of the path, unexpanded; None for nothing.
        missing: whether a missing field matches.
        variables: what the conditions use.
        superset: whether they let through more than the predicate.
    """

    element: OnValue | None = None
    filtered: str | None = None
    whole: OnValue | None = None
    missing: bool = False
    variables: Parameters = field(default_factory=dict)
    superset: bool = False


def test_of(leaf: Leaf) -> Test | None:
    """The test of a predicate; None where the language has none."""
    match leaf:
        case Compare(_, op, operand):
            return _comparison(op, operand)
        case In(_, operand, ()):
            return _membership(operand)
        case Glob(_, operand, _):
            return _prefixed(operand, glob_prefix)
        case RegexMatch(_, operand):
            return _regex(operand)
        case HasType(_, types):
            return types_test(types)
        case Size(_, length):
            return Test(whole=lambda value: f'{value}.type() == "array" && {value}.size() == {length:d}')
        case Mod(_, divisor, remainder):
            return _remainder(divisor, remainder)
        case Bits():
            return _with_bits()
        case In() | Exists() | ElemMatch() | Sample() | ServerOnly() | JsonSchema() | Expr():
            return None  # of these, those that are lowered are lowered elsewhere
        case _:
            assert_never(leaf)


def _is(value: str, kind: str) -> str:
    return f'{value}.type() == "{kind}"'


_OPERATORS: Final[dict[Comparison, str]] = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_JSON_TYPES: Final[dict[ValueClass, str]] = {
    "int": "number", "double": "number", "decimal": "number", "bool": "boolean",
}  # fmt: skip
"""Classes whose values are of a type of JSON; most others are strings."""


_NO_ARRAY: Final = ' && @.type() != "array"'
"""An element that is an array itself: a comparison would open it."""


def _comparison(op: Comparison, operand: Slot) -> Test | None:
    """`$eq`, `$gt`, … by the class of the operand (semantics 1.2)."""
    kind, label = operand.kind, f"p{operand.index}"
    if kind == "null":
        return Test(lambda value: _is(value, "null"), "@ == null" + _NO_ARRAY, missing=True)
    if kind in ("object", "array"):
        return None  # the language compares no containers
    if kind in ("minkey", "maxkey") and op != "$eq":
        return _beyond(op, operand)
    if (json_type := _JSON_TYPES.get(kind)) is not None:
        comparison = f"{_OPERATORS[op]} ${label}"
        test = Test(
            lambda value: f"{_is(value, json_type)} && {value} {comparison}", f"@ {comparison}{_NO_ARRAY}"
        )
        test.variables[label] = (operand.index, encoding.encode_value)
        return test
    if op == "$eq":
        test = Test(
            lambda value: f"{_is(value, 'string')} && {value} == ${label}", f"@ == ${label}{_NO_ARRAY}"
        )
        test.variables[label] = (operand.index, _stored)
        return test
    low, high = f"{label}_from", f"{label}_to"
    test = Test(
        lambda value: _between(value, f"${low}", f"${high}"), f"@ >= ${low} && @ < ${high}{_NO_ARRAY}"
    )
    for name, end in ((low, 0), (high, 1)):
        test.variables[name] = (operand.index, partial(_end_of_interval, op, end))
    return test


def _beyond(op: Comparison, operand: Slot) -> Test:
    """`$gt: MinKey` and the like: every other value is on one side of the operand, a missing one too."""
    label = f"p{operand.index}"
    test = Test(whole=lambda value: _is(value, "array"), missing=True)
    if op in ("$gt", "$lt"):
        test.element = lambda value: f'{value}.type() != "string" || {value} != ${label}'
        test.variables[label] = (operand.index, _stored)
    else:
        test.element = lambda value: f"exists({value})"
    return test


def _between(value: str, low: str, high: str) -> str:
    return f"{_is(value, 'string')} && {value} >= {low} && {value} < {high}"


def _stored(value: Any) -> str:
    return encoding.quoted(encoding.stored_string(value))


def _end_of_interval(op: Comparison, end: int, value: Any) -> str:
    return encoding.quoted(encoding.string_interval(op, value)[end])


def _constants(interval: Interval) -> tuple[str, str]:
    """The ends of an interval that is ours, as constants of the language."""
    low, high = interval
    return encoding.ascii_quoted(low), encoding.ascii_quoted(high)


def _membership(operand: ListSlot) -> Test | None:
    """`$in` of scalars (semantics 3.1)."""
    label, kinds = f"p{operand.index}", operand.kinds
    if kinds & {"object", "array"}:
        return None
    test = Test(missing="null" in kinds)
    conditions: list[OnValue] = [lambda value: _is(value, "null")] if "null" in kinds else []
    present = {_JSON_TYPES.get(kind, "string") for kind in kinds - {"null"}}
    for json_type in sorted(present):
        name = f"{label}_{json_type}s"
        test.variables[name] = (operand, partial(_members, json_type))
        conditions.append(partial(_is_member, json_type, name))
    test.element = lambda value: " || ".join(f"({condition(value)})" for condition in conditions)
    return test


def _is_member(json_type: str, name: str, value: str) -> str:
    return f"{_is(value, json_type)} && {value} == ${name}[*]"


def _members(json_type: str, items: list[Any]) -> str:
    kinds = ((value_class(item), item) for item in items)
    found = [item for kind, item in kinds if kind != "null" and _JSON_TYPES.get(kind, "string") == json_type]
    return f"[{','.join(map(encoding.encode_value, found))}]"


def _prefixed(operand: Slot, prefix_of: Callable[[Any], str]) -> Test:
    """Strings that begin as every match does."""
    label = f"p{operand.index}_prefix"
    low, high = _constants(encoding.bracket("string"))
    test = Test(superset=True)
    test.element = lambda value: f"{_between(value, low, high)} && {value} starts with ${label}"
    test.variables[label] = (operand.index, lambda value: encoding.quoted(prefix_of(value)))
    return test


def _regex(operand: Slot) -> Test:
    """`$regex`: the strings that begin as a match has to, and the regex itself."""
    test = _prefixed(operand, regex_prefix)
    searched, label = test.element, f"p{operand.index}_stored"
    assert searched is not None  # noqa: S101 - it was just made
    test.variables[label] = (operand.index, _stored_regex)
    test.element = lambda value: f"({searched(value)}) || ({_is(value, 'string')} && {value} == ${label})"
    return test


def _stored_regex(pattern: Pattern) -> str:
    """The stored regex that equals a pattern; where there is none, what no string equals."""
    return "null" if pattern.stored is None else _stored(pattern.stored)


_STRINGS: Final[dict[int, ValueClass]] = {
    2: "string", 5: "binary", 7: "objectid", 9: "date", 11: "regex", 13: "code", 15: "scoped code",
    17: "timestamp", -1: "minkey", 127: "maxkey",
}  # fmt: skip
"""The types whose values are stored as strings of a bracket of their own."""

_NATIVE: Final = {3: "object", 4: "array", 8: "boolean", 10: "null"}

NUMBER_TYPES: Final = frozenset({1, 16, 18, 19})
"""double, int, long and decimal."""

FRACTIONS: Final = frozenset({1, 19})
"""double and decimal: the types that have NaN, which is stored without its type."""


def types_test(types: frozenset[int], *, numbers: bool = True) -> Test:
    """`$type` (semantics 3.4).

    Args:
        types: by their codes.
        numbers: whether numbers match if one of their types is asked for; else only NaN does.
    """
    conditions: list[OnValue] = [partial(_is, kind=kind) for code, kind in _NATIVE.items() if code in types]
    wanted = types & NUMBER_TYPES
    if wanted and numbers:
        conditions.append(partial(_is, kind="number"))
    brackets = [encoding.bracket(kind) for code, kind in _STRINGS.items() if code in types]
    if types & FRACTIONS:
        brackets.append(encoding.bracket("nan"))
    for low, high in map(_constants, brackets):
        conditions.append(partial(_between, low=low, high=high))
    inexact = wanted != NUMBER_TYPES if numbers else types & FRACTIONS not in (frozenset(), FRACTIONS)
    test = Test(superset=bool(wanted) and inexact)
    if conditions:
        test.element = lambda value: " || ".join(f"({condition(value)})" for condition in conditions)
    if 4 in types:
        test.whole = lambda value: _is(value, "array")
    return test


def _remainder(divisor: int, remainder: int) -> Test:
    """`$mod`: what an int64 is left of the number, truncated (semantics 3.5)."""

    def leaves(value: str) -> str:
        inside = f"{value} > {-(2**63) - 1} && {value} < {2**63}"
        below = f"{value} < 0 && {value}.ceiling() % ({divisor}) == {remainder}"
        above = f"{value} >= 0 && {value}.floor() % ({divisor}) == {remainder}"
        return f"{_is(value, 'number')} && {inside} && (({below}) || ({above}))"

    return Test(leaves)


def _with_bits() -> Test:
    """What may have bits at all, numbers and binary; the language cannot look at them."""
    test = types_test(_HAVING_BITS)
    test.superset = True
    return test


_HAVING_BITS: Final = NUMBER_TYPES | {5}


def whole_of_array(condition: OnValue) -> OnValue:
    """A condition on the value of an accessor that is an array."""
    return lambda value: f"{_is(value, 'array')} && ({condition(value)})"
