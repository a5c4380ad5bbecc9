"""Printing trees on one line: sqlglot's printer of SQLite, with shorter ways for the forms that trees are full of.

sqlglot asks each node for all that SQL may have in its place: hints, samples, pivots. `nodes` makes none of
these, so most nodes are printed here without asking, in half the time; the text is the same.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.generators.sqlite import SQLiteGenerator


class Printer(SQLiteGenerator):
    """Prints what the constructors of `nodes` make."""

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        kind: printed for kind, printed in SQLiteGenerator.TRANSFORMS.items() if kind is not exp.Select
    }

    def identifier_sql(self, expression: exp.Identifier) -> str:
        """A name; those without quotes are types, which we wrote."""
        text: str = expression.args["this"]
        return '"' + text.replace('"', '""') + '"' if expression.args.get("quoted") else text

    def column_sql(self, expression: exp.Column) -> str:
        """A column, with its table or without."""
        this = self.sql(expression.args["this"])
        table = expression.args.get("table")
        return f"{self.sql(table)}.{this}" if table else this

    def table_sql(self, expression: exp.Table, sep: str = " AS ") -> str:
        """A function in a FROM clause with its alias."""
        return f"{self.sql(expression.args['this'])}{sep}{self.sql(expression.args['alias'])}"

    def tablealias_sql(self, expression: exp.TableAlias) -> str:
        """The name of a source."""
        return self.sql(expression.args["this"])

    def select_sql(self, expression: exp.Select) -> str:
        """A query."""
        args = expression.args
        text = "SELECT " + ", ".join([self.sql(column) for column in args["expressions"]])
        if source := args.get("from_"):
            text += " FROM " + self.sql(source.args["this"])
        for join in args.get("joins") or ():
            text += ", " + self.sql(join.args["this"])
        if where := args.get("where"):
            text += " WHERE " + self.sql(where.args["this"])
        if limit := args.get("limit"):
            text += " LIMIT " + self.sql(limit.args["expression"])
        return text

    def subquery_sql(self, expression: exp.Subquery, sep: str = " AS ") -> str:
        """A query in parentheses, with an alias or without."""
        text = f"({self.sql(expression.args['this'])})"
        alias = expression.args.get("alias")
        return f"{text}{sep}{self.sql(alias)}" if alias else text

    def exists_sql(self, expression: exp.Exists) -> str:
        """Whether a query finds anything."""
        return f"EXISTS({self.sql(expression.args['this'])})"

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        """A call of a function."""
        arguments = ", ".join([self.sql(argument) for argument in expression.args["expressions"]])
        return f"{expression.args['this']}({arguments})"

    def in_sql(self, expression: exp.In) -> str:
        """Whether a value is in a list or in what a query finds."""
        this = self.sql(expression.args["this"])
        if query := expression.args.get("query"):
            return f"{this} IN {self.sql(query)}"
        return f"{this} IN ({', '.join([self.sql(choice) for choice in expression.args['expressions']])})"

    def case_sql(self, expression: exp.Case) -> str:
        """`CASE … END`."""
        args = expression.args
        words = ["CASE", self.sql(args["this"])] if args.get("this") else ["CASE"]
        for branch in args["ifs"]:
            words += ["WHEN", self.sql(branch.args["this"]), "THEN", self.sql(branch.args["true"])]
        return " ".join([*words, "ELSE", self.sql(args["default"]), "END"])

    def paren_sql(self, expression: exp.Paren) -> str:
        """A value in parentheses."""
        return f"({self.sql(expression.args['this'])})"

    def binary(self, expression: exp.Binary, op: str) -> str:
        """Two values with an operator between them."""
        return f"{self.sql(expression.args['this'])} {op} {self.sql(expression.args['expression'])}"

    def and_sql(self, expression: exp.And, stack: Any = None) -> str:  # noqa: ARG002 - sqlglot's signature
        """A conjunction."""
        return self.binary(expression, "AND")

    def or_sql(self, expression: exp.Or, stack: Any = None) -> str:  # noqa: ARG002 - sqlglot's signature
        """A disjunction."""
        return self.binary(expression, "OR")
