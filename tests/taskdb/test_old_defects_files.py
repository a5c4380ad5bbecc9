"""Defects of ipyparallel's task databases in files and processes, D1 to D7."""

from __future__ import annotations

import contextlib
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


import mongoglot
from tests.taskdb.backends import NEW, OLD, Opener, restore
from tests.taskdb.defects import filled, record_of

BOTH = pytest.mark.parametrize(("kinds", "is_right"), [(OLD, False), (NEW, True)], ids=["old", "ours"])
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])

IS_NEW_SQLITE = sqlite3.sqlite_version_info >= (3, 38)
"""Since then SQLite writes the types of columns in capitals, which the old SQLiteDB does not."""


@pytest.mark.skipif(not IS_NEW_SQLITE, reason="the old SQLiteDB is right with an old SQLite")
@BOTH
def test_d1_a_file_is_found_again(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    options = hub_opener.options("S")
    first = hub_opener.open(kinds["S"], "S", **options)
    first.add_record("a", record_of("a"))
    first.close()
    second = hub_opener.open(kinds["S"], "S", **options)
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
def test_d3_two_controllers_on_one_file(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    options = hub_opener.options("S")
    one, other = hub_opener.open(kinds["S"], "S", **options), hub_opener.open(kinds["S"], "S", **options)
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


def test_d4_a_file_runs_no_code(hub_opener: Opener, tmp_path: Path) -> None:
    options, ran = hub_opener.options("S"), tmp_path / "ran"
    database = hub_opener.open(OLD["S"], "S", **options)
    database.add_record("a", record_of("a"))
    database._db.execute('UPDATE "ipython-tasks" SET buffers = ?', (pickle.dumps([Bomb(ran)]),))
    database._db.commit()
    database.get_record("a")
    assert ran.exists()
    ran.rmdir()
    with pytest.raises(mongoglot.StoreError, match="not a mongoglot store"):
        hub_opener.open(NEW["S"], "S", **options)
    ours = hub_opener.open(NEW["S"], "S")
    ours.add_record("a", record_of("a", buffers=[pickle.dumps(Bomb(ran))]))
    assert isinstance(ours.get_record("a")["buffers"][0], bytes)
    assert not ran.exists()


@BOTH
def test_d5_the_process_is_left_alone(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    before = dict(sqlite3.adapters), dict(sqlite3.converters)
    sqlite3.adapters.clear()
    sqlite3.converters.clear()
    hub_opener.open(kinds["S"], "S")
    assert (not sqlite3.adapters and not sqlite3.converters) == is_right
    restore(sqlite3.adapters, before[0])
    restore(sqlite3.converters, before[1])


def test_d6_indexes_serve_what_the_hub_asks(hub_opener: Opener) -> None:
    old, ours = filled(hub_opener.open(OLD["S"], "S")), filled(hub_opener.open(NEW["S"], "S"))
    for condition in ("completed IS NULL", "engine_uuid = 'e1'"):
        plan = old._db.execute(f"""EXPLAIN QUERY PLAN SELECT * FROM "ipython-tasks" WHERE {condition}""")  # noqa: S608
        assert all(detail.startswith("SCAN") for *_, detail in plan)
    for query in ({"completed": None}, {"engine_uuid": "e1"}, {"msg_id": {"$in": ["a", "b"]}}):
        plan = ours._database.explain(query)["plan"]
        assert not any(detail.startswith("SCAN") and "task_records" in detail for detail in plan), plan


@BOTH
def test_d7_threads_and_closing_twice(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    database = filled(hub_opener.open(kinds["S"], "S"))
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
