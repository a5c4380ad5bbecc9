"""The DuckDB lowering of stored documents: from the tree to a condition on the rows of a collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.ast import (
    Always,
    Compare,
    Expr,
    In,
    JsonSchema,
    Leaf,
    Node,
    Sample,
    ServerOnly,
)
from mongoglot.compiler.lowering import Lowering, Superset, needs_server
from mongoglot.compiler.residual import split
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.columns import column_condition
from mongoglot.engines.duckdb.documents import DuckdbConnectives, on_document
from mongoglot.engines.duckdb.paths import Root
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.statement import Statement
from mongoglot.engines.sql.table import Table

IDENTITY, KEYS, DOCUMENT = "_key", "_keys", "_doc"
"""The columns of collections beside the order of insertion: the key of `_id`, the document's keys, its BSON."""


def lower(node: Node, lowering: Lowering[Condition]) -> Statement:
    """Lower a tree, and print what was lowered."""
    halves = split(node, lowering)
    if halves.code is None:
        return Statement("TRUE" if halves.pushed == Always(True) else "FALSE", {}, halves)
    used = duck.parameters_of(
        halves.code.tree
    )  # a part that says nothing is left out, with what it would bind
    binders = {label: binder for label, binder in halves.code.parameters.items() if label in used}
    return Statement(duck.text_of(halves.code.tree), binders, halves)


_DOCUMENT: Final = Root(sql.name(KEYS))


@final
@dataclass(frozen=True, slots=True)
class DocumentLowering(DuckdbConnectives):
    """The lowering for one collection of a store."""

    table: Table

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate: on its column where there is one, on the document's keys otherwise."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if isinstance(leaf, (JsonSchema, Expr, Sample)):  # Python checks them
            return None
        if leaf.path == ("_id",):
            match leaf:  # every document has one, and it is no array
                case Compare(_, "$eq", operand):
                    label = f"id{operand.index}"
                    equal = sql.equals(sql.name(IDENTITY), duck.parameter(label))
                    return Condition(equal, {label: (operand.index, keys.key)})
                case In(_, operands, ()):
                    label = f"id{operands.index}"
                    parameters: Parameters = {label: (operands, lambda items: list(map(keys.key, items)))}
                    return Condition(duck.in_query(sql.name(IDENTITY), label), parameters)
                case _:
                    pass
        code = on_document(leaf, _DOCUMENT)
        column = self.table.column(leaf.path)
        if code is None or isinstance(code, Superset) or column is None:
            return code
        return column_condition(leaf, column, code)
