"""How collections are stored: their tables, typed columns and indexes, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.index import Index
from mongoglot.engines.postgresql.columns import TYPES
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import ROW
from mongoglot.engines.sql.table import Column, Table
from mongoglot.errors import UnsupportedError

KEY, DOCUMENT, BSON = "_key", "_doc", "_bson"
"""The columns of tables beside the order of insertion: the key of `_id`, the document as jsonb and as BSON."""


@final
@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index of a collection.

    Attributes:
        index: its definition.
        table: the table of its keys.
    """

    index: Index
    table: str


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How a collection is stored: its table, and its indexes in the order of their making."""

    table: Table
    indexes: tuple[StoredIndex, ...] = ()

    @property
    def text(self) -> str:
        """The layout in the catalogue."""
        columns = [
            {name: getattr(column, name) for name in ("name", "type", "path", "indexed")}
            for column in self.table.columns
        ]
        indexes = [
            {
                "name": stored.index.name,
                "keys": stored.index.keys,
                "unique": stored.index.unique,
                "sparse": stored.index.sparse,
                "table": stored.table,
            }
            for stored in self.indexes
        ]
        return json.dumps({"columns": columns, "indexes": indexes})


def layout_of(name: str, text: str) -> Layout:
    """The layout of a row of the catalogue."""
    found = json.loads(text)
    table = Table(name, tuple(Column(mixed=True, **column) for column in found["columns"]), DOCUMENT, KEY)
    indexes = (
        StoredIndex(
            Index(
                each["name"], tuple((path, way) for path, way in each["keys"]), each["unique"], each["sparse"]
            ),
            each["table"],
        )
        for each in found["indexes"]
    )
    return Layout(table, tuple(indexes))


def array_type(column: Column) -> str:
    """The type of an array of a column's values."""
    return TYPES[column.type].partition(" ")[0] + "[]"


def definition(column: Column) -> str:
    """A typed column in the definition of its table.

    Raises:
        UnsupportedError: a store has no such column.
    """
    if column.type not in TYPES:
        raise UnsupportedError(f"a store has no columns of type {column.type!r}, only of {', '.join(TYPES)}")
    if column.name in (ROW, KEY, DOCUMENT, BSON):
        raise UnsupportedError(f"a column cannot be called {column.name!r}: every table of a store has one")
    if len(column.name.encode()) > _MAX_NAME:
        raise UnsupportedError(
            f"{column.name!r} cannot name a column of PostgreSQL: it has more than {_MAX_NAME} bytes"
        )
    return f"{quoted(column.name)} {TYPES[column.type]}"


_MAX_NAME: Final = 63
