"""Collections as tables of a PostgreSQL database: the document as jsonb and as BSON, declared fields beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any, Final, TypeVar

from mongoglot.compiler.ast import Node
from mongoglot.compiler.index import ID_INDEX, Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import (
    FindRequest,
    Record,
    ScanningBackend,
    Verification,
    checked,
    finished,
    projected,
)
from mongoglot.engines.postgresql import indexes, insertion
from mongoglot.engines.postgresql.errors import ClashError, GoneError
from mongoglot.engines.postgresql.indexes import IndexWriter, Reading, read_by
from mongoglot.engines.postgresql.insertion import Inserter, RefusedError
from mongoglot.engines.postgresql.layouts import BSON, Layout
from mongoglot.engines.postgresql.lowering import lower
from mongoglot.engines.postgresql.ordering import of_documents
from mongoglot.engines.postgresql.server import Server
from mongoglot.engines.postgresql.tables import Tables
from mongoglot.engines.postgresql.verification import verified
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import INSERTION, ROW, Order, in_order, pushed
from mongoglot.engines.sql.table import Table
from mongoglot.errors import StoreError

T = TypeVar("T")

ATTEMPTS: Final = 5
"""How often an operation starts again that another writer was in the way of."""


class PostgresqlBackend(ScanningBackend[int]):
    """The backend of one schema."""

    name = "postgresql"

    def __init__(self, server: Server, schema: str, declared: dict[str, Table]) -> None:
        self.server = server
        self.tables = Tables(server, schema, declared)

    # ---- writing ---------------------------------------------------------------------------------

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store documents in one transaction; see `Backend`."""
        self._again(lambda: self._insert(collection, documents))

    def _insert(self, collection: str, documents: Iterable[Record]) -> None:
        with self.server.transaction():
            writer = Inserter(self.tables, collection, self.tables.created(collection))
            try:
                with self.server.streaming(writer.flush):
                    for document in documents:
                        writer.take(document)
                writer.flush()
            except RefusedError as error:
                self.server.commit()  # the documents before this one stay
                raise error.reason from None
            except (GoneError, ClashError) as error:  # documents that are taken cannot be taken again
                raise StoreError(str(error)) from None

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Update the first match or all, in one transaction."""
        return self._again(lambda: self._update(collection, query, update, many=many))

    def _update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        with self.server.transaction():
            layout = self.tables.locked(collection)
            if layout is None:
                return 0, 0
            pairs = self._locked(layout, query, many=many)
            changes = []
            for row, former in pairs:
                changed = update.apply(former)
                if changed is not None:
                    changes.append((row, former, changed))
            insertion.replace(self.tables, collection, layout, changes)
            return len(pairs), len(changes)

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all; in SQL alone where nothing is left over and there are no indexes."""
        return self._again(lambda: self._delete(collection, query, many=many))

    def _delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        with self.server.transaction():
            layout = self.tables.locked(collection)
            if layout is None:
                return 0
            reading = self._reading(layout, query)
            if many and not layout.indexes and reading.statement.split.residual is None:
                text = f"DELETE FROM {self.tables.named(layout.table.name)} WHERE {reading.text}"
                return self.server.changes(text, reading.bind(query.values))
            pairs = self._locked(layout, query, many=many)
            IndexWriter(self.tables, collection, layout.indexes).remove(pairs)
            self.server.write(
                f"DELETE FROM {self.tables.named(layout.table.name)} WHERE {quoted(ROW)} = ANY($1)",
                ([row for row, _ in pairs],),
            )
            return len(pairs)

    def replace(self, collection: str, key: int, document: Record) -> None:
        """Put a document in the place of the one in a row."""
        with self.server.transaction():
            layout = self.tables.created(collection)
            ((_, former),) = indexes.of_rows(self.tables, layout, [key])
            insertion.replace(self.tables, collection, layout, [(key, former, document)])

    def remove(self, collection: str, keys: list[int]) -> None:
        """Delete rows."""
        with self.server.transaction():
            layout = self.tables.created(collection)
            former = indexes.of_rows(self.tables, layout, keys)
            IndexWriter(self.tables, collection, layout.indexes).remove(former)
            self.server.write(
                f"DELETE FROM {self.tables.named(layout.table.name)} WHERE {quoted(ROW)} = ANY($1)", (keys,)
            )

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction of this thread."""
        return self.server.transaction()

    def _locked(self, layout: Layout, query: BoundPlan, *, many: bool) -> list[tuple[int, Record]]:
        """The matches, or the first; no other writer changes them until the transaction ends."""
        reading = self._reading(layout, query)
        residual = reading.statement.split.residual
        bounds = "" if many or residual is not None else " LIMIT 1"
        text = f"{self._select(layout, reading, _ROWS)}{bounds} FOR UPDATE"
        rows = self.server.write(text, reading.bind(query.values))
        pairs = checked(self.tables.decoded(rows), query, residual)
        return list(pairs) if many else [pair for pair, _ in zip(pairs, range(1), strict=False)]

    # ---- reading ---------------------------------------------------------------------------------

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """Exactly the documents that match, in the order of insertion."""

        def read() -> Iterator[tuple[int, Record]]:
            layout = self.tables.found(collection)
            return iter(()) if layout is None else self._matching(layout, query)

        return self._again(read)

    def _matching(self, layout: Layout, query: BoundPlan) -> Iterator[tuple[int, Record]]:
        """The matches; all rows are read at once, so that writes between them change nothing."""
        reading = self._reading(layout, query)
        rows = self.server.rows(self._select(layout, reading, _ROWS), reading.bind(query.values))
        return checked(self.tables.decoded(rows), query, reading.statement.split.residual)

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""

        def read() -> Iterator[Record]:
            layout = self.tables.found(collection)
            if layout is None:
                return iter(())
            found = self._in_order(layout, request)
            if found is not None:
                return projected(found, request)
            return finished((document for _, document in self._matching(layout, request.query)), request)

        return self._again(read)

    def _in_order(self, layout: Layout, request: FindRequest) -> Iterator[Record] | None:
        """The documents asked for; None where there are some that SQL does not sort as a server does."""
        reading = self._reading(layout, request.query)
        parameters = reading.bind(request.query.values)
        order = of_documents(request.sort, len(parameters) + 1)
        if order is None:
            return None
        residual = reading.statement.split.residual
        columns = _ROWS if order.unsure is None else f"{_ROWS}, {order.unsure}"
        text = self._select(layout, reading, columns, order) + pushed(request, residual, order)[0]
        parameters += order.parameters
        if residual is None or not request.limit:
            rows = self.server.rows(text, parameters)
            return in_order(rows, order, request, residual, self.tables.decoded)
        with closing(self.server.rows_in_turn(text, parameters)) as some:
            return in_order(some, order, request, residual, self.tables.decoded)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match; counted in SQL where nothing is left over."""

        def read() -> int:
            layout = self.tables.found(collection)
            if layout is None:
                return 0
            reading = self._reading(layout, query)
            if reading.statement.split.residual is not None:
                return sum(1 for _ in self._matching(layout, query))
            text = f"SELECT count(*) FROM {self.tables.named(layout.table.name)} WHERE {reading.text}"
            return int(self.server.rows(text, reading.bind(query.values))[0][0])

        return self._again(read)

    def _reading(self, layout: Layout, query: BoundPlan) -> Reading:
        """How a collection is read for a filter; the condition is the same whatever indexes there are."""
        plan = query.plan

        def made(node: Node) -> Reading:
            key = ("postgresql", layout.table)
            return read_by(node, layout, self.tables, plan.lowered(key, lambda _: lower(node, layout.table)))

        return plan.lowered(("postgresql", self.tables.schema, layout), made)

    def _select(self, layout: Layout, reading: Reading, columns: str, order: Order = INSERTION) -> str:
        """The rows that meet a condition, in an order."""
        table = self.tables.named(layout.table.name)
        return f"SELECT {columns} FROM {table} WHERE {reading.text} ORDER BY {order.text}"

    def _again(self, step: Callable[[], T]) -> T:
        """The result of a step, which starts again where another writer was in its way."""
        attempts = 1 if self.server.in_transaction else ATTEMPTS
        for _ in range(attempts - 1):
            try:
                return step()
            except (GoneError, ClashError):
                continue
        return step()

    # ---- collections and indexes -----------------------------------------------------------------

    def drop(self, collection: str) -> None:
        """Drop the collection's table and its indexes."""
        self._again(lambda: self._in_transaction(lambda: self.tables.drop(collection)))

    def collection_names(self) -> list[str]:
        """The collections of the schema."""
        return self.tables.names()

    def create_index(self, collection: str, index: Index) -> None:
        """Make an index and fill it, in one transaction; see `Backend`."""
        self._again(lambda: self._in_transaction(lambda: indexes.ensure(self.tables, collection, index)))

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `Backend`."""
        self._again(lambda: self._in_transaction(lambda: indexes.drop(self.tables, collection, name)))

    def _in_transaction(self, step: Callable[[], None]) -> None:
        with self.server.transaction():
            step()

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `Backend`."""
        layout = self._again(lambda: self.tables.found(collection))
        known = [] if layout is None else [ID_INDEX, *(stored.index for stored in layout.indexes)]
        return [index.document for index in known]

    def verify(self) -> Verification:
        """What is wrong with the store; see `Backend`."""
        with self.server.transaction(view=True):
            return verified(self.tables)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The statement, its parameters, PostgreSQL's plan, the indexes, and what is checked in Python."""
        layout = self.tables.found(collection)
        if layout is None:
            return {"engine": self.name, "reason": f"there is no collection {collection!r}", "residual": None}
        reading = self._reading(layout, request.query)
        residual = reading.statement.split.residual
        parameters = reading.bind(request.query.values)
        order = of_documents(request.sort, len(parameters) + 1)
        text = self._select(layout, reading, quoted(BSON), order or INSERTION)
        if order is not None:
            text += pushed(request, residual, order)[0]
            parameters += order.parameters
        return {
            "engine": self.name,
            "sql": text,
            "parameters": {f"${number}": value for number, value in enumerate(parameters, 1)},
            "indexes": reading.indexes,
            "plan": [line for (line,) in self.server.rows(f"EXPLAIN {text}", parameters)],
            "sort": "Python" if order is None else order.sorter,
            "residual": residual,
            "projection": request.projection.spec if request.projection else None,
        }

    def close(self) -> None:
        """Close the connections."""
        self.server.close()


_ROWS: Final = f"{quoted(ROW)}, {quoted(BSON)}"
