"""Records of the tasks of any executor, in the schema of a cluster's."""

from __future__ import annotations

import getpass
import logging
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as _wait_for
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Final, ParamSpec, TypeVar, final

from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.live_reports import Listener
from mongoglot.taskdb.record_writer import RecordWriter
from mongoglot.taskdb.recorded_future import RecordedFuture, outcome, unpacked
from mongoglot.taskdb.recorded_task import RECORDERS, Assignment, Outcome, failed, run
from mongoglot.taskdb.schema import empty_record
from mongoglot.taskdb.summaries import arguments_summary, function_name

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds that the end of a recorder waits for its records to be written."""

_log: Final = logging.getLogger("mongoglot.taskdb")


def record(
    executor: Executor,
    url: str | TaskDatabase,
    *,
    label: str | None = None,
    capture: bool = True,
    keep_result: bool = True,
    **options: Any,
) -> RecordingExecutor:
    """Record what an executor runs.

    Args:
        executor: any: of threads, of processes, of a cluster (`view.executor`), or one of your own.
        url: of the task database; or an open one, which stays open.
        label: of the tasks.
        capture: whether to record what tasks write to `sys.stdout` and `sys.stderr`; it is printed, too.
        keep_result: whether to keep the values of results, where BSON can hold them and they are not large;
            a summary is kept in any case.
        options: of `TaskDatabase`, as `collection`.

    Raises:
        as `TaskDatabase`: a database that cannot be opened now is a mistake. Later troubles of the database are
        told in the log of `mongoglot.taskdb`, once, and the tasks know nothing of them.
    """
    database = TaskDatabase(url, **options) if isinstance(url, str) else url
    return RecordingExecutor(executor, database, label, capture, keep_result, owns=isinstance(url, str))


@final
class RecordingExecutor(Executor):
    """An executor whose tasks are recorded; made by `record`.

    Attributes:
        executor: the one that runs them.
        database: where the records are.
        client_uuid: the session, in each record.
    """

    def __init__(
        self,
        executor: Executor,
        database: TaskDatabase,
        label: str | None,
        capture: bool,
        keep_result: bool,
        *,
        owns: bool,
    ) -> None:
        self.executor = executor
        self.database = database
        self.client_uuid = str(uuid.uuid4())
        self._options = (capture, keep_result)
        self._template = {name: value for name, value in empty_record().items() if name != "msg_id"} | {
            "label": label, "client_uuid": self.client_uuid, "queue": "task", "metadata": {},
        }  # fmt: skip
        self._header = {"msg_type": "apply_request", "session": self.client_uuid, "username": _user()}
        self._numbers = count()
        self._open: dict[str, RecordedFuture[Any]] = {}
        self._ended: dict[str, dict[str, Any]] = {}
        self._writer = RecordWriter(database)
        self._listener = None if isinstance(executor, ThreadPoolExecutor) else self._listening()
        self._lock = threading.Lock()
        self._has_begun = self._is_closing = False
        RECORDERS[os.getpid(), self.client_uuid] = self
        mine = database if owns else None
        self._close = weakref.finalize(self, _closed, self._writer, self._listener, mine, os.getpid())

    def _listening(self) -> Listener | None:
        try:
            return Listener(partial(_noted, self._open, self._writer))
        except OSError:
            _log.warning("tasks in other processes are recorded as started only at their end", exc_info=True)
            return None

    # ---- what an executor does ----------------------------------------------------------------------

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> RecordedFuture[T]:
        """Run a function some time, and record it.

        Raises:
            what the executor raises; then nothing is recorded.
        """
        msg_id = f"{self.client_uuid}_{next(self._numbers)}"
        self._writer.put(msg_id, self._submitted(msg_id, fn, args, kwargs))
        address = self._listener.address if self._listener is not None else None
        assignment = Assignment(msg_id, self.client_uuid, *self._options, address)
        future: RecordedFuture[T] = RecordedFuture(msg_id)
        self._open[msg_id] = future
        try:
            inner = self.executor.submit(run, assignment, fn, *args, **kwargs)
        except BaseException:
            del self._open[msg_id]
            self._writer.put(msg_id, None)
            raise
        self._begin()
        future.follow(inner)
        inner.add_done_callback(partial(self._finished, future))
        return future

    def _submitted(self, msg_id: str, function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        name, arguments = function_name(function), arguments_summary(args, kwargs)
        return {
            **self._template,
            "header": {**self._header, "msg_id": msg_id, "date": now},
            "content": {"function": name, "arguments": arguments},
            "execute_input": f"{name}({arguments})",
            "buffers": [],
            "submitted": now,
        }

    def _begin(self) -> None:
        """Start our threads: only now, as a pool may have forked its workers in its first `submit`."""
        if not self._has_begun:
            with self._lock:
                if not self._has_begun:
                    self._has_begun = True
                    self._writer.start()
                    if self._listener is not None:
                        self._listener.start()

    def flush(self, timeout: float = PATIENCE) -> bool:
        """Wait until the records say all that has happened so far; False if that takes longer.

        Args:
            timeout: in seconds.
        """
        return self._writer.flush(timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut down the executor; when the last task is recorded, the database is closed if it was opened here.

        Args:
            wait: for the tasks and their records.
            cancel_futures: those that have not begun.
        """
        if cancel_futures:
            for future in list(self._open.values()):
                future.cancel()
        self.executor.shutdown(wait=wait)
        self._is_closing = True
        if wait:
            _wait_for(list(self._open.values()), PATIENCE)
        if wait or not self._open:
            self._close()

    # ---- what happens to a task ---------------------------------------------------------------------

    def started(self, msg_id: str, fields: dict[str, Any]) -> None:
        """A worker of this process has begun a task."""
        _noted(self._open, self._writer, msg_id, fields)

    def ended(self, msg_id: str, fields: dict[str, Any]) -> None:
        """A worker of this process has ended a task; its future is next."""
        self._ended[msg_id] = fields

    def _finished(self, future: RecordedFuture[Any], inner: Future[Any]) -> None:
        """The executor's future is done: note the outcome, and tell it to the user's future."""
        now = datetime.now(UTC)
        report = self._ended.pop(future.msg_id, None)
        value, error = outcome(inner)
        if isinstance(value, Outcome):
            report, value, error = value.report, value.value, unpacked(value)
        try:
            if report is None:
                status = {"result_content": {"status": "aborted"}}
                report = {"completed": now, **(failed(error) if error is not None else status)}
            self._writer.put(future.msg_id, {**report, "received": now, "result_buffers": []}, last=True)
        except Exception:
            _log.warning("task %s cannot be recorded", future.msg_id, exc_info=True)
        self._open.pop(future.msg_id, None)
        if inner.cancelled():
            future.settle_cancelled()
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)
        if self._is_closing and not self._open:
            self._close()


def _noted(tasks: Mapping[str, Any], writer: RecordWriter, msg_id: str, fields: dict[str, Any]) -> None:
    """Write what is known of a task, if it is one that has not ended."""
    if msg_id in tasks:
        writer.put(msg_id, fields)


def _closed(
    writer: RecordWriter, listener: Listener | None, database: TaskDatabase | None, process: int
) -> None:
    """Close what a recorder has opened: at its end, or at that of its process; not in one that was forked."""
    if os.getpid() != process:
        return
    if listener is not None:
        listener.close()
    writer.close(PATIENCE)
    if database is not None:
        database.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
