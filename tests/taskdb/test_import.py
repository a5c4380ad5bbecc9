"""The history of ipyparallel's own SQLite backend, written by it, is imported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import apsw
import pytest
from click.testing import CliRunner, Result

from mongoglot.cli.main import main
from mongoglot.taskdb import import_history
from mongoglot.taskdb.history import progress_bar
from tests.conftest import ENGINES
from tests.taskdb.history import Opener
from tests.taskdb.old_backends import statement, write_sqlite
from tests.taskdb.old_histories import IN_STORE, NOON, finished, old_record

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]' brings the old backends")


@pytest.mark.parametrize("engine", ENGINES)
def test_all_sessions_of_a_file(engine: str, opener: Opener, old_file: Callable[[str], Path]) -> None:
    old, database = old_file("all"), opener(engine)
    before = {path.name: path.read_bytes() for path in old.parent.iterdir()}
    steps: list[tuple[int, int]] = []
    report = import_history(old, database, progress=lambda *step: steps.append(step))
    assert {path.name: path.read_bytes() for path in old.parent.iterdir()} == before

    tables = [("_5e55_103", 1), ("ipython-tasks", 3), ("ipython-tasks_2", 2), ("ipython-tasks_10", 2)]
    assert list(report.tables) == tables
    assert (report.kept, report.completed, report.known, report.skipped) == (6, 1, 1, ())
    assert {what.what: what.count for what in report.converted} == {
        "documents that stood as JSON text": 8,
        "dates cut to milliseconds": 18,
    }
    assert steps[-1] == (8, 8)
    assert sorted(database.get_history()) == ["a", "b", "d", "f", "late", "none"]

    wanted = finished("a", label="first")
    wanted |= {key: wanted[key].astimezone(UTC).replace(microsecond=123000)
               for key in ("submitted", "started", "completed", "received")}  # fmt: skip
    wanted["header"]["date"] = wanted["result_header"]["date"] = IN_STORE
    assert database.get_record("a") == wanted
    assert database.get_record("late")["label"] == "whole"  # the record that knows more
    assert database.get_record("d")["completed"] is not None
    nothing = database.get_record("none")
    assert (nothing["buffers"], nothing["header"], nothing["stdout"]) == (None, None, "")
    assert len(database.db_query({"submitted": IN_STORE, "content.code": "2024-01-01T00:00:00Z"})) == 5


def test_twice_and_again_when_the_old_hub_went_on(opener: Opener, old_file: Callable[[str], Path]) -> None:
    old, database = old_file("begun"), opener("sqlite")
    database.add_record("mine", {"label": "here", "completed": NOON})
    first = import_history(old, database)
    assert (first.kept, first.completed, first.known) == (2, 0, 1)
    before = database.find_records({})
    second = import_history(old, database)
    assert (second.kept, second.completed, second.known) == (0, 0, 3)
    assert database.find_records({}) == before

    write_sqlite({old: [("ipython-tasks_1", [finished("a"), old_record("c")])]})
    database.update_record("a", {"label": "mine"})
    third = import_history(old, database)
    assert (third.kept, third.completed) == (1, 1)
    record = database.get_record("a")
    assert (record["stdout"], record["label"]) == ("printed\n", "mine")
    assert database.get_record("mine") == {"msg_id": "mine", "label": "here", "completed": IN_STORE}
    fourth = import_history(old, database)
    assert (fourth.kept, fourth.completed, fourth.known) == (0, 0, 5)


def test_dates_of_all_kinds(
    opener: Opener, in_zone: Callable[[str], None], old_file: Callable[[str], Path]
) -> None:
    old = old_file("letters")
    for msg_id, text in (
        ("a", "2013-01-02 03:04:05.678901"),  # as versions before 4 wrote it
        ("b", "junk"),
        ("c", "2024-05-01T00:00:00-09:30"),
        ("d", "2024-13-41T00:00:00"),
        ("e", 7),
        ("f", "0001-01-01T00:00:00+09:00"),
        ("g", None),
        ("h", "2024-05-01"),
    ):
        statement(old, "UPDATE t SET submitted = ? WHERE msg_id = ?", text, msg_id)
    in_zone("Asia/Tokyo")
    database = opener("sqlite")
    report = import_history(f"sqlite:{old}", database)
    found = {record["msg_id"]: record["submitted"] for record in database.find_records({}, ["submitted"])}
    assert found == {
        "a": datetime(2013, 1, 1, 18, 4, 5, 678000, tzinfo=UTC),
        "b": "junk",
        "c": datetime(2024, 5, 1, 9, 30, tzinfo=UTC),
        "d": "2024-13-41T00:00:00",
        "e": "7",
        "f": "0001-01-01T00:00:00+09:00",
        "g": None,
        "h": datetime(2024, 4, 30, 15, tzinfo=UTC),
    }
    converted = {what.what: what for what in report.converted}
    assert converted["dates that are none, kept as text"].msg_ids == ("b", "d", "e", "f")
    assert converted["dates without a time zone, taken as local time"].msg_ids == ("a", "h")

    database = opener("memory")
    report = import_history(old, database, zone=ZoneInfo("America/New_York"))
    assert database.get_record("a")["submitted"] == datetime(2013, 1, 2, 8, 4, 5, 678000, tzinfo=UTC)
    assert "dates without a time zone, taken as those of the zone given: 2 (a, h)" in str(report)


def test_a_hub_that_goes_on(opener: Opener, old_file: Callable[[str], Path]) -> None:
    old = old_file("many")
    hub = apsw.Connection(str(old))
    hub.execute("BEGIN IMMEDIATE; INSERT INTO t (msg_id) VALUES ('late')")

    steps = []

    def write(done: int, total: int) -> None:
        steps.append((done, total))
        if hub.in_transaction:
            hub.execute("COMMIT")  # it does not wait

    report = import_history(old, opener("memory"), progress=write)
    assert steps == [(500, 700), (701, 701)]
    assert (report.kept, report.tables, hub.in_transaction) == (701, (("t", 700),), False)
    hub.close()


def test_a_file_in_write_ahead_mode_gets_no_log(opener: Opener, old_file: Callable[[str], Path]) -> None:
    old = old_file("all")
    statement(old, "PRAGMA journal_mode = wal")
    assert import_history(old, opener("memory")).kept == 6
    assert [path.name for path in old.parent.iterdir()] == ["tasks.db"]


def test_large_buffers_and_many_rows_are_read_in_pages(
    opener: Opener, old_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mongoglot.taskdb.old_records.PAGE_BYTES", 80_000)  # of 8 MB
    old, database = old_file("large"), opener("sqlite")
    steps: list[int] = []
    report = import_history(old, database, progress=lambda done, _: steps.append(done))
    assert (steps[:2], steps[-1]) == ([2, 3], 603)
    assert report.kept == 603
    assert database.get_record("large 2")["buffers"] == [b"\2" * 50_000]
    assert database.get_record("00000")["buffers"] is None  # the old backend kept no list without buffers


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("tasks", *arguments), prog_name="mongoglot")


def test_the_command(old_files: Path, tmp_path: Path) -> None:
    old, new = old_files / "all.db", tmp_path / "new.db"
    done = run("--db", f"sqlite:{new}", "import", str(old))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"imported from {old}\n  read: _5e55_103 (1), ipython-tasks (3)")
    assert "  kept: 6\n  completed, as the old record knew more: 1\n" in done.stdout
    assert "kept: 0" in run("--db", str(new), "import", str(old)).stdout


def test_wrong_calls_of_the_command(tmp_path: Path) -> None:
    gone = run("--db", "memory:", "import", str(tmp_path / "gone.db"))
    assert (gone.exit_code, gone.stderr) == (3, f"error: there is no file {tmp_path / 'gone.db'}\n")
    nowhere = run("--db", "memory:", "import", "old", "--zone", "Nowhere/Land")
    assert nowhere.exit_code == 2
    assert "there is no time zone 'Nowhere/Land'" in nowhere.stderr


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar() -> None:
    terminal, file = Terminal(), StringIO()
    for stream in (terminal, file):
        progress = progress_bar(stream, width=4)
        progress(500, 2000)
        progress(2000, 2000)
    assert terminal.getvalue() == "\r[#...] 500 of 2,000\r[####] 2,000 of 2,000\n"
    assert file.getvalue() == ""
