"""The tables of a file: which collection is which table, with which typed columns and indexes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from mongoglot.compiler.index import Index
from mongoglot.engines.base import Record
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sqlite.column_values import column_value
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.file_format import CATALOGUE, INDEXES, PARTS
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout, StoredIndex
from mongoglot.engines.sqlite.row_documents import decoded
from mongoglot.engines.sqlite.table_statements import collection_statement, column_definition, index_body
from mongoglot.errors import StoreError

Asked = TypeVar("Asked")

_ALWAYS: Final = frozenset({"name", "type", "path", "mixed", "indexed"})
"""What the catalogue keeps of every column."""


class Tables:
    """The layouts of a file's collections, as they are in the file now.

    What is read and what is written follows from a layout, so it is asked for in the transaction that uses it.
    """

    def __init__(self, file: File, declared: dict[str, Table]) -> None:
        self.file = file
        self._declared = declared
        self._known: dict[str, Layout] = {}
        self._complete: dict[str, Layout] = {}  # those of `_known` that have all declared columns
        self._version = self._content = (-1, -1)

    def asked(self, collection: str, ask: Callable[[Layout], Asked]) -> Asked | None:
        """What one statement gives that `ask` makes for the layout of a collection; None where there is none.

        A statement has a view of its own. So it is first made for the layout that is known, and what it gives is
        only taken where the layout held in that view; otherwise it is asked again.
        """
        with self.file.lock:
            layout = self._complete.get(collection)
            if layout is not None and not self.file.in_transaction:
                try:
                    answer = ask(layout)
                except StoreError:  # the table may be gone; any other error comes again below
                    pass
                else:
                    if self._is_current():
                        return answer
            with self.reading(collection) as layout:
                return None if layout is None else ask(layout)

    def _is_current(self) -> bool:
        """Whether the layouts that are known hold in the view of the last statement.

        Where anything has changed since, the schema is looked at. What is seen is that of a later view; as its
        version only grows, it was the same in the views before.
        """
        if self.file.content_version() != self._content:
            if (self.file.seen_schema_version(), self.file.undone) != self._version:
                return False
            self._content = self.file.content_version()
        return True

    def _schema_now(self) -> tuple[int, int]:
        """The version of the schema, told from one of a change that this store took back."""
        return self.file.schema_version(), self.file.undone

    @contextmanager
    def reading(self, collection: str) -> Iterator[Layout | None]:
        """The layout of a collection, and a view of the file in which it holds; None where there is none."""
        with self.file.reading():
            layout = self._found(collection)
            if layout is None or not self._missing(collection, layout):
                if layout is not None:
                    self._complete[collection] = layout
                yield layout
                return
        self.created(collection)
        with self.file.reading():
            yield self._found(collection)

    def found(self, collection: str) -> Layout | None:
        """The layout of a collection, inside a transaction; None where there is none."""
        layout = self._found(collection)
        if layout is not None and self._complete.get(collection) is not layout:
            layout = self._complete[collection] = self._extended(collection, layout)
        return layout

    @contextmanager
    def writing(self, collection: str) -> Iterator[Layout]:
        """The layout of a collection, which is made where there is none, and the transaction in which it holds.

        The caller changes no table in it.
        """
        with self.file.lock:
            alone = not self.file.in_transaction  # elsewhere tables may have been changed just now
            with self.file.transaction():
                known = self._complete.get(collection) if alone else None
                yield known if known is not None and self._is_current() else self.created(collection)
            if (
                alone
            ):  # a commit changes the version of the content; others' changes are seen in the next view
                self._content = self.file.content_version()

    def created(self, collection: str) -> Layout:
        """The layout of a collection, which is made where there is none."""
        with self.file.transaction():
            layout = self.found(collection)
            if layout is not None:
                return layout
            table = Table(self.free_name(collection), self._wanted(collection), DOCUMENT, KEY)
            self.file.rows(collection_statement(table.name, table.columns))
            self._index_columns(table, table.columns)
            self._record(collection, table)
            return self._remembered(collection, Layout(table))

    def free_name(self, wanted: str) -> str:
        """A name for a new table or index; SQLite's are the same in upper and lower case, and some are its own."""
        rows = self.file.rows("SELECT lower(name) FROM sqlite_schema")
        taken = {name for (name,) in rows} | {CATALOGUE, INDEXES, PARTS}
        name, number = wanted, 1
        while name.lower() in taken or name.lower().startswith("sqlite_"):
            number += 1
            name = f"({number}) {wanted}"
        return name

    def names(self) -> list[str]:
        """The names of the collections, sorted."""
        return [name for (name,) in self.file.rows(f"SELECT collection FROM {quoted(CATALOGUE)} ORDER BY 1")]

    def forget(self, collection: str) -> None:
        """Take a collection, whose tables are dropped, from the catalogue."""
        for table in (CATALOGUE, INDEXES):
            self.file.rows(f"DELETE FROM {quoted(table)} WHERE collection = ?", (collection,))
        self._known.pop(collection, None)
        self._complete.pop(collection, None)

    def _found(self, collection: str) -> Layout | None:
        version = self._schema_now()
        if version != self._version:  # this store or another one changed a table, or took a change back
            self._known.clear()
            self._complete.clear()
            self._version = version
        known = self._known.get(collection)
        if known is not None:
            return known
        rows = self.file.rows(
            f"SELECT name, columns FROM {quoted(CATALOGUE)} WHERE collection = ?", (collection,)
        )
        if not rows:
            return None
        ((name, columns),) = rows
        table = Table(name, tuple(Column(**column) for column in json.loads(columns)), DOCUMENT, KEY)
        return self._remembered(collection, Layout(table, tuple(self._indexes(collection))))

    def _indexes(self, collection: str) -> Iterator[StoredIndex]:
        rows = self.file.rows(
            f"SELECT name, keys, options, entries FROM {quoted(INDEXES)} WHERE collection = ? ORDER BY rowid",
            (collection,),
        )
        for name, keys, options, entries in rows:
            pairs = tuple((path, direction) for path, direction in json.loads(keys))
            yield StoredIndex(Index(name, pairs, **json.loads(options)), entries)

    def _remembered(self, collection: str, layout: Layout) -> Layout:
        """The layout, kept until the schema is another than now."""
        version = self._schema_now()
        if version != self._version:
            self._complete.clear()
            self._version = version
        self._known[collection] = layout
        return layout

    def _wanted(self, collection: str) -> tuple[Column, ...]:
        declared = self._declared.get(collection)
        return tuple(replace(column, mixed=True) for column in declared.columns) if declared else ()

    def _missing(self, collection: str, layout: Layout) -> bool:
        """Whether columns were declared that the table does not have; a layout is asked about once."""
        if self._complete.get(collection) is layout:
            return False
        missing = any(column not in layout.table.columns for column in self._wanted(collection))
        if not missing:
            self._complete[collection] = layout
        return missing

    def _extended(self, collection: str, layout: Layout) -> Layout:
        """The layout with columns that were declared since the table was made, filled from the documents."""
        if not self._missing(collection, layout):
            return layout
        table, wanted = layout.table, self._wanted(collection)
        known = {column.name.lower(): column for column in table.columns}
        new = tuple(column for column in wanted if column.name.lower() not in known)
        changed = []
        for column in wanted:
            former = known.get(column.name.lower(), column)
            if _without_index(former) != _without_index(column):
                raise StoreError(f"column {column.name!r} of {collection!r} was declared as {former} before")
            if former != column:
                changed.append(column)
        by_name = {column.name: column for column in changed}
        kept = tuple(by_name.get(column.name, column) for column in table.columns)
        extended = replace(table, columns=kept + new)
        for column in new:
            self.file.rows(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {column_definition(column)}")
        assignments = ", ".join(f"{quoted(column.name)} = ?" for column in new)
        for batch in self.documents(table) if new else ():
            for row, document in batch:
                values = [column_value(document, column) for column in new]
                self.file.rows(
                    f"UPDATE {quoted(table.name)} SET {assignments} WHERE {quoted(ROW)} = ?", (*values, row)
                )
        for column in changed:
            for (name,) in self.file.rows(_INDEXES_ON, (table.name, column.name)):
                self.file.rows(f"DROP INDEX {quoted(name)}")
        self._index_columns(extended, [*changed, *new])
        self._record(collection, extended)
        return self._remembered(collection, replace(layout, table=extended))

    def documents(self, table: Table) -> Iterator[list[tuple[int, Record]]]:
        """All rows with their documents, in batches, so that a large collection is never in memory as a whole."""
        statement = (
            f"SELECT {quoted(ROW)}, json({quoted(DOCUMENT)}) FROM {quoted(table.name)} "
            f"WHERE {quoted(ROW)} > ? ORDER BY {quoted(ROW)} LIMIT {BATCH}"
        )
        last = -(2**63)
        while rows := self.file.rows(statement, (last,)):
            last = rows[-1][0]
            yield list(decoded(rows, self.file.path))

    def _index_columns(self, table: Table, columns: Sequence[Column]) -> None:
        for column in columns:
            if column.indexed:
                index = quoted(self.free_name(f"index of {table.name} on {column.name}"))
                self.file.rows(f"CREATE INDEX {index} {index_body(table.name, column)}")

    def _record(self, collection: str, table: Table) -> None:
        columns = json.dumps([_recorded(column) for column in table.columns])
        self.file.rows(
            f"INSERT OR REPLACE INTO {quoted(CATALOGUE)} VALUES (?, ?, ?)", (collection, table.name, columns)
        )


BATCH: Final = 2000
"""Rows that are read at once where all are read."""


def _recorded(column: Column) -> dict[str, Any]:
    """A column as the catalogue keeps it: what was declared, in words that earlier versions know if they can."""
    values = {each.name: (getattr(column, each.name), each.default) for each in fields(column)}
    return {name: value for name, (value, default) in values.items() if value != default or name in _ALWAYS}


_INDEXES_ON: Final = """
    SELECT list.name FROM pragma_index_list(?) AS list WHERE list.origin = 'c'
    AND (SELECT name FROM pragma_index_info(list.name) WHERE seqno = 0) = ?
"""
"""The indexes of a table that begin with a column."""


def _without_index(column: Column) -> Column:
    return replace(column, indexed=False, sparse=False, beside="")
