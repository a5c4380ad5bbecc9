"""Tasks of any executor are recorded, and know nothing of it."""

from __future__ import annotations

import asyncio
import operator
import subprocess
import sys
import threading
import uuid
from concurrent.futures import (
    CancelledError,
    ThreadPoolExecutor,
    as_completed,
)
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest

from mongoglot import StoreError
from mongoglot.taskdb import TaskDatabase, record
from mongoglot.taskdb.recording import RecordingExecutor
from tests.conftest import with_database
from tests.taskdb import jobs
from tests.taskdb.executors import EXECUTORS, ROOT, recorded, spawn_pool
from tests.taskdb.history import Record


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # threads of other tests, from 3.12 on
@pytest.mark.parametrize("kind", EXECUTORS)
def test_results_and_errors(kind: str, url: str) -> None:
    with record(EXECUTORS[kind](), url, label="study") as recorder:
        future = recorder.submit(jobs.greet, "ada", loud=True)
        assert future.result() == {"greeted": "ada", "loud": True}
        failing = recorder.submit(jobs.fail, "no such thing")
        with pytest.raises(LookupError, match=r"^no such thing$"):
            failing.result()
        assert isinstance(failing.exception(), LookupError)
        assert [*recorder.map(operator.add, [1, 2], [10, 20])] == [11, 22]

    with TaskDatabase(url) as database:
        (greeted,) = database.db_query({"content.function": "tests.taskdb.jobs.greet", "label": "study"})
        assert (greeted["stdout"], greeted["stderr"]) == ("hello ada\n", "mind the gap\n")
        assert greeted["content"]["arguments"] == "'ada', loud=True"
        assert greeted["execute_input"] == "tests.taskdb.jobs.greet('ada', loud=True)"
        assert greeted["result_content"] == {"status": "ok", "value": {"greeted": "ada", "loud": True}}
        assert greeted["execute_result"]["data"]["text/plain"] == "{'greeted': 'ada', 'loud': True}"
        moments = [greeted[name] for name in ("submitted", "started", "completed", "received")]
        assert moments == sorted(moments)
        assert len(greeted["engine_uuid"].split(":")) == 3
        (failed,) = database.db_query({"result_content.status": "error"})
        assert (failed["error"]["ename"], failed["error"]["evalue"]) == ("LookupError", "no such thing")
        assert "raise LookupError(reason)" in "".join(failed["error"]["traceback"])
        assert "recorded_task.py" not in "".join(failed["error"]["traceback"])
        assert failed["result_content"] == {"status": "error", **failed["error"]}
        assert failed["stdout"] == "about to fail\n"
        assert len(database.get_history()) == 4
        assert database.db_query({"completed": None}) == []
        assert {found["client_uuid"] for found in database.db_query({})} == {recorder.client_uuid}


