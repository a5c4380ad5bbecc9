"""The common cases of comparisons, as expressions on the value that was read; the exact test has the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mongoglot.compiler.ast import ListSlot, Slot
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import ValueClass, is_nan, value_class
from mongoglot.engines.python.source import SourceWriter

_PYTHON: Final = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_IS_NUMBER: Final = "is int or kind is float or kind is Int64"

_SETS: Final = frozenset({"null", "int", "double", "string", "nan", "decimal", "bool", "objectid", "date"})
"""Classes of values of which Python has sets that find equal values as a server does."""


class Subject(NamedTuple):
    """What a predicate is about.

    Attributes:
        variable: holds the value.
        reading: an expression that reads it, or the variable again.
        general: the name of the exact test of the document and the value.
    """

    variable: str
    reading: str
    general: str

    @property
    def left_open(self) -> str:
        """The exact test, called."""
        return f"{self.general}(document, {self.variable})"


def comparison(op: str, operand: Slot, subject: Subject, out: SourceWriter) -> str:
    """A comparison with one value: by the class of the value on the spot, or by the exact test."""
    variable, reading, _ = subject
    sign = _PYTHON[op]
    index, kind = operand.index, operand.kind

    def bound() -> str:
        return out.bind("p", lambda values: values[index])

    def typed(test: str, compared: str, excluded: str, left_open: str = subject.left_open) -> str:
        """`compared` decides where `test` tells the type; elsewhere no scalar of another type matches."""
        return (
            f"{compared} if (kind := {reading}.__class__) {test} else kind not in {excluded} and {left_open}"
        )

    match kind:
        case "int" | "double":
            value = bound()
            # in Python True is in [1], so what is found is looked at again
            hit = f"{value} in {variable} and {subject.left_open}"
            left_open = _in_plain_array(hit, subject) if op == "$eq" else subject.left_open
            return typed(_IS_NUMBER, f"{variable} {sign} {value}", "NOT_A_NUMBER", left_open)
        case "string":
            value = bound()
            hit = f"{value} in {variable}"
            left_open = _in_plain_array(hit, subject) if op == "$eq" else subject.left_open
            return typed("is str", f"{variable} {sign} {value}", "NOT_A_STRING", left_open)
        case "objectid":
            return typed("is ObjectId", f"{variable} {sign} {bound()}", "NOT_AN_OBJECTID")
        case "date":
            instant = out.bind("p", lambda values: milliseconds(values[index]))
            return typed("is datetime", f"milliseconds({variable}) {sign} {instant}", "NOT_A_DATE")
        case "null" if op == "$eq":
            null = f"{reading} is None or {variable} is MISSING"
            return f"{null} or {variable}.__class__ not in PLAIN and {subject.left_open}"
        case "bool" if op == "$eq":
            return f"{reading} is {bound()} or {variable}.__class__ not in PLAIN and {subject.left_open}"
        case _:
            return f"{subject.general}(document, {reading})"


def _in_plain_array(hit: str, subject: Subject) -> str:
    """`hit` decides an array of scalars of the usual classes; the exact test decides any other value."""
    plain = f"kind is list and SCALARS.issuperset(map(type, {subject.variable}))"
    return f"({hit} if {plain} else {subject.left_open})"


def membership(operand: ListSlot, subject: Subject, out: SourceWriter) -> str:
    """Whether the value is in a list: in a set for each class of its members, or by the exact test."""
    variable, reading, general = subject
    kinds = operand.kinds
    if not kinds <= _SETS:
        return f"{general}(document, {reading})"

    def bound(chosen: Callable[[list[Any]], frozenset[Any]]) -> str:
        return out.bind("p", lambda values: chosen(operand.members(values)))

    tests: list[tuple[str, str]] = []
    if "string" in kinds:
        strings = bound(lambda members: frozenset(m for m in members if isinstance(m, str)))
        tests.append(("is str", f"{variable} in {strings}"))
    if kinds & {"int", "double", "decimal"}:
        tests.append((_IS_NUMBER, f"{variable} in {bound(_numbers)}"))
    if "bool" in kinds:
        truths = bound(lambda members: frozenset(m for m in members if isinstance(m, bool)))
        tests.append(("is bool", f"{variable} in {truths}"))
    if "objectid" in kinds:
        ids = bound(lambda members: frozenset(_of_class("objectid", members)))
        tests.append(("is ObjectId", f"{variable} in {ids}"))
    if "date" in kinds:
        instants = bound(lambda members: frozenset(map(milliseconds, _of_class("date", members))))
        tests.append(("is datetime", f"milliseconds({variable}) in {instants}"))
    # a NaN is found by the exact test, so a float that is in no set stays open where the list has one
    decided = "PLAIN" if "nan" not in kinds else "NOT_A_NUMBER"
    left_open = f"kind not in {decided} and {subject.left_open}"
    if len(tests) == 1 and not kinds & {"null", "nan"}:
        ((test, hit),) = tests
        return f"{hit} if (kind := {reading}.__class__) {test} else {left_open}"
    parts = [f"(kind {test}) and {hit}" for test, hit in tests]
    if "null" in kinds:
        parts.insert(0, f"{variable} is None or {variable} is MISSING")
    first = f"(kind := {reading}.__class__) is None"  # which it never is: this reads the value
    return " or ".join([first, *parts, left_open])


def _of_class(kind: ValueClass, members: list[Any]) -> list[Any]:
    return [member for member in members if value_class(member) == kind]


def _numbers(members: list[Any]) -> frozenset[Any]:
    """The numbers among the members; Python compares and hashes ints, floats and Decimals by exact value."""
    return frozenset(
        member.to_decimal() if not isinstance(member, (int, float)) else member
        for member in members
        if isinstance(member, (int, float)) or member.__class__.__name__ == "Decimal128"
        if not isinstance(member, bool) and not is_nan(member)
    )
