"""The executors whose tasks the tests record."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path
from typing import Any

from mongoglot.taskdb.recorded_future import RecordedFuture
from mongoglot.taskdb.recording import RecordingExecutor
from tests.taskdb.history import Record

ROOT = Path(__file__).parent.parent.parent


def fork_pool() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))


def spawn_pool() -> Executor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


class InPlace(Executor):
    """An executor of somebody's own: it runs what it is given at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: ThreadPoolExecutor(2),
    "in place": InPlace,
    "forked": fork_pool,
    "spawned": spawn_pool,
}


def recorded(recorder: RecordingExecutor, future: Future[Any]) -> Record:
    """The record of a task, as it is now."""
    assert isinstance(future, RecordedFuture)
    assert recorder.flush()
    return recorder.database.get_record(future.msg_id)
