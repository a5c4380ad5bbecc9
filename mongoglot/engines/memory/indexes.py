"""Indexes in memory: for each key the documents that have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

from mongoglot.compiler.candidates import UNDEFINED
from mongoglot.compiler.index import Index, keys_of, shown_key
from mongoglot.compiler.values import MISSING_RANK, SortKey, sort_key
from mongoglot.engines.base import Record
from mongoglot.errors import DuplicateKeyError

KeyTuple: TypeAlias = tuple[SortKey, ...]
"""A key: for each field the sort key of its value."""


@final
@dataclass(slots=True)
class MemoryIndex:
    """An index of a collection.

    Attributes:
        index: its definition.
        owners: for each key the documents that have it, by the sort keys of their `_id`.
    """

    index: Index
    owners: dict[KeyTuple, set[SortKey]] = field(default_factory=dict)

    def check(self, collection: str, owner: SortKey, document: Record) -> None:
        """Refuse a document that cannot be in the index.

        Raises:
            DuplicateKeyError: another one has a key of it, and the index is unique.
            WriteError: it has no keys (codes 171, 16746).
        """
        for key, values in self._keys(document):
            if self.index.unique and self.owners.get(key, set()) - {owner}:
                raise DuplicateKeyError(collection, shown_key(self.index, values), self.index.name)

    def add(self, owner: SortKey, document: Record) -> None:
        """Add the keys of a document that was checked."""
        for key, _ in self._keys(document):
            self.owners.setdefault(key, set()).add(owner)

    def remove(self, owner: SortKey, document: Record) -> None:
        """Take away the keys of a document."""
        for key in {key for key, _ in self._keys(document)}:
            self.owners[key].discard(owner)
            if not self.owners[key]:
                del self.owners[key]

    def _keys(self, document: Record) -> Iterator[tuple[KeyTuple, list[Any]]]:
        for values in keys_of(document, self.index).tuples:
            yield tuple([_UNDEFINED if value is UNDEFINED else sort_key(value) for value in values]), values


_UNDEFINED: SortKey = (MISSING_RANK,)
"""The element of an empty array; no value has such a key."""


@final
@dataclass(slots=True)
class MemoryCollection:
    """A collection: documents in the order of insertion, by the sort key of their `_id`, and its indexes."""

    name: str
    documents: dict[SortKey, Record] = field(default_factory=dict)
    indexes: list[MemoryIndex] = field(default_factory=list)

    def add(self, key: SortKey, document: Record) -> None:
        """Store a new document.

        Raises:
            as `MemoryIndex.check`; nothing is stored.
        """
        for index in self.indexes:
            index.check(self.name, key, document)
        for index in self.indexes:
            index.add(key, document)
        self.documents[key] = document

    def replace(self, key: SortKey, document: Record) -> None:
        """Put a document in the place of another one.

        Raises:
            as `MemoryIndex.check`; nothing is changed.
        """
        for index in self.indexes:
            index.check(self.name, key, document)
        for index in self.indexes:
            index.remove(key, self.documents[key])
            index.add(key, document)
        self.documents[key] = document

    def remove(self, key: SortKey) -> None:
        """Delete a document."""
        document = self.documents.pop(key)
        for index in self.indexes:
            index.remove(key, document)

    def filled(self, index: Index) -> MemoryIndex:
        """A new index with the keys of all documents.

        Raises:
            as `MemoryIndex.check`.
        """
        new = MemoryIndex(index)
        for key, document in self.documents.items():
            new.check(self.name, key, document)
            new.add(key, document)
        return new
