"""Indexes of a collection: each is a table of keys and rows, written in the transaction that writes a document.

An index is read as a prefilter of rows, `_row IN (SELECT …)`: it finds at least every match, and the whole
condition is checked on what it finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

import orjson

from mongoglot.compiler.access import Access, Lookup, find_access
from mongoglot.compiler.ast import And, Compare, In, Node
from mongoglot.compiler.index import ID_INDEX, keys_of, shown_key
from mongoglot.compiler.trees import leaves
from mongoglot.engines.base import Record
from mongoglot.engines.sql.index_keys import MULTIKEY, SINGLE, intervals, key_texts
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.statement import Statement
from mongoglot.engines.sqlite import encoding
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.file_format import INDEXES
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout, StoredIndex
from mongoglot.engines.sqlite.tables import Tables
from mongoglot.errors import DuplicateKeyError

ENTRY, OF = "_entry", "_of"
"""The columns of an index's table: a key, and the row of its document."""

# ---- reading -------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """A condition on the rows of a collection, with the indexes that find the candidates.

    Attributes:
        statement: the whole condition.
        sources: for each index that is searched, the parameter for its intervals and the lookups.
        text: of the WHERE clause.
        source: what follows the columns of a statement that reads them, in the order of insertion.
    """

    statement: Statement
    sources: tuple[tuple[str, tuple[Lookup, ...]], ...]
    text: str
    source: str

    @property
    def indexes(self) -> list[str]:
        """The names of the indexes that are used."""
        return [lookups[0].index.name for _, lookups in self.sources]

    def bind(self, values: list[Any]) -> dict[str, Any]:
        """The parameters for the values of one query."""
        parameters = self.statement.bind(values)
        for label, lookups in self.sources:
            found: dict[str, str] = {}
            for lookup in lookups:
                for low, high in _intervals(lookup, values):
                    found[low] = max(high, found.get(low, ""))
            parameters[label] = orjson.dumps(found).decode()
        return parameters


def _intervals(lookup: Lookup, values: list[Any]) -> list[tuple[str, str]]:
    if lookup.index is ID_INDEX:  # its keys are whole identities, and `_id` is never an array
        return intervals(lookup.single, values, short=False)
    multikey = intervals(lookup.multikey, values)
    single = multikey if lookup.single == lookup.multikey else intervals(lookup.single, values)
    found = [(SINGLE + low, SINGLE + high) for low, high in single]
    return found + [(MULTIKEY + low, MULTIKEY + high) for low, high in multikey]


def read_by(node: Node, layout: Layout, statement: Statement) -> Reading:
    """The condition of a filter on the rows of a collection, by an index where one helps."""
    access = (
        None
        if _names_id(node)
        else find_access(node, [ID_INDEX, *(stored.index for stored in layout.indexes)])
    )
    if access is None:
        return Reading(statement, (), statement.text, _source(node, layout, statement.text))
    tables = {stored.index.name: (stored.table, ENTRY, OF) for stored in layout.indexes}
    tables[ID_INDEX.name] = (layout.table.name, KEY, ROW)
    sources = tuple((f"index{n}", lookups) for n, lookups in enumerate(_by_index(access)))
    searches = (_search(label, *tables[lookups[0].index.name]) for label, lookups in sources)
    candidates = f"{quoted(ROW)} IN ({' UNION ALL '.join(searches)})"
    text = f"{candidates} AND ({statement.text})"
    return Reading(statement, sources, text, _source(None, layout, text))


def _source(node: Node | None, layout: Layout, text: str) -> str:
    """The rows that meet a condition, in the order of insertion.

    What an index of ours gives comes in that order, and so does a scan. Where SQLite may find the rows of a filter
    by an index of its own, a + keeps the order from asking for a scan.
    """
    found_by_sqlite = node is not None and (
        any(column.indexed for column in layout.table.columns)
        or any(getattr(leaf, "path", None) == ("_id",) for leaf in leaves(node))
    )
    order = f"+{quoted(ROW)}" if found_by_sqlite else quoted(ROW)
    return f"FROM {quoted(layout.table.name)} WHERE {text} ORDER BY {order}"


def _names_id(node: Node) -> bool:
    """Whether the filter says what `_id` is: the condition itself is found by SQLite then."""
    return any(
        (isinstance(part, Compare) and part.path == ("_id",) and part.op == "$eq")
        or (isinstance(part, In) and part.path == ("_id",))
        for part in (node.children if isinstance(node, And) else (node,))
    )


def _by_index(access: Access) -> list[tuple[Lookup, ...]]:
    groups: dict[str, list[Lookup]] = {}
    for lookup in access:
        groups.setdefault(lookup.index.name, []).append(lookup)
    return [tuple(lookups) for lookups in groups.values()]


def _search(label: str, table: str, key: str, row: str) -> str:
    """The rows in some intervals of the keys: one parameter, an object from low to high, whatever is asked for."""
    name = quoted(table)
    return (
        f"SELECT {name}.{quoted(row)} FROM json_each(:{label}) AS wanted CROSS JOIN {name} "
        f"WHERE {name}.{quoted(key)} >= wanted.key AND {name}.{quoted(key)} < wanted.value"
    )


# ---- writing -------------------------------------------------------------------------------------

_PENDING: Final = 20_000
"""Keys that are kept back at most, to be written in their order."""


@final
@dataclass(slots=True)
class IndexWriter:
    """Writes the keys of documents; inside a transaction.

    Keys of indexes that are not unique are kept back, and written in their order by `flush`.
    """

    file: File
    collection: str
    indexes: tuple[StoredIndex, ...]
    _kept: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    _count: int = 0

    def add(self, row: int, document: Record) -> None:
        """Add the keys of a new document.

        Raises:
            DuplicateKeyError: another document has one of them, and the index is unique.
            WriteError: the document has no keys (codes 171, 16746). Nothing is written in either case.
        """
        found = []
        for stored in self.indexes:  # one after the other: the first that refuses it says why, as on a server
            found.append(key_texts(keys_of(document, stored.index)))
            self._check(stored, found[-1], row)
        for stored, keys in zip(self.indexes, found, strict=True):
            if stored.index.unique:
                insert_keys(self.file, stored, [(key, row) for key in keys])
            else:
                self._kept.setdefault(stored.table, []).extend([(key, row) for key in keys])
                self._count += len(keys)
        if self._count > _PENDING:
            self.flush()

    def replace(self, row: int, former: Record, document: Record) -> None:
        """Change the keys of a document.

        Raises:
            as `add`.
        """
        for stored in self.indexes:
            old = key_texts(keys_of(former, stored.index))
            new = key_texts(keys_of(document, stored.index))
            added = {key: values for key, values in new.items() if key not in old}
            self._check(stored, added, row)
            delete_keys(self.file, stored, [(key, row) for key in old if key not in new])
            insert_keys(self.file, stored, [(key, row) for key in added])

    def remove(self, documents: Iterable[tuple[int, Record]]) -> None:
        """Take away the keys of documents."""
        gone = list(documents)
        for stored in self.indexes:
            keys = [
                (key, row) for row, document in gone for key in key_texts(keys_of(document, stored.index))
            ]
            delete_keys(self.file, stored, keys)

    def flush(self) -> None:
        """Write what was kept back."""
        for stored in self.indexes:
            insert_keys(self.file, stored, sorted(self._kept.pop(stored.table, ())))
        self._count = 0

    def _check(self, stored: StoredIndex, keys: dict[str, list[Any]], row: int) -> None:
        """Refuse keys that another document has in a unique index, whether with arrays or without."""
        if not stored.index.unique:
            return
        taken = (
            f"SELECT 1 FROM {quoted(stored.table)} "
            f"WHERE {quoted(ENTRY)} IN (?, ?) AND {quoted(OF)} <> ? LIMIT 1"
        )
        for key, values in keys.items():
            if self.file.rows(taken, (SINGLE + key[1:], MULTIKEY + key[1:], row)):
                shown = shown_key(stored.index, values)
                raise DuplicateKeyError(self.collection, shown, stored.index.name)


def insert_keys(file: File, stored: StoredIndex, keys: Sequence[tuple[str, int]]) -> None:
    """Write keys with their rows."""
    file.write_many(f"INSERT INTO {quoted(stored.table)} VALUES (?, ?)", keys)


def delete_keys(file: File, stored: StoredIndex, keys: Sequence[tuple[str, int]]) -> None:
    """Delete keys of rows."""
    file.write_many(
        f"DELETE FROM {quoted(stored.table)} WHERE {quoted(ENTRY)} = ? AND {quoted(OF)} = ?", keys
    )


# ---- making and dropping -------------------------------------------------------------------------


def entries_statement(table: str) -> str:
    """The statement that makes the table of an index."""
    return (
        f"CREATE TABLE {quoted(table)} ({quoted(ENTRY)} TEXT NOT NULL, {quoted(OF)} INTEGER NOT NULL, "
        f"PRIMARY KEY ({quoted(ENTRY)}, {quoted(OF)})) STRICT, WITHOUT ROWID"
    )


def create(tables: Tables, collection: str, stored: StoredIndex) -> None:
    """Make an index of a collection and fill it; inside a transaction.

    Raises:
        DuplicateKeyError: documents share a key of a unique index.
        WriteError: a document cannot be in it (codes 171, 16746).
    """
    file, index = tables.file, stored.index
    layout = tables.created(collection)
    name = quoted(stored.table)
    file.rows(entries_statement(stored.table))
    options = json.dumps({"unique": index.unique, "sparse": index.sparse})
    file.rows(
        f"INSERT INTO {quoted(INDEXES)} VALUES (?, ?, ?, ?, ?)",
        (collection, index.name, json.dumps(index.keys), options, stored.table),
    )
    file.rows(f"CREATE TEMP TABLE {_STAGED} (entry TEXT NOT NULL, row INTEGER NOT NULL)")
    for batch in tables.documents(layout.table):
        keys = [(key, row) for row, document in batch for key in key_texts(keys_of(document, index))]
        file.write_many(f"INSERT INTO temp.{_STAGED} VALUES (?, ?)", keys)
    if index.unique:
        _check_staged(file, collection, stored, layout)
    # in their order: each page is written once, however many documents there are
    file.rows(f"INSERT INTO {name} SELECT entry, row FROM temp.{_STAGED} ORDER BY entry, row")
    file.rows(f"DROP TABLE temp.{_STAGED}")


_STAGED: Final = "staged_keys"
"""A table of this connection alone, which goes with a transaction that is taken back."""


def _check_staged(file: File, collection: str, stored: StoredIndex, layout: Layout) -> None:
    """Refuse a unique index of a key that several documents have."""
    found = file.rows(
        f"SELECT substr(entry, 2) AS bare, max(row) FROM temp.{_STAGED} GROUP BY bare "
        "HAVING min(row) <> max(row) ORDER BY max(row) LIMIT 1"
    )
    for bare, row in found:
        ((text,),) = file.rows(
            f"SELECT json({quoted(DOCUMENT)}) FROM {quoted(layout.table.name)} WHERE {quoted(ROW)} = ?",
            (row,),
        )
        keys = key_texts(keys_of(encoding.decode(text), stored.index))
        (values,) = (values for key, values in keys.items() if key[1:] == bare)
        raise DuplicateKeyError(collection, shown_key(stored.index, values), stored.index.name)


def drop(file: File, collection: str, stored: StoredIndex) -> None:
    """Drop an index of a collection; inside a transaction."""
    file.rows(f"DROP TABLE {quoted(stored.table)}")
    file.rows(
        f"DELETE FROM {quoted(INDEXES)} WHERE collection = ? AND name = ?", (collection, stored.index.name)
    )
