"""`compile`: what a filter becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

import click

from mongoglot.engines.sql.table import COLUMN_TYPES, Column, ColumnType, Table
from mongoglot.errors import UnsupportedError
from mongoglot.explain import Explanation
from mongoglot.grammar.text import to_text
from mongoglot.query import compile

TARGETS: Final = ("all", "python", "sqlite", "postgres", "duckdb", "mongodb", "ast", "tokens")


@click.command("compile")
@click.argument("filter")
@click.option("-t", "--to", "target", type=click.Choice(TARGETS), default="all", help="What to show.")
@click.option("--table", help="The table that SQL is for: 'people(name string, age number)', or a JSON file.")
@click.option("--dialect", type=click.Choice(("mongodb", "taskdb")), default="mongodb", help="Of the filter.")
def compile_command(filter: str, target: str, table: str | None, dialect: Any) -> None:
    """Show what FILTER becomes: tokens, tree, Python, SQL with its parameters, a filter for a server.

    \b
    mongoglot compile '{age: {$gte: 18}, tags: "new"}'
    mongoglot compile '{age: {$gte: 18}}' --to sqlite --table 'people(name string, age number)'
    """
    explanation = Explanation(compile(filter, dialect=dialect), read_table(table) if table else None)
    click.echo(_shown(explanation, target).rstrip("\n"))


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
            return _sql(explanation, target)


def _sql(explanation: Explanation, dialect: str) -> str:
    sql = explanation.query.to_sql(dialect, table=explanation.table)
    lines = [explanation.sql if dialect == "sqlite" else sql.text]
    lines.append(f"-- parameters: {json.dumps(sql.parameters, default=repr, ensure_ascii=False)}")
    if sql.residual is not None:
        lines.append("-- and the rest is checked in Python: see --to all")
    return "\n".join(lines)


def read_table(text: str) -> Table:
    """A table from `name(column type, …)`, or from a JSON file with the same.

    Raises:
        UnsupportedError: it cannot be read so.
    """
    if text.endswith(".json"):
        return _table_of_file(Path(text))
    name, bracket, rest = text.partition("(")
    if not bracket or not rest.rstrip().endswith(")"):
        raise UnsupportedError(f"{text!r} is no table: write 'people(name string, age number)'")
    columns = []
    for part in rest.rstrip()[:-1].split(","):
        words = part.split()
        if len(words) != 2:
            raise UnsupportedError(
                f"{part.strip()!r} is no column: write a name and one of {', '.join(COLUMN_TYPES)}"
            )
        columns.append(Column(words[0], cast("ColumnType", words[1])))  # which checks it
    return Table(name.strip(), tuple(columns), document=None)


def _table_of_file(path: Path) -> Table:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        columns = tuple(Column(**column) for column in said["columns"])
        return Table(said["name"], columns, document=said.get("document"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        example = '{"name": "people", "columns": [{"name": "age", "type": "number"}]}'
        raise UnsupportedError(f"{str(path)!r} is no table: {_words(error)}; write {example}") from None


def _words(error: Exception) -> str:
    """What is wrong with a file of a table, in words."""
    match error:
        case OSError():
            return str(error.strerror)
        case KeyError():
            return f"{error.args[0]!r} is missing"
        case TypeError():
            return "it is made otherwise"
        case _:
            return str(error)
