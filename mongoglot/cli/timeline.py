"""What a cluster did when: engines as rows, tasks as bars, failures in another colour."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

from mongoglot.errors import UnsupportedError

KEYS: Final = ("msg_id", "engine_uuid", "started", "completed", "label", "result_content.status", "error")
"""The keys of a record that a picture needs."""

COLOURS: Final = {"ok": "#4c9f70", "error": "#c8442d", "running": "#e0a63a"}

_ROW, _LEFT, _WIDTH, _TOP = 22, 150, 1000, 34


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


def timeline(records: Iterable[Mapping[str, Any]], now: datetime | None = None) -> Timeline:
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
            failed = record.get("error") or (record.get("result_content") or {}).get("status") == "error"
            state = "error" if failed else "ok"
        engine = str(record.get("engine_uuid") or "no engine")
        name = str(record.get("label") or record.get("msg_id"))
        bars.append(Bar(engine, start, end if isinstance(end, datetime) else max(moment, start), state, name))
    bars.sort(key=lambda bar: bar.start)
    if not bars:
        return Timeline((), moment, moment, waiting)
    return Timeline(tuple(bars), bars[0].start, max(bar.end for bar in bars), waiting)


def to_text(picture: Timeline, width: int) -> list[list[tuple[str, str]]]:
    """The picture in letters: lines of pieces, each a text and its state, an empty one for none.

    Of several tasks in one place, a failed one is seen first, then a running one.
    """
    room, order = max(width - 16, 10), ("", "ok", "running", "error")
    lines = []
    for engine in picture.engines:
        cells = [""] * room
        for bar in picture.bars:
            if bar.engine == engine:
                first = min(int(picture.share(bar.start) * room), room - 1)
                last = min(max(int(picture.share(bar.end) * room), first + 1), room)
                for place in range(first, last):
                    cells[place] = max(cells[place], bar.state, key=order.index)
        pieces: list[tuple[str, str]] = [(f"{engine[:14]:<15}", "")]
        pieces += [("█" if state else "·", state) for state in cells]
        lines.append(pieces)
    return lines


def to_svg(picture: Timeline) -> str:
    """The picture as SVG; every bar tells its name and time where one points at it."""
    height = _TOP + _ROW * max(len(picture.engines), 1) + 30
    rows = {engine: number for number, engine in enumerate(picture.engines)}
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 20}" height="{height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="20">{html.escape(title(picture))}</text>',
    ]
    for engine, number in rows.items():
        y = _TOP + _ROW * number
        parts.append(f'<text x="10" y="{y + 15}">{html.escape(engine[:20])}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y + 20}" y2="{y + 20}" stroke="#ddd"/>')
    for bar in picture.bars:
        x, width = _place(picture, bar)
        seconds = (bar.end - bar.start).total_seconds()
        about = f"{bar.name}: {bar.state}, {seconds:.3f} s from {bar.start.isoformat()}"
        parts.append(
            f'<rect x="{x:.1f}" y="{_TOP + _ROW * rows[bar.engine] + 3}" width="{width:.1f}" height="15" '
            f'fill="{COLOURS[bar.state]}"><title>{html.escape(about)}</title></rect>'
        )
    y = height - 10
    parts.append(f'<text x="{_LEFT}" y="{y}">{picture.start.isoformat(timespec="seconds")}</text>')
    parts.append(f'<text x="{_LEFT + _WIDTH}" y="{y}" text-anchor="end">{picture.seconds:,.1f} s</text>')
    return "\n".join([*parts, "</svg>\n"])


def write_png(picture: Timeline, path: str) -> None:
    """The picture as PNG.

    Raises:
        UnsupportedError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise UnsupportedError("a PNG needs Pillow: pip install pillow, or write an .svg") from None
    rows = {engine: number for number, engine in enumerate(picture.engines)}
    height = _TOP + _ROW * max(len(rows), 1) + 30
    image = Image.new("RGB", (_LEFT + _WIDTH + 20, height), "white")
    draw = ImageDraw.Draw(image)
    draw.text((10, 8), title(picture), fill="black")
    for engine, number in rows.items():
        draw.text(
            (10, _TOP + _ROW * number + 4), engine[:20].encode("ascii", "replace").decode(), fill="black"
        )
    for bar in picture.bars:
        x, width = _place(picture, bar)
        y = _TOP + _ROW * rows[bar.engine] + 3
        draw.rectangle((x, y, x + width, y + 15), fill=COLOURS[bar.state])
    draw.text(
        (_LEFT, height - 22),
        f"{picture.start.isoformat(timespec='seconds')}, {picture.seconds:,.1f} s",
        fill="black",
    )
    image.save(path, "PNG")


def _place(picture: Timeline, bar: Bar) -> tuple[float, float]:
    """Where a bar begins and how wide it is, in pixels; the shortest can still be seen."""
    x = _LEFT + picture.share(bar.start) * _WIDTH
    return x, max((picture.share(bar.end) - picture.share(bar.start)) * _WIDTH, 1.0)


def title(picture: Timeline) -> str:
    """How many tasks there are, and how they ended."""
    states = [bar.state for bar in picture.bars]
    counts = ", ".join(f"{states.count(state)} {state}" for state in COLOURS)
    return f"{len(states)} tasks on {len(picture.engines)} engines: {counts}, {picture.waiting} waiting"
