"""An expression as steps of SQL: each value that is read more than once is a column of a subquery.

Without that the text and the work would double with each operator around an operator. The columns stand in levels;
a level reads those below it:

    SELECT x2 > 5 FROM (
        SELECT *, x0 + x1 AS x2 FROM (SELECT json_extract(doc, '$."a"') AS x0, … LIMIT 1) LIMIT 1
    ) LIMIT 1

Each has a LIMIT, as SQLite otherwise puts the subqueries into one another, and the work doubles after all.
"""

from __future__ import annotations

from typing import Final, final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql import trees
from mongoglot.engines.sql.condition import Binder, Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite.expressions.values import Computed, Truth

MAX_LEVELS: Final = 24
"""Levels of subqueries; what needs more goes to the residual."""

MAX_COLUMNS: Final = 400
"""Columns of a subquery; SQLite has 2,000."""


class TooLargeError(Exception):
    """An expression needs more levels or columns than there are."""


@final
class Program:
    """The steps of one expression.

    Attributes:
        slot: where the `$expr` stands among the values of the query.
        parameters: placeholders of the steps.
    """

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.parameters: Parameters = {}
        self._levels: list[list[tuple[str, Expression]]] = []
        self._count = self._constants = 0
        self._read: dict[str, Expression] = {}

    def column(self, tree: Expression, level: int) -> Expression:
        """A column for a tree of columns of the levels below `level`, which is its own; a leaf stays as it is."""
        if trees.is_leaf(tree):
            return tree
        label = f"x{self._count}"
        self._count += 1
        if level >= MAX_LEVELS or self._count > MAX_COLUMNS:
            raise TooLargeError
        while len(self._levels) <= level:
            self._levels.append([])
        self._levels[level].append((label, tree))
        return sql.name(label)

    def read(self, tree: Expression) -> Expression:
        """A column of level 0 for what is read from the row; one for all who read the same."""
        text = trees.text_of(tree)
        if text not in self._read:
            self._read[text] = self.column(tree, 0)
        return self._read[text]

    def next_constant(self) -> str:
        """A name for the parameters of one more constant."""
        self._constants += 1
        return f"c{self._constants}"

    def parameter(self, name: str, binder: Binder) -> Expression:
        """A placeholder whose value is made of the `ExpressionOperand`."""
        label = f"e{self.slot}_{name}"
        self.parameters[label] = (self.slot, binder)
        return sql.parameter(label)

    def kept(self, computed: Computed) -> Computed:
        """The value in columns, for those who read it often."""
        if not computed.known:
            return computed
        level = computed.level
        key = None if computed.key is None else self.column(computed.key, level)
        return Computed(
            self.column(computed.rank, level),
            self.column(computed.value, level),
            computed.ranks,
            level + 1,
            computed.undecided,
            computed.opaque,
            key,
            computed.keyed,
            computed.exact,
            computed.path,
        )

    def kept_truth(self, truth: Truth) -> Truth:
        """The truth in a column where it may be undecided, which is asked apart."""
        if not truth.undecided or not truth.known:
            return truth
        return Truth(self.column(truth.tree, truth.level), truth.level + 1, truth.undecided)

    def select(self, truth: Truth) -> Expression:
        """The subquery that gives the truth of a row."""
        query = None
        for columns in filter(None, self._levels):
            chosen = [sql.aliased(tree, label) for label, tree in columns]
            if query is None:
                query = sql.first_of(sql.select(chosen))
            else:
                query = sql.first_of(sql.select([sql.everything(), *chosen], [sql.derived(query, "below")]))
        if query is None:
            return truth.tree
        return sql.scalar(sql.first_of(sql.select([truth.tree], [sql.derived(query, "below")])))
