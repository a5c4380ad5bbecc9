"""`dump`: a collection to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
import click

from mongoglot.cli.extended_json import json_line
from mongoglot.cli.output import write
from mongoglot.cli.progress import Progress, progress
from mongoglot.cli.reading import formulas_option, read_keys, read_sort
from mongoglot.cli.sources import (
    collection_option,
    filter_argument,
    opened_collection,
    shown,
    source_argument,
)
from mongoglot.cli.terminal import say

_TOLD = 1000
"""Documents after which progress is told."""


@click.command("dump")
@source_argument
@filter_argument
@collection_option
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file; standard output without it.")
@click.option(
    "-f", "--format", "form", type=click.Choice(("ndjson", "csv", "bson")), default="ndjson",
    show_default=True,
)  # fmt: skip
@click.option("-k", "--keys", help="Only these fields; the columns of CSV.")
@click.option("-s", "--sort", help="'-age,name', or as in mongosh.")
@formulas_option
def dump_command(
    source: str,
    filter: str,
    collection: str | None,
    output: str | None,
    form: str,
    keys: str | None,
    sort: str | None,
    formulas: bool,
) -> None:
    """Write the documents of SOURCE that match FILTER: Extended JSON with all types, which load reads back, BSON,
    or CSV.

    A file gets its name when it is whole; until then, and after an interruption, it is as it was.

    \b
    mongoglot dump people.db -o people.ndjson
    mongoglot dump mongodb://localhost/shop '{paid: false}' -c orders -f csv --keys _id,total
    mongoglot dump people.db -f bson > people.bson
    """
    columns = read_keys(keys)
    with opened_collection(source, collection) as documents, _writing(output) as out:
        total = documents.count_documents(filter) if sys.stderr.isatty() else None
        found = documents.find(filter, columns or None, sort=read_sort(sort))
        with progress(shown(source), total) as told:
            count = _dump(_told(found, told), form, columns, out, formulas)
    say(f"{count:,} documents written")


@contextmanager
def _writing(output: str | None) -> Iterator[Any]:
    """A stream of text; a file is there only when all has been written."""
    if output is None:
        yield sys.stdout
        return
    if (
        Path(output).exists() and not Path(output).is_file()
    ):  # a device, a pipe: it is written to, not replaced
        with open(output, "w", encoding="utf-8", newline="") as out:
            yield out
        return
    whole = os.path.realpath(output)  # what a link points to, so that it stays one
    part = Path(f"{whole}.{os.getpid()}.part")
    try:
        out = part.open("w", encoding="utf-8", newline="")
    except OSError as error:
        error.filename = output  # the name that was given
        raise
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _told(found: Iterator[Any], told: Progress) -> Iterator[Any]:
    count = 0
    for document in found:
        yield document
        count += 1
        if count % _TOLD == 0:
            told.advance(count, count)
    told.advance(count, count)


def _dump(found: Iterator[Any], form: str, columns: list[str], out: Any, formulas: bool) -> int:
    match form:
        case "csv":
            return write(found, "csv", columns, out, formulas=formulas)
        case "bson":
            data = cast("BinaryIO", out.buffer)
            return sum(bool(data.write(bson.encode(document))) for document in found)
        case _:
            return sum(bool(out.write(json_line(document, exact=True) + "\n")) for document in found)
