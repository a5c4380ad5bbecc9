"""The history of ipyparallel's own backends, written by these, is imported."""

from __future__ import annotations

import pickle
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import apsw
import bson
import pymongo
import pytest
from bson.raw_bson import RawBSONDocument

from mongoglot import StoreError
from mongoglot.errors import NoDataError
from mongoglot.taskdb import TaskDatabase, import_history
from mongoglot.taskdb.history import main, progress_bar
from mongoglot.taskdb.old_records import open_old
from mongoglot.taskdb.schema import empty_record
from tests.conftest import ENGINES, with_database
from tests.taskdb.history import Opener, Record
from tests.taskdb.old_backends import write_mongodb, write_sqlite

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]' brings the old backends")

TOKYO = timezone(timedelta(hours=9))
NOON = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=TOKYO)
IN_STORE = datetime(2024, 5, 1, 3, 0, 0, 123000, tzinfo=UTC)


def old_record(msg_id: str, **values: Any) -> Record:
    """A record as a Hub made it."""
    header = {"msg_id": msg_id, "date": NOON, "username": "ada", "session": "s", "version": "5.3"}
    return {
        **empty_record(),
        "msg_id": msg_id,
        "header": header,
        "metadata": {"after": [], "started": "2024-05-01T12:00:00Z"},
        "content": {"code": "2024-01-01T00:00:00Z"},
        "buffers": [b"one", b"", b"\xff\x00" * 300],
        "submitted": NOON,
        "client_uuid": "c1",
        "queue": "task",
        **values,
    }


def finished(msg_id: str, **values: Any) -> Record:
    result = {
        "started": NOON + timedelta(seconds=1),
        "completed": NOON + timedelta(seconds=2),
        "received": NOON + timedelta(seconds=3),
        "engine_uuid": "e1",
        "result_header": {"date": NOON, "msg_type": "apply_reply"},
        "result_content": {"status": "ok", "big": 2**70},
        "result_buffers": [b"result"],
        "execute_result": {"data": {"text/plain": "'x'"}, "n": 1},
        "error": {"ename": "E", "traceback": ["a", "b"]},
        "stdout": "printed\n",
    }
    return old_record(msg_id, **{**result, **values})


SESSIONS = [
    ("ipython-tasks", [finished("a", label="first"), old_record("b"), old_record("late", stdout="x")]),
    ("ipython-tasks_2", [finished("d"), finished("late", label="whole")]),
    ("ipython-tasks_10", [old_record("d"), old_record("none", buffers=None, submitted=None, header=None)]),
    ("", [finished("f")]),
]


@pytest.fixture(scope="module")
def old_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile ä#?") / "tasks.db"
    write_sqlite(path, SESSIONS)
    return path


@pytest.mark.parametrize("engine", ENGINES)
def test_all_sessions_of_a_file(engine: str, opener: Opener, old_file: Path) -> None:
    before = {path.name: path.read_bytes() for path in old_file.parent.iterdir()}
    database = opener(engine)
    steps: list[tuple[int, int]] = []
    report = import_history(old_file, database, progress=lambda *step: steps.append(step))
    assert {path.name: path.read_bytes() for path in old_file.parent.iterdir()} == before

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


def test_twice_and_again_when_the_old_hub_went_on(tmp_path: Path, opener: Opener) -> None:
    old, database = tmp_path / "tasks.db", opener("sqlite")
    write_sqlite(old, [("ipython-tasks", [old_record("a"), old_record("b"), old_record("mine")])])
    database.add_record("mine", {"label": "here", "completed": NOON})
    first = import_history(old, database)
    assert (first.kept, first.completed, first.known) == (2, 0, 1)
    before = database.find_records({})
    second = import_history(old, database)
    assert (second.kept, second.completed, second.known) == (0, 0, 3)
    assert database.find_records({}) == before

    write_sqlite(old, [("ipython-tasks_1", [finished("a"), old_record("c")])])
    database.update_record("a", {"label": "mine"})
    third = import_history(old, database)
    assert (third.kept, third.completed) == (1, 1)
    record = database.get_record("a")
    assert (record["stdout"], record["label"]) == ("printed\n", "mine")
    assert database.get_record("mine") == {"msg_id": "mine", "label": "here", "completed": IN_STORE}
    fourth = import_history(old, database)
    assert (fourth.kept, fourth.completed, fourth.known) == (0, 0, 5)


