"""The SQLite lowering: from the tree to a condition on the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.ast import (
    Always,
    Bits,
    Compare,
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
)
from mongoglot.compiler.lowering import Bounds, Superset, needs_server
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import split
from mongoglot.compiler.trees import expressions
from mongoglot.compiler.values import ValueClass
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql import trees
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.dialects import SQLITE
from mongoglot.engines.sql.statement import Sql, Statement
from mongoglot.engines.sql.table import STORED_TYPES, Column, Encoding, Table
from mongoglot.engines.sql.typed import missing_matches, typed_condition
from mongoglot.engines.sqlite.anything import any_condition
from mongoglot.engines.sqlite.columns import column_condition, identity_condition
from mongoglot.engines.sqlite.conditions import sample
from mongoglot.engines.sqlite.documents import on_document
from mongoglot.engines.sqlite.occurrence import behind_occurrence
from mongoglot.engines.sqlite.paths import Root
from mongoglot.engines.sqlite.text_only import DOCUMENT, MAX_HEIGHT, TEXT_SQLITE, is_sayable, with_text
from mongoglot.errors import UnsupportedError


def lower(node: Node, table: Table, *, text_only: bool = False) -> Statement:
    """Lower a tree for a table, and print what was lowered; for a SQLite that has JSON as text only, if so."""
    halves = split(node, SqliteLowering(table, text_only))
    if halves.code is None:
        return Statement("1" if halves.pushed == Always(True) else "0", {}, halves)
    parameters = halves.code.parameters
    numbered = (label for label, (slot, _) in parameters.items() if slot is None)
    labels = {label: f"s{number}" for number, label in enumerate(numbered)}
    tree = halves.code.tree
    if labels:
        trees.rename_parameters(tree, labels)
    binders = {labels.get(label, label): binder for label, binder in parameters.items()}
    return Statement(trees.text_of(tree), binders, halves)


def to_sql(query: BoundPlan, table: Table | None = None, *, text_only: bool = False) -> Sql:
    """The query as a condition on the rows of a table."""
    target = table if table is not None else Table("documents")
    key = ("sqlite", target, "text") if text_only else ("sqlite", target)
    statement = query.plan.lowered(key, lambda node: lower(node, target, text_only=text_only))
    return statement.to_sql(query.values, TEXT_ONLY if text_only else "sqlite")


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
    return statement.text if code is None else trees.text_of(code.tree, pretty=True)


TEXT_ONLY: Final = "sqlite-3.38"
"""The dialect of a SQLite that has JSON as text only: from 3.38 to 3.44."""

_OF_DOCUMENTS = (HasType, Mod, Size, Bits, ElemMatch)
"""Predicates that the column of a store says nothing about: it keeps no types, and no arrays."""


@final
@dataclass(frozen=True, slots=True)
class SqliteLowering(Connectives):
    """The lowering for one table."""

    table: Table
    text_only: bool = False

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | Bounds[Condition] | None:
        """A predicate: on its column where there is one, on the document otherwise."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if isinstance(leaf, JsonSchema):  # Python checks it
            return None
        if isinstance(leaf, Expr):
            if self.text_only or not all(map(_is_stored, self.table.columns)):
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
        if column is not None and not (column.mixed and (self.text_only or isinstance(leaf, _OF_DOCUMENTS))):
            return self._on_column(leaf, column)
        if self.table.is_split(leaf.path):
            return None
        above = self.table.prefix(leaf.path)
        if above is not None and above.is_nested:
            return self._on_json(leaf, above)
        if (below := self.table.scalar_prefix(leaf.path)) is not None and not below.mixed:
            return Condition(sql.integer(int(bool(missing_matches(leaf)))))
        if self.table.document is None:
            raise self.table.no_field(leaf.path)
        code = self._in_document(leaf, Root(sql.name(self.table.document)), self.table.encoding)
        stored = self.table.identity is not None and not self.text_only
        if isinstance(leaf, ElemMatch) and code is not None and stored:
            return behind_occurrence(leaf, code, self.table.document)
        return code

    def _on_column(self, leaf: Leaf, column: Column) -> Condition | Superset[Condition] | None:
        if column.is_nested:
            return self._on_json(leaf, column)
        if self.text_only and isinstance(leaf, Glob):
            return None  # GLOB ends at a NUL
        dialect = TEXT_SQLITE if self.text_only else SQLITE
        if column.type == "any":
            return any_condition(leaf, column, dialect)
        is_list_of_strings = isinstance(leaf, In) and column.type == "string"
        if not _is_stored(column) or (self.text_only and is_list_of_strings):
            return typed_condition(leaf, column, sql.name(column.name), dialect)
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

    def _on_json(self, leaf: Leaf, column: Column) -> Condition | Superset[Condition] | None:
        """A predicate on a column of JSON, or inside it: on the document that has it in its field."""
        if column.type != "json":
            raise UnsupportedError(f"column {column.name!r}: SQLite has no columns of type {column.type!r}")
        document = sql.call("json", sql.name(column.name))
        for part in reversed(column.field):
            document = sql.call("json_object", sql.string(part), document)
        return self._in_document(leaf, Root(document), column.encoding)

    def _in_document(
        self, leaf: Leaf, root: Root, encoding: Encoding
    ) -> Condition | Superset[Condition] | None:
        if (self.text_only and not is_sayable(leaf)) or not _is_plain_in(leaf, encoding):
            return None
        found = on_document(leaf, Root(sql.name(DOCUMENT)) if self.text_only else root)
        if self.text_only and found is not None:
            found = with_text(found, root.document)
        code = found.code if isinstance(found, Superset) else found
        return None if self._fitting(code) is None else found

    def conjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a AND b`."""
        return self._fitting(Connectives.conjunction(self, parts))

    def disjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a OR b`."""
        return self._fitting(Connectives.disjunction(self, parts))

    def negation(self, part: Condition) -> Condition | None:
        """`NOT a`, with NULL out of the way."""
        return self._fitting(Connectives.negation(self, part))

    def _fitting(self, code: Condition | None) -> Condition | None:
        """The condition, if the parser of an old SQLite can hold it."""
        if not self.text_only or code is None:
            return code
        return code if trees.height(code.tree) <= MAX_HEIGHT else None


def _is_plain_in(leaf: Leaf, encoding: Encoding) -> bool:
    """Whether what a predicate is about is in JSON as itself: in Extended JSON a value may be a document.

    The names in such a document are no fields: an ObjectId in `o`, `{"$oid": …}`, has no `o.$oid`.
    """
    if encoding != "extended":
        return True
    if any(part.startswith("$") for part in leaf.path):
        return False
    match leaf:
        case Compare(_, _, operand):
            return operand.kind in _PLAIN
        case In(_, list_operand, _):
            return list_operand.kinds <= _PLAIN
        case _:
            return False


_PLAIN: Final = frozenset[ValueClass]({"string", "bool", "null"})


def _is_stored(column: Column) -> bool:
    """Whether a column is one that stores declare, too; `columns.py` has these."""
    return column.type in STORED_TYPES and column.collation != "other" and not column.as_text


def _bounded(leaf: Leaf, code: Condition) -> Condition | Superset[Condition]:
    """A column's GLOB says plain patterns only."""
    return Superset(code) if isinstance(leaf, Glob) and not leaf.plain else code
