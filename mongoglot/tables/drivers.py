"""Connections of the drivers, and databases named by URLs, behind one way to ask them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, final

from mongoglot.compiler.deadline import interrupting
from mongoglot.engines.sqlite.functions import register_functions
from mongoglot.errors import StoreError, UnsupportedError

Source: TypeAlias = Any
"""A connection of sqlite3, apsw, psycopg or duckdb, or a URL: `sqlite:PATH`, `postgresql://…`, `duckdb:PATH`."""


class Database(ABC):
    """An open database.

    Attributes:
        dialect: the name of its SQL.
    """

    dialect: str

    @abstractmethod
    def rows(self, text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """The rows that a query gives, as they are asked for.

        Raises:
            StoreError: the database refuses it.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def has(self, error: Exception) -> bool:
        """Whether an error is one of the driver's."""

    def asked(self, text: str, parameters: Mapping[str, Any]) -> Generator[tuple[Any, ...], None, None]:
        """As `rows`, the driver's errors made ours."""
        try:
            yield from self.rows(text, parameters)
        except Exception as error:
            if self.has(error):
                raise StoreError(f"the database refuses the query: {error}") from error
            raise


@final
class SqliteDatabase(Database):
    """A connection of the standard library's `sqlite3`, or of apsw."""

    dialect = "sqlite"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        register_functions(connection)

    def rows(self, text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """See `Database`."""
        cursor = self._connection.cursor()
        if hasattr(cursor, "row_factory"):
            cursor.row_factory = None  # whatever the connection makes of rows
        with interrupting(self._connection.interrupt):
            cursor.execute(text, dict(parameters))
            for row in cursor:
                yield tuple(row)

    def close(self) -> None:
        """See `Database`."""
        self._connection.close()

    def has(self, error: Exception) -> bool:
        """See `Database`."""
        return type(error).__module__.split(".")[0] in ("sqlite3", "apsw")


@final
class PostgresqlDatabase(Database):
    """A connection of psycopg 3."""

    dialect = "postgresql"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """See `Database`."""
        from psycopg.rows import tuple_row

        with (
            interrupting(self._connection.cancel),
            self._connection.cursor(row_factory=tuple_row) as cursor,
        ):
            cursor.execute(text.encode(), dict(parameters))
            yield from cursor

    def close(self) -> None:
        """See `Database`."""
        self._connection.close()

    def has(self, error: Exception) -> bool:
        """See `Database`."""
        return type(error).__module__.startswith("psycopg")


@final
class DuckdbDatabase(Database):
    """A connection of duckdb."""

    dialect = "duckdb"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """See `Database`."""
        cursor = self._connection.cursor()  # so that another query may run while this one is read
        try:
            with interrupting(cursor.interrupt):
                cursor.execute(text, dict(parameters) or None)
                while batch := cursor.fetchmany(1000):
                    yield from batch
        finally:
            cursor.close()

    def batches(self, text: str, parameters: Mapping[str, Any]) -> Generator[Any, None, None]:
        """The rows that a query gives, as batches of Arrow.

        Raises:
            StoreError: the database refuses it.
            UnsupportedError: pyarrow is not installed.
        """
        from mongoglot.engines.duckdb.values import batches

        cursor = self._connection.cursor()  # so that another query may run while this one is read
        try:
            with interrupting(cursor.interrupt):
                yield from batches(cursor, text, dict(parameters))
        except Exception as error:
            if self.has(error) or isinstance(error, OSError):  # what Arrow passes on is an OSError
                raise StoreError(f"the database refuses the query: {error}") from error
            raise
        finally:
            cursor.close()

    def types(self, text: str) -> list[tuple[str, Any]]:
        """The columns of a query, each with its type."""
        relation = self._connection.sql(text)
        return list(zip(relation.columns, relation.types, strict=True))

    def close(self) -> None:
        """See `Database`."""
        self._connection.close()

    def has(self, error: Exception) -> bool:
        """See `Database`."""
        return type(error).__module__.strip("_").startswith("duckdb")


@contextmanager
def opened(source: Source) -> Iterator[Database]:
    """A database, which is closed after the block where it was named by a URL, and is opened for reading only.

    Raises:
        UnsupportedError: it is neither a connection nor a URL that is known.
        StoreError: it cannot be opened.
    """
    if not isinstance(source, str):
        yield _connected(source)
        return
    database = _from_url(source)
    try:
        yield database
    finally:
        database.close()


def _connected(connection: Any) -> Database:
    module = type(connection).__module__.split(".")[0].strip("_")
    match module:
        case "sqlite3" | "apsw":
            return SqliteDatabase(connection)
        case "psycopg":
            return PostgresqlDatabase(connection)
        case "duckdb":
            return DuckdbDatabase(connection)
        case _:
            kind = f"{type(connection).__module__}.{type(connection).__qualname__}".removeprefix("builtins.")
            raise UnsupportedError(
                f"{kind} is no connection that mongoglot knows: those of sqlite3, apsw, psycopg and duckdb are, "
                "and URLs such as 'sqlite:PATH'"
            )


def _from_url(url: str) -> Database:
    scheme, _, rest = url.partition(":")
    match scheme:
        case "sqlite":
            return _opened_sqlite(url, rest)
        case "postgresql" | "postgres":
            return _opened_postgresql(url)
        case "duckdb":
            return _opened_duckdb(url, rest)
        case _:
            raise UnsupportedError(
                f"{url!r} names no database with tables: write sqlite:PATH, postgresql://… or duckdb:PATH"
            )


def _opened_sqlite(url: str, path: str) -> Database:
    import apsw

    try:
        return SqliteDatabase(apsw.Connection(str(Path(path)), flags=apsw.SQLITE_OPEN_READONLY))
    except apsw.Error as error:
        raise StoreError(f"{url!r} cannot be opened: {error}") from error


def _opened_postgresql(url: str) -> Database:
    try:
        import psycopg
    except ImportError:
        raise UnsupportedError("PostgreSQL needs psycopg: pip install 'mongoglot[postgresql]'") from None
    try:
        connection = psycopg.connect(url)
    except psycopg.Error as error:
        raise StoreError(f"the database cannot be opened: {error}") from error  # a URL may hold a password
    connection.read_only = True
    return PostgresqlDatabase(connection)


def _opened_duckdb(url: str, path: str) -> Database:
    try:
        import duckdb
    except ImportError:
        raise UnsupportedError("DuckDB needs duckdb: pip install 'mongoglot[duckdb]'") from None
    try:
        return DuckdbDatabase(duckdb.connect(path, read_only=True) if path else duckdb.connect(":memory:"))
    except duckdb.Error as error:
        raise StoreError(f"{url!r} cannot be opened: {error}") from error