def statement(path: Path, text: str, *values: Any) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(text, values)
    connection.close()


def test_dates_of_all_kinds(
    tmp_path: Path, opener: Opener, in_zone: Callable[[str], None], old_file: Path
) -> None:
    old = tmp_path / "tasks.db"
    write_sqlite(old, [("t", [finished(name) for name in "abcdefg"])])
    for msg_id, text in (
        ("a", "2013-01-02 03:04:05.678901"),  # as versions before 4 wrote it
        ("b", "junk"),
        ("c", "2024-05-01T00:00:00-09:30"),
        ("d", "2024-13-41T00:00:00"),
        ("e", 7),
        ("f", "0001-01-01T00:00:00+09:00"),
        ("g", None),
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
    }
    converted = {what.what: what for what in report.converted}
    assert converted["dates that are none, kept as text"].msg_ids == ("b", "d", "e", "f")
    assert converted["dates without a time zone, taken as local time"].msg_ids == ("a",)

    database = opener("memory")
    report = import_history(old, database, zone=ZoneInfo("America/New_York"))
    assert database.get_record("a")["submitted"] == datetime(2013, 1, 2, 8, 4, 5, 678000, tzinfo=UTC)
    assert "dates without a time zone, taken as those of the zone given: 1 (a)" in str(report)


class Thief:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "stolen")


def test_rows_that_cannot_be_imported(tmp_path: Path, opener: Opener) -> None:
    old, loot = tmp_path / "tasks.db", tmp_path / "loot"
    write_sqlite(old, [("t", [finished(name) for name in "abcdefgh"])])
    whole = pickle.dumps([b"one", b"two"])
    for msg_id, column, value in (
        ("a", "buffers", pickle.dumps([b"x", Thief(loot)])),
        ("b", "result_buffers", whole[:-4]),
        ("c", "header", '{"half": '),
        ("d", "msg_id", None),
        ("e", "msg_id", 5),
        ("f", "result_content", "[" * 100_000),
        ("g", "stdout", "text"),
    ):
        statement(old, f'UPDATE t SET "{column}" = ? WHERE msg_id = ?', value, msg_id)  # noqa: S608 - words of this test
    statement(old, "UPDATE t SET stdout = CAST(x'ff41' AS TEXT) WHERE msg_id = 'g'")
    report = import_history(old, database := opener("sqlite"))
    assert not loot.exists()
    pickle.loads(pickle.dumps(Thief(loot)))  # noqa: S301 - it would have run
    assert loot.exists()
    reasons = {skipped.place: (skipped.msg_id, skipped.reason) for skipped in report.skipped}
    assert {place: msg_id for place, (msg_id, _) in reasons.items()} == {
        "t, row 1": "a", "t, row 2": "b", "t, row 3": "c", "t, row 4": None, "t, row 6": "f", "t, row 7": "g",
    }  # fmt: skip
    assert reasons["t, row 1"][1].startswith("the pickle in buffers is refused, and was not run: it names ")
    assert reasons["t, row 2"][1].endswith("it is cut off")
    assert reasons["t, row 3"][1].startswith("header is no JSON: ")
    assert "is not UTF-8" in reasons["t, row 7"][1]
    assert database.get_history() == ["5", "h"]
    assert "task 'g' (t, row 7): " in str(report)


