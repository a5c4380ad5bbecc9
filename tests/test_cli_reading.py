"""`find`, `count`, `explain` and `compile`: what is printed, and of which sources."""

from __future__ import annotations

import json

import pytest

import mongoglot
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
        assert "age_1" in result.stdout
        assert "residual" in result.stdout
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
