"""Documents on their way into a table, new ones and changed ones, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

from mongoglot.engines.base import INSERT_BATCH, Record
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.columns import column_value
from mongoglot.engines.postgresql.indexes import IndexWriter
from mongoglot.engines.postgresql.keys import id_key
from mongoglot.engines.postgresql.layouts import BSON, DOCUMENT, KEY, Layout, array_type
from mongoglot.engines.postgresql.tables import Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.errors import DuplicateKeyError, WriteError

MAX_BATCH: Final = 16 * 2**20
"""Bytes of BSON that are written at once, and one document more; jsonb holds 256 MiB."""


def given(layout: Layout, kind: str) -> str:
    """The rows of a FROM clause that parameters give: `u(key, doc, bson, v0, …, place)`.

    The documents are one JSON array, which takes much less to write and to read than an array of texts.

    Args:
        layout: of the table.
        kind: the type of the keys.
    """
    columns = layout.table.columns
    typed = [f"unnest(${number}::{array_type(column)})" for number, column in enumerate(columns, 4)]
    functions = ", ".join(
        [f"unnest($1::{kind}[])", "jsonb_array_elements($2)", "unnest($3::bytea[])", *typed]
    )
    names = ", ".join(["key", "doc", "bson", *(f"v{number}" for number, _ in enumerate(columns)), "place"])
    return f"ROWS FROM ({functions}) WITH ORDINALITY AS u({names})"


def parameters(keys: Sequence[Any], documents: Sequence[tuple[Record, bytes]], layout: Layout) -> list[Any]:
    """What `given` takes: keys, documents with their BSON."""
    texts = ",".join([encoding.encode(document) for document, _ in documents])
    typed = [[column_value(document, column) for document, _ in documents] for column in layout.table.columns]
    return [list(keys), f"[{texts}]", [data for _, data in documents], *typed]


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
        self._waiting: list[tuple[Record, bytes]] = []
        self._size = 0
        columns = layout.table.columns
        names = [KEY, DOCUMENT, BSON, *(column.name for column in columns)]
        values = ", ".join(
            ["u.key", "u.doc", "u.bson", *(f"u.v{number}" for number, _ in enumerate(columns))]
        )
        self._statement = (
            f"INSERT INTO {tables.named(layout.table.name)} ({', '.join(map(quoted, names))}) "
            f"SELECT {values} FROM {given(layout, 'text')} ORDER BY u.place "
            f"ON CONFLICT ({quoted(KEY)}) DO NOTHING RETURNING {quoted(ROW)}, {quoted(KEY)}"
        )

    def take(self, document: Record) -> None:
        """Write a document, now or with later ones."""
        data = encoding.to_bson(document)
        self._waiting.append((document, data))
        self._size += len(data)
        if len(self._waiting) >= INSERT_BATCH or self._size > MAX_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write the documents that wait.

        Raises:
            RefusedError: one of them is refused; those before it are written.
        """
        batch, self._waiting, self._size = self._waiting, [], 0
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
                with self._server.savepoint() if self._layout.indexes else nullcontext():
                    self._write([document])
            except WriteError as error:
                raise RefusedError(error) from None

    def _write(self, batch: list[tuple[Record, bytes]]) -> None:
        keys = [id_key(document["_id"]) for document, _ in batch]
        written = self._server.write(self._statement, parameters(keys, batch, self._layout))
        rows = {key: row for row, key in written}
        if len(rows) < len(batch):
            refused = next(
                (d for (d, _), key in zip(batch, keys, strict=True) if key not in rows), batch[-1][0]
            )
            raise DuplicateKeyError(self._collection, refused["_id"])
        if self._layout.indexes:
            self._writer.add([(rows[key], document) for key, (document, _) in zip(keys, batch, strict=True)])


def replace(
    tables: Tables, collection: str, layout: Layout, changes: Sequence[tuple[int, Record, Record]]
) -> None:
    """Put documents in the place of former ones: rows, each with the former document and the new one.

    Raises:
        as `IndexWriter.replace`.
    """
    IndexWriter(tables, collection, layout.indexes).replace(changes)
    sets = [f"{quoted(DOCUMENT)} = u.doc", f"{quoted(BSON)} = u.bson"]
    sets += [f"{quoted(column.name)} = u.v{number}" for number, column in enumerate(layout.table.columns)]
    statement = (
        f"UPDATE {tables.named(layout.table.name)} SET {', '.join(sets)} FROM {given(layout, 'bigint')} "
        f"WHERE {quoted(ROW)} = u.key"
    )
    batch: list[tuple[Record, bytes]] = []
    keys: list[int] = []
    size = 0
    for row, _, document in changes:
        batch.append((document, encoding.to_bson(document)))
        keys.append(row)
        size += len(batch[-1][1])
        if len(batch) >= INSERT_BATCH or size > MAX_BATCH:
            tables.server.write(statement, parameters(keys, batch, layout))
            batch, keys, size = [], [], 0
    if batch:
        tables.server.write(statement, parameters(keys, batch, layout))
