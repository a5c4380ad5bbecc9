"""The tables of a store: which collection is which table, with which typed columns and indexes.

All stand in one schema of the database. A catalogue has a row for each collection; what is read and written
follows from its layout, so that is looked up in every operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from mongoglot.engines.base import Record
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.catalogue import CATALOGUE, lock_definitions, named, prepare
from mongoglot.engines.postgresql.columns import column_value
from mongoglot.engines.postgresql.errors import GoneError
from mongoglot.engines.postgresql.layouts import (
    BSON,
    DOCUMENT,
    KEY,
    Layout,
    array_type,
    definition,
    layout_of,
)
from mongoglot.engines.postgresql.server import Server
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.engines.sql.table import Column, Table
from mongoglot.errors import StoreError

BATCH: Final = 1000
"""Rows that are read at once where all are read."""

_LONGEST_NAME: Final = 40
"""Bytes of a collection's name in that of its table; PostgreSQL's names have 63."""


class Tables:
    """The layouts of a schema's collections, as they are now."""

    def __init__(self, server: Server, schema: str, declared: dict[str, Table]) -> None:
        self.server = server
        self.schema = schema
        self._declared = declared
        self._known: dict[tuple[str, str], Layout] = {}
        self._latest: dict[str, Layout] = {}
        prepare(server, schema)

    def named(self, table: str) -> str:
        """A table's name in SQL, with its schema."""
        return named(self.schema, table)

    # ---- looking up ------------------------------------------------------------------------------

    def found(self, collection: str) -> Layout | None:
        """The layout of a collection; None where there is none."""
        layout = self._read(collection)
        if layout is None or not self._missing(collection, layout):
            return layout
        with self.server.transaction():
            return self.locked(collection)

    def created(self, collection: str) -> Layout:
        """The layout of a collection, which is made where there is none; inside a transaction, as `locked`."""
        layout = self.locked(collection)
        if layout is None:
            lock_definitions(self.server)
            if self._read(collection) is None:
                self._make_table(collection)
            layout = self.locked(collection)
            if layout is None:
                raise GoneError(f"{collection!r} at {self.server.shown} was dropped meanwhile; try again")
        return layout

    def locked(self, collection: str) -> Layout | None:
        """The layout of a collection, inside a transaction; None where there is none.

        Until the transaction ends, nobody drops the collection or gives it an index.

        Raises:
            GoneError: it was dropped in this moment; the transaction is lost.
        """
        guess = self._latest.pop(collection, None) or self._read(collection)
        while guess is not None:
            self.server.write(f"LOCK TABLE {self.named(guess.table.name)} IN ROW EXCLUSIVE MODE")
            layout = self._read(collection)  # what holds now that it is locked
            if layout is not None and self._missing(collection, layout):
                lock_definitions(self.server)
                self._extend(collection, layout)
                layout = self._read(collection)
            if layout is None or layout.table.name == guess.table.name:
                if layout is not None:
                    self._latest[collection] = layout
                return layout
            guess = layout
        return None

    def _is_there(self, table: str) -> bool:
        name = self.named(table)
        return bool(self.server.write("SELECT to_regclass($1) IS NOT NULL", (name,))[0][0])

    def names(self) -> list[str]:
        """The names of the collections, sorted."""
        return [
            name
            for (name,) in self.server.rows(
                f"SELECT collection FROM {self.named(CATALOGUE)} ORDER BY collection"
            )
        ]

    def _read(self, collection: str) -> Layout | None:
        rows = self.server.rows(
            f"SELECT name, layout FROM {self.named(CATALOGUE)} WHERE collection = $1", (collection,)
        )
        if not rows:
            return None
        key: tuple[str, str] = rows[0][0], rows[0][1]
        layout = self._known.get(key)
        if layout is None:
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            layout = self._known[key] = layout_of(*key)
        return layout

    # ---- making and dropping ---------------------------------------------------------------------

    def _make_table(self, collection: str) -> None:
        table = Table(self.free_name(collection), self._wanted(collection), DOCUMENT, KEY)
        columns = [
            f"{quoted(ROW)} bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            f'{quoted(KEY)} text COLLATE "C" NOT NULL UNIQUE',
            f"{quoted(DOCUMENT)} jsonb NOT NULL",
            f"{quoted(BSON)} bytea NOT NULL",
            *map(definition, table.columns),
        ]
        self.server.write(f"CREATE TABLE {self.named(table.name)} ({', '.join(columns)})")
        self._index_columns(table, table.columns)
        self.server.write(
            f"INSERT INTO {self.named(CATALOGUE)} VALUES ($1, $2, $3)",
            (collection, table.name, Layout(table).text),
        )

    def free_name(self, wanted: str) -> str:
        """A name for a new table that no table has, as long as PostgreSQL allows."""
        short = wanted.encode()[:_LONGEST_NAME].decode(errors="ignore")
        name, number = short, 1
        while name == CATALOGUE or self._is_there(name):
            number += 1
            name = f"({number}) {short}"
        return name

    def record(self, collection: str, layout: Layout) -> None:
        """Write a layout that has changed to the catalogue."""
        self.server.write(
            f"UPDATE {self.named(CATALOGUE)} SET layout = $2 WHERE collection = $1", (collection, layout.text)
        )

    def changing(self, collection: str) -> Layout | None:
        """The layout of a collection that is to be changed or dropped, which nobody else writes to meanwhile."""
        lock_definitions(self.server)
        layout = self._read(collection)
        if layout is not None:
            self.server.write(f"LOCK TABLE {self.named(layout.table.name)} IN SHARE ROW EXCLUSIVE MODE")
        return layout

    def drop(self, collection: str) -> None:
        """Drop a collection's tables; inside a transaction."""
        layout = self.changing(collection)
        self._latest.pop(collection, None)
        if layout is not None:
            for table in (layout.table.name, *(stored.table for stored in layout.indexes)):
                self.server.write(f"DROP TABLE {self.named(table)}")
            self.server.write(f"DELETE FROM {self.named(CATALOGUE)} WHERE collection = $1", (collection,))

    # ---- declared columns ------------------------------------------------------------------------

    def _wanted(self, collection: str) -> tuple[Column, ...]:
        declared = self._declared.get(collection)
        if declared is None:
            return ()
        return tuple(
            # of an index, this engine knows only whether there is one
            replace(column, mixed=True, sparse=False, beside="")
            for column in declared.columns
        )

    def _missing(self, collection: str, layout: Layout) -> bool:
        return any(column not in layout.table.columns for column in self._wanted(collection))

    def _extend(self, collection: str, layout: Layout) -> None:
        """Give a table the columns that were declared since it was made, filled from the documents."""
        table = layout.table
        known = {column.name.lower(): column for column in table.columns}
        wanted = self._wanted(collection)
        for column in wanted:
            former = known.get(column.name.lower())
            if former is not None and former != column:
                raise StoreError(f"column {column.name!r} of {collection!r} was declared as {former} before")
        new = tuple(column for column in wanted if column.name.lower() not in known)
        if not new:
            return
        name = self.named(table.name)
        for column in new:
            self.server.write(f"ALTER TABLE {name} ADD COLUMN {definition(column)}")
        values = ", ".join(f"v{number}" for number, _ in enumerate(new))
        sets = ", ".join(f"{quoted(column.name)} = u.v{number}" for number, column in enumerate(new))
        arrays = ", ".join(f"${number + 2}::{array_type(column)}" for number, column in enumerate(new))
        for batch in self.documents(table):
            columns = [[column_value(document, column) for _, document in batch] for column in new]
            self.server.write(
                f"UPDATE {name} SET {sets} FROM unnest($1::bigint[], {arrays}) AS u(row, {values}) "
                f"WHERE {quoted(ROW)} = u.row",
                ([row for row, _ in batch], *columns),
            )
        self._index_columns(table, new)
        self.record(collection, replace(layout, table=replace(table, columns=table.columns + new)))

    def _index_columns(self, table: Table, columns: Sequence[Column]) -> None:
        for column in columns:
            if column.indexed:
                self.server.write(f"CREATE INDEX ON {self.named(table.name)} ({quoted(column.name)})")

    # ---- documents -------------------------------------------------------------------------------

    def documents(self, table: Table) -> Iterator[list[tuple[int, Record]]]:
        """All rows with their documents, in batches, so that a large collection is never in memory as a whole."""
        last = -(2**63)
        while rows := self.server.rows(
            f"SELECT {quoted(ROW)}, {quoted(BSON)} FROM {self.named(table.name)} WHERE {quoted(ROW)} > $1 "
            f"ORDER BY {quoted(ROW)} LIMIT {BATCH}",
            (last,),
        ):
            last = rows[-1][0]
            yield list(self.decoded(rows))

    def decoded(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Record]]:
        """Rows with their documents in the place of the bytes.

        Raises:
            StoreError: what is stored is damaged.
        """
        for row, data, *_ in rows:
            try:
                document = encoding.decode(data)
                document["_id"]  # which every document has
            except Exception as error:  # damaged bytes may raise anything
                reason = f"the document in row {row} cannot be decoded ({type(error).__name__})"
                raise StoreError(f"the store at {self.server.shown} is damaged: {reason}") from None
            yield row, document


_MAX_KNOWN: Final = 1000
"""Layouts that are remembered; the text of each is what it is remembered by."""
