"""SOURCE: the URL of a store or of a table, the name of a file, or standard input; and the collection in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import click
from click.shell_completion import CompletionItem

from mongoglot.cli.file_store import FileBackend
from mongoglot.cli.files import ENDINGS, STANDARD_INPUT
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.store import Collection, Store, connect

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # not C:\, which is a file

SCHEMES: Final = {
    ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".mongoglot": "sqlite",
    ".duckdb": "duckdb", ".ddb": "duckdb",
}  # fmt: skip
"""The engine of a store by the ending of its file."""

IN_PLACE: Final = (".parquet",)
"""Files that are one collection, which DuckDB reads in place."""

_NAMES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
    "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY 1",
    "duckdb": "SELECT table_name FROM information_schema.tables ORDER BY 1",
}  # fmt: skip
"""What lists the tables of a database that is a file."""


if TYPE_CHECKING:
    _TextType = click.ParamType[str]
else:  # no generic class before click 8.2
    _TextType = click.ParamType


@final
class SourceType(_TextType):
    """A SOURCE; a shell completes it as the name of a file."""

    name = "source"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click passes it
        param: click.Parameter,  # noqa: ARG002 - as above
        incomplete: str,
    ) -> list[CompletionItem]:
        """Tell the shell to complete the name of a file."""
        return [CompletionItem(incomplete, type="file")]


source_argument: Final = click.argument("source", type=SourceType())

collection_option: Final = click.option(
    "-c", "--collection", help="Which collection; not needed where there is one."
)


def filter_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument FILTER, `{}` where it is left out."""
    return click.argument("filter", default="{}")(function)


def is_in_place(source: str) -> bool:
    """Whether a source is a file that DuckDB reads."""
    return not _URL.match(source) and Path(source).suffix.lower() in IN_PLACE


def is_file(source: str) -> bool:
    """Whether a source is a file of documents, or standard input."""
    return source == STANDARD_INPUT or (not _URL.match(source) and Path(source).suffix.lower() in ENDINGS)


def shown(source: str) -> str:
    """A source as it may be printed: without the name and password of a URL."""
    return re.sub(r"(?<=://)[^/@]*(?:/[^/@]*)*@", "", source)


def url_of(source: str) -> str:
    """The URL of a store.

    Raises:
        UnsupportedError: a file's name does not tell what it is.
    """
    if _URL.match(source):
        return source
    suffix = Path(source).suffix.lower()
    if suffix not in SCHEMES:
        known = ", ".join([*SCHEMES, *IN_PLACE, *ENDINGS])
        remedy = f"write a URL such as sqlite:{source}, or a file's name with {known}"
        raise UnsupportedError(f"{source!r} does not say what it is: {remedy}")
    return f"{SCHEMES[suffix]}:{source}"


def table_of(source: str) -> tuple[str, str] | None:
    """The URL of a database and the name of a table in it, where a source is `URL#table`."""
    above, mark, table = source.rpartition("#")
    if not mark or not above or not table or Path(source).exists():
        return None
    url = url_of(above)
    _check_there(url)
    return url, table


@contextmanager
def opened(source: str, *, create: bool = False) -> Iterator[Store]:
    """A store.

    Args:
        source: a URL or a file's name.
        create: whether a file that is not there is made; else it is an error.

    Raises:
        UnsupportedError: there is no such file, or it is none of a store.
    """
    url = "duckdb:" if is_in_place(source) else url_of(source)
    if not create:
        _check_there(url)
    with connect(url) as store:
        yield store


def _check_there(url: str) -> None:
    scheme, _, path = url.partition(":")
    if scheme in ("sqlite", "duckdb") and path and not Path(path).exists():
        raise UnsupportedError(f"there is no file {path!r}")


@contextmanager
def opened_collection(source: str, name: str | None, *, create: bool = False) -> Iterator[Collection]:
    """A collection of a store: the one that is named, or the only one; or a table, or a file of documents.

    Raises:
        UnsupportedError: it is not clear which one is meant.
    """
    table = table_of(source)
    if table is not None:
        yield _table(*table)
    elif is_file(source):
        if source != STANDARD_INPUT and not Path(source).exists():
            raise UnsupportedError(f"there is no file {source!r}")
        yield Collection(Store(FileBackend(source)), source)
    else:
        with ExitStack() as stack:
            yield _stored(stack, source, name, create)


def _stored(stack: ExitStack, source: str, name: str | None, create: bool) -> Collection:
    """A collection of a store, or a table of a database that is a file and that something else made."""
    try:
        store = stack.enter_context(opened(source, create=create))
    except StoreError as error:
        if create or "but not a mongoglot store" not in str(error):
            raise
        url = url_of(source)
        return _table(url, name or _only(_tables(url), source))
    if name is None:
        name = source if is_in_place(source) else _only(store.collection_names(), source)
    return store[name]


def _table(url: str, name: str) -> Collection:
    """A table of a database; what reads it is loaded here."""
    from mongoglot.tables.backend import TableBackend

    return Collection(Store(TableBackend(url, name)), name)


def _tables(url: str) -> list[str]:
    from mongoglot.tables.drivers import opened as opened_database

    with opened_database(url) as database:
        return [str(name) for (name,) in database.asked(_NAMES[database.dialect], {})]


def _only(names: list[str], source: str) -> str:
    """The name of the only collection of a store."""
    if len(names) != 1:
        choice = f"it has {', '.join(names)}" if names else "it has none yet"
        raise UnsupportedError(f"which collection of {shown(source)}? Say --collection NAME; {choice}")
    return names[0]
