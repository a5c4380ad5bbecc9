"""Measuring runs side by side: they take turns, so that a busy machine slows all of them, and the best counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

REPEATS = 7

Run = Callable[[], Any]
Row = tuple[str, ...]


def best(*runs: Run, repeats: int = REPEATS) -> list[float]:
    """The best time of each, in seconds."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def agreed(answers: list[Any]) -> Any:
    """The answer of all; a benchmark of different answers would mean nothing."""
    assert all(answer == answers[0] for answer in answers), answers  # noqa: S101 - a benchmark checks itself
    return answers[0]


def micros(seconds: float) -> str:
    return f"{seconds * 1e6:.2f}" if seconds < 1e-5 else f"{seconds * 1e6:.0f}"


def millis(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def ratio(ours: float, theirs: float, target: float | None = None) -> str:
    """Our time over theirs, with what is aimed at: `1.21 (≤ 1.4)`."""
    value = f"{ours / theirs:.2f}"
    return value if target is None else f"{value} (≤ {target:g})"


def times_faster(ours: float, theirs: float, target: float) -> str:
    """How many times faster we are: `31× (≥ 30)`."""
    return f"{theirs / ours:.3g}× (≥ {target:g})"
