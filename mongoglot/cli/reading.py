"""`find`, `count` and `explain`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from mongoglot.cli.main import NOTHING_FOUND
from mongoglot.cli.output import FORMATS, Format, default_format, write
from mongoglot.cli.sources import collection_option, filter_argument, opened_collection
from mongoglot.grammar.text import from_text, to_text
from mongoglot.notes import notes_of
from mongoglot.query import compile


def read_sort(text: str | None) -> Any:
    """`-age,name` or `{age: -1, name: 1}`."""
    if text is None or text.lstrip().startswith("{"):
        return None if text is None else from_text(text)
    names = [name.strip() for name in text.split(",")]
    return [(name.lstrip("+-"), -1 if name.startswith("-") else 1) for name in names]


def read_keys(text: str | None) -> list[str]:
    """`name,address.city`."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


@click.command("find")
@click.argument("source")
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
    quiet: bool,
) -> None:
    """Print the documents of SOURCE that match FILTER.

    \b
    mongoglot find people.db '{age: {$gte: 18}}' --keys name,age --sort -age
    mongoglot find mongodb://localhost/shop '{at: {$gte: ago("1h")}}' -c orders -f csv
    mongoglot find sales.parquet '{"item.price": {$gt: 100}}' -n 10
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
        if wanted is not None and columns and "_id" not in columns:
            found = ({k: v for k, v in document.items() if k != "_id"} for document in found)
        write(found, form or default_format(), columns, sys.stdout)


@click.command("count")
@click.argument("source")
@filter_argument
@collection_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit with 1 where nothing matches.")
def count_command(source: str, filter: str, collection: str | None, quiet: bool) -> None:
    """Count the documents of SOURCE that match FILTER.

    \b
    mongoglot count people.db '{age: {$gte: 18}}'
    """
    with opened_collection(source, collection) as documents:
        count = documents.count_documents(filter)
    if quiet:
        sys.exit(0 if count else NOTHING_FOUND)
    click.echo(count)


@click.command("explain")
@click.argument("source")
@filter_argument
@collection_option
@click.option("-s", "--sort", help="'-age,name', or as in mongosh.")
@click.option("--stages", is_flag=True, help="Also every stage of the compiler.")
def explain_command(source: str, filter: str, collection: str | None, sort: str | None, stages: bool) -> None:
    """Show how SOURCE would answer FILTER: what it runs, its plan, the index, and what is checked in Python.

    \b
    mongoglot explain people.db '{age: {$gte: 18}}'
    """
    with opened_collection(source, collection) as documents:
        plan = documents.explain(filter, sort=read_sort(sort))
    query = compile(filter)
    if stages:
        click.echo(query.explain())
    for name, value in plan.items():
        shown = value if isinstance(value, str) else _shown(value)
        click.echo(
            click.style(name, bold=True)
            + ("\n  " + "\n  ".join(shown.splitlines()) if "\n" in shown else f": {shown}")
        )
    for note in notes_of(query) if not stages else ():
        click.echo(f"{click.style('note', bold=True)}: {note}")


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return "\n" + "\n".join(value) if value else "none"
    try:
        return to_text(value)
    except Exception:
        return repr(value)
