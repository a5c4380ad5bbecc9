"""Comparisons and arithmetic as Python writes them, for values of the common classes.

What is written here is asked first; other values go to the function of the operator, which knows all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bson import Int64

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT32_MAX, INT32_MIN
from mongoglot.engines.python.expressions.phrases import wrapped
from mongoglot.engines.python.source import SourceWriter

_SIGNS: Final = {"$eq": "==", "$ne": "!=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_FLIPPED: Final = {"$eq": "$eq", "$ne": "$ne", "$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"}

_SAME_ORDER: Final = {"string": "str", "objectid": "ObjectId"}
"""Classes of literals that Python compares as a server does → the class of the values that it compares so."""

_ARITHMETIC: Final = {"$add": "+", "$subtract": "-", "$multiply": "*"}


class Part(NamedTuple):
    """The source of a part of an expression.

    Attributes:
        source: a Python expression.
        kind: the class of its value where that is known: a value class, or `missing`.
        place: of a constant, its place among the literals.
    """

    source: str
    kind: str | None = None
    place: int | None = None

    @property
    def is_name(self) -> bool:
        """Whether it is a name: repeating it costs and changes nothing."""
        return self.source.isidentifier()

    def named(self, out: SourceWriter) -> tuple[str, str]:
        """The name of its value, and what computes it where it has none yet: the first to be evaluated."""
        if self.is_name:
            return self.source, self.source
        name = out.local()
        return name, f"({name} := {self.source})"


def comparison(operator: str, left: Part, right: Part, out: SourceWriter) -> str:
    """Two values in the total order."""
    if left.place is not None or left.kind in ("missing", "null"):
        left, right, operator = right, left, _FLIPPED[operator]
    name, first = left.named(out)
    other, second = right.named(out)
    general = f"{operator[1:]}({name}, {other})"
    sign = _SIGNS[operator]
    match right.kind:
        case "missing" | "null" | "bool" if right.is_name and operator in ("$eq", "$ne"):
            identical = "is" if operator == "$eq" else "is not"
            return f"{first} {identical} {'None' if right.kind == 'null' else other}"
        case "null" if operator in ("$gt", "$lte"):
            above = f"{first} is not None and {name} is not MISSING and {name}.__class__ is not MinKey"
            return above if operator == "$gt" else f"not ({above})"
        case "int" | "double" if right.place is not None:
            # a NaN is less than any number; of Python's comparisons with one all but != are false
            compared = {"$lt": f"not {name} >= {other}", "$lte": f"not {name} > {other}"}.get(
                operator, f"{name} {sign} {other}"
            )
            return f"{compared} if (kind := {first}.__class__) is int or kind is float else {general}"
        case "string" | "objectid" if right.place is not None:
            return f"{name} {sign} {other} if {first}.__class__ is {_SAME_ORDER[right.kind]} else {general}"
        case "date" if right.place is not None:
            index = right.place
            instant = out.bind("instant", lambda literals: milliseconds(literals[index]))
            compared = f"milliseconds({name}) {sign} {instant}"
            return f"{compared} if {first}.__class__ is datetime else {general}"
        case None if left.kind is None:
            kind = _kind(out)
            same = f"({kind} := {first}.__class__) is {second}.__class__"
            return f"{name} {sign} {other} if {same} and ({kind} is int or {kind} is str) else {general}"
        case _:
            return f"{operator[1:]}({first}, {second})"


def first_value(operands: Sequence[Part], out: SourceWriter) -> str:
    """The first that is neither null nor missing, or the last."""
    result = operands[-1].source
    for operand in reversed(operands[:-1]):
        name, first = operand.named(out)
        result = f"{wrapped(result)} if {first} is None or {name} is MISSING else {name}"
    return result


def arithmetic(operator: str, left: Part, right: Part, out: SourceWriter) -> str | None:
    """A sum, difference or product of ints and doubles; None where the function has to compute it all.

    The result has the type that a server gives it: of two ints an int, as long as one holds it (semantics 3.9).
    """
    if operator == "$subtract":
        general = "subtract({}, {})"
        if left.kind in ("int", "double") and left.place is not None:
            return _with_constant("$subtract from", right, left, general.format("{1}", "{0}"), out)
        if not left.is_name and not right.is_name:
            return None
    else:
        general = f"{operator[1:]}(iter(({{}}, {{}})))"
    if right.place is not None:
        if right.kind not in ("int", "double"):
            return None
        return _with_constant(operator, left, right, general, out)
    if left.kind is not None or right.kind is not None:
        return None
    if right.is_name or operator == "$subtract":
        return _of_two(operator, left, right, general, out)
    # what is no number ends it before the second operand is evaluated
    name, first = left.named(out)
    kind = _kind(out)
    ended = f"({kind} := {first}.__class__) is not int and {kind} is not float"
    result = _of_two(operator, Part(name), right, general, out)
    return f"None if {ended} and {operator[1:]}(iter(({name},))) is None else {result}"


def _of_two(operator: str, left: Part, right: Part, general: str, out: SourceWriter) -> str:
    """Two values of which one has a name at least, so that it may be written behind the other."""
    name, first = left.named(out)
    other, second = right.named(out)
    known, tested = (name, second) if left.is_name else (other, first)
    kind, result = _kind(out), out.local()
    test = f"({kind} := {tested}.__class__)"
    computed = f"({result} := {name} {_ARITHMETIC[operator]} {other})"
    general = general.format(name, other)
    if operator == "$multiply":  # of an int other than 0 both factors are smaller; a 0 may be one of longs
        both = (
            f"({test} is float or {kind} is int) and ({known}.__class__ is float or {known}.__class__ is int)"
        )
        fits = f"({computed}.__class__ is float or {result} and LOW < {result} <= HIGH)"
        return f"{result} if {both} and {fits} else {general}"
    # a sum begins with 0.0, so that -0.0 and -0.0 are 0.0
    total = f"0.0 + {name} + {other}" if operator == "$add" else f"{name} - {other}"
    floats = f"{test} is float and {known}.__class__ is float"
    ints = f"{kind} is int and {known}.__class__ is int"
    ranges = " and ".join(f"LOW <= {value} <= HIGH" for value in (name, other, computed))
    return f"{total} if {floats} else {result} if {ints} and {ranges} else {general}"


def _with_constant(operator: str, part: Part, constant: Part, general: str, out: SourceWriter) -> str:
    """A value and a constant, an int or a double."""
    name, first = part.named(out)
    number, index = constant.source, constant.place
    general = general.format(name, number)
    is_float, is_int = f"(kind := {first}.__class__) is float", "kind is int"
    match operator:
        case "$subtract from":
            computed = f"{number} - {name}"
        case "$add" if constant.kind == "double":
            computed = f"0.0 + {name} + {number}"
        case _:
            computed = f"{name} {_ARITHMETIC[operator]} {number}"
    if constant.kind == "double":
        ranges = f" and LOW <= {name} <= HIGH" if operator == "$add" else ""
        return f"{computed} if {is_float} or {is_int}{ranges} else {general}"
    assert index is not None  # noqa: S101 - it is a constant
    low = out.bind("low", lambda literals: _limits(operator, literals[index])[0])
    high = out.bind("high", lambda literals: _limits(operator, literals[index])[1])
    if operator == "$add":  # of a long a sum of doubles takes both halves
        return f"{computed} if ({is_float} or {is_int}) and {low} <= {name} <= {high} else {general}"
    return f"{computed} if {is_float} or {is_int} and {low} <= {name} <= {high} else {general}"


def _limits(operator: str, constant: int) -> tuple[int, int]:
    """From where to where an int and its result with a constant are of 32 bits."""
    if isinstance(constant, Int64) or not INT32_MIN <= constant <= INT32_MAX:
        return 1, 0  # with a long all is long
    match operator:
        case "$add":
            low, high = INT32_MIN - constant, INT32_MAX - constant
        case "$subtract":
            low, high = INT32_MIN + constant, INT32_MAX + constant
        case "$subtract from":
            low, high = constant - INT32_MAX, constant - INT32_MIN
        case _:
            high = INT32_MAX // abs(constant) if constant else INT32_MAX
            low = -high
    return max(low, INT32_MIN), min(high, INT32_MAX)


def _kind(out: SourceWriter) -> str:
    """A fresh local for the class of a value."""
    return out.local().replace("v", "kind")
