"""The command line, as one types it: what is printed where, exit codes, and files that stay whole."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from click.testing import CliRunner

import mongoglot
from mongoglot.cli.main import COMMANDS, main
from mongoglot.testing import random_documents

if TYPE_CHECKING:
    from click.testing import Result

PEOPLE = [
    {"_id": 1, "name": "Ann", "age": 31, "tags": ["a", "b"], "home": {"city": "Oslo"}},
    {"_id": 2, "name": "bob", "age": 25.5},
    {"_id": 3, "name": "Åse", "age": None, "home": {"city": "Bergen"}},
]


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin, prog_name="mongoglot")


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store of three people, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with mongoglot.connect("sqlite:people.db") as store:
        store["people"].insert_many(PEOPLE)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_helps_with_an_example(command: str) -> None:
    result = run(command, "--help")
    text = result.output
    if command in ("index", "tasks"):
        group: Any = main.get_command(None, command)  # type: ignore[arg-type]
        text += "".join(run(command, name, "--help").output for name in group.commands)
    assert result.exit_code == 0
    assert f"mongoglot {command}" in text.replace("Usage: ", "")


def test_the_commands_are_listed_without_being_loaded() -> None:
    code = (
        "import sys, mongoglot.cli.main as m; m.main(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "look for mistakes" in done.stdout
    assert "mongoglot.cli.transfer" not in done.stdout
    assert "mongoglot.store" not in done.stdout


@pytest.mark.usefixtures("people")
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


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("find", "people.db", "{age: {$gtee: 1}}"),
            2,
            "did you mean '$gte'?\n  {age: {$gtee: 1}}\n         ^",
        ),
        (("find", "people.db", "{age: "), 2, "the text ends"),
        (("find", "nothing.db"), 2, "there is no file 'nothing.db'"),
        (("find", "people"), 2, "write a URL such as sqlite:people"),
        (("find", "redis://here"), 2, "no engine for 'redis://here'"),
        (("find", "bad.db"), 3, "bad.db"),
        (("find", "people.db", "{}", "-k", "a", "-p", "{a: 1}"), 2, "give one of them"),
        (("find", "people.db", "{}", "-n", "-1"), 2, "-1 is not in the range"),
        (("find", "two.db"), 2, "Say --collection NAME; it has one, two"),
        (("find", "empty.db"), 2, "it has none yet"),
        (("compile", "{a: 1}", "--table", "t"), 2, "write 'people(name string, age number)'"),
        (("compile", "{a: 1}", "--table", "t(a integerish)"), 2, "no column type 'integerish'"),
        (("compile", "{a: 1}", "--table", "t.json"), 2, "'t.json' is no table"),
        (("compile", "{$where: '1'}", "--to", "sqlite"), 2, "only be answered by a MongoDB server"),
        (("index", "drop", "people.db", "x"), 3, "index not found"),
        (("tasks", "list"), 2, "there is no task database 'mongoglot-tasks.db'"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_what_is_wrong_is_told_on_standard_error(
    people: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (people / "bad.db").write_text("this is no database, and longer than the header of one " * 9)
    with mongoglot.connect("sqlite:two.db") as store:
        store["one"].insert_one({})
        store["two"].insert_one({})
    mongoglot.connect("sqlite:empty.db").close()
    result = run(*arguments)
    assert (result.stdout, result.exit_code) == ("", code)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


class TestCompiling:
    def test_every_target(self) -> None:
        query = "{age: {$gte: 18}, tags: 'new'}"
        everything = run("compile", query).stdout
        for target, expected in {
            "python": "def ", "sqlite": ":p0", "mongodb": '{age: {$gte: 18}, tags: "new"}',
            "ast": "age $gte int[0]",
            "tokens": "COMPARE $gte int",
        }.items():  # fmt: skip
            shown = run("compile", query, "--to", target).stdout
            assert expected in shown
            assert expected in everything or target == "mongodb"

    def test_sql_for_a_table(self, people: Path) -> None:
        expected = '"age" >= :c0\n-- parameters: {"c0": 18}\n'
        table = "people(name string, age number)"
        assert run("compile", "{age: {$gte: 18}}", "--to", "sqlite", "--table", table).stdout == expected
        (people / "t.json").write_text('{"name": "people", "columns": [{"name": "age", "type": "number"}]}')
        assert run("compile", "{age: {$gte: 18}}", "--to", "sqlite", "--table", "t.json").stdout == expected

    def test_the_task_databases_dialect(self) -> None:
        assert "$gt" in run("compile", "{a: {$ge: 1}}", "--to", "ast", "--dialect", "taskdb").stdout
        assert run("compile", "{a: {$ge: 1}}").exit_code == 2


@pytest.mark.usefixtures("people")
class TestTransfer:
    def test_documents_come_back_with_their_types(self) -> None:
        documents = [
            {"_id": number, **{name: value for name, value in document.items() if name != "_id"}}
            for number, document in enumerate(random_documents(random.Random(5), 300))
        ]
        documents = [each for each in documents if "$a" not in _names(each)]
        odd = [Int64(1), 1, 1.0, -0.0, Decimal128("1.0"), Binary(b"a", 5), ObjectId(), Regex("a", "i")]
        odd += [Timestamp(1, 2), float("nan"), float("inf"), "\0\u2028\n"]
        documents.append({"_id": "odd", "v": odd})
        with mongoglot.connect("sqlite:all.db") as store:
            store["all"].insert_many(documents)
            stored = list(store["all"].find({}))
        assert run("dump", "all.db", "-o", "all.ndjson").exit_code == 0
        assert run("load", "copy.db", "all.ndjson").stderr.startswith(f"{len(documents)} documents loaded")
        with mongoglot.connect("sqlite:copy.db") as store:
            assert [bson.encode(found) for found in store["all"].find({})] == [
                bson.encode(each) for each in stored
            ]

    def test_a_document_that_extended_json_cannot_say(self, people: Path) -> None:
        with mongoglot.connect("sqlite:odd.db") as store:
            store["odd"].insert_one({"_id": 1, "a": {"$date": "x"}})
        (people / "odd.ndjson").write_text("what was there before")
        result = run("dump", "odd.db", "-o", "odd.ndjson")
        assert result.exit_code == 2
        assert "names that Extended JSON reads as types" in result.stderr
        assert sorted(path.name for path in people.glob("odd.ndjson*")) == ["odd.ndjson"]
        assert (people / "odd.ndjson").read_text() == "what was there before"

    def test_csv(self, people: Path) -> None:
        (people / "p.csv").write_text("\ufeffname,age,code\nAnn,31,007\nbob,2.5,\n")
        assert run("load", "p.db", "p.csv").exit_code == 0
        assert run("find", "p.db", "-k", "name,age,code").stdout.splitlines() == [
            '{"name": "Ann", "age": 31, "code": "007"}', '{"name": "bob", "age": 2.5}',
        ]  # fmt: skip

    def test_standard_input_and_output(self) -> None:
        assert (
            run(
                "load", "q.db", "-", "--format", "shell", stdin="{a: 1, at: ISODate('2026-01-01')}\n\n"
            ).exit_code
            == 0
        )
        assert run("count", "q.db", "{at: {$type: 'date'}}").stdout == "1\n"
        assert len(run("dump", "people.db").stdout.splitlines()) == 3

    def test_bad_lines(self, people: Path) -> None:
        (people / "bad.ndjson").write_text('{"_id": 1}\n{"_id": \n[1]\n{"_id": 2}\n{"_id": {"$oid": "x"}}\n')
        stopped = run("load", "b.db", "bad.ndjson")
        assert stopped.exit_code == 1
        assert "bad.ndjson, line 2: " in stopped.stderr
        assert run("count", "b.db", "-c", "bad").stdout == "0\n"
        skipped = run("load", "b.db", "bad.ndjson", "--bad-lines", "skip")
        assert skipped.exit_code == 0
        assert [f"line {number}:" in skipped.stderr for number in (2, 3, 5)] == [True] * 3
        assert "2 documents loaded into b.db, 3 bad lines skipped" in skipped.stderr

    def test_a_load_goes_on_where_it_was_interrupted(self, people: Path) -> None:
        (people / "more.ndjson").write_text("".join(f'{{"_id": {number}}}\n' for number in range(1, 6)))
        refused = run("load", "people.db", "more.ndjson", "-c", "people")
        assert refused.exit_code == 1
        assert "more.ndjson, lines 1 to 5" in refused.stderr
        resumed = run("load", "people.db", "more.ndjson", "-c", "people", "--resume")
        assert "2 documents loaded into people.db, 3 were there" in resumed.stderr
        assert run("count", "people.db").stdout == "5\n"


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for item in value.values() for name in _names(item))]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []


def test_indexes(people: Path) -> None:
    run("index", "create", "people.db", "name,-age", "--unique", "--name", "n")
    listed = [json.loads(line) for line in run("index", "list", "people.db").stdout.splitlines()]
    assert listed[1] == {"v": 2, "key": {"name": 1, "age": -1}, "name": "n", "unique": True}
    assert run("index", "drop", "people.db", "n").exit_code == 0
    assert len(run("index", "list", "people.db").stdout.splitlines()) == 1


def test_filters_in_files(people: Path) -> None:
    (people / "good.mongo").write_text("{\n  a: 1\n}")
    (people / "many.txt").write_text("{a: 1}\n\n{a: {$inn: [1]}}\n{$or: {a: 1}}\n")
    assert run("check", "good.mongo").exit_code == 0
    result = run("check", "--lines", "many.txt")
    assert result.exit_code == 2
    assert "many.txt:3:6: BadValue: unknown operator: $inn" in result.stderr
    assert "many.txt:4:" in result.stderr
    assert "3 filters, 2 wrong" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interruption_leaves_whole_documents(tmp_path: Path) -> None:
    target = tmp_path / "slow.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "mongoglot", "load", str(target), "-", "-c", "slow"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write("".join(f'{{"_id": {number}}}\n' for number in range(10_001)))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _count(target) < 10_000:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was written before is whole" in told
    with mongoglot.connect(f"sqlite:{target}") as store:
        assert store["slow"].count_documents({}) == 10_000
        assert store.verify().ok


def _count(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        with mongoglot.connect(f"sqlite:{path}") as store:
            return store["slow"].count_documents({})
    except mongoglot.StoreError:  # it is being made
        return 0


def test_a_reader_that_has_seen_enough(people: Path) -> None:
    command = f"{sys.executable} -m mongoglot find people.db | head -1"
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-o", "pipefail", "-c", command],
        cwd=people, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def reference() -> str:
    """The help of every command, as docs/cli.md has it."""
    parts = []
    for name in COMMANDS:
        parts.append(f"### {name}\n\n```text\n{run(name, '--help').output.rstrip()}\n```\n")
        group: Any = main.get_command(None, name)  # type: ignore[arg-type]
        parts += [
            f"#### {name} {below}\n\n```text\n{run(name, below, '--help').output.rstrip()}\n```\n"
            for below in getattr(group, "commands", ())
        ]
    return "\n".join(parts)


def test_the_reference_is_the_help() -> None:
    """Where this fails: put what `reference` returns under the heading Reference of docs/cli.md."""
    page = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page.split("## Reference\n\n")[1] == reference()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell: str) -> None:
    done = CliRunner().invoke(main, (), env={"_MONGOGLOT_COMPLETE": f"{shell}_source"}, prog_name="mongoglot")
    assert "_MONGOGLOT_COMPLETE" in done.output
