"""Odd tasks, dying workers and stores that fail: the tasks know nothing of being recorded."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import (
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from mongoglot import StoreError
from mongoglot.taskdb import TaskDatabase, record
from mongoglot.taskdb.record_writer import RecordWriter
from mongoglot.taskdb.recording import RecordingExecutor, _closed
from tests.taskdb import jobs
from tests.taskdb.executors import ROOT, recorded, spawn_pool


def test_what_cannot_be_pickled(url: str) -> None:
    with record(spawn_pool(), url) as recorder:
        unsendable = recorder.submit(jobs.greet, threading.Lock())  # type: ignore[arg-type]
        assert "cannot pickle" in str(unsendable.exception())
        assert "cannot pickle" in str(recorder.submit(jobs.give_a_lock).exception())
        future = recorder.submit(jobs.greet, "ada")
        assert future.result()["greeted"] == "ada"
        assert recorded(recorder, unsendable)["error"]["ename"] in {"TypeError", "PicklingError"}
        assert recorded(recorder, future)["result_content"]["status"] == "ok"


@pytest.mark.parametrize("job", [jobs.die, jobs.fail_oddly])
def test_a_worker_that_dies(job: Callable[[], None], url: str) -> None:
    """An error that cannot be read again breaks a pool, recorded or not."""
    with spawn_pool() as pool, pytest.raises(BrokenProcessPool):
        pool.submit(job).result()
    with record(spawn_pool(), url) as recorder:
        future = recorder.submit(job)
        with pytest.raises(BrokenProcessPool):
            future.result()
        assert recorded(recorder, future)["error"]["ename"] == "BrokenProcessPool"


class Odd:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise SystemExit("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self) -> Odd:
        return self


def test_odd_functions_and_values(threads: RecordingExecutor) -> None:
    odd = Odd()
    future = threads.submit(odd)
    assert future.result() is odd
    found = recorded(threads, future)
    assert found["result_content"] == {"status": "ok"}
    assert found["content"]["function"].endswith(("Odd", "<a callable>"))
    loop: list[Any] = []
    loop.append(loop)
    same = threads.submit(lambda value: value, loop)
    assert same.result() is loop
    assert recorded(threads, same)["result_content"] == {"status": "ok"}


class Failing:
    """The writes of a task database, some of which fail."""

    def __init__(self, database: TaskDatabase, failures: list[Exception]) -> None:
        self.database = database
        self.failures = failures
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            self.calls += 1
            if self.failures:
                raise self.failures.pop(0)
            return getattr(self.database, name)(*args)

        return call


def test_a_store_that_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    with TaskDatabase("memory:") as database:
        failing: Any = Failing(database, [StoreError("the disk is full"), StoreError("the disk is full")])
        writer = RecordWriter(failing)
        writer.start()
        writer.put("a", {"label": "x", "stdout": ""})
        writer.flush(10)
        writer.put("b", {"label": "y"}, last=True)
        writer.flush(10)
        assert database.get_history() == []
        writer.put("a", {"stdout": "done"}, last=True)
        writer.close(10)
        assert database.get_record("a") == {"msg_id": "a", "label": "x", "stdout": "done"}
        assert database.get_record("b")["label"] == "y"
    warnings = [message for message in caplog.messages if "cannot be recorded" in message]
    assert warnings == ["tasks cannot be recorded now; they run on, and recording them is tried again"]


def test_one_record_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with TaskDatabase("memory:") as database:
        database.add_record("there", {})
        failing: Any = Failing(database, [ValueError("of all"), ValueError("of a")])
        writer = RecordWriter(failing)
        for msg_id in ("a", "b", "there"):
            writer.put(msg_id, {"label": "new"}, last=True)
        writer.put("c", {"label": "none"})
        writer.put("c", None)
        writer.close(10)
        assert sorted(database.get_history()) == ["b", "there"]
        assert database.get_record("there")["label"] == "new"
    assert caplog.messages == ["task a cannot be recorded"]


def test_a_record_that_was_purged_stays_so(caplog: pytest.LogCaptureFixture) -> None:
    with TaskDatabase("memory:") as database:
        writer = RecordWriter(database)
        writer.start()
        writer.put("a", {})
        writer.put("b", {})
        assert writer.flush(10)
        database.drop_record("a")
        writer.put("a", {"stdout": "late"}, last=True)
        writer.put("b", None)
        writer.close(10)
        assert database.get_history() == []
    assert caplog.messages == []


def test_a_store_that_comes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mongoglot.taskdb.record_writer.RETRY", 0.01)
    with TaskDatabase("memory:") as database:
        failing: Any = Failing(database, [StoreError("the disk is full")] * 3)
        writer = RecordWriter(failing)
        writer.start()
        writer.put("a", {}, last=True)
        pause = threading.Event()
        for _ in range(1000):
            if database.get_history():
                break
            pause.wait(0.01)
        assert database.get_history() == ["a"]
        writer.close(10)


def test_a_forked_process_closes_nothing() -> None:
    with TaskDatabase("memory:") as database:
        database.add_record("a", {})
        _closed(RecordWriter(database), None, database, os.getpid() + 1)
        assert database.get_history() == ["a"]


def test_a_store_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = TaskDatabase(f"sqlite:{tmp_path / 'tasks.db'}")
    with record(ThreadPoolExecutor(2), database) as recorder:
        database.close()
        with caplog.at_level(logging.WARNING):
            assert [*recorder.map(abs, range(-20, 0))] == [*range(20, 0, -1)]
            recorder.flush()
            assert recorder.submit(abs, -5).result() == 5
            recorder.shutdown()
    told, last = caplog.messages
    assert told == "tasks cannot be recorded now; they run on, and recording them is tried again"
    assert last == "the records of 21 tasks could not be written"


def test_the_end_of_a_program_without_shutdown(tmp_path: Path) -> None:
    script = (
        "from concurrent.futures import ThreadPoolExecutor; from mongoglot.taskdb import record; import os, time\n"
        f"recorder = record(ThreadPoolExecutor(2), {f'sqlite:{tmp_path}/tasks.db'!r})\n"
        "for number in range(50): recorder.submit(time.sleep, 0.001)\n"
        "if not os.fork(): raise SystemExit"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    with TaskDatabase(f"sqlite:{tmp_path}/tasks.db") as database:
        assert len(database.db_query({"completed": {"$ne": None}})) == 50
