"""Pieces of SQL: what a lowering to SQL makes of each predicate, and how the pieces are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final

from mongoglot.compiler.ast import ListSlot
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

Binder: TypeAlias = Callable[[Any], Any]
"""From the value of a slot to the value of a parameter."""

Parameters: TypeAlias = dict[str, tuple[int | ListSlot | None, Binder]]
"""Parameter → the slot or list whose value it has, None for an operand that is part of the shape, and how."""

MAX_HEIGHT: Final = 40
"""How deep conditions nest before a part goes to the residual: printing them is limited by Python's stack."""


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL.

    Attributes:
        tree: a condition; pieces share nodes, and nothing changes a node once it is made.
        parameters: its placeholders: the slot of each value, and how it is encoded.
        nullable: whether it may be NULL where it does not hold; negation makes it two-valued first.
        height: how deep connectives nest in it.
    """

    tree: Expression
    parameters: Parameters = field(default_factory=dict)
    nullable: bool = False
    height: int = 0


class Connectives:
    """What "all of", "some of" and "not" of conditions are."""

    def two_valued(self, tree: Expression) -> Expression:
        """False where the condition is NULL."""
        return sql.not_null_else(tree, sql.FALSE)

    def conjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a AND b`."""
        return _joined(parts, sql.all_of)

    def disjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a OR b`."""
        return _joined(parts, sql.some_of)

    def negation(self, part: Condition) -> Condition | None:
        """`NOT a`, with NULL out of the way."""
        if part.height >= MAX_HEIGHT:
            return None
        tree = self.two_valued(part.tree) if part.nullable else part.tree
        return Condition(sql.negated(tree), part.parameters, height=part.height + 1)


def _joined(parts: Sequence[Condition], join: Callable[[list[Expression]], Expression]) -> Condition | None:
    height = 1 + max(part.height for part in parts)
    if height > MAX_HEIGHT:
        return None
    parameters = {label: binder for part in parts for label, binder in part.parameters.items()}
    nullable = any(part.nullable for part in parts)
    return Condition(join([part.tree for part in parts]), parameters, nullable, height)
