"""`find` and `count`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from mongoglot.cli.main import NOTHING_FOUND
from mongoglot.cli.output import FORMATS, Format, default_format, write
from mongoglot.cli.sources import collection_option, filter_argument, opened_collection, source_argument
from mongoglot.cli.terminal import say
from mongoglot.errors import StoreError
from mongoglot.grammar.text import from_text
from mongoglot.store import Collection

formulas_option: Final = click.option(
    "--formulas", is_flag=True,
    help="CSV: leave texts as they are that a spreadsheet would run; without it they get a quote in front.",
)  # fmt: skip


def read_sort(text: str | None) -> Any:
    """`-age,name` or `{age: -1, name: 1}`."""
    if text is None or text.lstrip().startswith("{"):
        return None if text is None else from_text(text)
    names = [name.strip() for name in text.split(",")]
    return [(name.lstrip("+-"), -1 if name.startswith("-") else 1) for name in names]


def read_keys(text: str | None) -> list[str]:
    """`name,address.city`."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def note_missing(documents: Collection) -> None:
    """Say that there is no such collection, where nothing was found in it."""
    try:
        names = documents.store.collection_names()
    except StoreError:  # who may read a collection of a server may not list them all
        return
    if names and documents.name not in names and not Path(documents.name).exists():
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
            note_missing(documents)


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
            note_missing(documents)
    if quiet:
        sys.exit(0 if count else NOTHING_FOUND)
    click.echo(count)
