"""The commands about tasks, and the pictures of what ran when."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from bson import json_util
from click.testing import CliRunner

import mongoglot
from mongoglot.cli import pictures
from mongoglot.cli.main import main
from mongoglot.cli.task_source import newest
from mongoglot.cli.timeline import COLOURS, timeline_of
from mongoglot.store import Collection
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.schema import empty_record

if TYPE_CHECKING:
    from click.testing import Result

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(number: int, **keys: Any) -> dict[str, Any]:
    return {
        **empty_record(),
        "submitted": START + timedelta(seconds=number),
        "engine_uuid": f"engine-{number % 2}",
        **keys,
    }


def times(start: float, seconds: float) -> dict[str, datetime]:
    return {
        "started": START + timedelta(seconds=start),
        "completed": START + timedelta(seconds=start + seconds),
    }


RECORDS = {
    "aa1": record(0, **times(0, 10), label="first", stdout="hello\nworld\n", result_content={"status": "ok"}),
    "ab2": record(
        1, **times(2, 3), error={"ename": "ZeroDivisionError", "evalue": "by <zero>", "traceback": ["line 1"]}
    ),
    "ac3": record(2, **times(12, 8), result_content={"status": "error", "ename": "KeyError", "evalue": "k"}),
    "b4": record(3, started=datetime.now(UTC) - timedelta(seconds=5), buffers=[b"xyz", b""]),
    "b5": record(4, engine_uuid=None),
}


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ("tasks", *arguments), input=stdin, prog_name="mongoglot")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a task database, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONGOGLOT_TASKS", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with TaskDatabase("sqlite:mongoglot-tasks.db") as tasks:
        for name, each in RECORDS.items():
            tasks.add_record(name, each)
    return tmp_path


def listed(*arguments: str) -> list[str]:
    result = run("list", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line)["msg_id"] for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("database")
class TestTasks:
    def test_list(self) -> None:
        assert listed() == ["b5", "b4", "ac3", "ab2", "aa1"]
        assert listed("--running") == ["b4"]
        assert listed("--waiting") == ["b5"]
        assert listed('{label: {$glob: "f*"}}') == ["aa1"]
        assert listed('{started: {$gte: ago("1h")}}') == ["b4"]
        assert "there are more: --limit 4" in run("list", "-n", "2").stderr
        assert listed("-n", "5") == listed()
        assert run("list", "{label: 'x'}", "--quiet").exit_code == 1
        assert run("list", "--quiet").exit_code == 0
        assert run("list", "{label: {$gte}}").exit_code == 2

    def test_another_database(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (database / "mongoglot-tasks.db").rename(database / "other.db")
        assert run("list").exit_code == 2
        assert len(run("--db", "other.db", "list").stdout.splitlines()) == 5
        monkeypatch.setenv("MONGOGLOT_TASKS", "sqlite:other.db")
        assert len(run("list").stdout.splitlines()) == 5

    def test_the_database_of_the_default_profile(self, database: Path) -> None:
        profile = database / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (database / "mongoglot-tasks.db").rename(profile / "mongoglot-tasks.db")
        assert len(listed()) == 5

    def test_show(self) -> None:
        shown = run("show", "aa1").stdout
        assert "stdout:\nhello\nworld\n" in shown
        assert "label: first" in shown
        assert "buffers: 2 with 3 bytes" in run("show", "b4").stdout
        assert "ZeroDivisionError: by <zero>\nline 1" in run("show", "ab").stdout
        assert json.loads(run("show", "aa1", "--json").stdout)["label"] == "first"
        several, none = run("show", "a"), run("show", "zz")
        assert (several.exit_code, none.exit_code) == (2, 2)
        assert "3 tasks begin with 'a': aa1, ab2, ac3" in several.stderr
        assert "no record of task 'zz'" in none.stderr

    def test_errors(self) -> None:
        result = run("errors")
        assert result.stdout.splitlines() == ["ac3 KeyError: k", "ab2 ZeroDivisionError: by <zero>"]
        assert "2 failed" in result.stderr
        assert run("errors", "-q").exit_code == 0

    def test_purge(self) -> None:
        assert run("purge", "--older-than", "soon").exit_code == 2
        assert run("purge", "--older-than", "1000w", "-y").stderr == "0 tasks forgotten\n"
        kept = run("purge", "--older-than", "1s", stdin="n\n")
        assert (kept.exit_code, "0 tasks forgotten" in kept.stderr) == (0, True)
        assert run("purge", "--older-than", "1s", stdin="").exit_code == 130  # nobody answers
        assert len(listed()) == 5
        assert "3 tasks forgotten" in run("purge", "--older-than", "1s", "--yes").stderr
        assert listed() == ["b5", "b4"]

    def test_timeline_in_the_terminal(self) -> None:
        lines = run("timeline", "{completed: {$ne: null}}", "--width", "56").stdout.splitlines()
        assert lines == [
            "engine-0       " + "█" * 20 + "·" * 4 + "█" * 16,
            "engine-1       " + "·" * 4 + "█" * 6 + "·" * 30,
            "               2026-01-01 12:00:00               20.0 s",
            "3 tasks on 2 engines: 1 ok, 2 error, 0 running, 0 waiting",
        ]
        assert "0 tasks on 0 engines" in run("timeline", "{label: 'x'}").stdout

    def test_timeline_as_a_file(self, database: Path) -> None:
        assert run("timeline", "-o", "t.svg").exit_code == 0
        root = ElementTree.parse(database / "t.svg").getroot()  # noqa: S314 - it was written here
        colours = [each.get("fill") for each in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
        assert sorted(str(colour) for colour in colours) == sorted(
            COLOURS[state] for state in ("ok", "error", "error", "running")
        )
        assert run("timeline", "-o", "t.gif").exit_code == 2
        pytest.importorskip("PIL", reason="Pillow draws the PNG")
        assert run("timeline", "-o", "t.png").exit_code == 0
        assert (database / "t.png").read_bytes().startswith(b"\x89PNG")


class TestOtherCollections:
    """Records that are not in the usual collection, or that are none."""

    def test_a_collection_of_records_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with TaskDatabase("sqlite:demo.db", collection="demo_history") as tasks:
            tasks.add_record("x", record(0, **times(0, 1)))
        for command in (("list",), ("errors",), ("timeline",)):
            nothing = run("--db", "demo.db", *command)
            told = "there are no task records in 'task_records'; there are the collections demo_history: "
            assert nothing.exit_code == 0
            assert f"{told}tasks --collection NAME\n" in nothing.stderr
        found = run("--db", "demo.db", "-c", "demo_history", "list")
        assert (json.loads(found.stdout)["msg_id"], found.stderr) == ("x", "")
        assert "1 tasks on 1 engines" in run("--db", "demo.db", "-c", "demo_history", "timeline").stdout

    def test_a_store_without_tasks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        mongoglot.connect("sqlite:empty.db").close()
        assert run("--db", "empty.db", "list").stderr == "there are no task records in 'task_records'\n"

    def test_documents_that_are_no_records(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with mongoglot.connect("sqlite:loaded.db") as store:
            store["task_records"].insert_one({"msg_id": "x", "submitted": START})
        assert "holds no task records: their _id is their msg_id" in run("--db", "loaded.db", "list").stderr


class TestFailedWithoutStarting:
    """A task whose dependencies are impossible: it failed, was completed, and never started."""

    @pytest.fixture(autouse=True)
    def impossible(self, database: Path) -> None:
        with TaskDatabase(f"sqlite:{database}/mongoglot-tasks.db") as tasks:
            failed = {"status": "error", "ename": "ImpossibleDependency", "evalue": ""}
            done = {"completed": START, "engine_uuid": None}
            tasks.add_record("c6", record(5, result_content=failed, **done))
            tasks.add_record("c7", record(6, error=failed, engine_uuid=None))
            tasks.add_record("c8", record(7, error=failed, started=START))

    def test_it_is_a_failure_everywhere(self) -> None:
        assert listed("--waiting") == ["b5"]
        assert listed("--running") == ["b4"]
        assert "5 failed" in run("errors").stderr
        drawn = run("timeline").stdout
        assert "7 tasks on 2 engines: 1 ok, 5 error, 1 running, 1 waiting" in drawn
        assert "no engine" in drawn


def test_the_demo_counts_its_failures_alike() -> None:
    lines = (
        Path(__file__)
        .parent.parent.joinpath("demo", "history.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    history = [json_util.loads(line) for line in lines]
    counts = timeline_of(history).counts
    assert counts == {"ok": 355, "error": 64, "waiting": 9}


def test_names_are_text_in_a_picture() -> None:
    named = {**record(0, **times(0, 1)), "msg_id": "x", "label": "<script>&", "engine_uuid": '"><b>'}
    svg = pictures.to_svg(timeline_of([named]))
    assert not re.search(r"<(script|b)>", svg)
    ElementTree.fromstring(svg)  # noqa: S314 - it was written here


def test_a_task_of_no_length_is_seen() -> None:
    instant = {"started": START, "completed": START}
    picture = timeline_of([{**record(0, **instant), "msg_id": "x"}])
    assert "█" in "".join(text for line in pictures.to_text(picture, 40) for text, _ in line)


class TestNewest:
    """Which records are read, where there are many."""

    TIMES = (
        [START + timedelta(seconds=number) for number in range(400)]
        + [START + timedelta(days=9)] * 300
        + [None] * 10
    )

    @pytest.fixture
    def many(self) -> Iterator[TaskDatabase]:
        with TaskDatabase("sqlite::memory:") as tasks:
            tasks.add_records(
                {**empty_record(), "msg_id": f"m{number:03}", "submitted": at, "label": str(number % 2)}
                for number, at in enumerate(self.TIMES)
            )
            yield tasks

    @pytest.mark.parametrize("limit", [1, 5, 299, 300, 301, 500, 705, 1000])
    @pytest.mark.parametrize("query", [{}, {"label": "1"}, {"label": "x"}])
    def test_they_are_those_of_a_sort_of_all(
        self, many: TaskDatabase, limit: int, query: dict[str, Any]
    ) -> None:
        found = newest(many, query, ["submitted", "label"], "submitted", limit)
        every = many.db_query(query, ["submitted"])
        every.sort(key=lambda each: each["submitted"] or START - timedelta(days=9), reverse=True)
        assert [each["submitted"] for each in found] == [each["submitted"] for each in every[:limit]]
        assert all(set(each) == {"msg_id", "submitted", "label"} for each in found)

    def test_few_are_read(self, many: TaskDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
        many.drop_matching_records({"submitted": {"$gte": START + timedelta(days=1)}})
        many.drop_matching_records({"submitted": None})
        read: list[int] = []
        find = Collection.find

        def counted(self: Collection, filter: Any, *arguments: Any, **options: Any) -> Any:
            read.append(self.count_documents(filter))
            return find(self, filter, *arguments, **options)

        monkeypatch.setattr(Collection, "find", counted)
        found = newest(many, {}, ["label"], "submitted", 3)
        assert [each["msg_id"] for each in found] == ["m399", "m398", "m397"]
        assert read
        assert max(read) <= 106

    def test_records_without_a_time_come_last(self, many: TaskDatabase) -> None:
        assert newest(many, {}, ["submitted"], "submitted", 710)[-1]["submitted"] is None


def test_a_hostile_record_commands_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = "\x1b]0;owned\x07\x1b[2J"
    failed = {"ename": evil, "evalue": evil, "traceback": [f"\x1b[31mred\x1b[0m{evil}"]}
    with TaskDatabase("sqlite:mongoglot-tasks.db") as tasks:
        tasks.add_record(
            "x", record(0, **times(0, 1), label=evil, engine_uuid=evil, stdout=evil, error=failed)
        )
    for arguments in (("show", "x"), ("errors",), ("list", "-f", "table"), ("timeline",)):
        shown = CliRunner().invoke(main, ("tasks", *arguments), color=True, prog_name="mongoglot").output
        assert "\\x1b" in shown
        assert not re.search("\x1b\\[2J|\x1b\\]|\x07", shown)
    coloured = CliRunner().invoke(main, ("tasks", "show", "x"), color=True, prog_name="mongoglot").output
    assert "\x1b[31mred" in coloured
    assert run("timeline", "-o", "t.svg").exit_code == 0
    ElementTree.parse(tmp_path / "t.svg")  # noqa: S314 - it was written here


def test_a_png_needs_pillow(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = run("timeline", "-o", "t.png")
    assert result.exit_code == 2
    assert "a PNG needs the package pillow: pip install pillow; an .svg needs nothing" in result.stderr
    assert not (database / "t.png").exists()


def test_the_timeline_tells_what_it_leaves_out(database: Path) -> None:
    result = run("timeline", "-n", "2")
    assert "only the newest 2 tasks" in result.stderr
    assert run("timeline", "{label: {$gtee: 1}}").stderr.count("^") == 1
