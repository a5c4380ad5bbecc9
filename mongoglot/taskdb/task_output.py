"""What a task prints, caught without disturbing what others print at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, final

MAX_TEXT: Final = 1_000_000
"""Characters of each stream that are kept of a task; there may be more."""

_WAIT: Final = 1.0
"""Seconds: in a process that was forked at the wrong moment the lock is nobody's."""

_STREAMS: Final = ("stdout", "stderr")


@final
class Output:
    """What one task has printed so far; it goes where it would have gone, too."""

    def __init__(self) -> None:
        self._parts: dict[str, list[str]] = {name: [] for name in _STREAMS}
        self._sizes = dict.fromkeys(_STREAMS, 0)

    def take(self, stream: str, text: str) -> None:
        """Keep what was written to a stream."""
        room = MAX_TEXT - self._sizes[stream]
        if room > 0:
            self._parts[stream].append(text[:room])
        self._sizes[stream] += len(text)

    def text(self, stream: str) -> str:
        """All that was written; its beginning, where that is very much."""
        text = "".join(self._parts[stream])
        more = self._sizes[stream] - len(text)
        return f"{text}\n… and {more:,} characters more" if more else text


_current: ContextVar[Output | None] = ContextVar("mongoglot_task_output", default=None)
_lock: Final = threading.Lock()
_running = 0


@final
class _Tee:
    """In the place of `sys.stdout` while tasks run: the stream itself, which also tells the task that writes."""

    def __init__(self, stream: Any, name: str) -> None:
        self.stream = stream
        self._name = name

    def write(self, text: str) -> Any:
        """Write, and tell the task, if one writes."""
        output = _current.get()
        if output is not None and isinstance(text, str):
            output.take(self._name, text)
        return self.stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def caught() -> Iterator[Output]:
    """Catch what is printed inside, by this thread or coroutine."""
    output = Output()
    watched = _watch(1)
    token = _current.set(output)
    try:
        yield output
    finally:
        _current.reset(token)
        if watched:
            _watch(-1)


def _watch(change: int) -> bool:
    """Put a tee into each stream for the first task, and take it out after the last one; False if that failed."""
    global _running
    if not _lock.acquire(timeout=_WAIT):
        return False
    try:
        _running += change
        for name in _STREAMS:
            stream = getattr(sys, name)
            if isinstance(stream, _Tee):
                if not _running:
                    setattr(sys, name, stream.stream)
            elif _running and stream is not None:
                setattr(sys, name, _Tee(stream, name))
    finally:
        _lock.release()
    return True
