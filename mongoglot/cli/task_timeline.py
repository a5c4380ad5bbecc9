"""`tasks timeline`: what ran when, in the terminal or in a file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import click

from mongoglot.cli import pictures
from mongoglot.cli.task_source import TaskSource, checked_filter, newest, note_none, opened_tasks
from mongoglot.cli.terminal import printable, say
from mongoglot.cli.timeline import KEYS, Timeline, timeline_of, title

MOST: Final = 10_000
"""Tasks in a picture."""


@click.command("timeline")
@click.argument("filter", default="{}")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="An .svg or .png file, in place of the terminal."
)
@click.option("--width", type=click.IntRange(30), help="Of the picture in the terminal.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=MOST, show_default=True, help="Of the newest tasks."
)
@click.pass_obj
def timeline(tasks: TaskSource, filter: str, output: str | None, width: int | None, limit: int) -> None:
    """Draw what ran when: engines as rows, tasks as bars, failures in red.

    \b
    mongoglot tasks timeline '{started: {$gte: ago("1h")}}'
    mongoglot tasks timeline -o today.svg
    """
    query = checked_filter(filter)
    if output is not None and not output.lower().endswith((".svg", ".png")):
        raise click.BadParameter("the file's name ends in .svg or .png", param_hint="--output")
    with opened_tasks(tasks) as database:
        found = newest(database, query, KEYS, "submitted", limit + 1)
        if not found:
            note_none(database, "task matches")
    picture = timeline_of(found[:limit])
    if output is None:
        _print(picture, width or shutil.get_terminal_size((100, 20)).columns)
    elif output.lower().endswith(".png"):
        pictures.write_png(picture, output)
    else:
        Path(output).write_text(pictures.to_svg(picture), encoding="utf-8")
    if output is not None:
        say(f"{output} written")
    if len(found) > limit:
        say(f"only the newest {limit:,} tasks: --limit {2 * limit}, or a filter such as {{started: …}}")


def _print(picture: Timeline, width: int) -> None:
    colours = {"ok": "green", "error": "red", "running": "yellow"}
    for line in pictures.to_text(picture, width):
        click.echo("".join(click.style(printable(text), fg=colours.get(state)) for text, state in line))
    click.echo(title(picture))
