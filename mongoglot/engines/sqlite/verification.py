"""The check of a file: pages, documents and their parts; indexes have the keys of documents, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, final

from mongoglot.compiler.index import keys_of
from mongoglot.engines.base import Record, Verification
from mongoglot.engines.sql.index_keys import key_texts
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.tags import identity
from mongoglot.engines.sqlite import encoding
from mongoglot.engines.sqlite.column_values import column_value
from mongoglot.engines.sqlite.file_format import INDEXES
from mongoglot.engines.sqlite.indexes import ENTRY, OF
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout, StoredIndex
from mongoglot.engines.sqlite.part_verification import NamedParts
from mongoglot.engines.sqlite.tables import BATCH, Tables
from mongoglot.errors import StoreError, WriteError

MAX_TOLD: Final = 10
"""Problems of one kind that are told one by one."""


def verified(tables: Tables) -> Verification:
    """Check all of a file; inside a view of it."""
    check = _Check(tables)
    check.pages()
    check.catalogue()
    for collection in tables.names():
        try:
            layout = tables.found(collection)
            if layout is not None:
                check.collection(collection, layout)
        except StoreError as error:
            check.problems.append(f"{collection!r} cannot be read: {error}")
            check.parts.skip_collection()
    check.tell(check.parts.problems(tables.file))
    return Verification(tuple(check.problems), check.documents, check.keys)


@final
@dataclass(slots=True)
class _Check:
    """A check under way, with what was found and counted so far."""

    tables: Tables
    problems: list[str] = field(default_factory=list)
    documents: int = 0
    keys: int = 0
    parts: NamedParts = field(default_factory=NamedParts)

    def pages(self) -> None:
        """SQLite's own check."""
        try:
            found = [text for (text,) in self.tables.file.rows("PRAGMA integrity_check")]
        except StoreError as error:
            found = [str(error)]
        self.problems.extend(f"SQLite finds: {text}" for text in found if text != "ok")

    def catalogue(self) -> None:
        """Each index is of a collection that there is."""
        known = set(self.tables.names())
        for collection, name in self.tables.file.rows(f"SELECT collection, name FROM {quoted(INDEXES)}"):
            if collection not in known:
                self.problems.append(f"index {name!r} is of {collection!r}, which is no collection")

    def collection(self, collection: str, layout: Layout) -> None:
        """The documents of a collection and its indexes."""
        expected = dict.fromkeys((stored.table for stored in layout.indexes), 0)
        unreadable: set[int] = set()
        rows = self._documents(collection, layout, unreadable)
        while batch := list(islice(rows, BATCH)):
            self.documents += len(batch)
            for stored in layout.indexes:
                expected[stored.table] += self._missing(collection, stored, batch)
        for stored in layout.indexes:
            ((count,),) = self.tables.file.rows(f"SELECT count(*) FROM {quoted(stored.table)}")
            self.keys += count
            if count != expected[stored.table]:
                self.tell(self._surplus(collection, layout, stored, unreadable))
            if stored.index.unique:
                self.tell(self._shared(collection, stored))

    def _documents(
        self, collection: str, layout: Layout, unreadable: set[int]
    ) -> Iterator[tuple[int, Record]]:
        """The documents that can be read, with their rows."""
        columns = layout.table.columns
        names = "".join(f", {quoted(column.name)}" for column in columns)
        text = f"CASE WHEN json_valid({quoted(DOCUMENT)}, 8) THEN json({quoted(DOCUMENT)}) END"
        last = -(2**63)
        while rows := self.tables.file.rows(
            f"SELECT {quoted(ROW)}, {quoted(KEY)}, {text}{names} FROM {quoted(layout.table.name)} "
            f"WHERE {quoted(ROW)} > ? ORDER BY {quoted(ROW)} LIMIT {BATCH}",
            (last,),
        ):
            for row, key, stored, *values in rows:
                last = row
                place = f"the document in row {row} of {collection!r}"
                try:
                    document = encoding.decode(stored)
                    known = identity(document["_id"])
                    wanted = [column_value(document, column) for column in columns]
                except Exception as error:  # damaged bytes may raise anything
                    unreadable.add(row)
                    self.parts.skip(layout.table.name, row)
                    self.problems.append(f"{place} cannot be decoded ({type(error).__name__})")
                    continue
                if known != key:
                    self.problems.append(f"{place} has the _id {document['_id']!r}, and another key")
                for column, value, right in zip(columns, values, wanted, strict=True):
                    if value != right or type(value) is not type(right):
                        self.problems.append(
                            f"{place} has {value!r} in its column {column.name!r}, not {right!r}"
                        )
                self.parts.note(layout.table.name, row, document, place)
                yield row, document

    def _missing(self, collection: str, stored: StoredIndex, batch: list[tuple[int, Record]]) -> int:
        """Tell of documents that lack a key in an index; how many keys the index has of these documents."""
        wanted: list[tuple[str, int]] = []
        for row, document in batch:
            try:
                wanted.extend((key, row) for key in key_texts(keys_of(document, stored.index)))
            except WriteError as error:
                self.problems.append(
                    f"index {stored.index.name!r} of {collection!r} cannot hold the document in row {row}: {error}"
                )
        name, pair = quoted(stored.table), "wanted.value->>"
        missing = self.tables.file.rows(
            f"SELECT {pair}0, {pair}1 FROM json_each(?) AS wanted WHERE NOT EXISTS (SELECT 1 FROM {name} "
            f"WHERE {name}.{quoted(ENTRY)} = {pair}0 AND {name}.{quoted(OF)} = {pair}1)",
            (json.dumps(wanted, ensure_ascii=False),),
        )
        self.tell(
            f"index {stored.index.name!r} of {collection!r} lacks the key {key!r} of row {row}"
            for key, row in missing
        )
        return len(wanted) - len(missing)

    def _surplus(
        self, collection: str, layout: Layout, stored: StoredIndex, unreadable: set[int]
    ) -> Iterator[str]:
        """Keys in an index that no document has."""
        entries, table = quoted(stored.table), quoted(layout.table.name)
        rows = self.tables.file.rows(
            f"SELECT {entries}.{quoted(ENTRY)}, {entries}.{quoted(OF)}, json({quoted(DOCUMENT)}) "
            f"FROM {entries} LEFT JOIN {table} ON {quoted(ROW)} = {entries}.{quoted(OF)} "
            f"AND json_valid({quoted(DOCUMENT)}, 8)"
        )
        for key, row, text in rows:
            if row not in unreadable and (text is None or key not in _keys(text, stored)):
                name = stored.index.name
                yield f"index {name!r} of {collection!r} has the key {key!r} of row {row}, which has it not"

    def _shared(self, collection: str, stored: StoredIndex) -> Iterator[str]:
        """Keys in a unique index that several documents have."""
        rows = self.tables.file.rows(
            f"SELECT substr({quoted(ENTRY)}, 2) AS bare FROM {quoted(stored.table)} "
            f"GROUP BY bare HAVING count(DISTINCT {quoted(OF)}) > 1"
        )
        for (key,) in rows:
            yield f"the unique index {stored.index.name!r} of {collection!r} has the key {key!r} of several rows"

    def tell(self, found: Iterator[str]) -> None:
        """Tell of problems of one kind, of many only how many more there are."""
        self.problems.extend(islice(found, MAX_TOLD))
        more = sum(1 for _ in found)
        if more:
            self.problems.append(f"and {more} more of this kind")


def _keys(text: str, stored: StoredIndex) -> Any:
    try:
        return key_texts(keys_of(encoding.decode(text), stored.index))
    except WriteError:
        return ()
