"""Defects of ipyparallel's task databases that no single call shows: files, processes, limits, costs, the Hub."""

from __future__ import annotations

import contextlib
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from ipyparallel.controller.hub import Hub

import mongoglot
from tests.taskdb.backends import LOG, NEW, OLD, Opener, host_and_port, opener_in
from tests.taskdb.clusters import eventually
from tests.taskdb.defects import NOON, filled, record_of
from tests.taskdb.history import ids
from tests.taskdb.proxy import Proxy

BOTH = pytest.mark.parametrize(("kinds", "is_right"), [(OLD, False), (NEW, True)], ids=["old", "ours"])
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])

IS_NEW_SQLITE = sqlite3.sqlite_version_info >= (3, 38)
"""Since then SQLite writes the types of columns in capitals, which the old SQLiteDB does not."""


@pytest.fixture
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    with opener_in(tmp_path, lambda: request.getfixturevalue("mongod_url")) as opened:
        yield opened


@pytest.mark.skipif(not IS_NEW_SQLITE, reason="the old SQLiteDB is right with an old SQLite")
@BOTH
def test_d1_a_file_is_found_again(opener: Opener, kinds: Any, is_right: bool) -> None:
    options = opener.options("S")
    first = opener.open(kinds["S"], "S", **options)
    first.add_record("a", record_of("a"))
    first.close()
    second = opener.open(kinds["S"], "S", **options)
    assert second.get_history() == (["a"] if is_right else [])


WRITER = """
import os, signal, sys
from tornado.ioloop import IOLoop
from tests.taskdb.backends import NEW, OLD
from tests.taskdb.defects import record_of
which, end, location = sys.argv[1:]
loop = IOLoop(make_current=True)
database = {"old": OLD, "ours": NEW}[which]["S"](location=location, filename="tasks.db")
for number in range(20):
    database.add_record(str(number), record_of(str(number)))
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["exit", "kill"])
@pytest.mark.parametrize(
    ("which", "table", "rows"), [("old", "ipython-tasks", 0), ("ours", "task_records", 20)]
)
def test_d2_nothing_acknowledged_is_lost(tmp_path: Path, which: str, table: str, rows: int, end: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WRITER, which, end, str(tmp_path)]
    folder = Path(__file__).parent.parent.parent
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    assert done.returncode == (-9 if end == "kill" else 0), done.stderr.decode()
    database = apsw.Connection(str(tmp_path / "tasks.db"))
    assert next(database.execute(f'SELECT count(*) FROM "{table}"')) == (rows,)  # noqa: S608 - a name from above
    database.close()


@BOTH
def test_d3_two_controllers_on_one_file(opener: Opener, kinds: Any, is_right: bool) -> None:
    options = opener.options("S")
    one, other = opener.open(kinds["S"], "S", **options), opener.open(kinds["S"], "S", **options)
    one.add_record("a", record_of("a"))
    if not is_right:
        other._db.execute("PRAGMA busy_timeout = 50")  # it would wait for five seconds
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.add_record("b", record_of("b"))
        return
    for number in range(20):
        (one, other)[number % 2].add_record(str(number), record_of(str(number)))
        (other, one)[number % 2].update_record(str(number), {"stdout": "x"})
    assert len(one.get_history()) == len(other.get_history()) == 21


class Bomb:
    """Its pickle makes a folder when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def test_d4_a_file_runs_no_code(opener: Opener, tmp_path: Path) -> None:
    options, ran = opener.options("S"), tmp_path / "ran"
    database = opener.open(OLD["S"], "S", **options)
    database.add_record("a", record_of("a"))
    database._db.execute('UPDATE "ipython-tasks" SET buffers = ?', (pickle.dumps([Bomb(ran)]),))
    database._db.commit()
    database.get_record("a")
    assert ran.exists()
    ran.rmdir()
    with pytest.raises(mongoglot.StoreError, match="not a mongoglot store"):
        opener.open(NEW["S"], "S", **options)
    ours = opener.open(NEW["S"], "S")
    ours.add_record("a", record_of("a", buffers=[pickle.dumps(Bomb(ran))]))
    assert isinstance(ours.get_record("a")["buffers"][0], bytes)
    assert not ran.exists()


@BOTH
def test_d5_the_process_is_left_alone(opener: Opener, kinds: Any, is_right: bool) -> None:
    before = dict(sqlite3.adapters), dict(sqlite3.converters)
    sqlite3.adapters.clear()
    sqlite3.converters.clear()
    opener.open(kinds["S"], "S")
    assert (not sqlite3.adapters and not sqlite3.converters) == is_right
    for known, kept in zip((sqlite3.adapters, sqlite3.converters), before, strict=True):
        known.update(kept)


