"""`find` and `count`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from mongoglot.cli.main import NOTHING_FOUND
from mongoglot.cli.output import FORMATS, Format, default_format, write
from mongoglot.cli.sources import collection_option, filter_argument, opened_collection, source_argument
from mongoglot.cli.terminal import remark, say
from mongoglot.errors import StoreError
from mongoglot.grammar.text import from_text
from mongoglot.notes import notes_of
from mongoglot.query import compile
from mongoglot.store import Collection

_OTHER_SORT: Final = re.compile(r"(\S+?)(?:\s*:\s*|\s+)([+-]?1|asc(?:ending)?|desc(?:ending)?)", re.I)
"""A part of a sort as one writes it elsewhere: `age desc`, `age: -1`."""

formulas_option: Final = click.option(
    "--formulas", is_flag=True,
    help="CSV: leave texts as they are that a spreadsheet would run; without it they get a quote in front.",
)  # fmt: skip


def read_sort(text: str | None) -> Any:
    """`-age,name` or `{age: -1, name: 1}`.

    Raises:
        click.UsageError: it is written as in SQL, or as in mongosh without braces.
    """
    if text is None or text.lstrip().startswith("{"):
        return None if text is None else from_text(text)
    names = [name.strip() for name in text.split(",")]
    if any(_OTHER_SORT.fullmatch(name) for name in names):
        meant = ",".join(_OTHER_SORT.sub(_as_sign, name) for name in names)
        raise click.UsageError(f"{text!r} is no sort: write {meant!r}, with '-' for a descending order")
    return [(name.lstrip("+-"), -1 if name.startswith("-") else 1) for name in names]


def _as_sign(found: re.Match[str]) -> str:
    return ("-" if found[2].lower().startswith(("-", "d")) else "") + found[1].lstrip("+-")


def read_keys(text: str | None) -> list[str]:
    """`name,address.city`."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def note_none(documents: Collection) -> None:
    """Say that nothing was found, at a terminal; and that there is no such collection, anywhere."""
    try:
        names = documents.store.collection_names()
    except StoreError:  # who may read a collection of a server may not list them all
        names = []
    if not names or documents.name in names or Path(documents.name).exists():
        remark("no document matches")
    else:
        say(f"there is no collection {documents.name!r}; there are {', '.join(names)}")


@click.command("find")
@source_argument
@filter_argument
@collection_option
@click.option("-k", "--keys", help="Only these fields, 'name,address.city'.")
@click.option("-p", "--projection", help="A projection as in mongosh, '{name: 1}'.")
@click.option("-s", "--sort", help="'-age,name', or as in mongosh.")
@click.option("--skip", type=click.IntRange(0), default=0)
@click.option("-n", "--limit", type=click.IntRange(0), default=0, help="0 is no limit.")
@click.option(
    "-f", "--format", "form", type=click.Choice(FORMATS), help="table at a terminal, ndjson in a pipe."
)
@formulas_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit with 1 where nothing matches.")
def find_command(
    source: str,
    filter: str,
    collection: str | None,
    keys: str | None,
    projection: str | None,
    sort: str | None,
    skip: int,
    limit: int,
    form: Format | None,
    formulas: bool,
    quiet: bool,
) -> None:
    """Print the documents of SOURCE that match FILTER.

    \b
    mongoglot find people.db '{age: {$gte: 18}}' --keys name,age --sort -age
    mongoglot find mongodb://localhost/shop '{at: {$gte: ago("1h")}}' -c orders -f csv
    mongoglot find sales.parquet '{"item.price": {$gt: 100}}' -n 10
    mongoglot find 'postgresql://localhost/shop#users' '{age: null}' -f json
    zcat log.ndjson.gz | mongoglot find - '{level: {$in: ["error", "fatal"]}}' -n 5
    """
    if keys and projection:
        raise click.UsageError("--keys and --projection say the same thing: give one of them")
    columns = read_keys(keys)
    wanted: Any = from_text(projection) if projection else columns or None
    with opened_collection(source, collection) as documents:
        found: Iterator[Any] = documents.find(
            filter, wanted, sort=read_sort(sort), skip=skip, limit=1 if quiet else limit
        )
        if quiet:
            sys.exit(0 if next(found, None) is not None else NOTHING_FOUND)
        if columns and "_id" not in columns:
            found = ({k: v for k, v in document.items() if k != "_id"} for document in found)
        if not write(found, form or default_format(), columns, sys.stdout, formulas=formulas):
            note_none(documents)
    if sys.stdout.isatty():
        for note in notes_of(compile(filter)):
            say(f"note: {note}")


@click.command("count")
@source_argument
@filter_argument
@collection_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit with 1 where nothing matches.")
def count_command(source: str, filter: str, collection: str | None, quiet: bool) -> None:
    """Count the documents of SOURCE that match FILTER.

    \b
    mongoglot count people.db '{age: {$gte: 18}}'
    mongoglot count people.ndjson '{joined: {$gte: ISODate("2026-01-31")}}' --quiet || echo nobody
    """
    with opened_collection(source, collection) as documents:
        count = documents.count_documents(filter)
        if not count and not quiet:
            note_none(documents)
    if quiet:
        sys.exit(0 if count else NOTHING_FOUND)
    click.echo(count)
