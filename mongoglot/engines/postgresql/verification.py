"""The check of a store: its documents, and that columns and indexes say what the documents say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, final

from mongoglot.engines.base import Record, Verification
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.columns import column_value
from mongoglot.engines.postgresql.indexes import ENTRY, OF
from mongoglot.engines.postgresql.keys import entries, id_key
from mongoglot.engines.postgresql.layouts import BSON, DOCUMENT, KEY, Layout, StoredIndex, array_type
from mongoglot.engines.postgresql.tables import BATCH, Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.errors import StoreError, WriteError

MAX_TOLD: Final = 10
"""Problems of one kind that are told one by one."""


def verified(tables: Tables) -> Verification:
    """Check all collections; inside a view of the store."""
    check = _Check(tables)
    for collection in tables.names():
        try:
            layout = tables.found(collection)
            if layout is not None:
                check.collection(collection, layout)
        except StoreError as error:
            check.problems.append(f"{collection!r} cannot be read: {error}")
            break  # the server has ended the view
    return Verification(tuple(check.problems), check.documents, check.keys)


@final
@dataclass(slots=True)
class _Check:
    """A check under way, with what was found and counted so far."""

    tables: Tables
    problems: list[str] = field(default_factory=list)
    documents: int = 0
    keys: int = 0

    def collection(self, collection: str, layout: Layout) -> None:
        """The documents of a collection and its indexes."""
        expected = dict.fromkeys((stored.table for stored in layout.indexes), 0)
        last = -(2**63)
        while rows := self._rows(layout, last):
            last = rows[-1][0]
            batch = list(self._documents(collection, rows))
            self.documents += len(batch)
            self._columns(collection, layout, batch)
            for stored in layout.indexes:
                expected[stored.table] += self._entries(collection, stored, batch)
        for stored in layout.indexes:
            ((count,),) = self.tables.server.rows(f"SELECT count(*) FROM {self.tables.named(stored.table)}")
            self.keys += count
            if count != expected[stored.table]:
                more = count - expected[stored.table]
                self.problems.append(
                    f"index {stored.index.name!r} of {collection!r} has {more} keys that no document has"
                )

    def _rows(self, layout: Layout, last: int) -> list[tuple[Any, ...]]:
        return self.tables.server.rows(
            f"SELECT {quoted(ROW)}, {quoted(KEY)}, {quoted(BSON)} FROM {self.tables.named(layout.table.name)} "
            f"WHERE {quoted(ROW)} > $1 ORDER BY {quoted(ROW)} LIMIT {BATCH}",
            (last,),
        )

    def _documents(self, collection: str, rows: list[tuple[Any, ...]]) -> Iterable[tuple[int, Record]]:
        """The documents that can be read, with their rows."""
        for row, key, data in rows:
            place = f"the document in row {row} of {collection!r}"
            try:
                document = encoding.decode(data)
                known = id_key(document["_id"])
            except Exception as error:  # damaged bytes may raise anything
                self.problems.append(f"{place} cannot be decoded ({type(error).__name__})")
                continue
            if known != key:
                self.problems.append(f"{place} has the _id {document['_id']!r}, and another key")
            yield row, document

    def _columns(self, collection: str, layout: Layout, batch: list[tuple[int, Record]]) -> None:
        """Tell of rows whose jsonb or typed columns differ from the documents."""
        columns = layout.table.columns
        arrays = ["$1::bigint[]", "$2::text[]"]
        arrays += [f"${number}::{array_type(column)}" for number, column in enumerate(columns, 3)]
        names = ", ".join(["row", "doc", *(f"v{number}" for number, _ in enumerate(columns))])
        differs = [(DOCUMENT, f"t.{quoted(DOCUMENT)} <> u.doc::jsonb")]
        differs += [
            (column.name, f"t.{quoted(column.name)} IS DISTINCT FROM u.v{number}")
            for number, column in enumerate(columns)
        ]
        for name, condition in differs:
            found = self.tables.server.rows(
                f"SELECT t.{quoted(ROW)} FROM {self.tables.named(layout.table.name)} AS t JOIN "
                f"unnest({', '.join(arrays)}) AS u({names}) ON t.{quoted(ROW)} = u.row WHERE {condition} "
                "ORDER BY 1",
                (
                    [row for row, _ in batch],
                    [encoding.encode(document) for _, document in batch],
                    *([column_value(document, column) for _, document in batch] for column in columns),
                ),
            )
            self._tell(
                f"row {row} of {collection!r} has in its column {name!r} what its document has not"
                for (row,) in found
            )

    def _entries(self, collection: str, stored: StoredIndex, batch: list[tuple[int, Record]]) -> int:
        """Tell of documents that lack a key in an index; how many keys the index has of these documents."""
        wanted: list[tuple[str, int]] = []
        for row, document in batch:
            try:
                wanted.extend((key, row) for key in entries(document, stored.index))
            except WriteError as error:
                self.problems.append(
                    f"index {stored.index.name!r} of {collection!r} cannot hold the document in row {row}: {error}"
                )
        missing = self.tables.server.rows(
            "SELECT wanted.key, wanted.row FROM unnest($1::text[], $2::bigint[]) AS wanted(key, row) "
            f"WHERE NOT EXISTS (SELECT 1 FROM {self.tables.named(stored.table)} AS e "
            f"WHERE e.{quoted(ENTRY)} = wanted.key AND e.{quoted(OF)} = wanted.row)",
            ([key for key, _ in wanted], [row for _, row in wanted]),
        )
        self._tell(
            f"index {stored.index.name!r} of {collection!r} lacks the key {key!r} of row {row}"
            for key, row in missing
        )
        return len(wanted) - len(missing)

    def _tell(self, told: Iterable[str]) -> None:
        """Tell of problems of one kind, of many only how many more there are."""
        found = iter(told)
        self.problems.extend(islice(found, MAX_TOLD))
        more = sum(1 for _ in found)
        if more:
            self.problems.append(f"and {more} more of this kind")