def test_d6_indexes_serve_what_the_hub_asks(opener: Opener) -> None:
    old, ours = filled(opener.open(OLD["S"], "S")), filled(opener.open(NEW["S"], "S"))
    for condition in ("completed IS NULL", "engine_uuid = 'e1'"):
        plan = old._db.execute(f"""EXPLAIN QUERY PLAN SELECT * FROM "ipython-tasks" WHERE {condition}""")  # noqa: S608
        assert all(detail.startswith("SCAN") for *_, detail in plan)
    for query in ({"completed": None}, {"engine_uuid": "e1"}, {"msg_id": {"$in": ["a", "b"]}}):
        plan = ours._database.explain(query)["plan"]
        assert not any(detail.startswith("SCAN") and "task_records" in detail for detail in plan), plan


@BOTH
def test_d7_threads_and_closing_twice(opener: Opener, kinds: Any, is_right: bool) -> None:
    database = filled(opener.open(kinds["S"], "S"))
    errors: list[Exception] = []

    def read() -> None:
        try:
            database.get_history()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert (not errors) == is_right
    database.close()
    with contextlib.nullcontext() if is_right else pytest.raises(sqlite3.ProgrammingError):
        database.close()


@BOTH
def test_d8_what_has_not_completed_is_never_culled(opener: Opener, kinds: Any, is_right: bool) -> None:
    database = opener.open(kinds["D"], "D", record_limit=20, cull_fraction=0.2)
    names = [f"open {number}" for number in range(30)]
    for number, name in enumerate(names):
        database.add_record(name, record_of(name, submitted=NOON + timedelta(seconds=number)))
    assert (database.get_history() == names) == is_right
    if is_right:
        for name in names:
            database.update_record(name, {"completed": NOON, "stdout": "done"})
        database.add_record("last", record_of("last"))
        assert 16 <= len(database.get_history()) <= 20


@BOTH
def test_d8_each_database_culls_its_own(opener: Opener, kinds: Any, is_right: bool) -> None:
    small, other = (opener.open(kinds["D"], "D", record_limit=limit) for limit in (10, 100))
    for number in range(11):
        name = f"shared {number}"
        submitted = NOON + timedelta(seconds=number)
        small.add_record(name, record_of(name, submitted=submitted, completed=submitted))
        other.add_record(name, record_of(name))
    assert "shared 0" not in small.get_history()
    if is_right:
        assert other.get_record("shared 0")["msg_id"] == "shared 0"
    else:
        with pytest.raises(KeyError, match="culled"):
            other.get_record("shared 0")


@BOTH
def test_d8_a_low_limit_is_a_limit(opener: Opener, kinds: Any, is_right: bool) -> None:
    database = opener.open(kinds["D"], "D", record_limit=5)
    for number in range(50):
        database.add_record(str(number), record_of(str(number), completed=NOON))
    assert (len(database.get_history()) <= 5) == is_right


@BOTH
def test_d8_a_large_record_does_not_cull_itself(opener: Opener, kinds: Any, is_right: bool) -> None:
    database = opener.open(kinds["D"], "D", size_limit=1000)
    database.add_record("large", record_of("large", buffers=[b"x" * 2000]))
    assert (database.get_history() == ["large"]) == is_right


