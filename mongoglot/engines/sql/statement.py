"""What a lowering to SQL gives: the text of a shape, and with the values of one query the whole condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from mongoglot.compiler.ast import ListSlot, Node
from mongoglot.compiler.residual import Split
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.errors import UnsupportedError

if TYPE_CHECKING:
    from sqlalchemy import TextClause


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
    dialect: str = field(default="sqlite", repr=False)
    executed: bool = field(default=True, repr=False)
    _tree: Expression | None = field(default=None, repr=False, compare=False)

    def to_sqlalchemy(self) -> TextClause:
        """The condition for SQLAlchemy: a `text()` with its parameters bound, whatever the driver.

        Raises:
            UnsupportedError: SQLAlchemy is not installed.
        """
        try:
            from sqlalchemy import text
        except ImportError:
            raise UnsupportedError("to_sqlalchemy needs SQLAlchemy: pip install sqlalchemy") from None
        from mongoglot.engines.sql.dialects import DIALECTS, SQLITE

        words = (
            self.text
            if self._tree is None
            else DIALECTS.get(self.dialect, SQLITE).text_of(self._tree, colons=True)
        )
        return text(words).bindparams(**self.parameters)


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

    def to_sql(self, values: list[Any], dialect: str = "sqlite", *, executed: bool = True) -> Sql:
        """The condition with the values of one query."""
        tree = None if self.split.code is None else self.split.code.tree
        return Sql(self.text, self.bind(values), self.split.residual, dialect, executed, tree)


def operand_of(source: int | ListSlot | None, values: list[Any]) -> Any:
    """What a parameter is made of, among the values of one query; None for what is part of the shape."""
    if isinstance(source, int):
        return values[source]
    return None if source is None else source.members(values)
