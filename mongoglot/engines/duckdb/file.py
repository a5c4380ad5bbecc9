"""The database of a DuckDB store: opening and checking it, its errors, its transactions."""

# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import duckdb

from mongoglot.compiler.deadline import interrupting
from mongoglot.engines.base import IN_INSERT
from mongoglot.engines.sql.nodes import quoted
from mongoglot.errors import StoreError

FORMAT: Final = 1
"""The version of the layout of the database."""

CATALOGUE: Final = "mongoglot collections"
"""The table that says which table and columns each collection has; users' tables never have its name."""

MARK: Final = "mongoglot format"
"""The table that marks a database as a store of mongoglot, and has the version of its layout."""

LAYOUT: Final = (
    f"CREATE TABLE {quoted(MARK)} (version INTEGER NOT NULL)",
    f"""CREATE TABLE {quoted(CATALOGUE)}
        (collection VARCHAR PRIMARY KEY, "table" VARCHAR NOT NULL, columns VARCHAR NOT NULL)""",
)

MEMORY: Final = ":memory:"

_AT_ONCE: Final = 100
"""Rows that are read at once where a few may be enough."""


class File:
    """One open database; each thread has a cursor of its own, and writers take turns."""

    def __init__(self, path: str, *, autoload: bool) -> None:
        self.path = path
        self.shown = path if path != MEMORY else "the DuckDB database in memory"
        self.lock = threading.RLock()
        self._local = threading.local()
        self._closed = False
        self._writer: int | None = None
        self._flush: Callable[[], None] | None = None
        # what a query names must not make DuckDB fetch or load code
        config: dict[str, Any] = {
            "autoinstall_known_extensions": autoload,
            "autoload_known_extensions": autoload,
            "allow_community_extensions": False,
        }
        with translated(self.shown, opening=True):
            self._connection = duckdb.connect(path, config=config)
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")  # that instants are read and compared in
            self._connection.execute("SET GLOBAL arrow_large_buffer_size = true")  # texts of 2 GB and more
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        """Refuse what is no store of ours before anything is written to it; make a new database ours."""
        tables = [name for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")]
        if not tables and not self._others():
            with self.transaction():
                for statement in LAYOUT:
                    self.rows(statement)
                self.rows(f"INSERT INTO {quoted(MARK)} VALUES (?)", [FORMAT])
            return
        if MARK not in tables or CATALOGUE not in tables:
            raise StoreError(
                f"{self.shown} is a DuckDB database, but not a mongoglot store; it was left untouched"
            )
        ((version,),) = self.rows(f"SELECT max(version) FROM {quoted(MARK)}")
        if version != FORMAT:
            raise StoreError(
                f"{self.shown} was written by a newer mongoglot (format {version}, this one knows {FORMAT}); "
                "it was left untouched"
            )
        if odd := self._others():
            raise StoreError(
                f"{self.shown} is refused: it has the {odd}, and a store of mongoglot has none; "
                "it was left untouched"
            )

    def _others(self) -> str | None:
        """What no store has, and what could run when a collection is read or written; or None."""
        found = self.rows(
            "SELECT 'view ' || view_name FROM duckdb_views() WHERE NOT internal UNION ALL "
            "SELECT 'macro ' || function_name FROM duckdb_functions() WHERE NOT internal UNION ALL "
            "SELECT 'column ' || column_name || ' that is computed' FROM duckdb_columns() "
            "WHERE NOT internal AND column_default IS NOT NULL LIMIT 1"
        )
        return str(found[0][0]) if found else None

    def cursor(self) -> Any:
        """This thread's cursor."""
        if self._closed:
            raise StoreError(f"the store in {self.shown} is closed")
        found = getattr(self._local, "cursor", None)
        if found is None:
            with translated(self.shown):
                found = self._local.cursor = self._connection.cursor()
        return found

    def new_cursor(self) -> Any:
        """A cursor of its own, for rows that are read as they are asked for."""
        self.cursor()
        with translated(self.shown):
            return self._connection.cursor()

    def rows(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement; all of its rows."""
        cursor = self.cursor()
        with interrupting(cursor.interrupt), translated(self.shown):
            found: list[tuple[Any, ...]] = cursor.execute(statement, parameters or None).fetchall()
        return found

    def rows_in_turn(self, statement: str, parameters: Any = None) -> Iterator[tuple[Any, ...]]:
        """Run a statement; its rows in batches, to be read before this thread runs another one."""
        cursor = self.cursor()
        with interrupting(cursor.interrupt), translated(self.shown):
            cursor.execute(statement, parameters or None)
        while True:
            with interrupting(cursor.interrupt), translated(self.shown):
                batch = cursor.fetchmany(_AT_ONCE)
            if not batch:
                return
            yield from batch

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is written in this thread's transaction so far can be read inside."""
        if self._writer == threading.get_ident() and self._flush is not None:
            self._flush()
        yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write whole or not at all; inside another transaction, as a part of that."""
        with self.lock:
            if self._writer is not None:
                if self._flush is not None:
                    raise StoreError(IN_INSERT)
                yield
                return
            self.rows("BEGIN TRANSACTION")
            self._writer = threading.get_ident()
            try:
                yield
            except BaseException:
                self._end()
                raise
            self._writer = None
            try:
                self.rows("COMMIT")
            except BaseException:
                self._end()
                raise

    def commit(self) -> None:
        """Commit what the current transaction has written so far, and go on in a new one."""
        self.rows("COMMIT")
        self.rows("BEGIN TRANSACTION")

    def _end(self) -> None:
        """Take back what the transaction wrote; the error that led here is the one to tell."""
        self._writer = None
        with suppress(StoreError):
            self.rows("ROLLBACK")

    @contextmanager
    def streaming(self, flush: Callable[[], None]) -> Iterator[None]:
        """Run a caller's code in a transaction: it may read the store, after `flush`, but not write."""
        self._flush = flush
        try:
            yield
        finally:
            self._flush = None

    def close(self) -> None:
        """Close the database; calling it again does nothing."""
        with self.lock:
            if not self._closed:
                self._closed = True
                with suppress(duckdb.Error):
                    self._connection.close()


@contextmanager
def translated(shown: str, *, opening: bool = False) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    try:
        yield
    except (duckdb.Error, OSError) as error:  # what Arrow passes on is an OSError
        raise StoreError(_said(shown, str(error), opening=opening)) from None
    except RuntimeError as error:
        raise StoreError(f"DuckDB refuses an operation on {shown}: {error}") from None


_MIXED: Final = (
    "the files of {} have columns of one name and of types that do not go together; query them one by one, or "
    "write them anew with one type"
)

_SENTENCES: Final[Mapping[str, str]] = {
    "not a valid DuckDB database file": "{} is not a DuckDB database; it was left untouched",
    "Could not set lock": (
        "{} is open in another process: DuckDB lets one process at a time have a database; close it there, or "
        "keep documents that several processes share in sqlite:PATH or postgresql://…"
    ),
    "newer version": "{} was written by a newer DuckDB; update the package duckdb. It was left untouched",
    "read-only": "{} cannot be written: the file or its folder is read-only",
    "Permission denied": "{} cannot be opened: this user may not read and write it",
    "No such file or directory": "{} cannot be opened: its folder does not exist",
    "Corrupt database": "{} is damaged; restore it from a copy",
    "checksum": "{} is damaged; restore it from a copy",
    "Schema mismatch": _MIXED,
    "failed to cast column": _MIXED,
    "No space left": "the disk of {} is full; what was committed before is intact",
    "Out of Memory": "DuckDB has not enough memory for an operation on {}",
}


def _said(shown: str, reason: str, *, opening: bool) -> str:
    for words, sentence in _SENTENCES.items():
        if words.lower() in reason.lower() and (opening or words != "No such file or directory"):
            return sentence.format(shown)
    return f"DuckDB refuses an operation on {shown}: {reason.splitlines()[0]}"
