"""The task database, recorded executors, and what authors of engines test with."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, assert_type

from mongoglot import Collection, Store, taskdb, testing
from mongoglot.taskdb import Retention, TaskDatabase
from mongoglot.taskdb.import_report import ImportReport
from mongoglot.taskdb.recorded_future import RecordedFuture
from mongoglot.taskdb.recording import RecordingExecutor

Record = dict[str, Any]


def database(records: list[Record]) -> None:
    tasks = TaskDatabase("memory:", retention=Retention(max_age=timedelta(days=30), max_records=1000))
    assert_type(tasks, TaskDatabase)
    with TaskDatabase("sqlite:tasks.db", collection="tasks") as entered:
        assert_type(entered, TaskDatabase)
    tasks.add_record("1", {"submitted": None})
    tasks.add_records(records)
    tasks.update_record("1", {"completed": None})
    tasks.drop_record("1")
    tasks.drop_matching_records({"completed": {"$ne": None}})
    assert_type(tasks.get_record("1"), Record)
    assert_type(tasks.get_result("1"), Record)
    assert_type(tasks.find_records("{engine_uuid: null}", ["msg_id"]), list[Record])
    assert_type(tasks.db_query({"submitted": {"$ge": None}}, keys="msg_id"), list[Record])
    assert_type(tasks.get_history(), list[str])
    assert_type(tasks.explain({}), dict[str, Any])
    assert_type(tasks.collection, Collection)
    assert_type(tasks.store, Store)
    assert_type(tasks.close(), None)


def greet(name: str, *, loud: bool = False) -> int:
    return len(name) + loud


def recorded(threads: ThreadPoolExecutor) -> None:
    executor = taskdb.record(threads, "memory:", label="greetings")
    assert_type(executor, RecordingExecutor)
    future = executor.submit(greet, "ada", loud=True)
    assert_type(future, RecordedFuture[int])
    assert_type(future.result(), int)
    assert_type(future.msg_id, str)
    assert_type(taskdb.import_history("old/tasks.db", "sqlite:tasks.db"), ImportReport)


def engines(store: Store, tested: Collection, reference: Collection) -> None:
    rng = random.Random(1)
    assert_type(testing.random_documents(rng, 5), list[Record])
    assert_type(testing.random_filter(rng, near=[{"a": 1}]), Record)
    assert_type(testing.each_with_each(), tuple[list[Record], list[Record]])
    assert_type(testing.assert_recorded(store), int)
    assert_type(testing.assert_agreement(tested, reference, documents=5, filters=5), int)
    found = testing.outcome(tested.find, [{"_id": 1}], {"a": 1})
    assert_type(found, frozenset[int] | str)
    assert_type(testing.differing(found, found, [{"_id": 1}]), list[Mapping[str, Any]])


def answered(documents: Sequence[Mapping[str, Any]], query: Mapping[str, Any]) -> testing.Outcome:
    return frozenset(range(len(documents)))


def differences(query: Mapping[str, Any]) -> None:
    found = testing.minimal_differences(query, [{"_id": 1}], answered, answered)
    assert_type(found, list[testing.Difference])


def refused(tasks: TaskDatabase, executor: RecordingExecutor) -> None:
    """What type checkers refuse: a comment without an error below is an error."""
    TaskDatabase()  # type: ignore[call-arg]
    TaskDatabase("memory:", retention=30)  # type: ignore[arg-type]
    Retention(max_age=30)  # type: ignore[arg-type]
    Retention(timedelta(days=1)).max_age = None  # type: ignore[misc]
    tasks.add_record({"msg_id": "1"})  # type: ignore[call-arg, arg-type]
    tasks.get_history()[0].submitted  # type: ignore[attr-defined]  # noqa: B018
    tasks.db_query({"a": 1}, keys=5)  # type: ignore[arg-type]
    executor.submit(greet, 5)  # type: ignore[arg-type]
    executor.submit(greet, "ada", quiet=True)  # type: ignore[call-arg]
    taskdb.recorded(executor, "memory:")  # type: ignore[attr-defined]
    testing.random_documents(5, 5)  # type: ignore[arg-type]
