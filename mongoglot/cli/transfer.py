"""`load` and `dump`: documents from files into a store, and back."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TextIO, final

import click
from bson.errors import BSONError

from mongoglot.cli.output import from_json, json_line, write
from mongoglot.cli.reading import read_keys, read_sort
from mongoglot.cli.sources import collection_option, filter_argument, opened_collection
from mongoglot.errors import DuplicateKeyError, MongoglotError
from mongoglot.grammar.text import from_text
from mongoglot.store import Collection

BATCH: Final = 10_000
"""Documents that are written in one transaction; what was written before an interruption stays."""


@final
class Report:
    """What a load did."""

    def __init__(self) -> None:
        self.loaded = 0
        self.there = 0
        self.bad: list[str] = []


@click.command("load")
@click.argument("source")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=True
)
@collection_option
@click.option(
    "--format", "form", type=click.Choice(("ndjson", "csv", "shell")), help="By the file's name; ndjson."
)
@click.option(
    "--bad-lines", type=click.Choice(("stop", "skip")), default="stop", help="What a bad line does."
)
@click.option("--resume", is_flag=True, help="Leave alone what is there already, by its _id.")
def load_command(
    source: str,
    files: tuple[str, ...],
    collection: str | None,
    form: str | None,
    bad_lines: str,
    resume: bool,
) -> None:
    """Put the documents of FILES into SOURCE; '-' is standard input.

    Extended JSON, a document a line; CSV with a line of names, whose values stay text, numbers become numbers; or
    documents as in mongosh, one a line. A load that was interrupted goes on with --resume, where documents have
    an _id.

    \b
    mongoglot load people.db people.ndjson
    mongoglot load sqlite:shop.db orders.csv -c orders --bad-lines skip
    zcat log.gz | mongoglot load log.db - -c log
    """
    report = Report()
    with opened_collection(source, collection or _collection_of(files[0]), create=True) as documents:
        for file in files:
            with progress(file) as advance:
                _load(
                    documents,
                    file,
                    form or _format_of(file),
                    report,
                    resume=resume,
                    skip=bad_lines == "skip",
                    advance=advance,
                )
    for line in report.bad:
        click.echo(f"skipped {line}", err=True)
    click.echo(
        f"{report.loaded:,} documents loaded into {source}"
        + (f", {report.there:,} were there" if report.there else "")
        + (f", {len(report.bad):,} bad lines skipped" if report.bad else ""),
        err=True,
    )


def _collection_of(file: str) -> str:
    return "documents" if file == "-" else Path(file).name.split(".")[0] or "documents"


def _format_of(file: str) -> str:
    return {".csv": "csv", ".tsv": "csv", ".js": "shell"}.get(Path(file).suffix.lower(), "ndjson")


def _load(
    documents: Collection,
    file: str,
    form: str,
    report: Report,
    *,
    resume: bool,
    skip: bool,
    advance: Callable[[int, int], None],
) -> None:
    with _reading(file) as stream:
        batch: list[tuple[int, dict[str, Any]]] = []
        for number, document in _documents(stream, form, file, report.bad if skip else None):
            batch.append((number, document))
            if len(batch) == BATCH:
                _write(documents, batch, file, report, resume)
                advance(report.loaded, _position(stream))
                batch = []
        _write(documents, batch, file, report, resume)
        advance(report.loaded, _position(stream))


def _write(
    documents: Collection, batch: list[tuple[int, dict[str, Any]]], file: str, report: Report, resume: bool
) -> None:
    if resume:
        ids = [document["_id"] for _, document in batch if "_id" in document]
        known = {repr(found["_id"]) for found in documents.find({"_id": {"$in": ids}}, {"_id": 1})}
        fresh = [(number, document) for number, document in batch if repr(document.get("_id")) not in known]
        report.there += len(batch) - len(fresh)
        batch = fresh
    if batch:
        try:
            report.loaded += len(documents.insert_many([document for _, document in batch]).inserted_ids)
        except DuplicateKeyError as error:
            first, last = batch[0][0], batch[-1][0]
            raise click.ClickException(
                f"{file}, lines {first} to {last}: {error}; --resume leaves such documents alone"
            ) from None


def _documents(
    stream: TextIO, form: str, file: str, bad: list[str] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The documents of a file with their line numbers; bad lines go to the list `bad`, or end the load."""
    if form == "csv":
        reader = csv.DictReader(stream, delimiter="\t" if file.lower().endswith(".tsv") else ",")
        for row in reader:
            if None in row:
                _bad(
                    file,
                    reader.line_num,
                    f"has more values than the {len(reader.fieldnames or ())} columns",
                    bad,
                )
            else:
                yield (
                    reader.line_num,
                    {name: _typed(value) for name, value in row.items() if value not in (None, "")},
                )
        return
    read = from_text if form == "shell" else from_json
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            document = read(line)
        except (ValueError, TypeError, OverflowError, BSONError, MongoglotError) as error:
            _bad(file, number, str(error).splitlines()[0], bad)
            continue
        if isinstance(document, dict):
            yield number, document
        else:
            _bad(file, number, f"holds no document but {type(document).__name__}", bad)


