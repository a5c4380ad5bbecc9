"""An SQLite file that another program made: opened to be read, and never changed."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import apsw

from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sqlite.failures import BUSY_TIMEOUT, translated
from mongoglot.engines.sqlite.file_format import APPLICATION_ID
from mongoglot.errors import StoreError

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
"""Bytes of a file's header."""

_WAL: Final = 2
"""The version in a header that says: in write-ahead mode."""

_ROW: Final = "_rowid_"


@final
class ForeignFile:
    """The ordinary tables of a file; also a context manager that closes it.

    A journal or log of a writer that was killed is respected: SQLite rolls it back, or reads it, in a temporary
    copy where that would change the file. Nothing in the schema is run: no view, no trigger, no virtual table.
    Beside a file in write-ahead mode SQLite may rewrite its index of the log (`-shm`), which holds no data.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        """Open a file.

        Raises:
            StoreError: it is not there, no SQLite database, empty, damaged, or a store of mongoglot.
        """
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        header = _header(path)
        self._connection = self._opened(header)
        try:
            with _translated(path):
                self._connection.pragma("trusted_schema", False)
                self._connection.pragma("cell_size_check", True)
                self._connection.pragma("temp_store", "memory")
                self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
        except BaseException:
            self.close()
            raise

    def _opened(self, header: bytes) -> apsw.Connection:
        if header[18] == _WAL and not _size(f"{self.path}-wal"):
            return self._open("immutable=1")  # or SQLite would put a new log beside it
        if header[18] == _WAL and not os.path.exists(f"{self.path}-shm"):
            return self._open_copy()  # nobody has it open: the log would get an index
        connection = self._open("mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except apsw.ReadOnlyError:  # a writer was killed: its transaction has to be rolled back first
            connection.close()
            return self._open_copy()
        except apsw.Error:  # of a damaged file, which the first look at its tables tells
            pass
        return connection

    def _open(self, how: str) -> apsw.Connection:
        with _translated(self.path):
            connection = apsw.Connection(
                f"{Path(self.path).absolute().as_uri()}?{how}",
                flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
            )
            connection.set_busy_timeout(round(BUSY_TIMEOUT * 1000))
            return connection

    def _open_copy(self) -> apsw.Connection:
        """A copy of the file with the journal or log beside it; SQLite may put that in order."""
        try:
            self._copy = tempfile.TemporaryDirectory(prefix="mongoglot-")
            copied = os.path.join(self._copy.name, "copy.db")
            shutil.copyfile(self.path, copied)
            for suffix in ("-journal", "-wal"):
                if _size(self.path + suffix):
                    shutil.copyfile(self.path + suffix, copied + suffix)
        except OSError as error:
            self._remove_copy()
            raise StoreError(
                f"{self.path} was left by a writer that was killed; no copy can be put in order: {error}"
            ) from None
        with _translated(self.path):
            return apsw.Connection(copied, flags=apsw.SQLITE_OPEN_READWRITE)

    def tables(self) -> dict[str, tuple[str, ...]]:
        """The ordinary tables, with the names of their columns.

        Raises:
            StoreError: the file is damaged.
        """
        with _translated(self.path):
            names = self._connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
                "AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            )
            return {
                name: tuple(
                    column
                    for (column,) in self._connection.execute(
                        "SELECT name FROM pragma_table_info(?)", (name,)
                    )
                )
                for (name,) in list(names)
            }

    def count(self, table: str) -> int:
        """How many rows a table has; 0 where damage hides that."""
        try:
            return int(next(iter(self._connection.execute(f"SELECT count(*) FROM {quoted(table)}")))[0])
        except apsw.Error:
            return 0

    def rows(self, table: str, columns: Sequence[str], after: int) -> Iterator[tuple[Any, ...]]:
        """The rows behind a row number, in order: the number, then the values; close it to let writers go on.

        Raises:
            StoreError: the next row cannot be read.
        """
        names = ", ".join(map(quoted, (_ROW, *columns)))
        found = None
        try:
            with _translated(self.path):
                found = self._connection.cursor()
                yield from found.execute(
                    f"SELECT {names} FROM {quoted(table)} WHERE {_ROW} > ? ORDER BY {_ROW}", (after,)
                )
        finally:
            if found is not None:
                found.close(True)

    def row(self, table: str, columns: Sequence[str], number: int) -> tuple[Any, ...] | None:
        """One row; None where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        names = ", ".join(map(quoted, (_ROW, *columns)))
        with _translated(self.path):
            found = self._connection.execute(
                f"SELECT {names} FROM {quoted(table)} WHERE {_ROW} = ?", (number,)
            )
            return next(iter(found), None)

    def numbers(self, table: str, column: str, after: int) -> list[tuple[int, Any]]:
        """Row numbers behind one, with the values of a column, from that column's index: a way round damaged rows.

        Raises:
            StoreError: the index is damaged, too, or there is none.
        """
        names = f"{_ROW}, {quoted(column)}"
        with _translated(self.path):
            text = f"SELECT {names} FROM {quoted(table)} INDEXED BY {quoted(self._key(table))}"
            return list(self._connection.execute(f"{text} WHERE {_ROW} > ? ORDER BY {_ROW}", (after,)))

    def _key(self, table: str) -> str:
        """The name of the index of a table's primary key; empty, which names no index, where there is none."""
        found = self._connection.execute(
            "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", (table,)
        )
        return next((name for (name,) in found), "")

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._connection.close()
        self._remove_copy()

    def _remove_copy(self) -> None:
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> ForeignFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn apsw's errors into ours, in the words for a file that is none of ours."""
    with translated(path):
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreError(f"{path} is damaged: {error}") from None


def _header(path: str) -> bytes:
    """The header of a file that is an SQLite database, and none of ours."""
    try:
        with open(path, "rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        raise StoreError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise StoreError(
            f"{path} is a folder: name the file in it, as {os.path.join(path, 'tasks.db')}"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    if not header:
        raise StoreError(f"{path} is empty")
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise StoreError(f"{path} is not an SQLite database")
    if struct.unpack(">I", header[68:72])[0] == APPLICATION_ID:
        raise StoreError(f"{path} is a store of mongoglot already: open it as sqlite:{path}")
    return header


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
