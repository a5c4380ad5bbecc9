"""How long a read may take: engines look at the clock where they may spend much time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Final, TypeVar

from mongoglot.errors import TimeLimitError

T = TypeVar("T")

_AT_ONCE: Final = 64
"""Documents between two looks at the clock."""

_AGAIN: Final = 0.01
"""Seconds between two interruptions."""

_DEADLINE: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)
"""When the read that runs has to end, on the clock of `time.monotonic`."""


@contextmanager
def until(deadline: float | None) -> Iterator[None]:
    """What runs inside has to end by then."""
    former = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(former)


def remaining() -> float | None:
    """How many seconds are left, at least 0; None for all the time in the world."""
    deadline = _DEADLINE.get()
    return None if deadline is None else max(deadline - time.monotonic(), 0.0)


def is_over() -> bool:
    """Whether the time is over."""
    return remaining() == 0.0


def in_time(items: Iterable[T]) -> Iterator[T]:
    """The items, with a look at the clock from time to time; they themselves where there is no limit.

    Raises:
        TimeLimitError: as the next item is asked for, the time is over.
    """
    return iter(items) if _DEADLINE.get() is None else _looking(iter(items))


def _looking(items: Iterator[T]) -> Iterator[T]:
    while some := list(islice(items, _AT_ONCE)):
        if is_over():
            raise TimeLimitError
        yield from some


@contextmanager
def interrupting(interrupt: Callable[[], object]) -> Iterator[None]:
    """What runs inside is interrupted from another thread when the time is over.

    Args:
        interrupt: makes it end with an error, whichever.

    Raises:
        TimeLimitError: in the place of that error.
    """
    left = remaining()
    if left is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        wait = left
        while not done.wait(wait):
            interrupt()
            wait = _AGAIN  # it may have come before there was something to interrupt

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception:
        if is_over():
            raise TimeLimitError from None
        raise
    finally:
        done.set()
        watcher.join()  # so that it does not meet what runs next


def limited(start: Callable[[], Iterator[T]], milliseconds: int) -> Iterator[T]:
    """What `start` finds, as long as finding and reading it takes no longer.

    Raises:
        TimeLimitError: it does.
    """
    deadline = time.monotonic() + milliseconds / 1000
    with until(deadline):
        found = start()
    return _read(found, deadline)


def _read(found: Iterator[T], deadline: float) -> Iterator[T]:
    while True:
        with until(deadline):
            if is_over():
                raise TimeLimitError
            try:
                item = next(found)
            except StopIteration:
                return
        yield item
