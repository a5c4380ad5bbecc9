"""What a generated function calls and binds: exact tests of one element, prepared from an operand."""

from __future__ import annotations

import fnmatch
import operator
import random
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias, assert_never

from bson import ObjectId, Regex

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
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.regex import Pattern, searcher
from mongoglot.compiler.values import (
    MISSING,
    RANK,
    Document,
    ValueClass,
    is_array,
    is_nan,
    regex_of,
    sort_key,
    value_class,
)
from mongoglot.compiler.walk import elements
from mongoglot.engines.python.elements import bits_test, match_test, mod_test, size_test, type_test

ElementTest: TypeAlias = Callable[[Any], bool]

_ORDER: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


_PLAIN_CLASSES: Final[dict[ValueClass, frozenset[type]]] = {
    "int": frozenset({int, float}),
    "double": frozenset({int, float}),
    "string": frozenset({str}),
    "objectid": frozenset({ObjectId}),
}
"""Classes of elements that Python compares with an operand as the server does."""


def comparison_test(op: Comparison, kind: ValueClass, operand: Any) -> ElementTest:
    """Whether one element compares so with the operand (semantics 1.2)."""
    match op, kind:
        case "$eq", "null":
            return lambda element: element is None or element is MISSING
        case "$eq", _:
            return _equality_test(kind, operand)
        case ("$gt" | "$gte", "minkey") | ("$lt" | "$lte", "maxkey"):
            return _beyond_test(op, kind)
        case _:
            return _order_test(op, kind, operand)


def _equality_test(kind: ValueClass, operand: Any) -> ElementTest:
    rank, key = RANK[kind], sort_key(operand)
    plain = _PLAIN_CLASSES.get(kind, frozenset())

    def equals(element: Any) -> bool:
        if element.__class__ in plain:
            return bool(element == operand)
        if element is MISSING or RANK[value_class(element)] != rank:
            return False
        return sort_key(element) == key

    return equals


def _beyond_test(op: Comparison, kind: ValueClass) -> ElementTest:
    """MinKey and MaxKey as operands: every other value is on one side of them, a missing one too."""
    inclusive = op in ("$gte", "$lte")
    return lambda element: inclusive or element is MISSING or value_class(element) != kind


def _order_test(op: Comparison, kind: ValueClass, operand: Any) -> ElementTest:
    rank, key, holds = RANK[kind], sort_key(operand), _ORDER[op]
    plain = _PLAIN_CLASSES.get(kind, frozenset())

    def compares(element: Any) -> bool:
        if element.__class__ in plain:
            return holds(element, operand)
        if element is MISSING or RANK[value_class(element)] != rank:
            return False
        return not is_nan(element) and holds(sort_key(element), key)

    return compares


def membership_test(operand: list[Any]) -> ElementTest:
    """Whether one element equals a member of the list."""
    keys = {sort_key(member) for member in operand}
    null = sort_key(None) in keys
    return lambda element: null if element is MISSING else sort_key(element) in keys


def glob_test(pattern: str) -> ElementTest:
    """Whether one element is a string that the shell pattern matches."""
    match = re.compile(fnmatch.translate(pattern)).match
    return lambda element: (
        isinstance(element, str) and value_class(element) == "string" and bool(match(element))
    )


def regex_test(pattern: Pattern) -> ElementTest:
    """Whether one element is a string in which the pattern is found, or the same regex (semantics 3.6)."""
    search = searcher(pattern)

    def matches(element: Any) -> bool:
        if element.__class__ is str:
            return search(element)
        kind = None if element is MISSING else value_class(element)
        if kind == "regex":
            return pattern.is_stored_as(element if isinstance(element, Regex) else regex_of(element))
        return kind == "string" and search(str(element))

    return matches


def sample_test(rate: float) -> ElementTest:
    """Whether a document is in the sample: each call is a throw of its own."""
    return lambda _: random.random() < rate  # noqa: S311 - a sample of documents guards no secret


def element_test(leaf: Leaf, values: list[Any], child: Callable[[Any], bool] | None = None) -> ElementTest:
    """The exact test of one element of the leaf's path.

    Args:
        leaf: the predicate.
        values: of the query.
        child: for `$elemMatch`, the function of what it holds.
    """
    match leaf:
        case Compare(_, op, operand):
            return comparison_test(op, operand.kind, values[operand.index])
        case In(path, list_operand, patterns) if patterns:
            tests = [regex_test(values[slot.index]) for slot in patterns]
            tests.append(element_test(In(path, list_operand), values))
            return lambda element: any(test(element) for test in tests)
        case In(_, list_operand):
            return membership_test(list_operand.members(values))
        case Glob(_, operand):
            return glob_test(values[operand.index])
        case RegexMatch(_, operand):
            return regex_test(values[operand.index])
        case Sample(operand, _):
            return sample_test(values[operand.index])
        case Expr(expression, operand):
            from mongoglot.engines.python.expressions import document_filter  # loads all operators

            return document_filter(expression, values[operand.index].literals, values[operand.index].now)
        case Exists():
            return lambda element: element is not MISSING
        case HasType(_, types):
            return type_test(types)
        case Mod(_, divisor, remainder):
            return mod_test(divisor, remainder)
        case Size(_, length):
            return size_test(length)
        case Bits(_, bits_op, positions):
            return bits_test(bits_op, positions)
        case ElemMatch(_, _, by_value):
            assert child is not None  # noqa: S101 - the lowering compiled it
            return match_test(child, by_value=by_value)
        case ServerOnly() | JsonSchema():
            raise AssertionError(leaf)  # the lowering refused it, or has it
        case _:
            assert_never(leaf)


def document_test(path: Path, test: ElementTest, *, expand: bool) -> Callable[[Document, Any], bool]:
    """Whether some element that the path yields passes the test: exact for every document.

    The function takes the document and the value that a walk through plain dicts found at the path, or OTHER where
    that walk does not suffice.
    """

    def holds(document: Document, value: Any) -> bool:
        if value is OTHER:
            return any(test(element) for element in elements(document, path, expand=expand))
        if expand and is_array(value):
            for element in value:
                if test(element):
                    return True
        return test(value)

    return holds


class Other:
    """The type of `OTHER`: a value on a path that only `document_test` can go through, such as an array."""

    __slots__ = ()


OTHER: Final = Other()
