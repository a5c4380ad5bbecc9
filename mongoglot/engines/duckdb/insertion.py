# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
"""Documents on their way into a collection: in batches, and refused where their `_id` is there."""

from __future__ import annotations

from typing import Any

from mongoglot.engines.base import Record
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.columns import column_value
from mongoglot.engines.duckdb.lowering import IDENTITY
from mongoglot.engines.duckdb.tables import BATCH, Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.engines.sql.table import Table
from mongoglot.errors import DuplicateKeyError


class Writer:
    """Documents on their way into a collection, written in batches; a read sees them after `flush`."""

    def __init__(self, tables: Tables, collection: str) -> None:
        self._tables = tables
        self._collection = collection
        self._table = tables.created(collection)
        self._waiting: dict[str, tuple[Any, ...]] = {}
        (last,) = tables.file.rows(f"SELECT max({quoted(ROW)}) FROM {quoted(self._table.name)}")[0]
        self._next = (last or 0) + 1

    def add(self, document: Record) -> None:
        """Take a document; see `flush`."""
        row = row_of(self._table, self._next, document)
        identity = row[1]
        if identity in self._waiting:
            self.flush()
        self._waiting[identity] = row
        self._next += 1
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            DuplicateKeyError: the collection has an `_id` of these; those before it are committed.
        """
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        known = {
            identity
            for (identity,) in self._tables.file.rows(
                f"SELECT {quoted(IDENTITY)} FROM {quoted(self._table.name)} "
                f"WHERE {quoted(IDENTITY)} IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                [list(waiting)],
            )
        }
        rows = list(waiting.values())
        refused = next((number for number, row in enumerate(rows) if row[1] in known), None)
        self._tables.insert(self._table, rows[:refused])
        if refused is not None:
            self._tables.file.commit()  # the documents before this one stay
            raise DuplicateKeyError(self._collection, keys.decoded(rows[refused][3])["_id"])


def row_of(table: Table, number: int, document: Record) -> tuple[Any, ...]:
    """The row of a document."""
    return (
        number,
        keys.key(document["_id"]),
        keys.document_key(document),
        keys.encoded(document),
        *(column_value(document, column) for column in table.columns),
    )
