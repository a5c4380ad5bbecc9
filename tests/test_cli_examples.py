"""Every command has examples in its help, and they do what they say."""

from __future__ import annotations

import gzip
import re
import shlex
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import pymongo
import pytest

import mongoglot
from mongoglot.cli.main import COMMANDS, main
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.schema import empty_record
from tests.commands import run

SERVERS = {"mongodb://localhost": "mongod_url", "postgresql://localhost": "postgresql_url"}
"""The servers of the examples, each with the fixture of one that is there."""


def commands() -> Iterator[tuple[str, Any]]:
    yield "", main
    for name in COMMANDS:
        command: Any = main.get_command(None, name)  # type: ignore[arg-type]
        yield name, command
        for below, nested in getattr(command, "commands", {}).items():
            yield f"{name} {below}", nested


def examples(command: Any) -> list[str]:
    """The lines of a command's help that may be typed."""
    return [line.strip() for line in command.help.split("\b")[1].splitlines() if line.strip()]


def every_example() -> list[str]:
    return list(dict.fromkeys(line for _, command in commands() for line in examples(command)))


def test_each_command_has_examples() -> None:
    for name, command in commands():
        lines = examples(command)
        assert lines, name
        assert all(re.search(r"(^|\| |\$\()mongoglot ", line) for line in lines), name
        words = name.split()
        assert any(all(word in line.split() for word in words) for line in lines), name


@pytest.fixture
def folder(people: Path) -> Path:
    """What the examples speak of."""
    with mongoglot.connect("sqlite:people.db") as store:
        store["people"].create_index("age")
    lines = (
        '{"_id": 7, "name": "Eve", "joined": {"$date": "2026-02-01T00:00:00Z"}}\n{"_id": 8, "name": "Max"}\n'
    )
    (people / "people.ndjson").write_text(lines)
    (people / "orders.csv").write_text("_id,total\n1,2.5\n2,3,4\n")
    (people / "log.gz").write_bytes(gzip.compress(b'{"level": "error"}\n'))
    (people / "log.ndjson.gz").write_bytes(gzip.compress(b'{"level": "error"}\n{"level": "info"}\n'))
    (people / "filters").mkdir()
    (people / "filters" / "one.mongo").write_text("{a: 1}")
    (people / "filters.txt").write_text("{a: 1}\n{b: 2}\n")
    with sqlite3.connect(people / "app.db") as database:
        database.execute("CREATE TABLE users (name TEXT, age INTEGER)")
    database.close()
    now = datetime.now(UTC)
    for file in ("mongoglot-tasks.db", "cluster.db"):
        with TaskDatabase(f"sqlite:{file}") as tasks:
            ended = {"started": now - timedelta(seconds=5), "completed": now, "engine_uuid": "one"}
            tasks.add_record("3f2abc", {**empty_record(), "submitted": now, **ended})
            tasks.add_record("b4", {**empty_record(), "submitted": now, "started": now})
    return people


def old_tasks(path: Path) -> None:
    """A database of ipyparallel's own SQLite backend, with no task."""
    from ipyparallel.controller.sqlitedb import SQLiteDB

    path.parent.mkdir(parents=True, exist_ok=True)
    SQLiteDB(filename=path.name, location=str(path.parent)).close()


def dropped(url: str, name: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.drop_database(name)


def prepared(example: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """An example as it is typed here: with the servers that are there, and what it reads."""
    if "tasks.db" in example and " import " in example:
        pytest.importorskip("ipyparallel", reason="its backend makes the file that is imported")
        old_tasks(folder / "old" / "tasks.db")
        old_tasks(folder / ".ipython" / "profile_default" / "security" / "tasks.db")
    if ".parquet" in example:
        duckdb = pytest.importorskip("duckdb", reason="DuckDB reads Parquet")
        duckdb.sql("COPY (SELECT {'price': 150} AS item) TO 'sales.parquet'")
    name = f"example_{uuid.uuid4().hex[:12]}"
    for there, fixture in SERVERS.items():
        if f"{there}/" not in example:
            continue
        url = request.getfixturevalue(fixture)
        if there.startswith("mongodb"):
            example = re.sub(rf"{there}/\w+", f"{url.rstrip('/')}/{name}", example)
            request.addfinalizer(partial(dropped, url, name))
            with mongoglot.connect(f"{url.rstrip('/')}/{name}") as store:
                store["orders"].insert_one({"_id": 1, "paid": False, "at": datetime.now(UTC)})
        else:
            import psycopg

            url = request.getfixturevalue("postgresql")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS users (name text, age int)")
            example = example.replace(f"{there}/shop", url)
    return example


@pytest.mark.parametrize("example", every_example())
def test_an_example_works(example: str, folder: Path, request: pytest.FixtureRequest) -> None:
    line = prepared(example, folder, request)
    evaluated = re.fullmatch(r'eval "\$\((.*)\)"', line)  # by a shell: what it is given is tested elsewhere
    first, _, command = (evaluated[1] if evaluated else line).rpartition("| mongoglot ")
    stdin = None
    if first:
        stdin = subprocess.run(first, shell=True, capture_output=True, check=True).stdout  # noqa: S602 - it is ours
    words = shlex.split(command.removeprefix("mongoglot "), comments=False)
    behind = next((number for number, word in enumerate(words) if word in (">", "||")), len(words))
    arguments = [path for word in words[:behind] for path in (sorted(glob(word)) or [word])]
    arguments = [word.replace("~", str(folder), 1) if word.startswith("~/") else word for word in arguments]
    result = run(*arguments, stdin=stdin if stdin is not None else "y\n")
    assert result.exit_code == 0, result.output
    assert result.output or "--quiet" in words or "drop" in words
