"""SOURCE: the URL of a store or the name of a file, and the collection in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from mongoglot.errors import UnsupportedError
from mongoglot.store import Collection, Store, connect

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # not C:\, which is a file

SCHEMES: Final = {
    ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".mongoglot": "sqlite",
    ".duckdb": "duckdb", ".ddb": "duckdb",
}  # fmt: skip
"""The engine of a store by the ending of its file."""

TABLES: Final = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")
"""Files that are one collection, which DuckDB reads in place."""

collection_option: Final = click.option(
    "-c", "--collection", help="Which collection; not needed where there is one."
)


def is_table(source: str) -> bool:
    """Whether a source is a file that is one collection."""
    return not _URL.match(source) and Path(source).suffix.lower() in TABLES


def url_of(source: str) -> str:
    """The URL of a store.

    Raises:
        UnsupportedError: a file's name does not tell what it is.
    """
    if _URL.match(source):
        return source
    suffix = Path(source).suffix.lower()
    if suffix not in SCHEMES:
        known = ", ".join([*SCHEMES, *TABLES])
        remedy = f"write a URL such as sqlite:{source}, or a file's name with {known}"
        raise UnsupportedError(f"{source!r} does not say what it is: {remedy}")
    return f"{SCHEMES[suffix]}:{source}"


@contextmanager
def opened(source: str, *, create: bool = False) -> Iterator[Store]:
    """A store.

    Args:
        source: a URL or a file's name.
        create: whether a file that is not there is made; else it is an error.

    Raises:
        UnsupportedError: there is no such file, or it is none of a store.
    """
    url = "duckdb:" if is_table(source) else url_of(source)
    scheme, _, path = url.partition(":")
    if not create and scheme in ("sqlite", "duckdb") and path and not Path(path).exists():
        raise UnsupportedError(f"there is no file {path!r}")
    with connect(url) as store:
        yield store


@contextmanager
def opened_collection(source: str, name: str | None, *, create: bool = False) -> Iterator[Collection]:
    """A collection of a store: the one that is named, or the only one.

    Raises:
        UnsupportedError: it is not clear which one is meant.
    """
    with opened(source, create=create) as store:
        if name is None:
            name = source if is_table(source) else only_collection(store, source)
        yield store[name]


def only_collection(store: Store, source: str) -> str:
    """The name of the only collection of a store."""
    names = store.collection_names()
    if len(names) != 1:
        choice = f"it has {', '.join(names)}" if names else "it has none yet"
        raise UnsupportedError(f"which collection of {source}? Say --collection NAME; {choice}")
    return names[0]


def filter_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument FILTER, `{}` where it is left out."""
    return click.argument("filter", default="{}")(function)
