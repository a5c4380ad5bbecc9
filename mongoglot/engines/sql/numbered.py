"""Printing trees as PostgreSQL's SQL, with the numbered placeholders that its protocol has: `$1`."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.generators.postgres import PostgresGenerator

from mongoglot.engines.sql.nodes import Expression


class NumberedPrinter(PostgresGenerator):
    """Prints each placeholder as the number of its label, in the order in which labels first occur."""

    def __init__(self) -> None:
        super().__init__(dialect="postgres", comments=False, normalize_functions=False)
        self.labels: dict[str, int] = {}

    def placeholder_sql(self, expression: exp.Placeholder) -> str:
        """`$1`."""
        return f"${self.labels.setdefault(expression.name, len(self.labels) + 1)}"


def numbered_text(tree: Expression) -> tuple[str, list[str]]:
    """The SQL of a tree, and the labels of its placeholders in the order of their numbers."""
    printer = NumberedPrinter()
    return printer.generate(tree, copy=False), list(printer.labels)
