"""Every stage of a query as plain data, for tools: `mongoglot.debug.stages(query)`.

What `query.explain()` prints, and a notebook draws, is made of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import ndiff
from typing import Any, Final, TypeVar, final

from mongoglot.compiler.ast import Bits, Compare, Expr, JsonSchema, Leaf, Node, RegexMatch, Sample, leaves
from mongoglot.compiler.passes import optimise_steps
from mongoglot.engines.sql.table import Table
from mongoglot.errors import MongoglotError
from mongoglot.explain import Explanation
from mongoglot.notes import Note
from mongoglot.query import Query, compile
from mongoglot.tree import Tree, tree_of

T = TypeVar("T")

SQL: Final = ("sqlite", "postgres", "duckdb")
"""The dialects that have a stage of their own."""


@final
@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass made of the tree.

    Attributes:
        name: of the pass; `parsed` for the tree before all of them.
        tree: after it.
        changes: the lines of the tree that it took away, `- …`, and put there, `+ …`.
    """

    name: str
    tree: Tree
    changes: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class SqlStage:
    """A condition of SQL.

    Attributes:
        dialect: of it.
        text: with placeholders; None where the query cannot be said.
        parameters: for the placeholders.
        residual: what the SQL leaves to be checked in Python; None where it says all.
        reasons: why, a sentence for each predicate that is left.
        refused: why it cannot be said at all, or None.
    """

    dialect: str
    text: str | None
    parameters: Mapping[str, Any]
    residual: Tree | None
    reasons: tuple[str, ...]
    refused: str | None


@final
@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one query, in the order in which they happen.

    Attributes:
        text: that it was written as; None for a mapping.
        tokens: its shape, a token each.
        values: its literals, by slot.
        passes: the tree as parsed and after each pass that changed it; the last one is lowered.
        python: the source of the callable.
        sql: the condition in each dialect.
        mongodb: the filter for a server; None where there is none.
        notes: what the query means where its author perhaps means something else.
    """

    text: str | None
    tokens: tuple[str, ...]
    values: tuple[Any, ...]
    passes: tuple[Pass, ...]
    python: str | None
    sql: tuple[SqlStage, ...]
    mongodb: Mapping[str, Any] | None
    notes: tuple[Note, ...] = ()

    @property
    def tree(self) -> Tree:
        """The tree that is lowered."""
        return self.passes[-1].tree


def stages(query: Query | Mapping[str, Any] | str, table: Table | None = None) -> Stages:
    """The stages of a query.

    Args:
        query: compiled, or a filter.
        table: that SQL is for; without one, for documents as a store of SQLite keeps them.

    Raises:
        FilterError: the filter is wrong.
    """
    compiled = query if isinstance(query, Query) else compile(query)
    explanation = Explanation(compiled, table)
    dialects = SQL if table is not None else SQL[:1]
    return Stages(
        compiled.text,
        tuple(explanation.tokens),
        tuple(compiled.values),
        passes_of(compiled.ast),
        _or_none(lambda: explanation.python),
        tuple(sql_stage(compiled, table, dialect) for dialect in dialects),
        _or_none(lambda: explanation.mongodb),
        tuple(explanation.notes),
    )


def _or_none(stage: Callable[[], T]) -> T | None:
    try:
        return stage()
    except MongoglotError:
        return None


def passes_of(node: Node) -> tuple[Pass, ...]:
    """The tree as parsed, and after each pass that changed it."""
    result: list[Pass] = []
    for name, changed in optimise_steps(node):
        tree = tree_of(changed)
        before = list(result[-1].tree.lines()) if result else []
        changes = [line for line in ndiff(before, list(tree.lines())) if line[:2] in ("- ", "+ ")]
        result.append(Pass(name, tree, tuple(changes) if result else ()))
    return tuple(result)


def sql_stage(query: Query, table: Table | None, dialect: str) -> SqlStage:
    """The condition in one dialect, and what it leaves."""
    try:
        sql = query.to_sql(dialect, table=table)
    except MongoglotError as error:
        return SqlStage(dialect, None, {}, None, (), str(error))
    left = sql.residual
    undecided = Explanation(query, table).undecided if left is not None and dialect == "sqlite" else []
    reasons = () if left is None else tuple(dict.fromkeys(reason(leaf, undecided) for leaf in leaves(left)))
    text = Explanation(query, table).sql if dialect == "sqlite" else sql.text
    return SqlStage(dialect, text, sql.parameters, None if left is None else tree_of(left), reasons, None)


def reason(leaf: Leaf, undecided: list[str]) -> str:
    """Why a predicate is checked in Python, as a sentence about it.

    Args:
        leaf: the predicate.
        undecided: what its SQL cannot decide, where it is an expression that has some.
    """
    about = next(tree_of(leaf).lines())
    match leaf:
        case Expr() if undecided:
            why = f"SQL decides it but where {'; '.join(undecided)}"
        case Expr():
            why = "SQL has not all of its operators, with the types and errors of a server"
        case JsonSchema():
            why = "a schema looks at the whole document, field by field"
        case Compare(_, _, operand) if operand.kind in ("array", "object"):
            why = "the order of documents and arrays is that of all their fields and elements, type by type"
        case RegexMatch():
            why = "the database has another language of regular expressions"
        case Bits():
            why = "the database has no bits of numbers of all types, and of binary values"
        case Sample():
            why = "chance is one draw for each document"
        case _:
            why = "the columns or the dialect cannot say it exactly"
    return f"{about} is checked in Python because {why}"
