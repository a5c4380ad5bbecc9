"""`index`: make, drop and list indexes."""

from __future__ import annotations

import sys

import click

from mongoglot.cli.main import Suggesting
from mongoglot.cli.output import default_format, write
from mongoglot.cli.reading import read_sort
from mongoglot.cli.sources import collection_option, opened_collection, source_argument


@click.group("index", cls=Suggesting)
def index_command() -> None:
    """Make, drop and list the indexes of a collection.

    \b
    mongoglot index create people.db age
    mongoglot index list people.db
    """


@index_command.command("create")
@source_argument
@click.argument("keys")
@collection_option
@click.option("--name", help="Of the index.")
@click.option("--unique", is_flag=True, help="No two documents share a key.")
@click.option("--sparse", is_flag=True, help="Leave out documents without the fields.")
def create(
    source: str, keys: str, collection: str | None, name: str | None, unique: bool, sparse: bool
) -> None:
    """Make an index on KEYS, 'age' or 'age,-name'.

    \b
    mongoglot index create people.db age
    mongoglot index create people.db home.city,-age --name by_city --sparse
    """
    with opened_collection(source, collection) as documents:
        click.echo(documents.create_index(read_sort(keys), name=name, unique=unique, sparse=sparse))


@index_command.command("drop")
@source_argument
@click.argument("name")
@collection_option
def drop(source: str, name: str, collection: str | None) -> None:
    """Drop the index NAME; '*' for all but that of _id.

    \b
    mongoglot index drop people.db age_1
    """
    with opened_collection(source, collection) as documents:
        documents.drop_index(name)


@index_command.command("list")
@source_argument
@collection_option
def show(source: str, collection: str | None) -> None:
    """List the indexes.

    \b
    mongoglot index list people.db
    """
    with opened_collection(source, collection) as documents:
        write(documents.list_indexes(), default_format(), [], sys.stdout)
