"""Indexes of a collection: each is a table of keys and rows, written in the transaction that writes a document.

An index is read as a prefilter of rows, `_row = ANY(ARRAY(SELECT …))`: it finds at least every match, and the
whole condition is checked on what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

from mongoglot.compiler.access import Access, Lookup, find_access
from mongoglot.compiler.ast import And, Compare, In, Node
from mongoglot.compiler.index import ID_INDEX, Index, is_there, named, shown_key
from mongoglot.engines.base import Record
from mongoglot.engines.postgresql.errors import GoneError
from mongoglot.engines.postgresql.keys import entries, wanted_entries
from mongoglot.engines.postgresql.layouts import BSON, KEY, Layout, StoredIndex
from mongoglot.engines.postgresql.lowering import Statement
from mongoglot.engines.postgresql.tables import Tables
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.errors import DuplicateKeyError

ENTRY, OF = "_entry", "_of"
"""The columns of an index's table: a key, and the row of its document."""

_BARE: Final = f"substr({quoted(ENTRY)}, 2)"
"""A key without its mark: what no two documents may share in a unique index."""

# ---- reading -------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """A condition on the rows of a collection, with the indexes that find the candidates.

    Attributes:
        statement: the whole condition.
        sources: for each index that is searched the lookups; two parameters each, after those of the condition.
        text: of the WHERE clause.
    """

    statement: Statement
    sources: tuple[tuple[Lookup, ...], ...] = ()
    text: str = ""

    @property
    def indexes(self) -> list[str]:
        """The names of the indexes that are used."""
        return [lookups[0].index.name for lookups in self.sources]

    def bind(self, values: list[Any]) -> list[Any]:
        """The parameters for the values of one query."""
        parameters = self.statement.bind(values)
        for lookups in self.sources:
            wanted = dict.fromkeys(pair for lookup in lookups for pair in wanted_entries(lookup, values))
            parameters += [[low for low, _ in wanted], [high for _, high in wanted]]
        return parameters


def read_by(node: Node, layout: Layout, tables: Tables, statement: Statement) -> Reading:
    """The condition of a filter on the rows of a collection, by an index where one helps."""
    known = [ID_INDEX, *(stored.index for stored in layout.indexes)]
    access = None if _names_id(node) else find_access(node, known)
    if access is None:
        return Reading(statement, (), statement.text)
    places = {stored.index.name: (stored.table, ENTRY, OF) for stored in layout.indexes}
    places[ID_INDEX.name] = (layout.table.name, KEY, ROW)
    sources = _by_index(access)
    searches = []
    for number, lookups in enumerate(sources):
        table, key, row = places[lookups[0].index.name]
        first = len(statement.binders) + 2 * number + 1
        searches.append(
            f"SELECT e.{quoted(row)} FROM unnest(${first}::text[], ${first + 1}::text[]) AS wanted(low, high) "
            f"JOIN {tables.named(table)} AS e ON e.{quoted(key)} >= wanted.low AND e.{quoted(key)} < wanted.high"
        )
    candidates = f"{quoted(ROW)} = ANY(ARRAY({' UNION ALL '.join(searches)}))"
    return Reading(statement, sources, f"{candidates} AND ({statement.text})")


def _names_id(node: Node) -> bool:
    """Whether the filter says what `_id` is: the condition itself is found by its unique key then."""
    return any(
        isinstance(part, (Compare, In))
        and part.path == ("_id",)
        and (isinstance(part, In) or part.op == "$eq")
        for part in (node.children if isinstance(node, And) else (node,))
    )


def _by_index(access: Access) -> tuple[tuple[Lookup, ...], ...]:
    groups: dict[str, list[Lookup]] = {}
    for lookup in access:
        groups.setdefault(lookup.index.name, []).append(lookup)
    return tuple(tuple(lookups) for lookups in groups.values())


# ---- writing -------------------------------------------------------------------------------------

Entry = tuple[str, int]
"""A key and the row of its document."""


@final
@dataclass(frozen=True, slots=True)
class IndexWriter:
    """Writes the keys of documents; inside a transaction."""

    tables: Tables
    collection: str
    indexes: tuple[StoredIndex, ...]

    def add(self, documents: Sequence[tuple[int, Record]]) -> None:
        """Add the keys of new documents.

        Raises:
            DuplicateKeyError: another document has one of them, and the index is unique.
            WriteError: a document has no keys (codes 171, 16746).
        """
        for stored in self.indexes:  # one after the other: the first that refuses it says why, as on a server
            keys = [(row, entries(document, stored.index)) for row, document in documents]
            self._insert(stored, keys)

    def replace(self, changes: Sequence[tuple[int, Record, Record]]) -> None:
        """Change the keys of documents: rows, each with the former document and the new one.

        Raises:
            as `add`.
        """
        for stored in self.indexes:
            # where keys must differ, one document after the other, as a server does
            for part in ([change] for change in changes) if stored.index.unique else [changes]:
                gone: list[Entry] = []
                new = []
                for row, former, document in part:
                    old, keys = entries(former, stored.index), entries(document, stored.index)
                    gone.extend((key, row) for key in old if key not in keys)
                    new.append((row, {key: values for key, values in keys.items() if key not in old}))
                self._delete(stored, gone)
                self._insert(stored, new)

    def remove(self, documents: Iterable[tuple[int, Record]]) -> None:
        """Take away the keys of documents."""
        gone = list(documents)
        for stored in self.indexes:
            keys = [(key, row) for row, document in gone for key in entries(document, stored.index)]
            self._delete(stored, keys)

    def _insert(self, stored: StoredIndex, keys: Sequence[tuple[int, dict[str, list[Any]]]]) -> None:
        wanted = [(key, row) for row, of_document in keys for key in of_document]
        written = insert_entries(self.tables, stored, wanted)
        if written is None:
            return
        for row, of_document in keys:
            for key, values in of_document.items():
                if (key, row) not in written:
                    raise DuplicateKeyError(
                        self.collection, shown_key(stored.index, values), stored.index.name
                    )

    def _delete(self, stored: StoredIndex, keys: Sequence[Entry]) -> None:
        if keys:
            self.tables.server.write(
                f"DELETE FROM {self.tables.named(stored.table)} AS e USING unnest($1::text[], $2::bigint[]) "
                f"AS gone(key, row) WHERE e.{quoted(ENTRY)} = gone.key AND e.{quoted(OF)} = gone.row",
                _columns(keys),
            )


def _columns(keys: Sequence[Entry]) -> tuple[list[str], list[int]]:
    return [key for key, _ in keys], [row for _, row in keys]


def insert_entries(tables: Tables, stored: StoredIndex, keys: Sequence[Entry]) -> set[Entry] | None:
    """Write keys with their rows; those that were written if others are there already, else None."""
    if not keys:
        return None
    text = (
        f"INSERT INTO {tables.named(stored.table)} "
        "SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING"
    )
    if not stored.index.unique:
        tables.server.write(text, _columns(keys))
        return None
    written = tables.server.write(f"{text} RETURNING {quoted(ENTRY)}, {quoted(OF)}", _columns(keys))
    return None if len(written) == len(keys) else {(key, row) for key, row in written}


# ---- making and dropping -------------------------------------------------------------------------


def ensure(tables: Tables, collection: str, index: Index) -> None:
    """Make an index, and the collection, unless they are there; inside a transaction.

    Raises:
        as `_create`, and `GoneError`: the collection was dropped meanwhile.
    """
    if tables.changing(collection) is None:
        tables.created(collection)
    layout = tables.changing(collection)
    if layout is None:
        raise GoneError(f"{collection!r} was dropped while its index was made; try again")
    if not is_there(index, [stored.index for stored in layout.indexes]):
        _create(tables, collection, layout, index)


def _create(tables: Tables, collection: str, layout: Layout, index: Index) -> None:
    """Make an index of a collection, which nobody else writes to, and fill it; inside a transaction.

    Raises:
        DuplicateKeyError: documents share a key of a unique index.
        WriteError: a document cannot be in it (codes 171, 16746).
    """
    stored = StoredIndex(index, tables.free_name(f"index of {layout.table.name}"))
    name = tables.named(stored.table)
    tables.server.write(
        f'CREATE TABLE {name} ({quoted(ENTRY)} text COLLATE "C" NOT NULL, {quoted(OF)} bigint NOT NULL, '
        f"PRIMARY KEY ({quoted(ENTRY)}, {quoted(OF)}))"
    )
    plain = StoredIndex(replace(index, unique=False), stored.table)
    for batch in tables.documents(layout.table):
        keys = [(key, row) for row, document in batch for key in entries(document, index)]
        insert_entries(tables, plain, sorted(keys))
    if index.unique:
        _check_unique(tables, collection, layout, stored)
        tables.server.write(f"CREATE UNIQUE INDEX ON {name} ({_BARE})")
    tables.server.write(f"ANALYZE {name}")
    tables.record(collection, replace(layout, indexes=(*layout.indexes, stored)))


def _check_unique(tables: Tables, collection: str, layout: Layout, stored: StoredIndex) -> None:
    """Refuse a unique index of a key that several documents have."""
    of = quoted(OF)
    found = tables.server.write(
        f"SELECT {_BARE}, max({of}) FROM {tables.named(stored.table)} GROUP BY 1 "
        f"HAVING min({of}) <> max({of}) ORDER BY 2 LIMIT 1"
    )
    for bare, row in found:
        ((_, document),) = of_rows(tables, layout, [row])
        keys = entries(document, stored.index)
        (values,) = (values for key, values in keys.items() if key[1:] == bare)
        raise DuplicateKeyError(collection, shown_key(stored.index, values), stored.index.name)


def of_rows(tables: Tables, layout: Layout, rows: Sequence[int]) -> list[tuple[int, Record]]:
    """Rows and their documents; inside a transaction."""
    found = tables.server.write(
        f"SELECT {quoted(ROW)}, {quoted(BSON)} FROM {tables.named(layout.table.name)} "
        f"WHERE {quoted(ROW)} = ANY($1)",
        (list(rows),),
    )
    return list(tables.decoded(found))


def drop(tables: Tables, collection: str, name: str) -> None:
    """Drop an index of a collection, where there is the collection; inside a transaction."""
    layout = tables.changing(collection)
    if layout is None:
        return
    index = named(name, [stored.index for stored in layout.indexes])
    (gone,) = (stored for stored in layout.indexes if stored.index is index)
    tables.server.write(f"DROP TABLE {tables.named(gone.table)}")
    left = tuple(stored for stored in layout.indexes if stored is not gone)
    tables.record(collection, replace(layout, indexes=left))
