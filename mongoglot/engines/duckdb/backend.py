"""Collections as tables of one DuckDB database, and files that are queried in place."""

# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.compiler.values import is_sayable
from mongoglot.engines.base import (
    FindRequest,
    Record,
    ScanningBackend,
    Verification,
    checked,
    finished,
    projected,
)
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.columns import column_value
from mongoglot.engines.duckdb.file import MEMORY, File
from mongoglot.engines.duckdb.files import Files, is_file, refuse_write
from mongoglot.engines.duckdb.insertion import Writer, row_of
from mongoglot.engines.duckdb.lowering import (
    DOCUMENT,
    IDENTITY,
    KEYS,
    DocumentLowering,
    lower,
)
from mongoglot.engines.duckdb.ordering import of_documents
from mongoglot.engines.duckdb.tables import Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import INSERTION, ROW, Order, in_order, pushed
from mongoglot.engines.sql.statement import Statement
from mongoglot.engines.sql.table import Table, by_name
from mongoglot.errors import UnsupportedError


def open_backend(url: str, *, tables: Iterable[Table] = (), autoload: bool = False) -> DuckdbBackend:
    """A store in the file that follows `duckdb:`, made if it is not there; `duckdb:` alone is in memory."""
    path = url.removeprefix("duckdb:")
    if path.startswith("//"):
        if not path.startswith("///"):
            raise UnsupportedError(f"{url!r} has a host and no file: write duckdb:PATH, as duckdb:{path[2:]}")
        path = path[2:]
    if path and not is_sayable(path):
        raise UnsupportedError("the duckdb engine needs the name of a file: write duckdb:PATH")
    file = File(path or MEMORY, autoload=autoload)
    return DuckdbBackend(file, by_name(tables), elsewhere=autoload)


