"""`%%mongoglot` for IPython and Jupyter: a filter as the text of a cell, its matches as a table."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click

from mongoglot.cli.reading import read_keys, read_sort
from mongoglot.cli.sources import opened
from mongoglot.errors import MongoglotError, UnsupportedError
from mongoglot.store import Collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

_HELP: Final = """The documents that match the filter in the cell; all of them where it is `{}`.

    %%mongoglot URL/COLLECTION [-k name,age] [-s -age,name] [--skip 10] [-n 20] [-f list] [-o found]
    {age: {$gte: 18}}

URL is as `mongoglot.connect` takes it, or the name of a file; in its place may stand a variable that holds a
collection. `-k` keeps these fields, `-s` sorts, `-n` is a limit. The result is a DataFrame where pandas is
installed, else a list; `-f` says which of pandas, polars, arrow and list, `-o` keeps it under a name.
"""


_LINE: Final = click.Command(
    "%%mongoglot",
    params=[
        click.Argument(["source"], metavar="URL/COLLECTION"),
        click.Option(["-k", "--keys"]),
        click.Option(["-s", "--sort"]),
        click.Option(["--skip"], type=click.IntRange(0), default=0),
        click.Option(["-n", "--limit"], type=click.IntRange(0), default=0),
        click.Option(["-f", "--format"], type=click.Choice(["pandas", "polars", "arrow", "list"])),
        click.Option(["-o", "--output"], metavar="NAME"),
    ],
    add_help_option=False,
)
"""What may stand in the first line of a cell: the words of `mongoglot find`."""


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make `%%mongoglot` known; IPython calls this for `%load_ext mongoglot`.

    Args:
        shell: whose cells have it from now on.
    """

    def mongoglot(line: str, cell: str) -> Any:
        from IPython.core.error import UsageError

        try:
            given = _LINE.make_context("%%mongoglot", _words(line)).params
            sort, keys = read_sort(given["sort"]), read_keys(given["keys"]) or None
            with _collection(given["source"], shell.user_ns) as collection:
                cursor = collection.find(cell, keys, sort=sort, skip=given["skip"], limit=given["limit"])
                form = given["format"] or ("pandas" if find_spec("pandas") else "list")
                found = getattr(cursor, f"to_{form}")()
        except click.ClickException as error:
            raise UsageError(error.format_message()) from None
        except (MongoglotError, ValueError) as error:
            raise UsageError(str(error)) from None  # which a notebook shows without a traceback
        if given["output"] is None:
            return found
        shell.user_ns[given["output"]] = found
        return None

    mongoglot.__doc__ = _HELP
    register: Any = shell.register_magic_function  # its types tell of a decorator, and not of a function
    register(mongoglot, "cell", "mongoglot")


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ValueError(f"the first line of the cell cannot be read: {error}") from None


@contextmanager
def _collection(source: str, variables: dict[str, Any]) -> Iterator[Collection]:
    """The collection that a variable holds, or one of a store that is opened for this cell."""
    if isinstance(variables.get(source), Collection):
        yield variables[source]
        return
    url, _, name = source.rpartition("/")
    if not url:
        raise UnsupportedError(f"{source!r} is neither a variable that holds a collection nor URL/COLLECTION")
    with opened(url) as store:
        yield store[name]
