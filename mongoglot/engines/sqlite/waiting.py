"""Waiting for a file that is busy, and the transactions that begin so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar, final

import apsw

from mongoglot.engines.sqlite.failures import BUSY_TIMEOUT

T = TypeVar("T")


@final
class Waiting:
    """Waits for a lock: SQLite's own way sleeps longer and longer, and a busy process shuts it out."""

    def __init__(self) -> None:
        self._deadline = 0.0

    def __call__(self, count: int) -> bool:
        """Whether to try once more."""
        if not count:
            self._deadline = time.monotonic() + BUSY_TIMEOUT
        time.sleep(random.uniform(0.0005, 0.005))  # noqa: S311 - so that two do not wait in step
        return time.monotonic() < self._deadline


def patiently(step: Callable[[], T]) -> T:
    """The result of a step outside a transaction, tried again for as long as the file is busy.

    SQLite waits by itself for most locks, but not where two waiters could wait for each other: while the
    journal mode of a new file changes, and while the last connection removes the log.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            return step()
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def begin_writing(connection: apsw.Connection) -> None:
    """Begin to write, as soon as nobody else does; what is read from now on is what is there."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except apsw.BusyError:
        patiently(partial(connection.execute, "BEGIN IMMEDIATE"))


def begin_reading(connection: apsw.Connection) -> int:
    """Begin to read; the version of the schema, as the first statement that reads takes the view."""
    connection.execute("BEGIN")
    try:
        return int(next(iter(connection.execute("PRAGMA schema_version")))[0])
    except BaseException:
        connection.execute("ROLLBACK")
        raise
