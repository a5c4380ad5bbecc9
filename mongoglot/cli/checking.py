"""`check`: mistakes in filters that stand in files."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from mongoglot.errors import FilterError, MongoglotError
from mongoglot.notes import notes_of
from mongoglot.query import compile

WRONG: Final = 2


@click.command("check")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=True
)
@click.option(
    "--dialect", type=click.Choice(("mongodb", "taskdb")), default="mongodb", help="Of the filters."
)
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
        with click.open_file(file, encoding="utf-8") as stream:
            text = stream.read()
        pieces = enumerate(text.splitlines()) if lines else [(0, text)]
        for above, piece in pieces:
            if not piece.strip():
                continue
            checked += 1
            try:
                query = compile(piece, dialect=dialect)
                for note in notes_of(query):
                    click.echo(f"{file}:{above + 1}: note: {note}", err=True)
            except FilterError as error:
                wrong += 1
                place = f"{file}:{above + (error.line or 1)}:{error.column or 1}"
                click.echo(f"{place}: {error.code_name}: {error}", err=True)
            except MongoglotError as error:
                wrong += 1
                click.echo(f"{file}:{above + 1}:1: {error}", err=True)
    click.echo(f"{checked} filters, {wrong} wrong", err=True)
    sys.exit(WRONG if wrong else 0)