class DuckdbBackend(ScanningBackend[int]):
    """The backend of one database."""

    name = "duckdb"

    def __init__(self, file: File, declared: dict[str, Table], *, elsewhere: bool = False) -> None:
        self.file = file
        self.tables = Tables(file, declared)
        self.files = Files(file, elsewhere=elsewhere)

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store documents in one transaction; see `Backend`."""
        _check_writable(collection)
        with self.file.transaction():
            writer = Writer(self.tables, collection)
            with self.file.streaming(writer.flush):
                for document in documents:
                    writer.add(document)
            writer.flush()

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """Exactly the documents that match, in the order of insertion.

        All rows are read at once, so that writes between them change nothing.
        """
        with self.file.reading():
            table = self.tables.found(collection)
            if table is None:
                return iter(())
            statement = _statement(table, query)
            rows = self.file.rows(_select(table, statement, _ROWS), statement.bind(query.values))
        return checked(self.tables.decoded(rows), query, statement.split.residual)

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        if is_file(collection):
            return self.files.find(collection, request)
        with self.file.reading():
            table = self.tables.found(collection)
            if table is None:
                return iter(())
            order = of_documents(request.sort)
            found = None if order is None else self._in_order(table, order, request)
        if found is not None:
            return projected(found, request)
        return finished((document for _, document in self.matching(collection, request.query)), request)

    def _in_order(self, table: Table, order: Order, request: FindRequest) -> Iterator[Record] | None:
        """The documents asked for; None where there are some that SQL does not sort as a server does."""
        statement = _statement(table, request.query)
        residual = statement.split.residual
        columns = _ROWS if order.unsure is None else f"{_ROWS}, {order.unsure}"
        text = _select(table, statement, columns, order) + pushed(request, residual, order)[0]
        read = self.file.rows_in_turn if residual is not None and request.limit else self.file.rows
        rows = read(text, statement.bind(request.query.values))
        return in_order(rows, order, request, residual, self.tables.decoded)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match; counted in SQL where nothing is left over."""
        if is_file(collection):
            return self.files.count(collection, query)
        with self.file.reading():
            table = self.tables.found(collection)
            if table is None:
                return 0
            statement = _statement(table, query)
            if statement.split.residual is None:
                text = f"SELECT count(*) FROM {quoted(table.name)} WHERE {statement.text}"
                return int(self.file.rows(text, statement.bind(query.values))[0][0])
        return super().count(collection, query)

    def replace(self, collection: str, key: int, document: Record) -> None:
        """Put a document in the place of the one in a row; inside a transaction."""
        table = self.tables.created(collection)
        names = [KEYS, DOCUMENT, *(column.name for column in table.columns)]
        values = [keys.document_key(document), keys.encoded(document)]
        values += [column_value(document, column) for column in table.columns]
        changes = ", ".join(f"{quoted(name)} = ?" for name in names)
        self.file.rows(f"UPDATE {quoted(table.name)} SET {changes} WHERE {quoted(ROW)} = ?", [*values, key])

    def remove(self, collection: str, keys: list[int]) -> None:
        """Delete rows; inside a transaction."""
        table = self.tables.created(collection)
        self.file.rows(
            f"DELETE FROM {quoted(table.name)} WHERE {quoted(ROW)} IN (SELECT unnest(CAST(? AS BIGINT[])))",
            [keys],
        )

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all; in SQL alone where nothing is left over."""
        _check_writable(collection)
        with self.file.transaction():
            table = self.tables.found(collection)
            if table is None:
                return 0
            statement = _statement(table, query)
            if not many or statement.split.residual is not None:
                return super().delete(collection, query, many=many)
            text = f"DELETE FROM {quoted(table.name)} WHERE {statement.text}"
            return int(self.file.rows(text, statement.bind(query.values))[0][0])

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Update the first match or all; see `Backend`."""
        _check_writable(collection)
        return super().update(collection, query, update, many=many)

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction of the database."""
        return self.file.transaction()

    def drop(self, collection: str) -> None:
        """Drop the collection's table."""
        _check_writable(collection)
        with self.file.transaction():
            self.tables.drop(collection)

    def collection_names(self) -> list[str]:
        """The collections of the database."""
        with self.file.reading():
            return self.tables.names()

    def create_index(self, collection: str, index: Index) -> None:
        """Refuse: DuckDB reads whole columns, and its own indexes know nothing of paths and arrays."""
        _check_writable(collection)
        with self.file.transaction():  # the store may be closed, or be in the middle of an insert
            raise UnsupportedError(
                f"the engine 'duckdb' keeps no index beside that of _id, so not {index.name!r}: it reads whole "
                "columns; declare fields that are asked for as columns (tables=), or use sqlite:PATH"
            )

    def drop_index(self, collection: str, name: str) -> None:
        """Find no such index."""
        with self.file.transaction():
            super().drop_index(collection, name)

    def verify(self) -> Verification:
        """Check that documents can be read, and that their keys and columns say what they say."""
        problems: list[str] = []
        count = 0
        for name in self.collection_names():
            table = self.tables.found(name)
            if table is not None:
                count += self._verify(name, table, problems)
        return Verification(tuple(problems), count, count)

    def _verify(self, collection: str, table: Table, problems: list[str]) -> int:
        names = [ROW, IDENTITY, KEYS, DOCUMENT, *(column.name for column in table.columns)]
        rows = self.file.rows(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)}")
        for row, identity, text, data, *values in rows:
            try:
                document = keys.decoded(data)
                expected = row_of(table, row, document)
            except Exception as error:  # damaged bytes may raise anything
                reason = type(error).__name__
                problems.append(f"{collection!r}: the document in row {row} cannot be decoded ({reason})")
                continue
            if (row, identity, text, data, *values) != expected:
                problems.append(f"{collection!r}: row {row} says something else than its document")
        return len(rows)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The SQL, its parameters, DuckDB's plan, and the residual."""
        if is_file(collection):
            return self.files.explain(collection, request)
        with self.file.reading():
            table = self.tables.found(collection)
            if table is None:
                reason = "there is no such collection"
                return {"engine": self.name, "sql": None, "reason": reason, "residual": None}
            statement = _statement(table, request.query)
            order = of_documents(request.sort)
            text = _select(table, statement, quoted(DOCUMENT), order or INSERTION)
            if order is not None:
                text += pushed(request, statement.split.residual, order)[0]
            parameters = statement.bind(request.query.values)
            plan = self.file.rows(f"EXPLAIN {text}", parameters)
        return {
            "engine": self.name,
            "sql": text,
            "parameters": parameters,
            "plan": [tree for _, tree in plan],
            "sort": "Python" if order is None else order.sorter,
            "residual": statement.split.residual,
            "projection": request.projection.spec if request.projection else None,
        }

    def close(self) -> None:
        """Close the database."""
        self.file.close()


def _check_writable(collection: str) -> None:
    if is_file(collection):
        refuse_write(collection)


def _statement(table: Table, query: BoundPlan) -> Statement:
    """The condition of a filter on a collection's table."""
    return query.plan.lowered(("duckdb", table), lambda node: lower(node, DocumentLowering(table)))


_ROWS: Final = f"{quoted(ROW)}, {quoted(DOCUMENT)}"


def _select(table: Table, statement: Statement, columns: str, order: Order = INSERTION) -> str:
    """The rows that meet a condition, in an order."""
    return f"SELECT {columns} FROM {quoted(table.name)} WHERE {statement.text} ORDER BY {order.text}"
