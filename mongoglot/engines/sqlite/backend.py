"""Collections as tables of one file: the document as JSONB, declared fields beside it as typed columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any, Final

import apsw

from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import is_sayable, milliseconds, value_class
from mongoglot.engines.base import FindRequest, Record, ScanningBackend, checked, finished
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sqlite import encoding
from mongoglot.engines.sqlite.file import CATALOGUE, File
from mongoglot.engines.sqlite.lowering import Statement, lower, undecided
from mongoglot.engines.sqlite.tags import identity
from mongoglot.errors import DuplicateKeyError, StoreError, UnsupportedError

ROW, KEY, DOCUMENT = "_row", "_key", "_doc"
"""The columns that every table has: the order of insertion, the identity of `_id`, the document."""

MARK: Final = b""
"""In a typed column: the field has a value that the column cannot hold; see the document."""

_AFFINITY: Final = {"string": "TEXT", "number": "", "date": "INTEGER", "bool": "INTEGER"}
"""The declared types of columns. `number` has none, so that int64 and double stay what they are."""


def open_backend(url: str, *, tables: Iterable[Table] = (), synchronous: str = "normal") -> SqliteBackend:
    """A store in the file that follows `sqlite:`, made if it is not there; `sqlite::memory:` is in memory.

    Args:
        url: `sqlite:PATH`, the path relative or absolute.
        tables: collections whose fields are to stand in columns too; their names are the collections'.
        synchronous: `"normal"` survives the end of the process, `"full"` also the loss of power.
    """
    path = url.removeprefix("sqlite:")
    if path.startswith("//"):
        if not path.startswith("///"):
            raise UnsupportedError(f"{url!r} has a host and no file: write sqlite:PATH, as sqlite:{path[2:]}")
        path = path[2:]
    if not is_sayable(path):
        raise UnsupportedError("the sqlite engine needs the name of a file: write sqlite:PATH")
    if synchronous not in ("normal", "full"):
        raise UnsupportedError(f"synchronous is 'normal' or 'full', not {synchronous!r}")
    return SqliteBackend(File(path, synchronous), {table.name: table for table in tables})


class SqliteBackend(ScanningBackend[int]):
    """The backend of one file."""

    name = "sqlite"

    def __init__(self, file: File, declared: dict[str, Table]) -> None:
        self.file = file
        self._declared = declared
        self._tables: dict[str, Table] = {}
        self._schema_version = -1

    # ---- tables ----------------------------------------------------------------------------------

    def table(self, collection: str) -> Table | None:
        """The table of a collection as it is in the file, with its declared columns; None where there is none."""
        version = self.file.schema_version()
        if (
            version != self._schema_version
        ):  # this store or another one changed a table, or took a change back
            self._tables.clear()
            self._schema_version = version
        known = self._tables.get(collection)
        if known is not None:
            return known
        found = self.file.rows(
            f"SELECT name, columns FROM {quoted(CATALOGUE)} WHERE collection = ?", (collection,)
        )
        if not found:
            return None
        ((name, columns),) = found
        table = Table(name, tuple(Column(**column) for column in json.loads(columns)), DOCUMENT, KEY)
        wanted = self._wanted(collection)
        if any(column not in table.columns for column in wanted):
            table = self._extended(collection, table, wanted)
        return self._remembered(collection, table)

    def _remembered(self, collection: str, table: Table) -> Table:
        """The table, kept until the schema is another than now."""
        self._schema_version = self.file.schema_version()
        self._tables[collection] = table
        return table

    def _wanted(self, collection: str) -> tuple[Column, ...]:
        declared = self._declared.get(collection)
        return tuple(replace(column, mixed=True) for column in declared.columns) if declared else ()

    def _created(self, collection: str) -> Table:
        """The table of a collection, made where there is none."""
        with self.file.transaction():
            table = self.table(collection)
            if table is not None:
                return table
            table = Table(self._free_name(collection), self._wanted(collection), DOCUMENT, KEY)
            columns = "".join(f", {_definition(column)}" for column in table.columns)
            self.file.rows(
                f"CREATE TABLE {quoted(table.name)} ({quoted(ROW)} INTEGER PRIMARY KEY, "
                f"{quoted(KEY)} TEXT NOT NULL UNIQUE{columns}, {quoted(DOCUMENT)} BLOB NOT NULL)"
            )
            self._make_indexes(table, table.columns)
            self._record(collection, table)
            return self._remembered(collection, table)

    def _free_name(self, wanted: str) -> str:
        """A name for a new table or index; SQLite's are the same in upper and lower case, and some are its own."""
        rows = self.file.rows("SELECT lower(name) FROM sqlite_schema")
        taken = {name for (name,) in rows} | {CATALOGUE}
        name, number = wanted, 1
        while name.lower() in taken or name.lower().startswith("sqlite_"):
            number += 1
            name = f"({number}) {wanted}"
        return name

    def _extended(self, collection: str, table: Table, wanted: tuple[Column, ...]) -> Table:
        """The table with columns that were declared since it was made, filled from the documents."""
        known = {column.name.lower(): column for column in table.columns}
        new = tuple(column for column in wanted if column.name.lower() not in known)
        for column in wanted:
            former = known.get(column.name.lower())
            if former is not None and former != column:
                raise StoreError(f"column {column.name!r} of {collection!r} was declared as {former} before")
        extended = replace(table, columns=table.columns + new)
        with self.file.transaction():
            for column in new:
                self.file.rows(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {_definition(column)}")
            assignments = ", ".join(f"{quoted(column.name)} = ?" for column in new)
            for row, document in self._documents(table, "1", {}):
                values = [_column_value(document, column) for column in new]
                self.file.rows(
                    f"UPDATE {quoted(table.name)} SET {assignments} WHERE {quoted(ROW)} = ?", (*values, row)
                )
            self._make_indexes(extended, new)
            self._record(collection, extended)
        return extended

    def _make_indexes(self, table: Table, columns: Sequence[Column]) -> None:
        for column in columns:
            if column.indexed:
                index = quoted(self._free_name(f"index of {table.name} on {column.name}"))
                self.file.rows(f"CREATE INDEX {index} ON {quoted(table.name)} ({quoted(column.name)})")

    def _record(self, collection: str, table: Table) -> None:
        columns = json.dumps([asdict(column) for column in table.columns])
        self.file.rows(
            f"INSERT OR REPLACE INTO {quoted(CATALOGUE)} VALUES (?, ?, ?)", (collection, table.name, columns)
        )

    # ---- documents -------------------------------------------------------------------------------

    def insert(self, collection: str, documents: list[Record]) -> None:
        """Store documents in one transaction; see `Backend`."""
        table = self._created(collection)
        names = [KEY, DOCUMENT, *(column.name for column in table.columns)]
        places = ", ".join(["?", "jsonb(?)", *("?" for _ in table.columns)])
        statement = f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, names))}) VALUES ({places})"
        with self.file.transaction():
            for document in documents:
                columns = [_column_value(document, column) for column in table.columns]
                row = (identity(document["_id"]), encoding.encode(document), *columns)
                try:
                    self.file.rows(statement, row)
                except apsw.ConstraintError:
                    self.file.commit()  # the documents before this one stay
                    raise DuplicateKeyError(collection, document["_id"]) from None

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """Exactly the documents that match, in the order of insertion."""
        table = self.table(collection)
        return iter(()) if table is None else self._matching(table, query)

    def _matching(self, table: Table, query: BoundPlan, bounds: str = "") -> Iterator[tuple[int, Record]]:
        statement = self._statement(table, query)
        pairs = self._documents(table, statement.text, statement.bind(query.values), bounds)
        return checked(pairs, query, statement.split.residual)

    def _statement(self, table: Table, query: BoundPlan) -> Statement:
        return query.plan.lowered(("sqlite", table), lambda node: lower(node, table))

    def _documents(
        self, table: Table, condition: str, parameters: Any, bounds: str = ""
    ) -> Iterator[tuple[int, Record]]:
        """Rows and documents; all rows are read at once, so that writes between them change nothing."""
        text = _select(table, f"{quoted(ROW)}, json({quoted(DOCUMENT)})", condition) + bounds
        rows = self.file.rows(text, parameters)
        return ((row, encoding.decode(text)) for row, text in rows)

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        table = self.table(collection)
        if table is None:
            return iter(())
        if request.sort is not None or self._statement(table, request.query).split.residual is not None:
            return finished((document for _, document in self._matching(table, request.query)), request)
        pairs = self._matching(table, request.query, _bounds(request))
        return finished((document for _, document in pairs), replace(request, skip=0, limit=0))

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match; counted in SQL where nothing is left over."""
        table = self.table(collection)
        if table is None:
            return 0
        statement = self._statement(table, query)
        if statement.split.residual is not None:
            return super().count(collection, query)
        text = f"SELECT count(*) FROM {quoted(table.name)} WHERE {statement.text}"
        return int(self.file.rows(text, statement.bind(query.values))[0][0])

    def replace(self, collection: str, key: int, document: Record) -> None:
        """Put a document in the place of the one in a row."""
        table = self._created(collection)
        assignments = [
            f"{quoted(DOCUMENT)} = jsonb(?)",
            *(f"{quoted(column.name)} = ?" for column in table.columns),
        ]
        columns = [_column_value(document, column) for column in table.columns]
        self.file.rows(
            f"UPDATE {quoted(table.name)} SET {', '.join(assignments)} WHERE {quoted(ROW)} = ?",
            (encoding.encode(document), *columns, key),
        )

    def remove(self, collection: str, keys: list[int]) -> None:
        """Delete rows."""
        table = self._created(collection)
        condition = f"{quoted(ROW)} IN (SELECT value FROM json_each(?))"
        self.file.rows(f"DELETE FROM {quoted(table.name)} WHERE {condition}", (json.dumps(keys),))

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all; in SQL alone where nothing is left over."""
        table = self.table(collection)
        if table is None:
            return 0
        statement = self._statement(table, query)
        if not many or statement.split.residual is not None:
            return super().delete(collection, query, many=many)
        with self.file.transaction():
            text = f"DELETE FROM {quoted(table.name)} WHERE {statement.text}"
            self.file.rows(text, statement.bind(query.values))
            return self.file.changes()

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction of the file."""
        return self.file.transaction()

    def drop(self, collection: str) -> None:
        """Drop the collection's table."""
        with self.file.transaction():
            table = self.table(collection)
            if table is not None:
                self.file.rows(f"DROP TABLE {quoted(table.name)}")
                self.file.rows(f"DELETE FROM {quoted(CATALOGUE)} WHERE collection = ?", (collection,))
        self._tables.pop(collection, None)

    def collection_names(self) -> list[str]:
        """The collections of the file."""
        return [name for (name,) in self.file.rows(f"SELECT collection FROM {quoted(CATALOGUE)} ORDER BY 1")]

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The statement, its parameters, SQLite's plan, what is checked on the candidates, and why in words."""
        table = self.table(collection)
        if table is None:
            return {"engine": self.name, "reason": f"there is no collection {collection!r}", "residual": None}
        statement = self._statement(table, request.query)
        pushed = request.sort is None and statement.split.residual is None
        text = _select(table, f"json({quoted(DOCUMENT)})", statement.text) + (
            _bounds(request) if pushed else ""
        )
        parameters = statement.bind(request.query.values)
        plan = self.file.rows(f"EXPLAIN QUERY PLAN {text}", parameters)
        return {
            "engine": self.name,
            "sql": text,
            "parameters": parameters,
            "plan": [detail for *_, detail in plan],
            "residual": statement.split.residual,
            "undecided": undecided(request.query, table),
            "projection": request.projection.spec if request.projection else None,
        }

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _select(table: Table, columns: str, condition: str) -> str:
    """The rows that meet a condition, in the order of insertion; the + keeps that order from asking for a scan."""
    return f"SELECT {columns} FROM {quoted(table.name)} WHERE {condition} ORDER BY +{quoted(ROW)}"


def _bounds(request: FindRequest) -> str:
    """LIMIT and OFFSET, numbers that have been checked."""
    if not request.skip and not request.limit:
        return ""
    return f" LIMIT {request.limit or -1:d} OFFSET {request.skip:d}"


def _definition(column: Column) -> str:
    if column.name.lower() in (ROW, KEY, DOCUMENT):
        raise UnsupportedError(f"a column cannot be called {column.name!r}: every table of a store has one")
    return f"{quoted(column.name)} {_AFFINITY[column.type]}".rstrip()


def _column_value(document: Record, column: Column) -> Any:
    """What stands in a typed column: the value, NULL for null and missing, the mark for anything else."""
    value: Any = document
    for part in column.field:
        if not isinstance(value, dict):
            return MARK if isinstance(value, list) else None
        value = value.get(part)
    kind = value_class(value)
    match column.type, kind:
        case _, "null":
            return None
        case ("string", "string") | ("number", "double"):
            return value
        case ("number", "int") | ("bool", "bool"):
            return int(value)
        case "date", "date":
            return milliseconds(value)
        case _:
            return MARK
