"""The future of a recorded task, and what becomes of the executor's own."""

from __future__ import annotations

import pickle
from concurrent.futures import Future
from typing import Any, TypeVar, final

from mongoglot.taskdb.recorded_task import Outcome

T = TypeVar("T")


@final
class RecordedFuture(Future[T]):
    """The future of a recorded task: that of the executor, with the id of the record.

    Attributes:
        msg_id: of the task.
    """

    def __init__(self, msg_id: str) -> None:
        super().__init__()
        self.msg_id = msg_id
        self._inner: Future[Any] | None = None

    def follow(self, inner: Future[Any]) -> None:
        """Ask the executor's own future from now on."""
        self._inner = inner

    def cancel(self) -> bool:
        """Cancel the task, if it has not begun."""
        return self._inner is not None and self._inner.cancel()

    def running(self) -> bool:
        """Whether it runs now."""
        return self._inner is not None and self._inner.running() and not self.done()

    def settle_cancelled(self) -> None:
        """Say that the task was cancelled."""
        super().cancel()
        self.set_running_or_notify_cancel()


def outcome(inner: Future[Any]) -> tuple[Any, BaseException | None]:
    """The result and the error of a future that is done; neither if it was cancelled."""
    if inner.cancelled():
        return None, None
    try:
        error = inner.exception()
        return (None, error) if error is not None else (inner.result(), None)
    except BaseException as error:  # of a strange future
        return None, error


class RemoteTracebackError(Exception):
    """The cause of an error that a worker in another process raised: its traceback there, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def unpacked(packed: Outcome) -> BaseException | None:
    """The error that a worker in another process has packed."""
    if packed.error is None:
        return None
    document = packed.report["error"]
    try:
        error: BaseException = pickle.loads(packed.error)  # noqa: S301 - an executor's results are pickles of its workers anyway
    except Exception:
        error = RuntimeError(f"{document['ename']}: {document['evalue']}")
    error.__cause__ = RemoteTracebackError("".join(document["traceback"]))
    return error