@BOTH
def test_d8_culling_ends(opener: Opener, kinds: Any, is_right: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    database = opener.open(kinds["D"], "D", size_limit=10)
    if is_right:
        database.add_record("early", record_of("early", submitted=None, header=None, buffers=[b"x" * 100]))
        assert database.get_record("early")["buffers"] == [b"x" * 100]
        return
    rounds = iter(range(1000))
    monkeypatch.setattr(database, "_cull_oldest", lambda _: next(rounds))
    with pytest.raises(StopIteration):
        database.add_record("early", record_of("early", submitted=None, buffers=[b"x" * 100]))


class Counted(list[str]):
    """Knows how often it was asked."""

    asked = 0

    def __contains__(self, value: object) -> bool:
        self.asked += 1
        return super().__contains__(value)


def test_d9_ids_are_looked_up(opener: Opener) -> None:
    old, ours = (opener.open(kinds["D"], "D") for kinds in (OLD, NEW))
    for number in range(200):
        for database in (old, ours):
            database.add_record(str(number), record_of(str(number)))
    names = Counted(["7", "77", "177"])
    assert ids(old.find_records({"msg_id": {"$in": names}})) == ids(
        ours.find_records({"msg_id": {"$in": list(names)}})
    )
    assert names.asked == 200
    explained = ours._database.explain({"msg_id": {"$in": list(names)}})
    assert (explained["candidates"], explained["documents"]) == (3, 200)


def test_d10_a_server_that_is_gone_is_not_waited_for(
    opener: Opener, mongod_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = Proxy(*host_and_port(mongod_url))
    place: dict[str, Any] = {"connection_args": ["127.0.0.1", proxy.port]}
    old = opener.open(OLD["M"], "M", **place)
    assert old._connection.options.server_selection_timeout == 30  # seconds, at each call
    ours = opener.open(NEW["M"], "M", timeout=0.5, **place)
    ours.add_record("a", record_of("a"))
    proxy.close()
    try:
        with pytest.raises(mongoglot.StoreError):
            ours.get_record("a")
        calls: list[Callable[[], Any]] = [
            lambda: ours.get_record("a"),
            lambda: ours.add_record("b", record_of("b")),
            lambda: ours.update_record("a", {"stdout": "x"}),
            lambda: ours.find_records({}),
            lambda: ours.drop_matching_records({}),
            ours.get_history,
        ]
        for call in calls:
            with pytest.raises(mongoglot.StoreError, match="it is not waited for"):
                call()
        assert caplog.text.count("the task database is gone") == 1
    finally:
        proxy.open()
    try:
        assert eventually(lambda: answered(ours.get_history)) == ["a"]
        assert caplog.text.count("the task database is back") == 1
        ours.update_record("a", {"stdout": "x"})
        assert ours.get_record("a")["stdout"] == "x"
    finally:
        for database in (old, ours):
            database.close()
        old._connection.close()
        proxy.close()


def answered(call: Callable[[], Any]) -> Any:
    """An answer, or None where there is none."""
    with contextlib.suppress(mongoglot.StoreError):
        return call()


class FakeHub:
    """The real Hub's own code, with nothing around it but a database."""

    _extract_record = Hub._extract_record

    def __init__(self, database: Any) -> None:
        self.db, self.log, self.query = database, LOG, None
        self.pending: set[str] = set()
        self.all_completed: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.session = SimpleNamespace(send=lambda *_, **message: self.sent.append(message))

    def results(self, *names: str) -> dict[str, Any]:
        """What a client gets that asks for results: content and buffers."""
        Hub.get_results(self, b"", {"content": {"msg_ids": list(names), "status_only": False}})
        return self.sent[-1]

    def print(self, msg_id: str, text: str) -> None:
        """What happens when a task prints."""
        message = {
            "parent_header": {"msg_id": msg_id},
            "header": {"msg_type": "stream"},
            "content": {"name": "stdout", "text": text},
        }
        Hub.save_iopub_message(self, [], message)


DONE = {
    "completed": NOON,
    "result_header": {"msg_type": "apply_reply"},
    "result_content": {"status": "ok"},
    "result_buffers": [b"x"],
}


@LETTERS
@BOTH
def test_d11_an_open_task_is_no_completed_one(
    opener: Opener, kinds: Any, is_right: bool, letter: str
) -> None:
    database = opener.open(kinds[letter], letter)
    database.add_record("1 open", record_of("1 open"))
    database.add_record("2 done", record_of("2 done", **DONE))
    content = FakeHub(database).results("1 open", "2 done")["content"]
    assert ("1 open" in content["pending"]) == is_right
    database.update_record("1 open", DONE)
    assert FakeHub(database).results("1 open", "2 done")["content"]["completed"] == ["1 open", "2 done"]


@LETTERS
@BOTH
def test_d12_output_after_a_purge_is_no_record(
    opener: Opener, kinds: Any, is_right: bool, letter: str
) -> None:
    database = opener.open(kinds[letter], letter)
    hub = FakeHub(database)
    database.add_record("a", record_of("a", engine_uuid="e1"))
    database.update_record("a", DONE)
    database.drop_matching_records({"completed": {"$ne": None}})
    hub.print("a", "late")
    hub.print("b", "early")
    assert ids(database.find_records({"msg_id": {"$ne": ""}})) == ("b" if is_right else "ab")
    database.drop_matching_records({"completed": {"$ne": None}})
    assert ids(database.find_records({"msg_id": {"$ne": ""}})) == ("" if is_right else "ab")
