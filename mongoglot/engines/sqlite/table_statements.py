"""The statements that make the tables of collections, and the indexes of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import STORED_TYPES, Column
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW
from mongoglot.errors import UnsupportedError

_AFFINITY: Final = {"string": "TEXT", "number": "", "date": "INTEGER", "bool": "INTEGER"}
"""The declared types of columns. `number` has none, so that int64 and double stay what they are."""


def collection_statement(name: str, columns: Sequence[Column], late: int = 0) -> str:
    """The statement that makes the table of a collection; as SQLite keeps it when the last columns came `late`."""
    definitions = [column_definition(column) for column in columns]
    definitions.insert(len(columns) - late, f"{quoted(DOCUMENT)} BLOB NOT NULL")
    first = f"{quoted(ROW)} INTEGER PRIMARY KEY, {quoted(KEY)} TEXT NOT NULL UNIQUE"
    return f"CREATE TABLE {quoted(name)} ({', '.join([first, *definitions])})"


def index_body(table: str, column: Column) -> str:
    """What follows the name of the index in the statement that makes it.

    Rows of one value are in the order of insertion, whatever stands beside: so they can be read in that order.
    """
    name = quoted(column.name)
    beside = f", {quoted(ROW)}, {quoted(column.beside)}" if column.beside else ""
    return f"ON {quoted(table)} ({name}{beside})" + (f" WHERE {name} IS NOT NULL" if column.sparse else "")


def column_definition(column: Column) -> str:
    """What declares a column, in the statement that makes its table or adds it."""
    if column.name.lower() in (ROW, KEY, DOCUMENT):
        raise UnsupportedError(f"a column cannot be called {column.name!r}: every table of a store has one")
    if column.type not in STORED_TYPES:
        raise UnsupportedError(
            f"a store declares columns of {', '.join(STORED_TYPES)}, not of {column.type!r}"
        )
    return f"{quoted(column.name)} {_AFFINITY[column.type]}".rstrip()
