"""The duckdb engine: documents in one file, and the files that lie around it, filtered by DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mongoglot.engines.sql.table import Table
from mongoglot.errors import UnsupportedError

__all__ = ["open_backend"]


def open_backend(url: str, *, tables: Iterable[Table] = (), autoload: bool = False) -> Any:
    """A store in a file or in memory; duckdb is loaded here, when the first one is opened.

    Args:
        url: `duckdb:PATH`, or `duckdb:` for a store in memory.
        tables: collections whose fields are to stand in columns too; their names are the collections'.
        autoload: whether DuckDB may fetch and load extensions by itself, as for files on other machines.

    Raises:
        UnsupportedError: the package duckdb is not installed.
    """
    try:
        from mongoglot.engines.duckdb.backend import open_backend as opened
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        reason = "the engine 'duckdb' needs the package duckdb: pip install 'mongoglot[duckdb]'"
        raise UnsupportedError(reason) from None

    return opened(url, tables=tables, autoload=autoload)
