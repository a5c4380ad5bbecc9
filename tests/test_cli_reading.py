"""`find`, `count`, `explain` and `compile`: what is printed, and of which sources."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

import mongoglot
from mongoglot.cli.sources import shown
from mongoglot.taskdb import TaskDatabase
from tests.commands import PEOPLE, run

pytestmark = pytest.mark.usefixtures("people")


class TestReading:
    def test_find_prints_json_lines_into_a_pipe(self) -> None:
        result = run("find", "people.db", "{age: {$gte: 18}}", "--sort", "-age", "--keys", "name,age")
        assert [json.loads(line) for line in result.stdout.splitlines()] == [
            {"name": "Ann", "age": 31}, {"name": "bob", "age": 25.5},
        ]  # fmt: skip
        assert (result.stderr, result.exit_code) == ("", 0)

    def test_find_as_json_csv_and_table(self) -> None:
        assert json.loads(run("find", "people.db", "{}", "-f", "json").stdout) == PEOPLE
        assert json.loads(run("find", "people.db", "{name: 'x'}", "-f", "json").stdout) == []
        lines = run("find", "people.db", "-f", "csv", "-k", "_id,home.city,tags,age").stdout.splitlines()
        assert lines == ["_id,home.city,tags,age", '1,Oslo,"[""a"", ""b""]",31', "2,,,25.5", "3,Bergen,,"]
        table = run("find", "people.db", "{_id: 3}", "-f", "table").stdout
        assert "Åse" in table
        assert '{city: "Bergen"}' in table

    def test_projection_sort_skip_and_limit(self) -> None:
        result = run(
            "find",
            "people.db",
            "{}",
            "-p",
            "{_id: 1}",
            "-s",
            "{_id: -1}",
            "--skip",
            "1",
            "-n",
            "1",
            "-f",
            "ndjson",
        )
        assert result.stdout == '{"_id": 2}\n'

    def test_count(self) -> None:
        assert run("count", "people.db").stdout == "3\n"
        assert run("count", "people.db", "{'home.city': 'Oslo'}").stdout == "1\n"

    @pytest.mark.parametrize("command", ["find", "count"])
    def test_quiet_tells_by_its_exit_code(self, command: str) -> None:
        found, missing = (
            run(command, "people.db", "{_id: 1}", "-q"),
            run(command, "people.db", "{_id: 9}", "-q"),
        )
        assert (found.output, found.exit_code) == ("", 0)
        assert (missing.output, missing.exit_code) == ("", 1)
        assert run(command, "people.db", "{_id: 9}").exit_code == 0

    def test_explain_shows_the_index_and_the_rest(self) -> None:
        assert run("index", "create", "people.db", "age").stdout == "age_1\n"
        result = run("explain", "people.db", "{age: {$gte: 18}, tags: {$gt: [1]}}")
        assert "\nindex: age_1\n" in result.stdout
        assert "\npushed down: all but what follows" in result.stdout
        assert "tags $gt array[1] is checked in Python because the order of documents" in result.stdout
        assert "\n  SELECT json" in result.stdout
        assert "\n  :p0 = 18\n" in result.stdout
        alone = run("explain", "people.db", "{age: 1}").stdout
        assert "\npushed down: all of the filter\nchecked in Python: nothing\n" in alone
        assert "no collection" in run("explain", "people.db", "{a: 1}", "-c", "none").stdout
        assert "Tokens" in run("explain", "people.db", "{age: 1}", "--stages").stdout

    def test_a_relative_date(self) -> None:
        with mongoglot.connect("sqlite:log.db") as store:
            now = mongoglot.from_text('[ago("10s"), ago("2h"), ago("3d")]')
            store["log"].insert_many([{"_id": number, "at": at} for number, at in enumerate(now)])
        assert run("count", "log.db", '{at: {$gte: ago("1h")}}').stdout == "1\n"
        assert run("count", "log.db", '{at: {$lt: ago("1d12h")}}').stdout == "1\n"
        wrong = run("count", "log.db", '{at: {$lt: ago("soon")}}')
        assert wrong.exit_code == 2
        assert "'soon' is no span of time" in wrong.stderr
        assert "column 16" in wrong.stderr


class TestSources:
    LINES = (
        '{"_id": 1, "at": {"$date": "2026-01-31T00:00:00Z"}, "n": {"$numberLong": "5"}}\n'
        '{"_id": 2, "none": null}\n{"_id": 3}\n'
    )

    @pytest.mark.parametrize("name", ["l.ndjson", "l.jsonl", "l.json", "-"])
    def test_a_file_has_the_documents_that_load_puts_into_a_store(self, people: Path, name: str) -> None:
        if name != "-":
            (people / name).write_text(self.LINES)

        def found(query: str) -> list[int]:
            result = run("find", name, query, stdin=self.LINES)
            assert (result.exit_code, result.stderr) == (0, "")
            return [json.loads(line)["_id"] for line in result.stdout.splitlines()]

        assert found("{at: {$lt: ISODate('2026-02-01')}}") == [1]
        assert found("{n: {$exists: true}}") == [1]
        assert found("{none: {$exists: true}}") == [2]
        assert found("{none: null}") == [1, 2, 3]
        assert run("count", name, "{}", stdin=self.LINES).stdout == "3\n"
        bounds = ("-s", "-_id", "-k", "_id", "--skip", "1", "-n", "1")
        assert run("find", name, *bounds, stdin=self.LINES).stdout == '{"_id": 2}\n'
        assert "every document is read" in run("explain", name, "{a: 1}", stdin=self.LINES).stdout

    @pytest.mark.parametrize(
        "arguments", [("own.db#users",), ("sqlite:own.db#users",), ("own.db", "-c", "users")]
    )
    def test_a_table_that_something_else_made(self, people: Path, arguments: tuple[str, ...]) -> None:
        with sqlite3.connect(people / "own.db") as database:
            database.execute("CREATE TABLE users (name TEXT, age INTEGER)")
            database.execute("INSERT INTO users VALUES ('Ada', 36), ('Bo', NULL)")
        database.close()
        source, *options = arguments
        assert run("find", source, "{age: null}", *options).stdout == '{"name": "Bo", "age": null}\n'
        assert run("count", source, *options).stdout == "2\n"
        explained = run("explain", source, "{age: {$gt: 1}}", *options).stdout
        assert 'FROM "users"' in explained
        assert "checked in Python: nothing" in explained
        assert run("find", "own.db").stdout == run("find", "own.db#users").stdout

    def test_a_collection_that_is_not_there_is_told(self) -> None:
        for command in ("find", "count"):
            result = run(command, "people.db", "-c", "poeple")
            assert (result.exit_code, result.stderr) == (
                0,
                "there is no collection 'poeple'; there are people\n",
            )
        assert run("find", "people.db", "{_id: 9}").stderr == ""

    def test_no_password_is_printed(self) -> None:
        assert shown("mongodb://ann:p%40ss@host/db") == "mongodb://host/db"
        assert shown("postgresql://ann:a/b@host:5432/db#t") == "postgresql://host:5432/db#t"
        assert shown("people@home.db") == "people@home.db"

    def test_of_several_tables_one_is_named(self, people: Path) -> None:
        with sqlite3.connect(people / "own.db") as database:
            database.executescript("CREATE TABLE a (x); CREATE TABLE b (x);")
        database.close()
        result = run("find", "own.db")
        assert (result.exit_code, "it has a, b" in result.stderr) == (2, True)

    def test_a_database_of_duckdb_and_parquet(self) -> None:
        duckdb = pytest.importorskip("duckdb", reason="DuckDB makes and reads them")
        with duckdb.connect("own.duckdb") as database:
            database.execute("CREATE TABLE users AS SELECT 1 AS id, 'Ada' AS name")
            database.execute("COPY users TO 'users.parquet'")
        for source in ("own.duckdb", "own.duckdb#users", "users.parquet"):
            assert run("find", source, "{id: 1}").stdout == '{"id": 1, "name": "Ada"}\n'

    def test_a_table_of_postgresql(self, postgresql: str) -> None:
        import psycopg

        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS shelf (name text, age int)")
            connection.execute("INSERT INTO shelf VALUES ('Ada', 36), ('Bo', NULL)")
            assert run("find", f"{postgresql}#shelf", "{age: 36}").stdout == '{"name": "Ada", "age": 36}\n'
            made = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'mongoglot'").fetchall()
        assert made == []


class TestTerminal:
    HOSTILE: ClassVar[dict[str, Any]] = {
        "_id": 1, "\x1b[2J[/red]": "a\x1b]0;x\x07b\u202ec", "n": "\x9b31m",
    }  # fmt: skip

    def at_terminal(self, *arguments: str) -> str:
        pty = pytest.importorskip("pty", reason="there are no such terminals")
        ours, theirs = pty.openpty()
        root = str(Path(__file__).parent.parent)
        process = subprocess.Popen(
            [sys.executable, "-m", "mongoglot", *arguments],
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**os.environ, "PYTHONPATH": root, "TERM": "xterm-256color", "COLUMNS": "120"},
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # Linux says so that the other side has gone
                break
            if not data:
                break
            shown += data
        os.close(ours)
        process.wait(timeout=60)
        return shown.decode()

    def test_what_would_command_a_terminal_is_shown(self) -> None:
        with mongoglot.connect("sqlite:h.db") as store:
            store["h"].insert_one(self.HOSTILE)
        table = self.at_terminal("find", "h.db")
        assert "\x1b[1;36m" in table  # colours of ours
        csv = self.at_terminal("find", "h.db", "-f", "csv")
        lines = self.at_terminal("find", "h.db", "-f", "ndjson")
        for text in (table, csv, lines):
            assert not re.search("\x1b\\[2J|\x1b\\]|\x07|\u202e|\x9b", text)
            assert "202e" in text
        assert json.loads(lines) == self.HOSTILE
        piped = run("find", "h.db", "-f", "csv").stdout
        assert "a\x1b]0;x\x07b\u202ec" in piped

    def test_a_text_that_reads_like_a_number_has_quotes(self) -> None:
        with mongoglot.connect("sqlite:n.db") as store:
            values = ("40", 40, "true", True, "x1", "-1.5e3", "1.2.3")
            store["n"].insert_many([{"_id": number, "a": value} for number, value in enumerate(values)])
        table = run("find", "n.db", "-f", "table").stdout
        cells = [line.split("│")[2].strip() for line in table.splitlines() if "│" in line]
        assert cells == ['"40"', "40", '"true"', "true", "x1", '"-1.5e3"', "1.2.3"]

    def test_a_person_is_told_what_a_program_is_not(self) -> None:
        for arguments, told in (
            (("find", "people.db", "{_id: 9}"), "no document matches"),
            (("find", "people.db", "{age: {'>': 5}}"), "note: "),
        ):
            assert told in self.at_terminal(*arguments)
            assert run(*arguments).output == ""
        with TaskDatabase("sqlite:t.db") as tasks:
            tasks.add_record("x", {"msg_id": "x"})
        assert "no task matches" in self.at_terminal("tasks", "--db", "t.db", "list", "--running")
        assert "no task failed" in self.at_terminal("tasks", "--db", "t.db", "errors")

    def test_a_load_shows_how_far_it_is(self, people: Path) -> None:
        (people / "r.ndjson").write_text('{"a": 1}\n' * 5)
        shown = self.at_terminal("load", "r.db", "r.ndjson")
        assert re.search(r"5 documents, [\d,]+/s", shown)
        assert "5 documents loaded into r.db" in shown
        dumped = self.at_terminal("dump", "r.db", "-o", "out.ndjson")
        assert re.search(r"5 documents, [\d,]+/s", dumped)
