"""What runs where a task runs: the function itself, and around it what is noted of it.

Workers in other processes load this module; they open no store.
"""

from __future__ import annotations

import os
import pickle
import socket
import threading
from collections.abc import Callable, MutableMapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakValueDictionary

from mongoglot.taskdb.live_reports import Address, send
from mongoglot.taskdb.summaries import NotKeptError, error_document, kept, summary
from mongoglot.taskdb.task_output import caught


class Assignment(NamedTuple):
    """What a worker has to know of a task.

    Attributes:
        msg_id: of the task.
        recorder: the id of the recorder that wants to know.
        capture: whether to catch what is printed.
        keep_result: whether to keep the result's value, where BSON can hold it.
        address: where to say that it has started, from another process.
    """

    msg_id: str
    recorder: str
    capture: bool
    keep_result: bool
    address: Address | None


class Outcome(NamedTuple):
    """What a worker in another process returns.

    Attributes:
        report: keys of the record.
        value: what the function returned.
        error: what it raised, as a pickle; None if it returned.
    """

    report: dict[str, Any]
    value: Any
    error: bytes | None


class Recorder(Protocol):
    """Who is told, in the same process."""

    def started(self, msg_id: str, fields: dict[str, Any]) -> None:
        """A task has started."""

    def ended(self, msg_id: str, fields: dict[str, Any]) -> None:
        """A task has ended, well or not; its future does not know yet."""


RECORDERS: Final[MutableMapping[tuple[int, str], Recorder]] = WeakValueDictionary()
"""The recorders of a process by its id, which in a forked one is another, and their own."""


def run(assignment: Assignment, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call the function; what is noted never stands in its way.

    Returns:
        what the function returns; in another process than the recorder's an `Outcome`.
    """
    recorder = RECORDERS.get((os.getpid(), assignment.recorder))
    report: dict[str, Any] = {"started": datetime.now(UTC), "engine_uuid": worker_name()}
    with suppress(Exception):
        if recorder is not None:
            recorder.started(assignment.msg_id, dict(report))
        elif assignment.address is not None:
            send(assignment.address, assignment.msg_id, report["started"], report["engine_uuid"])
    result: Any = None
    failure: BaseException | None = None
    with caught() if assignment.capture else nullcontext() as output:
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            failure = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    report["completed"] = datetime.now(UTC)
    if output is not None:
        report |= {name: output.text(name) for name in ("stdout", "stderr")}
    if failure is not None:
        report |= failed(failure)
    else:
        report |= succeeded(result, keep=assignment.keep_result)
    if recorder is not None:
        recorder.ended(assignment.msg_id, report)
    if failure is None:
        return result if recorder is not None else Outcome(report, result, None)
    try:
        if recorder is None and (packed := _packed(failure)) is not None:
            return Outcome(report, None, packed)
        raise failure
    finally:
        del failure  # or the traceback and this frame would keep each other


def succeeded(result: Any, *, keep: bool) -> dict[str, Any]:
    """The keys of a record that tell a result."""
    content: dict[str, Any] = {"status": "ok"}
    if keep:
        with suppress(NotKeptError, RecursionError):
            content["value"] = kept(result)
    shown = {"data": {"text/plain": summary(result)}, "metadata": {}, "execution_count": None}
    return {"result_content": content, "execute_result": shown}


def failed(error: BaseException) -> dict[str, Any]:
    """The keys of a record that tell an error."""
    document = error_document(error)
    return {"result_content": {"status": "error", **document}, "error": document}


def worker_name() -> str:
    """Who runs a task: machine, process, thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.current_thread().name}"


def _packed(error: BaseException) -> bytes | None:
    """The error as a pickle that can be read elsewhere; None where the executor has to find its own way."""
    if not isinstance(error, Exception) or type(error).__module__ == "__main__":
        return None
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # noqa: S301 - made here, in the line above
    except Exception:
        return None
    return data
