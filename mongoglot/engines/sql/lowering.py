"""The lowering to a table of typed columns, in any dialect of SQL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mongoglot.compiler.ast import (
    Always,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    ListSlot,
    Mod,
    Node,
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.lowering import Bounds, Superset, needs_server
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import split
from mongoglot.compiler.trees import dotted, leaves
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.dialects import DIALECTS, Dialect
from mongoglot.engines.sql.nested import Found, Nested
from mongoglot.engines.sql.statement import Sql, Statement
from mongoglot.engines.sql.table import Column, Table
from mongoglot.errors import UnsupportedError

Lowered = Condition | Superset[Condition] | Bounds[Condition] | None


@dataclass(frozen=True, slots=True)
class TypedLowering(Connectives):
    """The lowering for one table; an engine that can say more of documents and JSON columns extends it."""

    table: Table
    dialect: Dialect

    def two_valued(self, tree: sql.Expression) -> sql.Expression:
        """False where the condition is NULL."""
        return self.dialect.two_valued(tree)

    def predicate(self, leaf: Leaf) -> Lowered:
        """A predicate: on its column where there is one, on the document otherwise."""
        match leaf:
            case ServerOnly():
                raise needs_server(leaf)
            case JsonSchema() | Expr() | Sample():
                if self.dialect.lists == "expanded":
                    raise _refused(leaf, self.dialect)
                return None  # Python checks them
            case (
                Compare()
                | In()
                | Exists()
                | Glob()
                | RegexMatch()
                | HasType()
                | Mod()
                | Size()
                | Bits()
                | ElemMatch()
            ):
                found = self._on_path(leaf)
                if found is None and self.dialect.lists == "expanded":
                    raise _refused(leaf, self.dialect)
                return found

    def on_json(self, leaf: Leaf, column: Column, value: sql.Expression, rest: Path) -> Found:  # noqa: ARG002
        """A predicate on a JSON value, at the rest of a path in it; declined here, for those that extend this."""
        return None

    def on_pattern(self, leaf: Glob | RegexMatch, column: Column) -> Found:  # noqa: ARG002 - as above
        """A pattern and a column of text; as above."""
        return None

    def on_document(self, leaf: Leaf) -> Lowered:  # noqa: ARG002 - as above
        """A predicate on the document column; here it is declined."""
        return None

    def _on_path(self, leaf: Leaf) -> Lowered:
        column = self.table.column(leaf.path)
        if column is not None:
            return self._on_column(leaf, column, ())
        if self.table.is_split(leaf.path):
            return None
        above = self.table.prefix(leaf.path)
        if above is not None:
            return self._on_column(leaf, above, leaf.path[len(above.field) :])
        if self.table.document is None:
            raise self.table.no_field(leaf.path)
        return self.on_document(leaf)

    def _on_column(self, leaf: Leaf, column: Column, rest: Path) -> Found:
        if column.type in self.dialect.missing:
            node, path = type(leaf).__name__, dotted(leaf.path)
            raise UnsupportedError(
                f"{node} at {path!r}: columns of type {column.type!r} are not in the SQL of {self.dialect.name}"
            )
        if column.type == "decimal" and column.precision is None and not self.dialect.decimal_nan:
            raise UnsupportedError(
                f"column {column.name!r}: {self.dialect.name} needs its precision and scale"
            )
        if column.type == "string" and not rest and isinstance(leaf, (Glob, RegexMatch)):
            return self.on_pattern(leaf, column)
        return Nested(self.dialect, self.on_json).at(leaf, column, sql.name(column.name), rest)


def lower(node: Node, lowering: TypedLowering) -> Statement:
    """Lower a tree for a table, and print what was lowered."""
    dialect = lowering.dialect
    halves = split(node, lowering)
    if halves.code is None:
        tree = dialect.constant(halves.pushed == Always(True))
        return Statement(dialect.text_of(tree), {}, halves)
    return Statement(dialect.text_of(halves.code.tree), halves.code.parameters, halves)


def to_sql(query: BoundPlan, name: str, table: Table | None, of: type[TypedLowering] = TypedLowering) -> Sql:
    """The query as a condition on the rows of a table.

    Args:
        query: with its values.
        name: of the dialect.
        table: what its columns are.
        of: the lowering of the dialect.

    Raises:
        UnsupportedError: there is no such dialect, or it cannot say the query or the table.
    """
    if name not in DIALECTS:
        raise UnsupportedError(f"mongoglot writes no SQL for {name!r}, but for {', '.join(DIALECTS)}")
    dialect = DIALECTS[name]
    if table is None:
        raise UnsupportedError(f"the SQL of {name} is for a table: to_sql({name!r}, table=Table(…))")
    if dialect.lists == "expanded":
        lengths = ((slot.index, len(slot.members(query.values))) for slot in _lists(query.optimised))
        dialect = replace(dialect, lengths=tuple(sorted(lengths)))
    lowering = of(table, dialect)
    statement = query.plan.lowered(("sql", lowering), lambda node: lower(node, lowering))
    return statement.to_sql(query.values, dialect.name, executed=dialect.executed)


def _refused(leaf: Leaf, dialect: Dialect) -> UnsupportedError:
    """The error of a dialect that is written and not run here: nothing could check what it leaves open."""
    place = f" at {dotted(leaf.path)!r}" if leaf.path else ""
    return UnsupportedError(f"{type(leaf).__name__}{place} has no exact form in the SQL of {dialect.name}")


def _lists(node: Node) -> list[ListSlot]:
    return [leaf.operand for leaf in leaves(node) if isinstance(leaf, In)]
