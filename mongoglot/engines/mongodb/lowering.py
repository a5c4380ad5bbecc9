"""The native lowering: from the tree to a filter as a server takes it.

It starts from the tree as parsed, so that what is sent is close to what was written.
"""

from __future__ import annotations

from typing import Any, assert_never

from bson import Regex

from mongoglot.compiler.ast import (
    NEAR,
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Glob,
    HasType,
    In,
    Leaf,
    Mod,
    Node,
    Not,
    Or,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    dotted,
    leaves,
)
from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.mongodb.glob import to_pattern
from mongoglot.errors import UnsupportedError


def to_filter(query: BoundPlan) -> dict[str, Any]:
    """The filter for a server, its values bound; equal in meaning to the one that was compiled."""
    return _filter(query.ast, query.values)


def _filter(node: Node, values: list[Any]) -> dict[str, Any]:
    match node:
        case Always(value):
            return {} if value else {"$alwaysFalse": 1}
        case And(children):
            return {"$and": [_filter(child, values) for child in children]}
        case Or(children):
            return {"$or": [_filter(child, values) for child in children]}
        case Not(child):
            paths = {leaf.path for leaf in leaves(child)}
            operators = _operators(node, values) if len(paths) == 1 and () not in paths else None
            return (
                {"$nor": [_filter(child, values)]} if operators is None else {dotted(paths.pop()): operators}
            )
        case Sample(operand):
            return {"$sampleRate": values[operand.index]}
        case ServerOnly((), name, operand):
            return {name: values[operand.index]}
        case ServerOnly(path, name, operand) if name in NEAR:
            return {dotted(path): values[operand.index]}
        case Compare(path, "$eq", operand) if _stands_alone(
            values[operand.index], operand.kind, dotted(path)
        ):
            return {dotted(path): values[operand.index]}
        case leaf:
            return {dotted(leaf.path): _predicate(leaf, values)}


def _stands_alone(value: Any, kind: str, name: str) -> bool:
    """Whether a literal means itself without `$eq` (semantics 4.2); DBRef fields take nothing else."""
    if name in ("$ref", "$id", "$db"):
        return True
    if kind == "regex":
        return False
    return kind != "object" or not next(iter(value), "").startswith("$")


def _predicate(leaf: Leaf, values: list[Any]) -> dict[str, Any]:
    """The operators of one predicate."""
    match leaf:
        case Compare(_, op, operand):
            return {op: values[operand.index]}
        case In():
            return {"$in": _members(leaf, values)}
        case Exists():
            return {"$exists": True}
        case HasType(_, types):
            return {"$type": sorted(types)}
        case Mod(_, divisor, remainder):
            return {"$mod": [divisor, remainder]}
        case Size(_, length):
            return {"$size": length}
        case Bits(_, op, positions):
            return {op: list(positions)}
        case ElemMatch(_, child, by_value):
            return {"$elemMatch": _element(child, values) if by_value else _filter(child, values)}
        case Glob(_, operand):
            return {"$regex": to_pattern(values[operand.index])}
        case RegexMatch(_, operand):
            pattern = values[operand.index]
            return {"$regex": pattern.text, **({"$options": pattern.options} if pattern.options else {})}
        case ServerOnly(_, name, operand):
            return {name: values[operand.index]}
        case Sample():
            raise AssertionError(leaf)  # it stands under no field
        case _:
            assert_never(leaf)


def _members(leaf: In, values: list[Any]) -> list[Any]:
    """The list of a `$in`: its literals, then its regexes, whose order decides nothing."""
    patterns = (values[slot.index] for slot in leaf.patterns)
    return [*leaf.operand.members(values), *(Regex(pattern.text, pattern.options) for pattern in patterns)]


def _element(child: Node, values: list[Any]) -> dict[str, Any]:
    """The operators for an element of an array."""
    operators = _operators(child, values)
    if operators is None:
        raise UnsupportedError(
            "this $elemMatch has operators that no single document of a server can hold together"
        )
    return operators


def _operators(node: Node, values: list[Any]) -> dict[str, Any] | None:
    """A node about one path as an operator document, or None where there is none."""
    match node:
        case Always(value):
            return {"$nin" if value else "$in": []}
        case Not(Compare(_, "$eq", operand)) if operand.kind != "regex":
            return {"$ne": values[operand.index]}
        case Not(In() as member):
            return {"$nin": _members(member, values)}
        case Not(Exists()):
            return {"$exists": False}
        case Not(child):
            operators = _operators(child, values)
            return None if operators is None else {"$not": operators}
        case And(children):
            return _merged([_operators(child, values) for child in children])
        case Or():
            return None
        case leaf:
            return _predicate(leaf, values)


def _merged(parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """The conjunction of operator documents; `$not: {$not: …}` holds what has a key that is taken."""
    merged: dict[str, Any] = {}
    for part in reversed(parts):
        if part is None:
            return None
        if not merged.keys() & part.keys():
            merged = {**part, **merged}
        elif "$not" not in part:
            merged = {**part, "$not": {"$not": merged}}
        elif "$not" not in merged:
            merged = {**merged, "$not": {"$not": part}}
        else:
            return None
    return merged
