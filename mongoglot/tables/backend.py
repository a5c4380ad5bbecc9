"""A table that is there as a collection that can be read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, NoReturn, final

from mongoglot.compiler.deadline import in_time
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import INT64_MAX
from mongoglot.engines import postgresql, sqlite
from mongoglot.engines import sql as sql_engines
from mongoglot.engines.base import FindRequest, Record, ScanningBackend, finished, projected, residual_check
from mongoglot.engines.sql.dialects import DIALECTS
from mongoglot.engines.sql.encodings import with_encoded_dates
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.selection import selected
from mongoglot.engines.sql.statement import Sql
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sql.typed_ordering import ordering
from mongoglot.errors import UnsupportedError
from mongoglot.tables.drivers import Database, DuckdbDatabase, Source, opened
from mongoglot.tables.needed import check_fields, needed
from mongoglot.tables.reflection import reflected
from mongoglot.tables.rows import check_columns, row_decoder


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
        return projected(self._found(request), request)

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:  # noqa: ARG002 - a table is one collection
        """Exactly the documents that match, in the order in which the database gives them."""
        return self._documents(query)

    def _found(self, request: FindRequest) -> Iterator[Record]:
        """The documents asked for, whole: the database sorts and bounds them where that is exact."""
        with opened(self._source) as database:
            reading = _Reading.of(database, self._described(database), request)
            found = reading.documents()
            if not reading.sorts:
                yield from finished(found, replace(request, projection=None))
            else:
                skip = 0 if reading.bounds else request.skip
                yield from islice(found, skip, skip + request.limit if request.limit else None)

    def _documents(self, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        with opened(self._source) as database:
            yield from enumerate(
                _Reading.of(database, self._described(database), FindRequest(query)).documents()
            )

    def _described(self, database: Database) -> Table:
        return self._table if isinstance(self._table, Table) else reflected(database, self._table)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:  # noqa: ARG002 - a table is one collection
        """The SQL, the database's plan for it, and what is checked on the rows that it gives."""
        with opened(self._source) as database:
            reading = _Reading.of(database, self._described(database), request)
            words = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
            condition = reading.condition
            plan = [str(row[-1]) for row in database.asked(f"{words} {reading.text}", condition.parameters)]
            return {
                "sql": reading.text,
                "parameters": condition.parameters,
                "plan": plan,
                "sort": "SQL" if reading.sorts else "Python",
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
    database: Database, table: Table, text: str, parameters: dict[str, Any], *, few: bool
) -> Generator[Record, None, None]:
    """The documents of the rows that a query gives, as they are asked for."""
    if isinstance(database, DuckdbDatabase):
        from mongoglot.tables import duckdb_rows

        yield from in_time(duckdb_rows.documents(database, table, text, parameters))
        return
    with closing(database.asked(text, parameters, few=few)) as rows:
        yield from map(row_decoder(table), in_time(rows))


_FEW: Final = 1000
"""Rows that are read at once."""


def to_sql(query: BoundPlan, dialect: str, table: Table) -> Sql:
    """The condition of a query on a table in the SQL of a database."""
    result: Sql
    match dialect:
        case "sqlite":
            result = sqlite.to_sql(query, table)
        case "sqlite-3.38":
            result = sqlite.to_sql(query, table, text_only=True)
        case "postgresql":
            result = postgresql.to_sql(query, table)
        case _:
            result = sql_engines.to_sql(query, dialect, table)
    return result


@final
@dataclass(frozen=True, slots=True)
class _Reading:
    """How a table is read for a request.

    Attributes:
        database: that is asked.
        table: that is read, with the columns that an answer is made of.
        query: with dates as the table has them.
        condition: on its rows.
        text: of the statement.
        sorts: whether rows come in the order asked for.
        bounds: whether those that are skipped are left out, and those beyond the limit.
        few: whether they may as well be read at once.
    """

    database: Database
    table: Table
    query: BoundPlan
    condition: Sql
    text: str
    sorts: bool
    bounds: bool
    few: bool

    @staticmethod
    def of(database: Database, table: Table, request: FindRequest) -> _Reading:
        """The reading for a request.

        Raises:
            UnsupportedError: two columns of the table are one field, or it lacks one that is asked for.
        """
        check_columns(table)
        check_fields(table, request)
        dialect = DIALECTS[database.dialect]
        query = with_encoded_dates(request.query, table)
        condition = to_sql(query, database.spoken(), table)
        order = [] if request.sort is None else ordering(request.sort, query, table, dialect)
        bounds = order is not None and condition.residual is None
        if order is not None:
            request = replace(request, sort=None)
        read = needed(table, request, condition.residual)
        full = quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"
        full = full.replace("%", "%%") if dialect.double_percent else full
        columns = ", ".join(dialect.text_of(column) for column in selected(read, dialect))
        text = f"SELECT {columns} FROM {full} WHERE {condition.text}"  # noqa: S608 - quoted names, no values
        if order:
            text += " ORDER BY " + ", ".join(map(dialect.text_of, order))
        if bounds and (request.limit or request.skip):
            text += f" LIMIT {request.limit or INT64_MAX:d}"
            text += f" OFFSET {min(request.skip, INT64_MAX):d}" if request.skip else ""
        few = bounds and 0 < request.limit <= _FEW
        return _Reading(database, read, query, condition, text, order is not None, bounds, few)

    def documents(self) -> Iterator[Record]:
        """The documents that match, in the order in which the database gives them."""
        check = residual_check(self.query, self.condition.residual)
        parameters = self.condition.parameters
        with closing(documents(self.database, self.table, self.text, parameters, few=self.few)) as found:
            yield from found if check is None else filter(check, found)


def _read_only() -> UnsupportedError:
    return UnsupportedError("a table that mongoglot did not make is read, not written")
