"""How a collection is stored: its table, its columns, its indexes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from mongoglot.compiler.index import Index
from mongoglot.engines.sql.table import Table

ROW, KEY, DOCUMENT = "_row", "_key", "_doc"
"""The columns that every table has: the order of insertion, the identity of `_id`, the document."""


@final
@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index in the file.

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
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.table, self.indexes)))

    def __hash__(self) -> int:  # every find looks for what was made for the layout
        return self._hash
