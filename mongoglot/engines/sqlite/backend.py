"""Collections as tables of one file: the document as JSONB, declared fields beside it as typed columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from typing import Any, Final

from mongoglot.compiler.ast import Node
from mongoglot.compiler.deadline import in_time
from mongoglot.compiler.index import ID_INDEX, Index, is_there, named
from mongoglot.compiler.plan import BoundPlan, Plan
from mongoglot.engines.base import (
    EncodingBackend,
    FindRequest,
    Record,
    ScanningBackend,
    Verification,
    checked,
    finished,
    projected,
    residual_check,
)
from mongoglot.engines.culling import First, Totals
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Table, by_name
from mongoglot.engines.sqlite import culling, encoding, indexes, parts
from mongoglot.engines.sqlite.column_values import column_value
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.filesystems import JOURNALS, Journal
from mongoglot.engines.sqlite.indexes import IndexWriter, Reading, read_by
from mongoglot.engines.sqlite.insertion import insert_rows
from mongoglot.engines.sqlite.layouts import DOCUMENT, ROW, Layout, StoredIndex
from mongoglot.engines.sqlite.lowering import lower, undecided
from mongoglot.engines.sqlite.row_documents import decoded, documents_of
from mongoglot.engines.sqlite.rows import Row, row_of, stored_row
from mongoglot.engines.sqlite.schema import check_schema
from mongoglot.engines.sqlite.streaming import can_stream, few_rows, streamed
from mongoglot.engines.sqlite.tables import Tables
from mongoglot.engines.sqlite.urls import path_of
from mongoglot.engines.sqlite.verification import verified
from mongoglot.errors import UnsupportedError


def open_backend(
    url: str, *, tables: Iterable[Table] = (), synchronous: str = "normal", journal: Journal = "auto"
) -> SqliteBackend:
    """A store in the file that follows `sqlite:`, made if it is not there; `sqlite::memory:` is in memory.

    Args:
        url: `sqlite:PATH`, the path relative or absolute; see `path_of`.
        tables: collections whose fields are to stand in columns too; their names are the collections'.
        synchronous: `"normal"` survives the end of the process, `"full"` also the loss of power.
        journal: `"wal"` is fast, and for one machine; `"truncate"` is for a share of a network; `"auto"` looks
            where the file is.
    """
    path = path_of(url)
    if synchronous not in ("normal", "full"):
        raise UnsupportedError(f"synchronous is 'normal' or 'full', not {synchronous!r}")
    if journal not in JOURNALS:
        raise UnsupportedError(f"journal is 'auto', 'wal' or 'truncate', not {journal!r}")
    return SqliteBackend(File(path, synchronous, check_schema, journal), by_name(tables))


class SqliteBackend(ScanningBackend[int], EncodingBackend):
    """The backend of one file."""

    name = "sqlite"

    def __init__(self, file: File, declared: dict[str, Table]) -> None:
        self.file = file
        self.tables = Tables(file, declared)

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store documents in one transaction; see `Backend`."""
        self.insert_encoded(collection, map(stored_row, documents))

    encoded = staticmethod(row_of)

    def insert_encoded(self, collection: str, documents: Iterable[Row]) -> None:
        """Store rows in one transaction; see `EncodingBackend`."""
        with self.tables.writing(collection) as layout:
            writer = IndexWriter(self.file, collection, layout.indexes)
            self.file.stream(writer.flush)
            try:
                refused = insert_rows(self.file, layout, writer, documents)
            finally:
                self.file.stream(None)
            writer.flush()
            if refused is not None:
                self.file.commit()  # the documents before this one stay
                raise refused

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """Exactly the documents that match, in the order of insertion."""
        with self.tables.reading(collection) as layout:
            return iter(()) if layout is None else self._matching(layout, query)

    def _matching(self, layout: Layout, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """The matches; all rows are read at once, so that writes between them change nothing."""
        reading = _reading(layout, query)
        rows = self.file.rows(f"{_ROWS} {reading.source}", reading.bind(query.values))
        return checked(decoded(rows, self.file.path), query, reading.statement.split.residual)

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        query = request.query

        def ask(layout: Layout) -> tuple[Iterator[Record] | None, Reading]:
            reading = _reading(layout, query)
            text = f"{_ROWS} {reading.source}{_bounds(reading, request)}"
            whole = request.sort is not None or (0 < request.limit <= _FEW and _is_pushed(reading, request))
            return self._documents(text, reading.bind(query.values), whole=whole), reading

        answer = self.tables.asked(collection, ask)
        if answer is None:
            return iter(())
        found, reading = answer
        if found is None:
            return self.find(collection, request)
        if _is_pushed(reading, request):
            return projected(found, request)
        check = residual_check(query, reading.statement.split.residual)
        return finished(found if check is None else filter(check, in_time(found)), request)

    def _documents(self, text: str, parameters: Any, *, whole: bool) -> Iterator[Record] | None:
        """The documents of a statement, those of many rows read in turn; None where tables changed meanwhile."""
        if whole or not can_stream(self.file):
            return documents_of(self.file.rows(text, parameters), self.file.path)
        rows = self.file.fetched(text, parameters, few_rows)
        if rows is not None:
            return documents_of(rows, self.file.path)
        parts = streamed(self.file, self.file.schema_version(), text, parameters)
        if parts is None:
            return None
        return chain.from_iterable(documents_of(part, self.file.path) for part in parts)

    def selected(self, collection: str, query: BoundPlan, columns: str) -> list[tuple[Any, ...]] | None:
        """Columns of the rows that match, in the order of insertion; None where SQL alone does not tell them."""

        def ask(layout: Layout) -> list[tuple[Any, ...]] | None:
            reading = _reading(layout, query)
            if reading.statement.split.residual is not None:
                return None
            return self.file.rows(f"SELECT {columns} {reading.source}", reading.bind(query.values))

        return self.tables.asked(collection, ask)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match; counted in SQL where nothing is left over."""

        def ask(layout: Layout) -> int | None:
            reading = _reading(layout, query)
            if reading.statement.split.residual is not None:
                return None
            text = f"SELECT count(*) FROM {quoted(layout.table.name)} WHERE {reading.text}"
            return int(self.file.rows(text, reading.bind(query.values))[0][0])

        counted = self.tables.asked(collection, ask)
        return super().count(collection, query) if counted is None else counted

    def replace(self, collection: str, key: int, document: Record) -> None:
        """Put a document in the place of the one in a row."""
        layout = self.tables.created(collection)
        table = layout.table
        if layout.indexes:
            ((_, former),) = self._of_rows(layout, [key])
            IndexWriter(self.file, collection, layout.indexes).replace(key, former, document)
        assignments = [
            f"{quoted(DOCUMENT)} = jsonb(?)",
            *(f"{quoted(column.name)} = ?" for column in table.columns),
        ]
        columns = [column_value(document, column) for column in table.columns]
        self.file.rows(
            f"UPDATE {quoted(table.name)} SET {', '.join(assignments)} WHERE {quoted(ROW)} = ?",
            (encoding.encode(document), *columns, key),
        )

    def remove(self, collection: str, keys: list[int]) -> None:
        """Delete rows."""
        layout = self.tables.created(collection)
        if layout.indexes:
            writer = IndexWriter(self.file, collection, layout.indexes)
            writer.remove(self._of_rows(layout, keys))
        rows = json.dumps(keys)
        parts.drop(self.file, layout.table, _NAMED_ROWS, (rows,))
        self.file.rows(f"DELETE FROM {quoted(layout.table.name)} WHERE {_NAMED_ROWS}", (rows,))

    def _of_rows(self, layout: Layout, keys: list[int]) -> list[tuple[int, Record]]:
        """Rows and their documents."""
        text = f"{_ROWS} FROM {quoted(layout.table.name)} WHERE {_NAMED_ROWS}"
        return list(decoded(self.file.rows(text, (json.dumps(keys),)), self.file.path))

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all, and give back the space of many."""
        deleted = self._delete(collection, query, many=many)
        if deleted > 1:
            self.file.give_back()
        return deleted

    def _delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete; in SQL alone where nothing is left over and there are no indexes."""
        with self.file.transaction():
            layout = self.tables.found(collection)
            if layout is None:
                return 0
            reading = _reading(layout, query)
            if not many or layout.indexes or reading.statement.split.residual is not None:
                return super().delete(collection, query, many=many)
            parameters = reading.bind(query.values)
            parts.drop(self.file, layout.table, reading.text, parameters)
            self.file.rows(f"DELETE FROM {quoted(layout.table.name)} WHERE {reading.text}", parameters)
            return self.file.changes()

    def totals(self, collection: str, sizes: Sequence[str]) -> Totals:
        """How much there is; see `CullingBackend`."""
        with self.tables.reading(collection) as layout:
            return Totals(0, 0) if layout is None else culling.totals(self.file, layout.table, sizes)

    def cull(
        self,
        collection: str,
        field: str,
        sizes: Sequence[str],
        limit: int,
        chosen: Callable[[list[First]], list[First]],
        before: Any = None,
    ) -> list[First]:
        """Delete documents from the start of an order; see `CullingBackend`."""
        with self.file.transaction():
            layout = self.tables.found(collection)
            if layout is None:
                return []
            gone = chosen(culling.first(self.file, layout.table, field, sizes, limit, before))
            if gone:
                self.remove(collection, [document.key for document in gone])
        if gone:
            self.file.give_back()
        return gone

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction of the file."""
        return self.file.transaction()

    def drop(self, collection: str) -> None:
        """Drop the collection's table and its indexes."""
        with self.file.transaction():
            layout = self.tables.found(collection)
            if layout is not None:
                for stored in layout.indexes:
                    indexes.drop(self.file, collection, stored)
                parts.drop(self.file, layout.table, "TRUE", ())
                self.file.rows(f"DROP TABLE {quoted(layout.table.name)}")
                self.tables.forget(collection)

    def collection_names(self) -> list[str]:
        """The collections of the file."""
        return self.tables.names()

    def create_index(self, collection: str, index: Index) -> None:
        """Make an index and fill it, in one transaction; see `Backend`."""
        with self.file.transaction():
            layout = self.tables.created(collection)
            if not is_there(index, [stored.index for stored in layout.indexes]):
                name = self.tables.free_name(f"index {index.name} of {layout.table.name}")
                indexes.create(self.tables, collection, StoredIndex(index, name))

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `Backend`."""
        with self.file.transaction():
            layout = self.tables.found(collection)
            if layout is not None:
                index = named(name, [stored.index for stored in layout.indexes])
                (stored,) = (stored for stored in layout.indexes if stored.index is index)
                indexes.drop(self.file, collection, stored)

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `Backend`."""
        with self.tables.reading(collection) as layout:
            known = [] if layout is None else [ID_INDEX, *(stored.index for stored in layout.indexes)]
        return [index.document for index in known]

    def verify(self) -> Verification:
        """What is wrong with the file; see `Backend`."""
        with self.file.reading():
            return verified(self.tables)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The statement, its parameters, SQLite's plan, the indexes, and what is checked in Python and why."""
        with self.tables.reading(collection) as layout:
            if layout is None:
                reason = f"there is no collection {collection!r}"
                return {"engine": self.name, "reason": reason, "residual": None}
            reading = _reading(layout, request.query)
            text = f"SELECT {_JSON} {reading.source}{_bounds(reading, request)}"
            parameters = reading.bind(request.query.values)
            plan = self.file.rows(f"EXPLAIN QUERY PLAN {text}", parameters)
        return {
            "engine": self.name,
            "sql": text,
            "parameters": parameters,
            "indexes": reading.indexes,
            "plan": [detail for *_, detail in plan],
            "residual": reading.statement.split.residual,
            "undecided": undecided(request.query, layout.table),
            "projection": request.projection.spec if request.projection else None,
        }

    def close(self) -> None:
        """Close the file."""
        self.file.close()


_FEW: Final = 16
"""Documents that no store minds having in memory at once, as large as they may be."""

_JSON: Final = f"json({quoted(DOCUMENT)})"
_ROWS: Final = f"SELECT {quoted(ROW)}, {_JSON}"
_NAMED_ROWS: Final = f"{quoted(ROW)} IN (SELECT value FROM json_each(?))"


def _reading(layout: Layout, query: BoundPlan) -> Reading:
    """How a collection is read for a filter; the condition is the same whatever indexes there are."""
    return query.plan.lowered(layout, partial(_made, layout, query.plan))


def _made(layout: Layout, plan: Plan, node: Node) -> Reading:
    table = layout.table
    return read_by(node, layout, plan.lowered(("sqlite", table), lambda _: lower(node, table)))


def _is_pushed(reading: Reading, request: FindRequest) -> bool:
    """Whether skip and limit go to SQLite, too."""
    return request.sort is None and reading.statement.split.residual is None


def _bounds(reading: Reading, request: FindRequest) -> str:
    """LIMIT and OFFSET, numbers that have been checked; nothing where they are left to Python."""
    if not (request.skip or request.limit) or not _is_pushed(reading, request):
        return ""
    return f" LIMIT {request.limit or -1:d} OFFSET {request.skip:d}"
