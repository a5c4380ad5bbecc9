"""Many documents, read as they are asked for: on a connection of their own, with its own view of the file.

So writers go on, and what they write between two documents changes nothing of what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import apsw

from mongoglot.compiler.deadline import is_over, remaining
from mongoglot.engines.sqlite.failures import BUSY_TIMEOUT, FAILURES, told
from mongoglot.engines.sqlite.file import STEPS, File
from mongoglot.engines.sqlite.functions import register_functions

Rows = list[tuple[Any, ...]]

MOST: Final = 16 * 1024 * 1024
"""Characters of documents that a find has in memory at once."""

_FIRST, _MOST_ROWS = 16, 1024
"""Rows between two looks at how much they are: few at first, as they may be large."""

_AT_ONCE: Final = 50
"""Rows of many that are read at once, and so documents that are decoded at once."""


def can_stream(file: File) -> bool:
    """Whether others can write to a file while it is read: not without a write-ahead log, and not in memory."""
    return file.has_log and not file.is_writing


def few_rows(cursor: apsw.Cursor) -> Rows | None:
    """All rows of a statement, each with a document at its end; None where these are too many for the memory."""
    rows: Rows = []
    size, count = 0, _FIRST
    while True:
        part = list(islice(cursor, count))
        rows += part
        if len(part) < count:
            return rows
        with suppress(TypeError):  # NULL, or a number, where a file is damaged: what decodes it says so
            size += sum([len(row[-1]) for row in part])
        if size > MOST:
            cursor.close(True)
            return None
        count = min(2 * count, _MOST_ROWS)


def streamed(file: File, version: int, statement: str, parameters: Any) -> Iterator[Rows] | None:
    """The rows of a statement, some at a time; None where the schema of the file has another version now.

    Raises:
        StoreError: SQLite refuses.
    """
    try:
        connection = apsw.Connection(file.full_path, flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(int(BUSY_TIMEOUT * 1000))
        connection.pragma("trusted_schema", False)
        connection.pragma("query_only", True)
        connection.pragma("cell_size_check", True)
        register_functions(connection)
        if remaining() is not None:
            connection.set_progress_handler(is_over, STEPS)
        connection.execute("BEGIN")
        if connection.pragma("schema_version") != version:
            connection.close()
            return None
        return _parts(connection, connection.execute(statement, parameters), file.path)
    except FAILURES as error:
        raise told(error, file.path) from None


def _parts(connection: apsw.Connection, cursor: apsw.Cursor, path: str) -> Iterator[Rows]:
    try:
        while part := list(islice(cursor, _AT_ONCE)):
            yield part
    except FAILURES as error:
        raise told(error, path) from None
    finally:
        connection.close(True)
