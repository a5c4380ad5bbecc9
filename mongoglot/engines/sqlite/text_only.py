"""The SQL of SQLite before version 3.45, which has JSON as text only.

Every function on JSONB has one on text beside it. What SQLite did not do well then is left to the residual: names
that JSON has to escape, which a path of that time does not find, and the comparison of whole documents.
"""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.ast import Compare, ElemMatch, Expr, In, Leaf
from mongoglot.compiler.trees import leaves
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql import trees
from mongoglot.engines.sql.nodes import Expression

_ON_TEXT: Final = {"jsonb_each": "json_each", "jsonb_extract": "json_extract", "jsonb_object": "json_object",
                   "jsonb": "json"}  # fmt: skip

MAX_HEIGHT: Final = 38
"""How high a tree may be: from 45 on, versions before 3.45 refused some as deeper than their parser's stack."""

_CONTAINERS: Final = frozenset({"object", "array"})


def on_text(tree: Expression) -> Expression:
    """The condition with functions on JSON text in the place of those on JSONB."""
    return trees.with_calls(tree, _call_on_text)


def _call_on_text(name: str, arguments: list[Expression]) -> Expression:
    if name == "jsonb_array":  # text out of a function is JSON only where that is said
        return sql.call("json_array", *(sql.call("json", argument) for argument in arguments))
    return sql.call(_ON_TEXT.get(name, name), *arguments)


def is_sayable(leaf: Leaf) -> bool:
    """Whether functions on text say just what those on JSONB say."""
    match leaf:
        case Expr():
            return False
        case Compare(_, _, operand):
            return operand.kind not in _CONTAINERS and _is_plain(leaf)
        case In(_, list_operand, _):
            return not list_operand.kinds & _CONTAINERS and _is_plain(leaf)
        case ElemMatch(_, child, _):
            return _is_plain(leaf) and all(map(is_sayable, leaves(child)))
        case _:
            return _is_plain(leaf)


def _is_plain(leaf: Leaf) -> bool:
    return all(
        part.isascii() and part.isprintable() and '"' not in part and "\\" not in part for part in leaf.path
    )
