"""New rows of a collection's table, with what stands in typed columns and in indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, final

from mongoglot.engines.base import Record
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sqlite.column_values import column_value
from mongoglot.engines.sqlite.encoding import decode
from mongoglot.engines.sqlite.failures import ConflictError
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.indexes import IndexWriter
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout
from mongoglot.engines.sqlite.rows import Row
from mongoglot.errors import DuplicateKeyError, WriteError


def insert_rows(file: File, layout: Layout, writer: IndexWriter, rows: Iterable[Row]) -> WriteError | None:
    """Write rows in order, as they are taken; inside a transaction.

    Returns:
        why the last row that was taken is refused, then nothing of it is written; None where none is.
    """
    statement = _statement(layout)
    if writer.indexes:
        return _insert_indexed(file, layout.table, writer, statement, rows)
    if layout.table.columns:
        rows = (_with_columns(layout.table, row, _document(row)) for row in rows)
    taken = _Taken(rows)
    try:
        file.write_many(statement, taken)
    except ConflictError:
        return _duplicate(writer.collection, taken.last)
    if taken.failure is not None:
        raise taken.failure
    return None


def _insert_indexed(
    file: File, table: Table, writer: IndexWriter, statement: str, rows: Iterable[Row]
) -> WriteError | None:
    for row in rows:
        document = _document(row)
        try:
            file.write(statement, _with_columns(table, row, document))
        except ConflictError:
            return _duplicate(writer.collection, row)
        number = file.last_row()
        try:
            writer.add(number, document)
        except WriteError as error:
            file.rows(f"DELETE FROM {quoted(table.name)} WHERE {quoted(ROW)} = ?", (number,))
            return error
    return None


@lru_cache(maxsize=256)
def _statement(layout: Layout) -> str:
    table = layout.table
    names = [KEY, DOCUMENT, *(column.name for column in table.columns)]
    # the text may come as bytes, which SQLite would take for JSONB
    places = ", ".join(["?", "jsonb(CAST(? AS TEXT))", *("?" for _ in table.columns)])
    return f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, names))}) VALUES ({places})"


def _with_columns(table: Table, row: Row, document: Record) -> tuple[Any, ...]:
    return (*row, *[column_value(document, column) for column in table.columns])


def _document(row: Row) -> Record:
    """The document as it will be read: columns and keys say what is stored."""
    text = row[1]
    return decode(text if isinstance(text, str) else text.decode())


def _duplicate(collection: str, row: Row) -> DuplicateKeyError:
    return DuplicateKeyError(collection, _document(row)["_id"])


@final
class _Taken:
    """Rows that are taken from a caller's code.

    Attributes:
        last: the one that was taken last.
        failure: what the code raised; it is kept apart, so that nobody takes it for an error of this store.
    """

    last: Any

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        try:
            for row in self._rows:
                self.last = row
                yield row
        except GeneratorExit:  # SQLite refused the last one
            raise
        except BaseException as error:
            self.failure = error
