"""Predicates on a document: the test of a value, at every place where a path leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from mongoglot.compiler.ast import (
    Always,
    And,
    Compare,
    ElemMatch,
    Exists,
    HasType,
    In,
    Leaf,
    Node,
    Not,
    Or,
    Path,
    ServerOnly,
)
from mongoglot.compiler.lowering import Superset, needs_server
from mongoglot.compiler.residual import split
from mongoglot.compiler.trees import leaves
from mongoglot.compiler.walk import array_index
from mongoglot.engines.postgresql.condition import Condition, Connectives
from mongoglot.engines.postgresql.paths import IS_OBJECT, Reading, readings
from mongoglot.engines.postgresql.predicates import OnValue, Test, test_of, whole_of_array

MAX_MATCHES: Final = 20
"""How deep `$elemMatch` nests before it goes to the residual."""


Tests: TypeAlias = Callable[[Leaf], Test | None]
"""The test of a predicate in documents as they are encoded; None where there is none."""


def on_document(leaf: Leaf, depth: int = 0, tests: Tests = test_of) -> Condition | Superset[Condition] | None:
    """A predicate on the object `@`, or with an empty path on the value `@`; None where it cannot be said.

    Args:
        leaf: the predicate.
        depth: how many `$elemMatch` enclose it.
        tests: of predicates.
    """
    if isinstance(leaf, Exists):
        return _exists(leaf.path)
    test = _elem_match(leaf, depth, tests) if isinstance(leaf, ElemMatch) else tests(leaf)
    if test is None:
        return None
    if leaf.path:
        found = readings(leaf.path)
        if found is None:
            return None
        code = tested(test, found)
    else:
        conditions = [condition("@") for condition in (test.element, test.whole) if condition is not None]
        code = _some_of(conditions, test)
    return Superset(code) if test.superset else code


def tested(test: Test, found: Sequence[Reading]) -> Condition:
    """The test of the values at the ends of a path's readings."""
    return _some_of([text for reading in found for text in _at_end(test, reading)], test)


def _some_of(conditions: list[str], test: Test) -> Condition:
    different = list(dict.fromkeys(conditions)) or [NEVER]
    text = different[0] if len(different) == 1 else " || ".join(f"({each})" for each in different)
    return Condition(text, variables=test.variables)


ALWAYS, NEVER = "1 == 1", "1 == 0"
"""Constants: the language has none."""


def _at_end(test: Test, reading: Reading) -> list[str]:
    conditions = []
    if test.element is not None:
        conditions.append(reading.some_element(test.element, test.filtered))
    if test.whole is not None:
        conditions.append(reading.whole(test.whole))
    if test.missing:
        conditions.extend(reading.missing())
    return conditions


def _exists(path: Path) -> Condition | None:
    if not path:
        return Condition(ALWAYS)
    found = readings(path)
    return None if found is None else Condition(" || ".join(reading.is_there() for reading in found))


@final
@dataclass(frozen=True, slots=True)
class ElementLowering(Connectives):
    """The lowering of what a `$elemMatch` holds, about an element of its array."""

    depth: int
    tests: Tests
    document: str = ""

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate on the element."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        return on_document(leaf, self.depth, self.tests)


def _elem_match(leaf: ElemMatch, depth: int, tests: Tests) -> Test | None:
    """`$elemMatch`: the array has an element for which what it holds is true (semantics 3.7)."""
    if depth >= MAX_MATCHES:
        return None
    halves = split(leaf.child, ElementLowering(depth + 1, tests))
    if halves.code is None:
        holds = ALWAYS if halves.pushed == Always(True) else NEVER
    else:
        assert halves.code.path is not None  # noqa: S101 - nothing else is made for elements
        holds = halves.code.path
    superset = halves.residual is not None
    if not leaf.by_value:
        in_array = True if superset else _of_array(leaf.child, tests)
        if in_array is None:
            in_array = superset = True
        of_array = ' || @.type() == "array"' if in_array else ""
        holds = f"({IS_OBJECT} && ({holds})){of_array}"
    test = Test(whole=_some_element(holds), superset=superset)
    if halves.code is not None:
        test.variables.update(halves.code.variables)
    return test


def _some_element(holds: str) -> OnValue:
    return whole_of_array(lambda value: f"exists({value} ? ({holds}))")


def _of_array(child: Node, tests: Tests) -> bool | None:
    """Whether a filter is true of an array, read as an object with the fields '0', '1', …; None if that depends.

    Where no path begins with a number, all fields are missing.
    """
    if any(not leaf.path or array_index(leaf.path[0]) is not None for leaf in leaves(child)):
        return None
    return _of_nothing(child, tests)


def _of_nothing(node: Node, tests: Tests) -> bool | None:
    """Whether a filter is true where every field is missing; None where that is not known."""
    match node:
        case Always(value):
            return value
        case And(children) | Or(children):
            decided = isinstance(node, Or)
            values = [_of_nothing(child, tests) for child in children]
            return decided if decided in values else None if None in values else not decided
        case Not(inner):
            opposite = _of_nothing(inner, tests)
            return None if opposite is None else not opposite
        case Compare(_, "$eq", operand):
            return operand.kind == "null"
        case In(_, operand, ()):
            return "null" in operand.kinds
        case Exists() | HasType() | ElemMatch():
            return False
        case leaf:
            test = tests(leaf)
            return None if test is None else test.missing