def seen_by_another_process(url: str, *queries: str) -> list[str]:
    """The functions of the tasks that queries find there."""
    script = (
        "import sys; from mongoglot.taskdb import TaskDatabase\n"
        "database = TaskDatabase(sys.argv[1])\n"
        "for query in sys.argv[2:]: print(*(found['content']['function'] for found in database.db_query(query)))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, url, *queries], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.splitlines()


def test_another_process_sees_them_run(url: str, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with record(spawn_pool(), url) as recorder:
        recorder.submit(jobs.greet, "ada").result()
        running, waiting = recorder.submit(jobs.wait_for, go_on), recorder.submit(abs, -1)
        pause = threading.Event()
        for _ in range(1000):
            if recorded(recorder, running)["started"] is not None:
                break
            pause.wait(0.02)
        assert running.running()
        assert seen_by_another_process(
            url,
            "{completed: {$ne: null}}",
            "{completed: null, started: {$ne: null}, engine_uuid: {$regex: ':'}}",
            "{started: null}",
        ) == ["tests.taskdb.jobs.greet", "tests.taskdb.jobs.wait_for", "builtins.abs"]
        go_on.touch()
        assert (running.result(), waiting.result()) == ("seen", 1)
        assert recorded(recorder, waiting)["completed"] is not None


def test_a_running_thread(threads: RecordingExecutor) -> None:
    go_on = threading.Event()
    future = threads.submit(go_on.wait, 10)
    for _ in range(1000):
        if recorded(threads, future)["started"] is not None:
            break
    found = recorded(threads, future)
    assert found["engine_uuid"].count(":") == 2
    assert found["completed"] is None
    go_on.set()


def test_what_threads_print(threads: RecordingExecutor, capsys: pytest.CaptureFixture[str]) -> None:
    meet = threading.Barrier(3)

    def speak(words: str) -> None:
        for word in words.split():
            meet.wait(10)
            print(word)
            sys.stdout.writelines(["-", "\n"])

    before = sys.stdout
    futures = [threads.submit(speak, "one two three"), threads.submit(speak, "uno due tre")]
    for _ in range(3):
        meet.wait(10)
        print("main")
    for future in futures:
        future.result()
    assert [recorded(threads, future)["stdout"] for future in futures] == [
        "one\n-\ntwo\n-\nthree\n-\n", "uno\n-\ndue\n-\ntre\n-\n",
    ]  # fmt: skip
    assert sys.stdout is before
    printed = capsys.readouterr().out
    assert sorted(printed.split()) == sorted("one two three uno due tre main main main - - - - - -".split())


def test_very_much_output(threads: RecordingExecutor) -> None:
    future = threads.submit(lambda: [sys.stderr.write("x" * 600_000) for _ in range(3)] and None)
    future.result()
    assert recorded(threads, future)["stderr"] == "x" * 1_000_000 + "\n… and 800,000 characters more"


def test_options(url: str) -> None:
    with TaskDatabase("memory:") as database:
        with record(ThreadPoolExecutor(1), database, capture=False, keep_result=False) as recorder:
            future = recorder.submit(jobs.greet, "ada")
            future.result()
        found = database.get_record(future.msg_id)  # an open database stays open
        assert (found["stdout"], found["result_content"]) == ("", {"status": "ok"})
        assert found["execute_result"]["data"]["text/plain"].startswith("{'greeted'")
    with record(ThreadPoolExecutor(1), url, collection="mine") as recorder:
        recorder.submit(int).result()
    with TaskDatabase(url, collection="mine") as mine, TaskDatabase(url) as other:
        assert (len(mine.get_history()), len(other.get_history())) == (1, 0)
    with pytest.raises(StoreError, match=r"the store in .* is closed"):
        recorder.database.get_history()


def test_a_server(mongod_url: str) -> None:
    url = with_database(mongod_url, f"recorded_{uuid.uuid4().hex[:12]}")
    with record(ThreadPoolExecutor(2), url) as recorder:
        futures = [recorder.submit(jobs.greet, str(number)) for number in range(20)]
        failing = recorder.submit(jobs.fail, "reason")
    with TaskDatabase(url) as database:
        assert len(database.db_query({"result_content.value.greeted": {"$in": ["3", "15"]}})) == 2
        assert database.get_record(failing.msg_id)["error"]["evalue"] == "reason"
        assert {*database.get_history()} == {future.msg_id for future in futures} | {failing.msg_id}
    with pymongo.MongoClient[Record](url) as client:
        client.drop_database(client.get_default_database().name)


def test_cancelled_tasks(url: str) -> None:
    go_on = threading.Event()
    with record(ThreadPoolExecutor(1), url) as recorder:
        first = recorder.submit(go_on.wait, 10)
        second, third = recorder.submit(int), recorder.submit(int)
        assert second.cancel()
        assert second.cancelled()
        assert [*as_completed([second], timeout=1)] == [second]
        with pytest.raises(CancelledError):
            second.result()
        recorder.executor.submit(go_on.set)
        recorder.flush()
        threading.Timer(0.05, go_on.set).start()
        recorder.shutdown(cancel_futures=True)
        assert first.result()
        assert not first.cancel()
        assert third.cancelled()
    with TaskDatabase(url) as database:
        cancelled = database.db_query({"result_content.status": "aborted"})
        assert [found["msg_id"] for found in cancelled] == [second.msg_id, third.msg_id]
        assert all(found["started"] is None and found["completed"] for found in cancelled)
        assert database.get_record(first.msg_id)["result_content"] == {"status": "ok", "value": True}


def test_a_shutdown_that_does_not_wait(url: str) -> None:
    go_on = threading.Event()
    recorder = record(ThreadPoolExecutor(1), url)
    future = recorder.submit(go_on.wait, 10)
    recorder.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="after shutdown"):
        recorder.submit(int)
    go_on.set()
    assert future.result()
    recorder.shutdown()
    with TaskDatabase(url) as database:
        (found,) = database.find_records({})
        assert found["completed"] - found["submitted"] < timedelta(seconds=10)


def test_asyncio(threads: RecordingExecutor) -> None:
    async def main() -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, jobs.greet, "ada")

    assert asyncio.run(main())["greeted"] == "ada"
