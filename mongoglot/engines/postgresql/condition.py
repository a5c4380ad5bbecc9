"""Pieces of a filter, conditions in the language of SQL/JSON paths and in SQL, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression

MAX_HEIGHT: Final = 40
"""How deep conditions nest before a part goes to the residual: printing them is limited by Python's stack."""

VALUES: Final = "values"
"""The parameter with the variables of all paths, one JSON object."""


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of a filter: either a path condition or a tree.

    Attributes:
        path: a condition in the language of paths on the document `@`, true or false; None for SQL.
        tree: a condition in SQL; pieces share nodes, and nothing changes a node once it is made.
        variables: of the path conditions.
        parameters: of the SQL.
        nullable: whether the SQL may be NULL where it does not hold; negation makes it two-valued first.
        height: how deep connectives nest in it.
    """

    path: str | None = None
    tree: Expression | None = None
    variables: Parameters = field(default_factory=dict)
    parameters: Parameters = field(default_factory=dict)
    nullable: bool = False
    height: int = 0


def in_sql(part: Condition, document: str) -> Condition:
    """The piece as SQL: a path condition is asked of the document."""
    if part.path is None:
        return part
    text = f"$ ? ({part.path})"
    label = f"path {text}"
    tree = sql.call(
        "jsonb_path_exists", sql.name(document), sql.parameter(label), sql.parameter(VALUES), sql.truth(True)
    )
    return Condition(
        None, tree, part.variables, {label: (None, lambda _: text)}, nullable=False, height=part.height
    )


class Connectives:
    """What "all of", "some of" and "not" of conditions are; path conditions become one as long as possible."""

    document: str

    def conjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a && b`, `a AND b`."""
        return self._joined(parts, " && ", sql.all_of)

    def disjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a || b`, `a OR b`."""
        return self._joined(parts, " || ", sql.some_of)

    def negation(self, part: Condition) -> Condition | None:
        """`!(a)`, `NOT a` with NULL out of the way."""
        if part.height >= MAX_HEIGHT:
            return None
        height = part.height + 1
        if part.path is not None:
            return Condition(f"!({part.path})", variables=part.variables, height=height)
        assert part.tree is not None  # noqa: S101 - a piece is one of the two
        tree = sql.call("coalesce", part.tree, sql.truth(False)) if part.nullable else part.tree
        return Condition(None, sql.negated(tree), part.variables, part.parameters, height=height)

    def _joined(
        self, parts: Sequence[Condition], word: str, join: Callable[[list[Expression]], Expression]
    ) -> Condition | None:
        height = 1 + max(part.height for part in parts)
        if height > MAX_HEIGHT:
            return None
        paths = [part for part in parts if part.path is not None]
        if paths:
            variables = {label: binder for part in paths for label, binder in part.variables.items()}
            text = word.join(f"({part.path})" for part in paths) if len(paths) > 1 else paths[0].path
            one = Condition(text, variables=variables, height=height)
            if len(paths) == len(parts):
                return one
            parts = [in_sql(one, self.document), *(part for part in parts if part.path is None)]
        return Condition(
            None,
            join([part.tree for part in parts if part.tree is not None]),
            {label: binder for part in parts for label, binder in part.variables.items()},
            {label: binder for part in parts for label, binder in part.parameters.items()},
            any(part.nullable for part in parts),
            height,
        )