def _bad(file: str, number: int, reason: str, bad: list[str] | None) -> None:
    line = f"{file}, line {number}: {reason}"
    if bad is None:
        raise click.ClickException(f"{line}; --bad-lines skip goes on without such lines")
    bad.append(line)


def _typed(text: str) -> Any:
    """A value of CSV: a number where it is written as one would write it, else text."""
    try:
        number = int(text)
    except ValueError:
        try:
            return float(text) if text[0] in "+-.0123456789" else text
        except ValueError:
            return text
    return (
        number if str(number) == text and -(2**63) <= number < 2**63 else text
    )  # 007 and long codes are names


@contextmanager
def _reading(file: str) -> Iterator[TextIO]:
    if file == "-":
        yield sys.stdin
        return
    with open(file, encoding="utf-8-sig", newline="") as stream:
        yield stream


def _position(stream: TextIO) -> int:
    """How many bytes of a file have been read."""
    buffer: IO[bytes] | None = getattr(stream, "buffer", None)
    try:
        return buffer.tell() if buffer is not None else 0
    except OSError:
        return 0


@contextmanager
def progress(file: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the rate, on standard error, where somebody sees it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        size = os.path.getsize(file) if file != "-" else None
        bar = bars.add_task(file, total=size, rate="")

        def advance(count: int, position: int) -> None:
            elapsed = bars.tasks[0].elapsed or 0.001
            bars.update(bar, completed=position, rate=f"{count:,} documents, {count / elapsed:,.0f}/s")

        yield advance


@click.command("dump")
@click.argument("source")
@filter_argument
@collection_option
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file; standard output without it.")
@click.option("-f", "--format", "form", type=click.Choice(("ndjson", "csv")), default="ndjson")
@click.option("-k", "--keys", help="Only these fields; the columns of CSV.")
@click.option("-s", "--sort", help="'-age,name', or as in mongosh.")
def dump_command(
    source: str,
    filter: str,
    collection: str | None,
    output: str | None,
    form: str,
    keys: str | None,
    sort: str | None,
) -> None:
    """Write the documents of SOURCE that match FILTER: Extended JSON with all types, which load reads back, or
    CSV.

    A file gets its name when it is whole.

    \b
    mongoglot dump people.db -o people.ndjson
    mongoglot dump mongodb://localhost/shop '{paid: false}' -c orders -f csv --keys _id,total
    """
    columns = read_keys(keys)
    with opened_collection(source, collection) as documents:
        found = documents.find(filter, columns or None, sort=read_sort(sort))
        if output is None:
            count = _dump(found, form, columns, sys.stdout)
        else:
            part = Path(f"{output}.part")
            try:
                with part.open("w", encoding="utf-8", newline="") as out:
                    count = _dump(found, form, columns, out)
                part.replace(output)
            finally:
                part.unlink(missing_ok=True)
    click.echo(f"{count:,} documents written", err=True)


def _dump(found: Iterator[Any], form: str, columns: list[str], out: TextIO) -> int:
    if form == "csv":
        return write(found, "csv", columns, out)
    return sum(bool(out.write(json_line(document, exact=True) + "\n")) for document in found)
