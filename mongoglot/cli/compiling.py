"""`compile`: what a filter becomes."""

from __future__ import annotations

from typing import Any, Final

import click

from mongoglot.cli.terminal import show
from mongoglot.errors import UnsupportedError
from mongoglot.explain import Explanation
from mongoglot.grammar.text import to_text
from mongoglot.query import compile
from mongoglot.sql_stages import DIALECTS, assignments, sql_stage

SQL: Final = {
    "sqlite": "sqlite", "postgres": "postgresql", "postgresql": "postgresql", "duckdb": "duckdb",
    "mysql": "mysql", "spark": "spark", "trino": "trino", "bigquery": "bigquery", "clickhouse": "clickhouse",
    "snowflake": "snowflake",
}  # fmt: skip
"""The targets that are SQL, each with the name of its dialect."""

TARGETS: Final = ("all", "python", "mongodb", "ast", "tokens", *SQL)


@click.command("compile")
@click.argument("filter")
@click.option(
    "-t", "--to", "target", type=click.Choice(TARGETS), default="all", show_default=True, help="What to show."
)
@click.option(
    "--table",
    help="The table that SQL is for: one that is there, 'shop.db#users' or 'postgresql://host/shop#users'; "
    "columns and types, 'users(name text, age int)'; or a JSON file with them. Without it, "
    "the documents of a store.",
)
@click.option(
    "--dialect", type=click.Choice(("mongodb", "taskdb")), default="mongodb", show_default=True,
    help="Of the filter.",
)  # fmt: skip
def compile_command(filter: str, target: str, table: str | None, dialect: Any) -> None:
    """Show what FILTER becomes: tokens, tree, Python, SQL with its parameters, a filter for a server.

    \b
    mongoglot compile '{age: {$gte: 18}, tags: "new"}'
    mongoglot compile '{joined: {$gte: ISODate("2026-01-31")}}' --to python
    mongoglot compile '{age: {$gte: 18}}' --to postgres --table 'users(name text, age int)'
    mongoglot compile '{age: {$gte: 18}}' --to sqlite --table app.db#users
    """
    query = compile(filter, dialect=dialect)
    if table is not None and target in ("python", "mongodb", "ast", "tokens"):
        raise click.UsageError(f"--table is for SQL, not for --to {target}")
    described = None
    if table is not None:
        from mongoglot.cli.described_tables import read_table  # loads what reads tables

        described = read_table(table)
    show(_shown(Explanation(query, described), target).rstrip("\n"))


def _shown(explanation: Explanation, target: str) -> str:
    match target:
        case "python":
            return explanation.python
        case "mongodb":
            return to_text(explanation.mongodb)
        case "ast":
            return explanation.passes[-1][1]
        case "tokens":
            return "\n".join(explanation.tokens)
        case "all":
            return str(explanation)
        case _:
            return _sql(explanation, SQL[target])


def _sql(explanation: Explanation, dialect: str) -> str:
    """The condition, and as comments what belongs to it."""
    stage = sql_stage(explanation.query, explanation.table, dialect)
    if stage.text is None:
        raise UnsupportedError(f"{stage.refused}{_without_table(explanation, dialect)}")
    notes = [f"{label} = {value!r}" for label, value in assignments(stage)] or ["no parameters"]
    notes += stage.reasons
    return "\n".join([stage.text, *(f"-- {line}" for note in notes for line in note.splitlines())])


def _without_table(explanation: Explanation, dialect: str) -> str:
    """What helps where there is no table, and the dialect has no store of ours."""
    is_store = dialect in DIALECTS
    return "" if is_store or explanation.table is not None else "; here: --table 'users(name text, age int)'"
