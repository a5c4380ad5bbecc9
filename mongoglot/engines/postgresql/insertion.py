"""Documents on their way into a table, in batches."""

from __future__ import annotations

from typing import Any

from mongoglot.engines.base import INSERT_BATCH, Record
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.columns import column_value
from mongoglot.engines.postgresql.indexes import IndexWriter
from mongoglot.engines.postgresql.keys import id_key
from mongoglot.engines.postgresql.layouts import BSON, DOCUMENT, KEY, ROW, Layout, array_type
from mongoglot.engines.postgresql.tables import Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.errors import DuplicateKeyError, WriteError


def stored_columns(documents: list[Record], layout: Layout) -> list[list[Any]]:
    """The columns of documents, one list for each: jsonb, BSON, typed columns."""
    typed = [[column_value(document, column) for document in documents] for column in layout.table.columns]
    return [list(map(encoding.encode, documents)), list(map(encoding.to_bson, documents)), *typed]


class RefusedError(Exception):
    """A document that a collection refuses; those before it are written."""

    def __init__(self, reason: WriteError) -> None:
        self.reason = reason
        super().__init__()


class Inserter:
    """Writes documents in batches; inside a transaction."""

    def __init__(self, tables: Tables, collection: str, layout: Layout) -> None:
        self._server = tables.server
        self._collection = collection
        self._layout = layout
        self._writer = IndexWriter(tables, collection, layout.indexes)
        self._waiting: list[Record] = []
        columns = layout.table.columns
        names = [KEY, DOCUMENT, BSON, *(column.name for column in columns)]
        arrays = ["$1::text[]", "$2::text[]", "$3::bytea[]"]
        arrays += [f"${number}::{array_type(column)}" for number, column in enumerate(columns, 4)]
        values = ["u.key", "u.doc::jsonb", "u.bson", *(f"u.v{number}" for number, _ in enumerate(columns))]
        aliases = [value.partition(".")[2].partition(":")[0] for value in values]
        self._statement = (
            f"INSERT INTO {tables.named(layout.table.name)} ({', '.join(map(quoted, names))}) "
            f"SELECT {', '.join(values)} FROM unnest({', '.join(arrays)}) WITH ORDINALITY "
            f"AS u({', '.join(aliases)}, place) ORDER BY u.place "
            f"ON CONFLICT ({quoted(KEY)}) DO NOTHING RETURNING {quoted(ROW)}, {quoted(KEY)}"
        )

    def take(self, document: Record) -> None:
        """Write a document, now or with later ones."""
        self._waiting.append(document)
        if len(self._waiting) >= INSERT_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write the documents that wait.

        Raises:
            RefusedError: one of them is refused; those before it are written.
        """
        batch, self._waiting = self._waiting, []
        if len(batch) > 1:
            try:
                with self._server.savepoint():
                    self._write(batch)
            except WriteError:
                pass  # which document it was is found below
            else:
                return
        for document in batch:
            try:
                with self._server.savepoint():
                    self._write([document])
            except WriteError as error:
                raise RefusedError(error) from None

    def _write(self, batch: list[Record]) -> None:
        keys = [id_key(document["_id"]) for document in batch]
        written = self._server.write(self._statement, (keys, *stored_columns(batch, self._layout)))
        if len(written) < len(batch):
            taken = {key for _, key in written}
            refused = next((d for d, key in zip(batch, keys, strict=True) if key not in taken), batch[-1])
            raise DuplicateKeyError(self._collection, refused["_id"])
        if self._layout.indexes:
            rows = {key: row for row, key in written}
            self._writer.add([(rows[key], document) for key, document in zip(keys, batch, strict=True)])
