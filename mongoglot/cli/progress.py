"""A bar with the rate, on standard error, where somebody sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from mongoglot.cli.terminal import printable, say


@final
@dataclass(frozen=True, slots=True)
class Progress:
    """Where progress is told.

    Attributes:
        advance: is called with how many documents there were, and how far it is in the units of the total.
        say: prints a message above the bar.
    """

    advance: Callable[[int, int], None]
    say: Callable[[str], None]


@contextmanager
def progress(name: str, total: int | None) -> Iterator[Progress]:
    """A bar at a terminal; without one, nothing but messages.

    Args:
        name: stands before it.
        total: of bytes or documents; None where nobody knows.
    """
    if not sys.stderr.isatty():
        yield Progress(lambda *_: None, say)
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    columns = (
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[rate]}", markup=False),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=console) as shown:
        bar = shown.add_task(printable(name), total=total, rate="")

        def advance(count: int, position: int) -> None:
            elapsed = shown.tasks[0].elapsed or 0.001
            shown.update(bar, completed=position, rate=f"{count:,} documents, {count / elapsed:,.0f}/s")

        yield Progress(advance, lambda message: console.print(Text(printable(message))))
