"""What a cluster did when: engines as rows, tasks as bars, failures in another colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

KEYS: Final = ("msg_id", "engine_uuid", "started", "completed", "label", "result_content.status", "error")
"""The keys of a record that a picture needs."""

COLOURS: Final = {"ok": "#4c9f70", "error": "#c8442d", "running": "#e0a63a"}


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """A task on an engine.

    Attributes:
        engine: its row.
        start, end: instants; a running task ends now.
        state: `ok`, `error` or `running`.
        name: its label or id.
    """

    engine: str
    start: datetime
    end: datetime
    state: str
    name: str


@final
@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars of a picture.

    Attributes:
        bars: by their start.
        start, end: of all of them.
        waiting: how many tasks have not started.
    """

    bars: tuple[Bar, ...]
    start: datetime
    end: datetime
    waiting: int

    @property
    def engines(self) -> list[str]:
        """The rows, in the order in which they got their first task."""
        return list(dict.fromkeys(bar.engine for bar in self.bars))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max((self.end - self.start).total_seconds(), 0.001)

    def share(self, instant: datetime) -> float:
        """Where an instant is, from 0 to 1."""
        return (instant - self.start).total_seconds() / self.seconds


def timeline_of(records: Iterable[Mapping[str, Any]], now: datetime | None = None) -> Timeline:
    """The bars of some records, which have `KEYS`."""
    moment = now or datetime.now(UTC)
    bars, waiting = [], 0
    for record in records:
        start, end = record.get("started"), record.get("completed")
        if not isinstance(start, datetime):
            waiting += 1
            continue
        state = "running"
        if isinstance(end, datetime):
            failed = record.get("error") or _failed_result(record.get("result_content"))
            state = "error" if failed else "ok"
        engine = str(record.get("engine_uuid") or "no engine")
        name = str(record.get("label") or record.get("msg_id"))
        bars.append(Bar(engine, start, end if isinstance(end, datetime) else max(moment, start), state, name))
    bars.sort(key=lambda bar: bar.start)
    if not bars:
        return Timeline((), moment, moment, waiting)
    return Timeline(tuple(bars), bars[0].start, max(bar.end for bar in bars), waiting)


def _failed_result(content: Any) -> bool:
    return isinstance(content, Mapping) and content.get("status") == "error"


def title(picture: Timeline) -> str:
    """How many tasks there are, and how they ended."""
    states = [bar.state for bar in picture.bars]
    counts = ", ".join(f"{states.count(state)} {state}" for state in COLOURS)
    return f"{len(states)} tasks on {len(picture.engines)} engines: {counts}, {picture.waiting} waiting"
