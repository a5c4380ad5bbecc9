"""The PostgreSQL lowering: from the tree to a condition on the rows of a collection's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

from mongoglot.compiler.ast import (
    Always,
    Compare,
    Expr,
    HasType,
    In,
    JsonSchema,
    Leaf,
    ListSlot,
    Node,
    Sample,
    ServerOnly,
)
from mongoglot.compiler.lowering import Superset, needs_server
from mongoglot.compiler.residual import Split, split
from mongoglot.engines.postgresql import sets
from mongoglot.engines.postgresql.columns import column_condition, is_on_column
from mongoglot.engines.postgresql.condition import VALUES, Condition, Connectives, in_sql
from mongoglot.engines.postgresql.documents import on_document
from mongoglot.engines.postgresql.keys import id_key, id_keys
from mongoglot.engines.postgresql.predicates import NUMBER_TYPES
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Binder, Parameters
from mongoglot.engines.sql.numbered import numbered_text
from mongoglot.engines.sql.statement import operand_of
from mongoglot.engines.sql.table import Column, Table


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """What the lowering made of one shape: a condition's text, and how to bind a query's values to it.

    Attributes:
        text: of the condition, with the placeholders `$1`, `$2` and so on.
        binders: for each placeholder in order whose value it has, and how; None for the variables of the paths.
        variables: of the paths, bound together as one JSON object.
        split: the halves of the filter.
    """

    text: str
    binders: tuple[tuple[int | ListSlot | None, Binder] | None, ...]
    variables: Parameters
    split: Split[Condition]

    def bind(self, values: list[Any]) -> list[Any]:
        """The parameters for the values of one query, in the order of their numbers."""
        return [
            self._variables(values) if found is None else found[1](operand_of(found[0], values))
            for found in self.binders
        ]

    def _variables(self, values: list[Any]) -> str:
        """The variables of all paths as a JSON object."""
        bound = (
            f'"{label}":{binder(operand_of(source, values))}'
            for label, (source, binder) in self.variables.items()
        )
        return "{" + ",".join(bound) + "}"


def lower(node: Node, table: Table) -> Statement:
    """Lower a tree for a table, and print what was lowered."""
    document = table.document or _DOCUMENT
    halves = split(node, PostgresqlLowering(table, document))
    if halves.code is None:
        return Statement("TRUE" if halves.pushed == Always(True) else "FALSE", (), {}, halves)
    code = in_sql(halves.code, document)
    assert code.tree is not None  # noqa: S101 - it is SQL now
    text, labels = numbered_text(code.tree)
    binders = tuple(None if label == VALUES else code.parameters[label] for label in labels)
    return Statement(text, binders, code.variables, halves)


_DOCUMENT: Final = "doc"


@final
@dataclass(frozen=True, slots=True)
class PostgresqlLowering(Connectives):
    """The lowering for one table."""

    table: Table
    document: str

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate: on its column where there is one, on the document otherwise."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if isinstance(leaf, (JsonSchema, Expr)):  # Python checks them
            return None
        if isinstance(leaf, Sample):
            label = f"p{leaf.operand.index}"
            chance = sql.compare("$lt", sql.call("random"), sql.parameter(label))
            return Condition(None, chance, parameters={label: (leaf.operand.index, float)})
        if leaf.path == ("_id",) and self.table.identity is not None:
            found = _on_identity(leaf, self.table.identity)
            if found is not None:
                return found
        code = self._on_document(leaf)
        column = self.table.column(leaf.path)
        if code is None or column is None or not is_on_column(leaf):
            return code
        return self._on_column(leaf, column, code)

    def _on_column(
        self, leaf: Leaf, column: Column, code: Condition | Superset[Condition]
    ) -> Condition | Superset[Condition]:
        if isinstance(code, Superset):
            return Superset(column_condition(leaf, column, code.code, self.document))
        return column_condition(leaf, column, code, self.document)

    def _on_document(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        match leaf:
            case In(_, _, ()):
                return sets.membership(leaf, self.document, self)
            case Compare(_, "$eq", operand) if operand.kind in ("object", "array"):
                return sets.equality(leaf, self.document)
            case HasType(_, types) if types & NUMBER_TYPES and not types >= NUMBER_TYPES:
                return sets.types(leaf, self.document, self)
            case _:
                return on_document(leaf)


def _on_identity(leaf: Leaf, column: str) -> Condition | None:
    """Equality of `_id`, which every document has and which is no array, by its key; None for others."""
    match leaf:
        case Compare(_, "$eq", operand):
            label = f"k{operand.index}"
            tree = sql.equals(sql.name(column), sql.parameter(label))
            return Condition(None, tree, parameters={label: (operand.index, id_key)})
        case In(_, operand, ()):
            label = f"k{operand.index}"
            tree = sql.equals(sql.name(column), sql.call("ANY", sql.parameter(label)))
            return Condition(None, tree, parameters={label: (operand, id_keys)})
        case _:
            return None
