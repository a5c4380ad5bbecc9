"""The native lowering: from the tree to a filter as a server takes it."""

from __future__ import annotations

from typing import Any, assert_never

from mongoglot.compiler.ast import Always, And, Compare, Exists, Glob, In, Node, Not, Or, dotted
from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.mongodb.glob import to_pattern


def to_filter(query: BoundPlan) -> dict[str, Any]:
    """The filter for a server, its values bound; equal in meaning to the one that was compiled."""
    return _filter(query.optimised, query.values)


def _filter(node: Node, values: list[Any]) -> dict[str, Any]:
    match node:
        case Always(value):
            return {} if value else {"$nor": [{}]}
        case Compare(path, op, operand):
            return _under(path, {op: values[operand.index]})
        case In(path, list_operand):
            return _under(path, {"$in": values[list_operand.index]})
        case Exists(path):
            return _under(path, {"$exists": True})
        case Glob(path, operand):
            # $type keeps stored regexes out, which a pattern equal to their own would find
            pattern = {"$regex": to_pattern(values[operand.index]), "$not": {"$type": "regex"}}
            return _under(path, pattern)
        case And(children):
            return {"$and": [_filter(child, values) for child in children]}
        case Or(children):
            return {"$or": [_filter(child, values) for child in children]}
        case Not(child):
            return {"$nor": [_filter(child, values)]}
        case _:
            assert_never(node)


def _under(path: tuple[str, ...], operators: dict[str, Any]) -> dict[str, Any]:
    name = dotted(path)
    # a name that begins with $ is a field of a DBRef: as the whole filter's key it takes a literal only
    return {name: operators["$eq"]} if name in ("$ref", "$id", "$db") else {name: operators}
