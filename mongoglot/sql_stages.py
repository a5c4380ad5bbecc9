"""A query as SQL, dialect by dialect, with what is left to Python and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from mongoglot.compiler.ast import Bits, Compare, Expr, JsonSchema, Leaf, Node, RegexMatch, Sample
from mongoglot.compiler.trees import leaves
from mongoglot.engines import sqlite
from mongoglot.engines.sql.table import Table
from mongoglot.errors import MongoglotError
from mongoglot.query import Query
from mongoglot.sql_text import pretty_sql_text
from mongoglot.tree import Tree, tree_of

DIALECTS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "duckdb": "DuckDB"}
"""The dialects that have a stage of their own, each with its name for people."""


@final
@dataclass(frozen=True, slots=True)
class SqlStage:
    """A condition of SQL.

    Attributes:
        dialect: of it.
        text: with placeholders, over lines; None where the query cannot be said.
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


def sql_stage(query: Query, table: Table | None, dialect: str) -> SqlStage:
    """The condition in one dialect, and what it leaves.

    Args:
        query: with its values.
        table: that the condition is for; without one, documents as a store of that engine keeps them.
        dialect: as `Query.to_sql` takes it.
    """
    try:
        text, parameters, left = _lowered(query.started(), table, dialect)
        undecided = sqlite.undecided(query, table) if left is not None and dialect == "sqlite" else []
    except MongoglotError as error:
        return SqlStage(dialect, None, {}, None, (), str(error))
    reasons = () if left is None else tuple(dict.fromkeys(reason(leaf, undecided) for leaf in leaves(left)))
    return SqlStage(dialect, text, parameters, None if left is None else tree_of(left), reasons, None)


def _lowered(query: Query, table: Table | None, dialect: str) -> tuple[str, dict[str, Any], Node | None]:
    """Text, parameters and residual."""
    if table is None and dialect == "postgresql":
        return _of_postgresql(query)
    if table is None and dialect == "duckdb":
        return _of_duckdb(query)
    sql = query.to_sql(dialect, table=table)
    text = str(sqlite.pretty_sql(query, table)) if dialect == "sqlite" else pretty_sql_text(sql.text)
    return text, sql.parameters, sql.residual


def _of_postgresql(query: Query) -> tuple[str, dict[str, Any], Node | None]:
    from mongoglot.engines.postgresql.lowering import lower

    statement = lower(query.optimised, Table("documents"))
    numbered = {f"${number}": value for number, value in enumerate(statement.bind(query.values), 1)}
    return pretty_sql_text(statement.text), numbered, statement.split.residual


def _of_duckdb(query: Query) -> tuple[str, dict[str, Any], Node | None]:
    from mongoglot.engines.duckdb.lowering import DocumentLowering, lower

    statement = lower(query.optimised, DocumentLowering(Table("documents")))
    return pretty_sql_text(statement.text), statement.bind(query.values), statement.split.residual


def assignments(stage: SqlStage) -> list[tuple[str, Any]]:
    """The placeholders as they stand in the text, each with its value."""
    marks = {"sqlite": ":", "postgresql": "" if _is_numbered(stage) else "%", "duckdb": "$"}
    mark = marks.get(stage.dialect, ":")
    return [
        (f"%({label})s" if mark == "%" else f"{mark}{label}", value)
        for label, value in stage.parameters.items()
    ]


def _is_numbered(stage: SqlStage) -> bool:
    return any(label.startswith("$") for label in stage.parameters)


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