def test_a_damaged_page(tmp_path: Path, opener: Opener) -> None:
    old = tmp_path / "tasks.db"
    records = [finished(f"{number:04}", stdout="x" * 500) for number in range(300)]
    write_sqlite(old, [("t", records), ("u", [finished("other")])])
    connection = apsw.Connection(str(old))
    leaves = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' ORDER BY pageno"
    )
    place = [number for (number,) in leaves][40]
    connection.close()
    data = bytearray(old.read_bytes())
    data[(place - 1) * 4096 : place * 4096] = b"\xee" * 4096
    old.write_bytes(data)
    report = import_history(old, database := opener("sqlite"))
    lost = {skipped.msg_id for skipped in report.skipped}
    assert 0 < len(lost) < 10
    assert "is damaged" in report.skipped[0].reason
    assert {*database.get_history()} == {record["msg_id"] for record in records} - lost | {"other"}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writer_that_was_killed(mode: str, tmp_path: Path, opener: Opener) -> None:
    old = tmp_path / "tasks.db"
    if mode == "wal":
        write_sqlite(old, [("ipython-tasks", [])])
        statement(old, "PRAGMA journal_mode = wal")
    write_sqlite(old, [("ipython-tasks_1", [finished(f"{n}") for n in range(50)])], kill=True)
    for shared in tmp_path.glob("*-shm"):
        shared.unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    report = import_history(old, database := opener("memory"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert (report.kept, report.skipped) == (50, ())
    assert {record["stdout"] for record in database.find_records({})} == {"printed\n"}


def test_a_file_in_write_ahead_mode_gets_no_log(tmp_path: Path, opener: Opener) -> None:
    old = tmp_path / "tasks.db"
    write_sqlite(old, SESSIONS)
    statement(old, "PRAGMA journal_mode = wal")
    assert import_history(old, opener("memory")).kept == 6
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.db"]


def test_what_is_no_old_history(tmp_path: Path, opener: Opener) -> None:
    database = opener("memory")
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("no database\n" * 20)
    (tmp_path / "short.db").write_bytes(b"SQLite format 3\0")
    statement(tmp_path / "foreign.db", "CREATE TABLE shop (a, b)")
    statement(tmp_path / "none.db", "PRAGMA user_version = 1")
    TaskDatabase(f"sqlite:{tmp_path / 'ours.db'}").close()
    statement(tmp_path / "view.db", "CREATE VIEW v AS SELECT 1 msg_id, 2 header, 3 content, 4 buffers")
    for name, words in {
        "empty.db": "is empty",
        "text.db": "is not an SQLite database",
        "short.db": "is not an SQLite database",
        "foreign.db": "has no table of IPython's tasks; it has 'shop'",
        "none.db": "has no table of IPython's tasks; it has no tables",
        "view.db": "has no table of IPython's tasks; it has no tables",
        "ours.db": f"is a store of mongoglot already: open it as sqlite:{tmp_path / 'ours.db'}",
        "": "is a folder: name the file in it",
        "gone.db": "there is no file ",
    }.items():
        with pytest.raises(StoreError) as caught:
            import_history(tmp_path / name, database)
        assert words in str(caught.value)
        assert str(tmp_path) in str(caught.value)
    assert not (tmp_path / "gone.db").exists()


def test_a_target_that_keeps_nothing(old_file: Path) -> None:
    with pytest.raises(NoDataError, match="keeps nothing"):
        import_history(old_file, "null:")


def test_large_buffers_and_many_rows_are_read_in_pages(tmp_path: Path, opener: Opener) -> None:
    old, database = tmp_path / "tasks.db", opener("sqlite")
    large = [finished(f"large {n}", buffers=[bytes([n]) * 5_000_000]) for n in range(5)]
    write_sqlite(old, [("t", large), ("u", [old_record(f"{n:05}", buffers=[]) for n in range(1200)])])
    steps: list[int] = []
    report = import_history(old, database, progress=lambda done, _: steps.append(done))
    assert steps == [2, 4, 5, 505, 1005, 1205]
    assert report.kept == 1205
    assert database.get_record("large 4")["buffers"] == [b"\4" * 5_000_000]
    assert database.get_record("00000")["buffers"] is None  # the old backend kept no list without buffers


# ---- a server ------------------------------------------------------------------------------------------


@pytest.fixture
def old_server(mongod_url: str) -> Iterator[str]:
    name = f"old_{uuid.uuid4().hex[:12]}"
    write_mongodb(mongod_url, name, [finished_on_server("a"), old_record("b", submitted="junk", buffers=None), {
        **old_record("c"), "submitted": "2024-05-01T12:00:00+09:00", "display_data": {"text/plain": "1"},
        "result_content": {"status": "ok"},
    }])  # fmt: skip
    yield with_database(mongod_url, name)
    with pymongo.MongoClient[Record](mongod_url) as client:
        client.drop_database(name)


def finished_on_server(msg_id: str) -> Record:
    return finished(msg_id, result_content={"status": "ok"})


@pytest.mark.parametrize("engine", ["memory", "sqlite", "mongodb"])
def test_a_collection_of_a_server(engine: str, old_server: str, opener: Opener) -> None:
    database = opener(engine)
    with pymongo.MongoClient[Record](old_server) as client:
        client.get_default_database()["task_records"].insert_one({"label": "no id"})
    report = import_history(old_server, database)
    assert (report.kept, len(report.skipped)) == (3, 1)
    assert report.skipped[0].reason == "it has no msg_id"
    assert database.get_record("a")["buffers"] == old_record("a")["buffers"]
    assert database.get_record("a")["header"]["date"] == IN_STORE
    assert database.get_record("a")["completed"] == IN_STORE + timedelta(seconds=2)
    assert database.get_record("b")["submitted"] == "junk"
    assert database.get_record("b")["buffers"] is None
    assert database.get_record("c")["submitted"] == datetime(2024, 5, 1, 3, tzinfo=UTC)
    assert database.get_record("c")["display_data"] == {"text/plain": "1"}
    assert import_history(old_server, database).known == 3


def test_a_server_that_has_none(mongod_url: str, old_server: str, opener: Opener) -> None:
    with pytest.raises(StoreError, match=r"/nothing_here has no records in a collection 'task_records'"):
        import_history(with_database(mongod_url, "nothing_here"), opener("memory"))
    with pytest.raises(StoreError, match="the target is the collection of the old records itself"):
        import_history(old_server, old_server)
    with TaskDatabase(old_server, collection="new") as database:
        assert import_history(old_server, database).kept == 3
        with pytest.raises(StoreError, match=r"'new' of .* is a task database of mongoglot already"):
            import_history(old_server, opener("memory"), collection="new")
    with pytest.raises(StoreError, match="no MongoDB server answers"):
        open_old("mongodb://127.0.0.1:1", timeout=0.2)


def test_a_document_that_cannot_be_decoded(old_server: str, opener: Opener) -> None:
    with pymongo.MongoClient[Record](old_server) as client:
        records = client.get_default_database()["task_records"]
        text = records.find_one({"msg_id": "a"})
        assert text is not None
        broken = bson.encode({"_id": 1, "msg_id": "broken", "stdout": "marker"}).replace(
            b"mark", b"\xff\xff\xff\xff"
        )
        records.insert_one(RawBSONDocument(broken))
    report = import_history(old_server, database := opener("memory"))
    assert (report.kept, len(report.skipped)) == (3, 1)
    assert report.skipped[0].place == "task_records, _id 1"
    assert "UTF-8" in report.skipped[0].reason or "utf-8" in report.skipped[0].reason
    assert len(database.get_history()) == 3


# ---- the command ----------------------------------------------------------------------------------------


def test_the_command(old_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mongoglot.taskdb.history"]
    done = subprocess.run(
        [*command, old_file, f"sqlite:{tmp_path / 'new.db'}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"imported from {old_file}\n  read: _5e55_103 (1), ipython-tasks (3)")
    assert "  kept: 6\n  completed, as the old record knew more: 1\n" in done.stdout


def test_wrong_calls_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "gone.db"), "memory:"]) == 1
    assert capsys.readouterr().err == f"there is no file {tmp_path / 'gone.db'}\n"
    with pytest.raises(SystemExit):
        main(["old", "new", "--zone", "Nowhere/Land"])
    assert "there is no time zone 'Nowhere/Land'" in capsys.readouterr().err


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
