"""Which recorded cases this version covers, and for each other one the reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mongoglot.compiler.expressions import EXPRESSIONS
from mongoglot.grammar.expressions import COMPILED

JUNCTIONS = frozenset({"$and", "$or", "$nor"})
AT_TOP = JUNCTIONS | {
    "$expr",
    "$comment",
    "$alwaysTrue",
    "$alwaysFalse",
    "$where",
    "$text",
    "$sampleRate",
    "$jsonSchema",
}
DBREF_FIELDS = frozenset({"$ref", "$id", "$db"})
SERVER_AREAS = ("op/where", "op/text", "op/geo")
"""The areas of what only a server can answer."""

INTERNAL = "$_internal"
Case = Mapping[str, Any]


def deferral(case: Case) -> str | None:
    """Why a case is left to a later version, or None."""
    return filter_deferral(case["filter"]) or options_deferral(case.get("options", {}))


def filter_deferral(query: Any) -> str | None:
    """The first thing in a filter that this version does not compile."""
    if not isinstance(query, dict):
        return None
    found = next(later_operators(query), None)
    return f"uses {found}" if found else None


def later_operators(query: dict[str, Any], *, nested: bool = False) -> Iterator[str]:
    """The operators of later versions in a filter, wherever one stands for an operator (semantics 4).

    In a $elemMatch, most of those at the top are an error and not left to a later version.
    """
    for name, operand in query.items():
        if name in JUNCTIONS:
            for member in operand if isinstance(operand, list) else ():
                if isinstance(member, dict):
                    yield from later_operators(member, nested=nested)
        elif name.startswith(INTERNAL):
            yield "an internal operator"
        elif name == "$expr":
            if not nested and has_later_expression(operand):
                yield name
        elif not name.startswith("$"):
            yield from _at_path(operand)


def has_later_expression(operand: Any) -> bool:
    """Whether an expression has an operator that this version does not compile."""
    if isinstance(operand, list):
        return any(map(has_later_expression, operand))
    if not isinstance(operand, dict):
        return False
    if "$literal" in operand:
        return False
    return any(
        name in EXPRESSIONS - COMPILED or has_later_expression(value) for name, value in operand.items()
    )


def _at_path(condition: Any) -> Iterator[str]:
    if is_operator_document(condition):
        yield from _operators(condition)


def is_operator_document(value: Any) -> bool:
    """Whether a value at a path holds operators (semantics 4.2)."""
    if not isinstance(value, dict) or not value:
        return False
    return next(iter(value)).startswith("$") and not {"$ref", "$id"} <= set(value)


def _operators(document: dict[str, Any]) -> Iterator[str]:
    for name, operand in document.items():
        if name.startswith(INTERNAL):
            yield "an internal operator"
        elif name == "$not" and isinstance(operand, dict):
            yield from _operators(operand)
        elif name == "$elemMatch" and isinstance(operand, dict):
            yield from _element(operand)
        elif name == "$all" and isinstance(operand, list):
            yield from _members(operand)


def _element(operand: dict[str, Any]) -> Iterator[str]:
    """What $elemMatch holds: operators for an element, or a filter (semantics 3.7)."""
    first = next(iter(operand), "")
    if first.startswith("$") and first not in AT_TOP and not DBREF_FIELDS & set(operand):
        yield from _operators(operand)
    else:
        yield from later_operators(operand, nested=True)


def _members(members: list[Any]) -> Iterator[str]:
    for member in members:
        if isinstance(member, dict) and next(iter(member), "") == "$elemMatch":
            yield from _operators({"$elemMatch": member["$elemMatch"]})


def options_deferral(options: Mapping[str, Any]) -> str | None:
    """The first option that this version does not have."""
    projection = options.get("projection")
    return next(_later_projections(projection), None) if isinstance(projection, dict) else None


def _later_projections(projection: dict[str, Any]) -> Iterator[str]:
    """What this version does not compile in a filter of a projection, or to compute a field."""
    for path, choice in projection.items():
        if path.endswith(".$"):
            continue
        if isinstance(choice, dict) and not next(iter(choice), "").startswith("$"):
            yield from _later_projections(choice)
        elif isinstance(choice, dict) and "$elemMatch" in choice:
            yield from (f"uses {found}" for found in _at_path(choice))
        elif has_later_expression(choice):
            yield "computed projection"
