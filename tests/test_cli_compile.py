"""`compile`: every target, and the tables that SQL is for."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mongoglot.cli.compiling import SQL, TARGETS
from tests.commands import run

pytestmark = pytest.mark.usefixtures("people")

QUERY = "{age: {$gte: 18}, tags: 'new'}"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("python", "def matches"), ("sqlite", "-- :p0 = 18\n"), ("mongodb", '{age: {$gte: 18}, tags: "new"}'),
        ("ast", "age $gte int[0]"), ("tokens", "COMPARE $gte int"), ("postgres", "jsonb_path_exists("),
        ("postgresql", "jsonb_path_exists("), ("all", "PostgreSQL, parameters"),
    ],
)  # fmt: skip
def test_every_target(target: str, expected: str) -> None:
    result = run("compile", QUERY, "--to", target)
    assert (result.exit_code, result.stderr) == (0, "")
    assert expected in result.stdout


def test_duckdb_without_a_table_is_that_of_its_store() -> None:
    pytest.importorskip("duckdb", reason="its store has a lowering of its own")
    assert 'json_extract("_keys", \'$."fage"\')' in run("compile", QUERY, "--to", "duckdb").stdout


def test_all_is_the_rest_together() -> None:
    everything = run("compile", QUERY).stdout
    for target in ("ast", "tokens"):
        assert run("compile", QUERY, "-t", target).stdout in everything
    for line in run("compile", QUERY, "-t", "python").stdout.splitlines():
        assert f"  {line}\n" in everything


@pytest.mark.parametrize("target", SQL)
def test_sql_for_a_described_table(target: str) -> None:
    result = run("compile", "{age: {$gte: 18}}", "--to", target, "--table", "people(name text, age int)")
    assert result.exit_code == 0
    assert "age" in result.stdout
    assert ">=" in result.stdout
    assert " = 18\n" in result.stdout


def test_sql_without_a_table_and_without_a_store() -> None:
    assert set(SQL) < set(TARGETS)
    result = run("compile", "{a: 1}", "--to", "mysql")
    assert result.exit_code == 2
    assert "--table 'users(name text, age int)'" in result.stderr


@pytest.mark.parametrize(
    "table",
    [
        "people(name string, age number)", 'people(name varchar(10), "age" int)', "t.json", "own.db#people",
        "sqlite:own.db#people",
    ],
)  # fmt: skip
def test_ways_to_give_a_table(people: Path, table: str) -> None:
    (people / "t.json").write_text('{"name": "people", "columns": [{"name": "age", "type": "number"}]}')
    with sqlite3.connect(people / "own.db") as database:
        database.execute("CREATE TABLE people (name TEXT, age INTEGER) STRICT")
    database.close()
    result = run("compile", "{age: {$gte: 18}}", "--to", "sqlite", "--table", table)
    assert (result.stdout, result.stderr) == ('"age" >= :c0\n-- :c0 = 18\n', "")


def test_a_decimal_has_its_digits() -> None:
    result = run("compile", "{p: 1.5}", "--to", "duckdb", "--table", "t(p decimal(10, 2), q int)")
    assert "DECIMAL(10, 2)" in result.stdout


def test_what_is_left_is_told_in_words() -> None:
    result = run("compile", "{name: /a/}", "--to", "postgres", "--table", "t(name text)")
    assert result.stdout == (
        "starts_with(\"name\", CAST(%(prefix0)s AS text))\n-- %(prefix0)s = ''\n"
        "-- name $regex regex[0] is checked in Python because the database has another language of regular "
        "expressions\n"
    )


def test_the_task_databases_dialect() -> None:
    assert "$gt" in run("compile", "{a: {$ge: 1}}", "--to", "ast", "--dialect", "taskdb").stdout
    assert run("compile", "{a: {$ge: 1}}").exit_code == 2


def test_dates() -> None:
    exact = run("compile", "{at: ISODate('2026-01-31')}", "--to", "mongodb").stdout
    assert exact == '{at: ISODate("2026-01-31T00:00:00Z")}\n'
    assert run("compile", "{at: {$gt: ago('1h')}}", "--to", "ast").stdout == "at $gt date[0]\n"
