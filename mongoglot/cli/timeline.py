"""What a cluster did when: engines as rows, tasks as bars, failures in another colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

KEYS: Final = (
    "msg_id", "engine_uuid", "submitted", "started", "completed", "label", "result_content.status", "error",
)  # fmt: skip
"""The keys of a record that a picture needs."""

NO_ENGINE: Final = "no engine"
"""The row of tasks that failed before they came to an engine."""

COLOURS: Final = {"ok": "#4c9f70", "error": "#c8442d", "running": "#e0a63a"}


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """A task on an engine.

    Attributes:
        engine: its row.
        start, end: instants; a running task ends now, and one that failed without having started has no length.
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
        counts: how many tasks are `ok`, `error`, `running` and `waiting`, those without any time among them.
    """

    bars: tuple[Bar, ...]
    start: datetime
    end: datetime
    counts: Mapping[str, int]

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
    bars, counts = [], Counter[str]()
    for record in records:
        state = state_of(record)
        counts[state] += 1
        bar = _bar(record, state, moment)
        if bar is not None:
            bars.append(bar)
    bars.sort(key=lambda bar: bar.start)
    if not bars:
        return Timeline((), moment, moment, counts)
    return Timeline(tuple(bars), bars[0].start, max(bar.end for bar in bars), counts)


def state_of(record: Mapping[str, Any]) -> str:
    """What became of a task: `error`, `ok`, `running` or `waiting`, as `tasks errors` and `tasks list` have it."""
    content = record.get("result_content")
    if record.get("error") is not None or (isinstance(content, Mapping) and content.get("status") == "error"):
        return "error"
    if record.get("completed") is not None:
        return "ok"
    return "waiting" if record.get("started") is None else "running"


def _bar(record: Mapping[str, Any], state: str, moment: datetime) -> Bar | None:
    """The bar of a task; None for one that waits, or that has no time at which to draw it."""
    times = [record.get(key) for key in ("started", "completed", "submitted")]
    start = next((time for time in times if isinstance(time, datetime)), None)
    if state == "waiting" or start is None:
        return None
    end = times[1]
    if not isinstance(end, datetime):
        end = max(moment, start) if state == "running" else start
    engine = str(record.get("engine_uuid") or NO_ENGINE)
    return Bar(engine, start, end, state, str(record.get("label") or record.get("msg_id")))


def title(picture: Timeline) -> str:
    """How many tasks there are, and how they ended."""
    counts = ", ".join(f"{picture.counts.get(state, 0)} {state}" for state in (*COLOURS, "waiting"))
    begun = sum(picture.counts.get(state, 0) for state in COLOURS)
    engines = [engine for engine in picture.engines if engine != NO_ENGINE]
    return f"{begun} tasks on {len(engines)} engines: {counts}"
