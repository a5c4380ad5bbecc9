"""Writes records of tasks behind the back of those who submit them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, final

from mongoglot.errors import DuplicateKeyError, MongoglotError, StoreError, UnknownTaskError
from mongoglot.taskdb.database import TaskDatabase

PAUSE: Final = 0.05
"""Seconds between a first event and the writing, so that what happens meanwhile is written at once."""

RETRY: Final = 1.0
"""Seconds after which what could not be written is tried again."""

MAX_EVENTS: Final = 5_000
"""Events that are taken at once."""

MAX_WAITING: Final = 100_000
"""Tasks that wait for a store that cannot be written; beyond, the oldest are given up."""

_log: Final = logging.getLogger("mongoglot.taskdb")


class _Event(NamedTuple):
    """What happened to a task: new values, or None for a task that was none; `last` if nothing will follow."""

    msg_id: str
    fields: dict[str, Any] | None
    last: bool


@final
class RecordWriter:
    """A thread that writes events to a task database, in their order, and many at once.

    A store that cannot be written is tried again, and told of once in the log; the tasks know nothing of it.
    """

    def __init__(self, database: TaskDatabase) -> None:
        self._database = database
        self._events: SimpleQueue[_Event | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting: dict[str, dict[str, Any]] = {}
        self._stored: set[str] = set()
        self._ended: set[str] = set()
        self._has_told = False

    def put(self, msg_id: str, fields: dict[str, Any] | None, *, last: bool = False) -> None:
        """Write values of a task some time soon; the first ones make its record."""
        self._events.put(_Event(msg_id, fields, last))

    def start(self) -> None:
        """Begin to write: later than a pool has forked its workers, which so have no thread of ours."""
        self._thread = threading.Thread(target=self._run, name="mongoglot recorder", daemon=True)
        self._thread.start()

    def flush(self, timeout: float) -> bool:
        """Wait until all that was put so far has been written, or tried; False after so many seconds."""
        if self._thread is None or not self._thread.is_alive():
            return True
        done = threading.Event()
        self._events.put(done)
        return done.wait(timeout)

    def close(self, timeout: float) -> None:
        """Write what is left, and end the thread."""
        if self._thread is None:
            self._take(self._drained())
            self._write()
        else:
            self._events.put(None)
            self._thread.join(timeout)
        if self._waiting:
            _log.warning("the records of %d tasks could not be written", len(self._waiting))

    # ---- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        is_open = True
        while is_open:
            events: list[_Event | threading.Event | None] = []
            with suppress(Empty):
                events.append(self._events.get(timeout=RETRY if self._waiting else None))
                if events[0] is not None:
                    time.sleep(PAUSE)
                events += self._drained()
            is_open = None not in events
            try:
                self._take(events)
                self._write()
            except Exception:
                self._tell("an event of a task cannot be recorded")
            for event in events:
                if isinstance(event, threading.Event):
                    event.set()

    def _drained(self) -> Iterator[_Event | threading.Event | None]:
        for _ in range(MAX_EVENTS):
            try:
                yield self._events.get_nowait()
            except Empty:
                return

    def _take(self, events: Any) -> None:
        """Put the events of each task together."""
        for event in events:
            if not isinstance(event, _Event):
                continue
            if event.last:
                self._ended.add(event.msg_id)
            if event.fields is not None:
                self._waiting.setdefault(event.msg_id, {}).update(event.fields)
            else:
                self._waiting.pop(event.msg_id, None)
                if event.msg_id in self._stored:
                    with suppress(MongoglotError):
                        self._database.drop_record(event.msg_id)
                self._forget(event.msg_id)
        for msg_id in list(self._waiting)[: max(len(self._waiting) - MAX_WAITING, 0)]:
            del self._waiting[msg_id]

    def _write(self) -> None:
        """Write all that waits; what the store cannot take now goes on waiting."""
        new = [msg_id for msg_id in self._waiting if msg_id not in self._stored]
        try:
            if new:
                self._add(new)
            for msg_id in list(self._waiting):
                self._update(msg_id)
        except StoreError:
            self._tell("tasks cannot be recorded now; they run on, and recording them is tried again")

    def _add(self, new: list[str]) -> None:
        try:
            self._database.add_records({**self._waiting[msg_id], "msg_id": msg_id} for msg_id in new)
        except StoreError:
            raise
        except Exception:  # one of them is refused: the others must not suffer
            for msg_id in new:
                self._add_one(msg_id)
        else:
            for msg_id in new:
                self._written(msg_id)

    def _add_one(self, msg_id: str) -> None:
        try:
            self._database.add_record(msg_id, self._waiting[msg_id])
        except DuplicateKeyError:  # it was written, but the connection broke before we knew
            self._stored.add(msg_id)
            return
        except StoreError:
            raise
        except Exception:
            self._tell(f"task {msg_id} cannot be recorded")
        self._written(msg_id)

    def _update(self, msg_id: str) -> None:
        try:
            self._database.update_record(msg_id, self._waiting[msg_id])
        except UnknownTaskError:
            pass  # somebody has purged it
        except StoreError:
            raise
        except Exception:
            self._tell(f"task {msg_id} cannot be recorded")
        self._written(msg_id)

    def _written(self, msg_id: str) -> None:
        del self._waiting[msg_id]
        self._stored.add(msg_id)
        if msg_id in self._ended:
            self._forget(msg_id)

    def _forget(self, msg_id: str) -> None:
        self._stored.discard(msg_id)
        self._ended.discard(msg_id)

    def _tell(self, what: str) -> None:
        """Say in the log that something is wrong, the first time only."""
        if not self._has_told:
            self._has_told = True
            _log.warning("%s", what, exc_info=True)
