"""The SQLite lowering: from the tree to a condition on the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mongoglot.compiler.ast import (
    Always,
    Bits,
    ElemMatch,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    Mod,
    Node,
    Sample,
    ServerOnly,
    Size,
    expressions,
)
from mongoglot.compiler.lowering import Bounds, Superset, needs_server
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import split
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.dialects import SQLITE
from mongoglot.engines.sql.statement import Sql, Statement
from mongoglot.engines.sql.table import STORED_TYPES, Column, Table
from mongoglot.engines.sql.typed import missing_matches, typed_condition
from mongoglot.engines.sqlite.columns import column_condition, identity_condition
from mongoglot.engines.sqlite.conditions import sample
from mongoglot.engines.sqlite.documents import on_document
from mongoglot.engines.sqlite.paths import Root


def lower(node: Node, table: Table) -> Statement:
    """Lower a tree for a table, and print what was lowered."""
    halves = split(node, SqliteLowering(table))
    if halves.code is None:
        return Statement("1" if halves.pushed == Always(True) else "0", {}, halves)
    parameters = halves.code.parameters
    numbered = (label for label, (slot, _) in parameters.items() if slot is None)
    labels = {label: f"s{number}" for number, label in enumerate(numbered)}
    if labels:
        sql.rename_parameters(halves.code.tree, labels)
    binders = {labels.get(label, label): binder for label, binder in parameters.items()}
    return Statement(sql.text_of(halves.code.tree), binders, halves)


def to_sql(query: BoundPlan, table: Table | None = None) -> Sql:
    """The query as a condition on the rows of a table."""
    target = table if table is not None else Table("documents")
    statement = query.plan.lowered(("sqlite", target), lambda node: lower(node, target))
    return Sql(statement.text, statement.bind(query.values), statement.split.residual)


def undecided(query: BoundPlan, table: Table | None = None) -> list[str]:
    """Why the SQL leaves rows of the query's expressions to the residual, in words."""
    from mongoglot.engines.sqlite.expressions import lower_expression  # loads all operators

    target = table if table is not None else Table("documents")
    residual = query.plan.lowered(("sqlite", target), lambda node: lower(node, target)).split.residual
    left = () if residual is None else expressions(residual)
    return sorted(frozenset[str]().union(*(lower_expression(leaf, target).undecided for leaf in left)))


def pretty_sql(query: BoundPlan, table: Table | None = None) -> str:
    """The condition of `to_sql`, laid out over lines."""
    target = table if table is not None else Table("documents")
    statement = query.plan.lowered(("sqlite", target), lambda node: lower(node, target))
    code = statement.split.code
    return statement.text if code is None else sql.text_of(code.tree, pretty=True)


_OF_DOCUMENTS = (HasType, Mod, Size, Bits, ElemMatch)
"""Predicates that the column of a store says nothing about: it keeps no types, and no arrays."""


@final
@dataclass(frozen=True, slots=True)
class SqliteLowering(Connectives):
    """The lowering for one table."""

    table: Table

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | Bounds[Condition] | None:
        """A predicate: on its column where there is one, on the document otherwise."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if isinstance(leaf, JsonSchema):  # Python checks it
            return None
        if isinstance(leaf, Expr):
            if not all(map(_is_stored, self.table.columns)):
                return None
            from mongoglot.engines.sqlite.expressions import lower_expression  # as above

            return lower_expression(leaf, self.table).code
        if isinstance(leaf, In) and leaf.patterns:  # the passes make predicates of them
            return None
        if isinstance(leaf, Sample):
            return Condition(*sample(leaf))
        if leaf.path == ("_id",) and self.table.identity is not None:
            found = identity_condition(leaf, self.table.identity)
            if found is not None:
                return Condition(*found)
        column = self.table.column(leaf.path)
        if column is not None and not (column.mixed and isinstance(leaf, _OF_DOCUMENTS)):
            return self._on_column(leaf, column)
        if self.table.is_split(leaf.path):
            return None
        if (below := self.table.scalar_prefix(leaf.path)) is not None and not below.mixed:
            return Condition(sql.integer(int(bool(missing_matches(leaf)))))
        if self.table.document is None:
            raise self.table.no_field(leaf.path)
        return on_document(leaf, Root(sql.name(self.table.document)))

    def _on_column(self, leaf: Leaf, column: Column) -> Condition | Superset[Condition] | None:
        if not _is_stored(column):
            if column.is_nested:
                return None
            return typed_condition(leaf, column, sql.name(column.name), SQLITE)
        if not column.mixed or self.table.document is None:
            tree, parameters = column_condition(leaf, column, None)
            return _bounded(leaf, Condition(tree, parameters, nullable=True))
        code = on_document(leaf, Root(sql.name(self.table.document)))
        if code is None:
            return None
        whole = code.code if isinstance(code, Superset) else code
        tree, parameters = column_condition(leaf, column, whole.tree)
        joined = Condition(tree, {**whole.parameters, **parameters}, nullable=True)
        return Superset(joined) if isinstance(code, Superset) else joined


def _is_stored(column: Column) -> bool:
    """Whether a column is one that stores declare, too; `columns.py` has these."""
    return column.type in STORED_TYPES and column.collation != "other" and not column.as_text


def _bounded(leaf: Leaf, code: Condition) -> Condition | Superset[Condition]:
    """A column's GLOB says plain patterns only."""
    return Superset(code) if isinstance(leaf, Glob) and not leaf.plain else code
