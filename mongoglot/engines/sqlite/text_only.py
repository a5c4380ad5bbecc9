"""The SQL of SQLite before version 3.51, which may have JSON as text only: JSONB came with 3.45, and grew.

Every function on JSONB has one on text beside it. What SQLite did not do well then is left to the residual: names
that JSON has to escape, which a path of that time does not find, and the comparison of whole documents. Strings
end there at U+0000, so they are compared without it (`engines.sql.json_text`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from mongoglot.compiler.ast import Compare, ElemMatch, Expr, Glob, In, Leaf, ListSlot
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.trees import leaves
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql import trees
from mongoglot.engines.sql.condition import Binder, Condition
from mongoglot.engines.sql.dialects import SQLITE, Dialect
from mongoglot.engines.sql.json_text import escaped, escaped_json, unescaped, without_nul
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite.functions import REGEX_FUNCTION

_ON_TEXT: Final = {"jsonb_each": "json_each", "jsonb_extract": "json_extract", "jsonb_object": "json_object",
                   "jsonb": "json"}  # fmt: skip

MAX_HEIGHT: Final = 38
"""How high a tree may be: from 42 on, versions before 3.46 refuse some as deeper than their parser's stack."""

_CONTAINERS: Final = frozenset({"object", "array"})


TEXT_SQLITE: Final[Dialect] = replace(SQLITE, lists="escaped json")
"""How typed columns are compared: a list of strings goes through JSON, too."""

DOCUMENT: Final = "mongoglot document"
"""The document in a subquery, where its strings are read as they are compared."""


def with_text(
    found: Condition | Superset[Condition], document: Expression
) -> Condition | Superset[Condition]:
    """A condition on `DOCUMENT` as one on a document of JSON text."""
    if isinstance(found, Superset):
        return Superset(_with_text(found.code, document))
    return _with_text(found, document)


def _with_text(code: Condition, document: Expression) -> Condition:
    read = sql.first_of(sql.select([sql.aliased(without_nul(document), DOCUMENT)]))
    asked = sql.select([on_text(code.tree)], [sql.derived(read, "document")])
    parameters = {
        label: (source, _escaping(binder, is_list=isinstance(source, ListSlot)))
        for label, (source, binder) in code.parameters.items()
    }
    return replace(code, tree=sql.scalar(asked), parameters=parameters)


def _escaping(binder: Binder, *, is_list: bool) -> Binder:
    def bound(value: Any) -> Any:
        found = binder(value)
        if not isinstance(found, str):
            return found
        return escaped_json(found) if is_list else escaped(found)

    return bound


def on_text(tree: Expression) -> Expression:
    """The condition with functions on JSON text in the place of those on JSONB."""
    return trees.with_calls(tree, _call_on_text)


def _call_on_text(name: str, arguments: list[Expression]) -> Expression:
    if name == "jsonb_array":  # text out of a function is JSON only where that is said
        return sql.call("json_array", *(sql.call("json", argument) for argument in arguments))
    if name == REGEX_FUNCTION:
        return sql.call(name, *map(unescaped, arguments))
    return sql.call(_ON_TEXT.get(name, name), *arguments)


def is_sayable(leaf: Leaf) -> bool:
    """Whether functions on text say just what those on JSONB say."""
    match leaf:
        case Expr() | Glob():
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
    return all(map(_NAME.fullmatch, leaf.path))


_NAME: Final = re.compile(r"[\w $.:@-]*", re.ASCII)
"""Names that nobody escapes: some who write JSON escape `/`, `<`, `>`, `&` and quotes, too."""
