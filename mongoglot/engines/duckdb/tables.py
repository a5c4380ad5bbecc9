"""The tables of a database: which collection is which table, with which declared columns."""

# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from mongoglot.engines.base import Record
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.columns import SQL_TYPES, column_value
from mongoglot.engines.duckdb.file import CATALOGUE, MARK, File
from mongoglot.engines.duckdb.lowering import DOCUMENT, IDENTITY, KEYS
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.engines.sql.table import Column, ColumnType, Table
from mongoglot.errors import StoreError, UnsupportedError

BATCH: Final = 1000
"""Documents that are written, or read, at once."""

_TYPES: Final = {ROW: "BIGINT", IDENTITY: "VARCHAR", KEYS: "JSON", DOCUMENT: "BLOB"}


class Tables:
    """The collections of a database, as they are in it now."""

    def __init__(self, file: File, declared: dict[str, Table]) -> None:
        self.file = file
        self._declared = declared

    def found(self, collection: str) -> Table | None:
        """The table of a collection, with all columns that are declared; None where there is none."""
        rows = self.file.rows(
            f'SELECT "table", columns FROM {quoted(CATALOGUE)} WHERE collection = ?', [collection]
        )
        if not rows:
            return None
        ((name, columns),) = rows
        table = Table(name, tuple(_column(*column) for column in json.loads(columns)), KEYS, IDENTITY)
        wanted = self._wanted(collection)
        if all(column in table.columns for column in wanted):
            return table
        with self.file.transaction():
            return self._extended(collection, table, wanted)

    def created(self, collection: str) -> Table:
        """The table of a collection, which is made where there is none; inside a transaction."""
        table = self.found(collection)
        if table is not None:
            return table
        table = Table(self._free_name(collection), self._wanted(collection), KEYS, IDENTITY)
        self.file.rows(collection_statement(table))
        self._record(collection, table)
        return table

    def names(self) -> list[str]:
        """The names of the collections, sorted."""
        rows = self.file.rows(f"SELECT collection FROM {quoted(CATALOGUE)}")
        return sorted(name for (name,) in rows)

    def drop(self, collection: str) -> None:
        """Drop the table of a collection; inside a transaction."""
        table = self.found(collection)
        if table is not None:
            self.file.rows(f"DROP TABLE {quoted(table.name)}")
            self.file.rows(f"DELETE FROM {quoted(CATALOGUE)} WHERE collection = ?", [collection])

    def insert(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Write rows: row number, identity, keys, document, declared columns."""
        if not rows:
            return
        types = [*_TYPES.values(), *(SQL_TYPES[column.type] for column in table.columns)]
        names = [*_TYPES, *(column.name for column in table.columns)]
        values = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in types)
        self.file.rows(
            f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, names))}) SELECT {values}",
            [list(column) for column in zip(*rows, strict=True)],
        )

    def _free_name(self, wanted: str) -> str:
        """A name for a new table; DuckDB's are the same in upper and lower case."""
        taken = {name.lower() for (name,) in self.file.rows("SELECT table_name FROM duckdb_tables()")}
        name, number = wanted, 1
        while name.lower() in taken | {CATALOGUE, MARK}:
            number += 1
            name = f"({number}) {wanted}"
        return name

    def _wanted(self, collection: str) -> tuple[Column, ...]:
        declared = self._declared.get(collection)
        return tuple(_column(c.name, c.type, c.path) for c in declared.columns) if declared else ()

    def _extended(self, collection: str, table: Table, wanted: tuple[Column, ...]) -> Table:
        """The table with columns that were declared since it was made, filled from the documents."""
        known = {column.name.lower(): column for column in table.columns}
        new = tuple(column for column in wanted if column.name.lower() not in known)
        for column in wanted:
            former = known.get(column.name.lower())
            if former is not None and former != column:
                raise StoreError(f"column {column.name!r} of {collection!r} was declared as {former} before")
        extended = replace(table, columns=table.columns + new)
        for column in new:
            self.file.rows(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {_definition(column)}")
        rows = []
        for row, document in self.documents(table):
            rows.append((row, *(column_value(document, column) for column in new)))
        kinds = ["BIGINT", *(SQL_TYPES[column.type] for column in new)]
        for start in range(0, len(rows), BATCH):
            lists = [list(column) for column in zip(*rows[start : start + BATCH], strict=True)]
            values = ", ".join(
                f"unnest(CAST(? AS {kind}[])) AS {quoted(f'v{number}')}" for number, kind in enumerate(kinds)
            )
            changes = ", ".join(
                f"{quoted(column.name)} = given.{quoted(f'v{number}')}"
                for number, column in enumerate(new, 1)
            )
            self.file.rows(
                f"UPDATE {quoted(table.name)} AS stored SET {changes} FROM (SELECT {values}) AS given "
                f'WHERE stored.{quoted(ROW)} = given."v0"',
                lists,
            )
        self._record(collection, extended)
        return extended

    def documents(self, table: Table) -> Iterator[tuple[int, Record]]:
        """All rows with their documents, in order."""
        return self.decoded(
            self.file.rows(
                f"SELECT {quoted(ROW)}, {quoted(DOCUMENT)} FROM {quoted(table.name)} ORDER BY {quoted(ROW)}"
            )
        )

    def decoded(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Record]]:
        """Rows with their documents in the place of the BSON.

        Raises:
            StoreError: the file is damaged.
        """
        for row, data, *_ in rows:
            try:
                document = keys.decoded(data)
                document["_id"]  # which every document has
            except Exception as error:  # damaged bytes may raise anything
                reason = f"the document in row {row} cannot be decoded ({type(error).__name__})"
                raise StoreError(f"{self.file.shown} is damaged: {reason}") from None
            yield row, document

    def _record(self, collection: str, table: Table) -> None:
        columns = json.dumps([(column.name, column.type, column.path) for column in table.columns])
        self.file.rows(f"DELETE FROM {quoted(CATALOGUE)} WHERE collection = ?", [collection])
        self.file.rows(f"INSERT INTO {quoted(CATALOGUE)} VALUES (?, ?, ?)", [collection, table.name, columns])


def collection_statement(table: Table) -> str:
    """The statement that makes the table of a collection."""
    definitions = [
        f"{quoted(ROW)} BIGINT NOT NULL",
        f"{quoted(IDENTITY)} VARCHAR PRIMARY KEY",
        f"{quoted(KEYS)} JSON NOT NULL",
        f"{quoted(DOCUMENT)} BLOB NOT NULL",
        *map(_definition, table.columns),
    ]
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(definitions)})"


def _column(name: str, kind: ColumnType, path: str) -> Column:
    """A column as a store has it: of what is declared, what DuckDB has no use for is left out."""
    return Column(name, kind, path, mixed=True)


def _definition(column: Column) -> str:
    if column.name.lower() in _TYPES:
        raise UnsupportedError(f"a column cannot be called {column.name!r}: every table of a store has one")
    if column.type not in SQL_TYPES:
        known = ", ".join(SQL_TYPES)
        raise UnsupportedError(f"a store declares columns of {known}, not of {column.type!r}")
    return f"{quoted(column.name)} {SQL_TYPES[column.type]}"
