"""A table that is there as a collection that can be read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any, NoReturn, final

from mongoglot.compiler.deadline import in_time
from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines import sql as sql_engines
from mongoglot.engines import sqlite
from mongoglot.engines.base import FindRequest, Record, ScanningBackend, finished, residual_check
from mongoglot.engines.sql.dialects import DIALECTS
from mongoglot.engines.sql.encodings import with_encoded_dates
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.selection import selected
from mongoglot.engines.sql.statement import Sql
from mongoglot.engines.sql.table import Table
from mongoglot.errors import UnsupportedError
from mongoglot.tables.drivers import Database, DuckdbDatabase, Source, opened
from mongoglot.tables.needed import check_fields, needed
from mongoglot.tables.reflection import reflected
from mongoglot.tables.rows import row_decoder


@final
class TableBackend(ScanningBackend[int]):
    """One table of a database, for reading only.

    A connection that was named by a URL is opened when documents are asked for, and closed when there are no more.
    """

    name = "table"

    def __init__(self, source: Source, table: Table | str) -> None:
        self._source = source
        self._table = table

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:  # noqa: ARG002 - a table is one collection
        """The matching documents; see `Backend`. A limit goes to the database where nothing is left to do here."""
        found = (document for _, document in self._documents(request))
        return finished(found, request)

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:  # noqa: ARG002 - a table is one collection
        """Exactly the documents that match, in the order in which the database gives them."""
        return self._documents(FindRequest(query))

    def _documents(self, request: FindRequest) -> Iterator[tuple[int, Record]]:
        """The matching documents, of their fields at least those that the request asks for."""
        with opened(self._source) as database:
            table = self._described(database)
            check_fields(table, request)
            query = with_encoded_dates(request.query, table)
            condition = to_sql(query, database.spoken(), table)
            check = residual_check(query, condition.residual)
            plain = check is None and request.sort is None
            wanted = request.skip + request.limit if request.limit and plain else 0
            read = needed(table, request, condition.residual)
            text = statement(database, read, condition, wanted)
            with closing(documents(database, read, text, condition.parameters)) as found:
                for number, document in enumerate(in_time(found)):
                    if check is None or check(document):
                        yield number, document

    def _described(self, database: Database) -> Table:
        return self._table if isinstance(self._table, Table) else reflected(database, self._table)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:  # noqa: ARG002 - a table is one collection
        """The SQL, the database's plan for it, and what is checked on the rows that it gives."""
        with opened(self._source) as database:
            table = self._described(database)
            query = with_encoded_dates(request.query, table)
            condition = to_sql(query, database.spoken(), table)
            text = statement(database, needed(table, request, condition.residual), condition, 0)
            words = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
            plan = [str(row[-1]) for row in database.asked(f"{words} {text}", condition.parameters)]
            return {
                "sql": text,
                "parameters": condition.parameters,
                "plan": plan,
                "residual": condition.residual,
            }

    def collection_names(self) -> list[str]:
        """The name of the table."""
        return [self._table.name if isinstance(self._table, Table) else self._table]

    def insert(self, collection: str, documents: Any) -> NoReturn:  # noqa: ARG002 - a table is one collection
        """Refuse."""
        raise _read_only()

    def replace(self, collection: str, key: int, document: Record) -> NoReturn:  # noqa: ARG002 - a table is one collection
        """Refuse."""
        raise _read_only()

    def remove(self, collection: str, keys: list[int]) -> NoReturn:  # noqa: ARG002 - a table is one collection
        """Refuse."""
        raise _read_only()

    def drop(self, collection: str) -> NoReturn:  # noqa: ARG002 - a table is one collection
        """Refuse."""
        raise _read_only()

    def transaction(self) -> AbstractContextManager[None]:
        """Refuse: only what writes asks for one."""
        raise _read_only()

    def close(self) -> None:
        """Do nothing: what was opened is closed already."""


def documents(
    database: Database, table: Table, text: str, parameters: dict[str, Any]
) -> Generator[Record, None, None]:
    """The documents of the rows that a query of `statement` gives, as they are asked for."""
    if isinstance(database, DuckdbDatabase):
        from mongoglot.tables import duckdb_rows

        yield from duckdb_rows.documents(database, table, text, parameters)
        return
    decode = row_decoder(table)
    with closing(database.asked(text, parameters)) as rows:
        for row in rows:
            yield decode(row)


def to_sql(query: BoundPlan, dialect: str, table: Table) -> Sql:
    """The condition of a query on a table in the SQL of a database."""
    if dialect in ("sqlite", "sqlite-3.38"):
        result: Sql = sqlite.to_sql(query, table, text_only=dialect != "sqlite")
        return result
    return sql_engines.to_sql(query, dialect, table)


def statement(database: Database, table: Table, condition: Sql, limit: int) -> str:
    """The query that reads the rows of a table for which a condition holds; a limit of 0 is none."""
    dialect = DIALECTS[database.dialect]
    full = quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"
    full = full.replace("%", "%%") if dialect.double_percent else full
    columns = ", ".join(dialect.text_of(column) for column in selected(table, dialect))
    limited = f" LIMIT {limit}" if limit else ""
    return f"SELECT {columns} FROM {full} WHERE {condition.text}{limited}"  # noqa: S608 - quoted names, no values


def _read_only() -> UnsupportedError:
    return UnsupportedError("a table that mongoglot did not make is read, not written")
