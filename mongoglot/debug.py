"""Every stage of a query as plain data, for tools: `mongoglot.debug.stages(query)`.

What `query.explain()` prints, and a notebook draws, is made of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, final

from mongoglot.compiler.ast import Node
from mongoglot.compiler.passes import optimise_steps
from mongoglot.engines.sql.table import Table
from mongoglot.errors import MongoglotError
from mongoglot.explain import Explanation
from mongoglot.notes import Note
from mongoglot.query import Query, compile
from mongoglot.sql_stages import DIALECTS, SqlStage, sql_stage
from mongoglot.tree import Tree, changes, tree_of

__all__ = ["Pass", "SqlStage", "Stages", "Tree", "stages"]

__all__ = ["Pass", "SqlStage", "Stages", "Tree", "stages"]

T = TypeVar("T")


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
        table: that SQL is for; without one, for documents as a store of each engine keeps them.

    Raises:
        FilterError: the filter is wrong.
    """
    compiled = query if isinstance(query, Query) else compile(query)
    explanation = Explanation(compiled, table)
    return Stages(
        compiled.text,
        tuple(explanation.tokens),
        tuple(compiled.values),
        passes_of(compiled.ast),
        _or_none(lambda: explanation.python),
        tuple(sql_stage(compiled, table, dialect) for dialect in DIALECTS),
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
        result.append(Pass(name, tree, changes(result[-1].tree, tree) if result else ()))
    return tuple(result)
