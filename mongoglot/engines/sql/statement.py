"""What a lowering to SQL gives: the text of a shape, and with the values of one query the whole condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from mongoglot.compiler.ast import ListSlot, Node
from mongoglot.compiler.residual import Split
from mongoglot.engines.sql.condition import Condition, Parameters


@final
@dataclass(frozen=True, slots=True)
class Sql:
    """A query as SQL.

    Attributes:
        text: the condition of a WHERE clause, with named placeholders; it holds no value.
        parameters: placeholder → value.
        residual: what of the query the text leaves open, as a tree; None where it says all.
        dialect: of the text.
        executed: whether mongoglot's tests run this dialect on its database. Where they do not, they only see
            that the text parses.
    """

    text: str
    parameters: dict[str, Any]
    residual: Node | None
    dialect: str = "sqlite"
    executed: bool = True


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """What the lowering made of one shape: the condition's text, and how to bind a query's values to it."""

    text: str
    binders: Parameters
    split: Split[Condition]

    def bind(self, values: list[Any]) -> dict[str, Any]:
        """The parameters for the values of one query."""
        return {label: binder(operand_of(source, values)) for label, (source, binder) in self.binders.items()}


def operand_of(source: int | ListSlot | None, values: list[Any]) -> Any:
    """What a parameter is made of, among the values of one query; None for what is part of the shape."""
    match source:
        case None:
            return None
        case ListSlot():
            return source.members(values)
        case _:
            return values[source]
