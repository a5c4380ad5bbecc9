"""`check`: mistakes in filters that stand in files."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from mongoglot.cli.files import reading
from mongoglot.cli.terminal import say
from mongoglot.errors import FilterError, MongoglotError
from mongoglot.notes import Note, notes_of
from mongoglot.query import compile

WRONG: Final = 2


@click.command("check")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=True
)
@click.option(
    "--dialect", type=click.Choice(("mongodb", "taskdb")), default="mongodb", show_default=True,
    help="Of the filters.",
)  # fmt: skip
@click.option("--lines", is_flag=True, help="A filter a line; without it, a file is one filter.")
def check_command(files: tuple[str, ...], dialect: Any, lines: bool) -> None:
    """Read the filters in FILES and report each mistake as file:line:column; '-' is standard input.

    A note tells of a filter that is right, and that perhaps means something else; it changes no exit code.

    \b
    mongoglot check filters/*.mongo
    mongoglot check --lines filters.txt
    """
    checked = wrong = 0
    for file in files:
        with reading(file) as stream:
            data = stream.read()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            number = data.count(b"\n", 0, error.start) + 1
            say(f"{file}:{number}:1: the file is not UTF-8: byte {data[error.start]:#04x}")
            checked, wrong = checked + 1, wrong + 1
            continue
        pieces = enumerate(text.split("\n")) if lines else [(0, text)]
        for above, piece in pieces:
            if not piece.strip():
                continue
            checked += 1
            mistake, notes = _judged(piece.rstrip("\r"), dialect, file, above)
            for note in notes:
                say(f"{file}:{above + 1}: note: {note}")
            if mistake is not None:
                wrong += 1
                say(mistake)
    say(f"{checked} filters, {wrong} wrong")
    sys.exit(WRONG if wrong else 0)


def _judged(text: str, dialect: Any, file: str, above: int) -> tuple[str | None, list[Note]]:
    """What is wrong with a filter, as file:line:column and with a caret under the place, or else notes on it."""
    try:
        return None, notes_of(compile(text, dialect=dialect))
    except FilterError as error:
        place = f"{file}:{above + (error.line or 1)}:{error.column or 1}"
        advice = f"; {error.hint}" if error.hint else ""
        excerpt = f"\n{error.excerpt}" if error.excerpt else ""
        return f"{place}: {error.code_name}: {error.reason}{advice}{excerpt}", []
    except MongoglotError as error:
        return f"{file}:{above + 1}:1: {error}", []
