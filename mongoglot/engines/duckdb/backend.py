"""Collections as tables of one DuckDB database, and files that are queried in place."""

# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.compiler.values import is_sayable
from mongoglot.engines.base import FindRequest, Record, ScanningBackend, Verification, checked, finished
from mongoglot.engines.duckdb import keys
from mongoglot.engines.duckdb.columns import column_value
from mongoglot.engines.duckdb.file import MEMORY, File
from mongoglot.engines.duckdb.files import Files, is_file, refuse_write
from mongoglot.engines.duckdb.lowering import (
    DOCUMENT,
    IDENTITY,
    KEYS,
    ROW,
    DocumentLowering,
    lower,
)
from mongoglot.engines.duckdb.tables import BATCH, Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.statement import Statement
from mongoglot.engines.sql.table import Table
from mongoglot.errors import DuplicateKeyError, UnsupportedError


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
    return DuckdbBackend(file, {table.name: table for table in tables}, elsewhere=autoload)


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
            writer = _Writer(self.tables, collection)
            with self.file.streaming(writer.flush):
                for document in documents:
                    writer.add(document)
            writer.flush()

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """Exactly the documents that match, in the order of insertion."""
        return self._matching(collection, query, "")

    def _matching(self, collection: str, query: BoundPlan, bounds: str) -> Iterator[tuple[int, Record]]:
        """The matches; all rows are read at once, so that writes between them change nothing."""
        with self.file.reading():
            table = self.tables.found(collection)
            if table is None:
                return iter(())
            statement = _statement(table, query)
            columns = f"{quoted(ROW)}, {quoted(DOCUMENT)}"
            rows = self.file.rows(_select(table, statement, columns) + bounds, statement.bind(query.values))
        return checked(self.tables.decoded(rows), query, statement.split.residual)

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        if is_file(collection):
            return self.files.find(collection, request)
        bounds = ""
        if request.sort is None and (request.skip or request.limit):
            with self.file.reading():
                table = self.tables.found(collection)
            if table is not None and _statement(table, request.query).split.residual is None:
                bounds = _bounds(request)
                request = replace(request, skip=0, limit=0)
        pairs = self._matching(collection, request.query, bounds)
        return finished((document for _, document in pairs), request)

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
                expected = _row(table, row, document)
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
            text = _select(table, statement, quoted(DOCUMENT))
            if request.sort is None and statement.split.residual is None:
                text += _bounds(request)
            parameters = statement.bind(request.query.values)
            plan = self.file.rows(f"EXPLAIN {text}", parameters)
        return {
            "engine": self.name,
            "sql": text,
            "parameters": parameters,
            "plan": [tree for _, tree in plan],
            "residual": statement.split.residual,
            "projection": request.projection.spec if request.projection else None,
        }

    def close(self) -> None:
        """Close the database."""
        self.file.close()


def _check_writable(collection: str) -> None:
    if is_file(collection):
        refuse_write(collection)


class _Writer:
    """Documents on their way into a collection, written in batches; a read sees them after `flush`."""

    def __init__(self, tables: Tables, collection: str) -> None:
        self._tables = tables
        self._collection = collection
        self._table = tables.created(collection)
        self._waiting: dict[str, tuple[Any, ...]] = {}
        (last,) = tables.file.rows(f"SELECT max({quoted(ROW)}) FROM {quoted(self._table.name)}")[0]
        self._next = (last or 0) + 1

    def add(self, document: Record) -> None:
        row = _row(self._table, self._next, document)
        identity = row[1]
        if identity in self._waiting:
            self.flush()
        self._waiting[identity] = row
        self._next += 1
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            DuplicateKeyError: the collection has an `_id` of these; those before it are committed.
        """
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        known = {
            identity
            for (identity,) in self._tables.file.rows(
                f"SELECT {quoted(IDENTITY)} FROM {quoted(self._table.name)} "
                f"WHERE {quoted(IDENTITY)} IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                [list(waiting)],
            )
        }
        rows = list(waiting.values())
        refused = next((number for number, row in enumerate(rows) if row[1] in known), None)
        self._tables.insert(self._table, rows[:refused])
        if refused is not None:
            self._tables.file.commit()  # the documents before this one stay
            raise DuplicateKeyError(self._collection, keys.decoded(rows[refused][3])["_id"])


def _row(table: Table, number: int, document: Record) -> tuple[Any, ...]:
    """The row of a document."""
    return (
        number,
        keys.key(document["_id"]),
        keys.document_key(document),
        keys.encoded(document),
        *(column_value(document, column) for column in table.columns),
    )


def _statement(table: Table, query: BoundPlan) -> Statement:
    """The condition of a filter on a collection's table."""
    return query.plan.lowered(("duckdb", table), lambda node: lower(node, DocumentLowering(table)))


_ORDER: Final = f" ORDER BY {quoted(ROW)}"


def _select(table: Table, statement: Statement, columns: str) -> str:
    """The rows that meet a condition, in the order of insertion."""
    return f"SELECT {columns} FROM {quoted(table.name)} WHERE {statement.text}{_ORDER}"


def _bounds(request: FindRequest) -> str:
    """LIMIT and OFFSET, numbers that have been checked."""
    limit = f" LIMIT {request.limit:d}" if request.limit else ""
    return limit + (f" OFFSET {request.skip:d}" if request.skip else "")
