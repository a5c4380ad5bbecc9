"""Connections of the drivers, and databases named by URLs, behind one way to ask them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, final

from mongoglot.compiler.deadline import interrupting
from mongoglot.engines.sqlite.functions import register_functions
from mongoglot.errors import StoreError, UnsupportedError

Source: TypeAlias = Any
"""A connection of sqlite3, apsw, psycopg or duckdb, or a URL: `sqlite:PATH`, `postgresql://…`, `duckdb:PATH`."""


_NO_UTF8: Final = "Could not decode to UTF-8"

_ADVICE: Final = {
    "malformed JSON": "; a JSON column holds a text that is no JSON, or a BLOB: JSONB is read by SQLite 3.45 "
    "and later, as apsw has it",
    "parser stack overflow": "; the filter nests deeper than this version of SQLite goes: apsw has a later one",
    "user-defined function raised exception": "; text that is not UTF-8 has no match of a regular expression",
}
"""What helps with errors of SQLite, by words of theirs."""

JSONB_SINCE: Final = (3, 51)
"""The version of SQLite that has all functions on JSONB which are used: the last of them is `jsonb_each`."""


class Database(ABC):
    """An open database.

    Attributes:
        dialect: the name of its SQL.
    """

    dialect: str

    def spoken(self) -> str:
        """The dialect that this version of the database knows, as `to_sql` takes it."""
        return self.dialect

    @abstractmethod
    def rows(
        self, text: str, parameters: Mapping[str, Any], *, few: bool = True
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that a query gives, as they are asked for.

        Args:
            text: of the query.
            parameters: of the query.
            few: whether they may as well be read at once.

        Raises:
            StoreError: the database refuses it.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def has(self, error: Exception) -> bool:
        """Whether an error is one of the driver's."""

    def asked(
        self, text: str, parameters: Mapping[str, Any], *, few: bool = True
    ) -> Generator[tuple[Any, ...], None, None]:
        """As `rows`, the driver's errors made ours."""
        try:
            yield from self.rows(text, parameters, few=few)
        except Exception as error:
            if self.has(error):
                raise self.refusal(error) from error
            raise

    def refusal(self, error: Exception, advice: str = "") -> StoreError:
        """What is said of an error of the driver's."""
        return StoreError(f"the database refuses the query: {error}{advice}")


@final
class SqliteDatabase(Database):
    """A connection of the standard library's `sqlite3`, or of apsw."""

    dialect = "sqlite"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        register_functions(connection)

    def spoken(self) -> str:
        """See `Database`; that of the module which made the connection."""
        ((version,),) = self.rows("SELECT sqlite_version()", {})
        return "sqlite" if tuple(map(int, version.split(".")[:2])) >= JSONB_SINCE else "sqlite-3.38"

    def rows(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        few: bool = True,  # noqa: ARG002 - rows come in turn
    ) -> Iterator[tuple[Any, ...]]:
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
        driver = type(error).__module__.split(".")[0]
        return driver in ("sqlite3", "apsw") or isinstance(error, UnicodeDecodeError)

    def refusal(self, error: Exception, advice: str = "") -> StoreError:
        """See `Database`."""
        if isinstance(error, UnicodeDecodeError) or _NO_UTF8 in str(error):
            return StoreError(
                f"the table holds text that is not UTF-8, and so no document can: {error}; a projection that "
                "leaves the column out reads the others"
            )
        known = (advice for words, advice in _ADVICE.items() if words in str(error))
        return super().refusal(error, next(known, advice))


@final
class PostgresqlDatabase(Database):
    """A connection of psycopg 3."""

    dialect = "postgresql"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(
        self, text: str, parameters: Mapping[str, Any], *, few: bool = True
    ) -> Iterator[tuple[Any, ...]]:
        """See `Database`."""
        from mongoglot.engines.postgresql.cursors import check, rows

        check(self._connection)
        with interrupting(self._connection.cancel):
            yield from rows(self._connection, text, parameters, few=few)

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

    def rows(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        few: bool = True,  # noqa: ARG002 - rows come in turn
    ) -> Iterator[tuple[Any, ...]]:
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
                raise self.refusal(error) from error
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
        connection = psycopg.connect(url, client_encoding="utf8")
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
