"""A collection in memory: numbered documents, and the numbers by `_id` and by the keys of indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple, final

from mongoglot.compiler.access import Access
from mongoglot.compiler.index import ID_INDEX, Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import RANK, SortKey, sort_key
from mongoglot.engines.base import Record
from mongoglot.engines.memory.indexes import MemoryIndex, usable_access
from mongoglot.engines.memory.keys import AFTER, points, quick_sort_key
from mongoglot.errors import DuplicateKeyError

_HELPFUL_PART: Final = 8
"""One in so many documents: to gather more by the keys of an interval takes about as long as to look at all."""

_ALWAYS_HELPFUL: Final = 100
"""So few keys are never worth a look at all documents."""


class Candidates(NamedTuple):
    """Documents that may match.

    Attributes:
        documents: in the order of insertion.
        access: the lookups that found them; empty where these are all documents.
    """

    documents: list[Record]
    access: Access = ()

    @property
    def indexes(self) -> list[str]:
        """The names of the indexes that found them."""
        return list(dict.fromkeys(lookup.index.name for lookup in self.access))


@final
@dataclass(slots=True)
class MemoryCollection:
    """Documents in the order of insertion, and their indexes. Documents are kept as they are given, never changed.

    Attributes:
        name: of the collection.
        documents: by row, a number that grows with each new document.
        rows: by the sort key of `_id`.
        indexes: in the order in which they were made.
    """

    name: str
    documents: dict[int, Record] = field(default_factory=dict)
    rows: dict[SortKey, int] = field(default_factory=dict)
    indexes: list[MemoryIndex] = field(default_factory=list)
    _next_row: int = 0

    def insert(self, document: Record) -> None:
        """Store a new document.

        Raises:
            DuplicateKeyError: another one has its `_id`, or its key in a unique index.
            WriteError: it has no keys in an index (codes 171, 16746). Nothing is stored in either case.
        """
        identity, row = document["_id"], self._next_row
        key = quick_sort_key(identity) or sort_key(identity)
        if key in self.rows:
            raise DuplicateKeyError(self.name, document["_id"])
        entries = [
            index.quick_key(document) or index.entry(self.name, row, document) for index in self.indexes
        ]
        for index, entry in zip(self.indexes, entries, strict=True):
            index.add(row, entry)
        self._next_row += 1
        self.rows[key] = row
        self.documents[row] = document

    def replace(self, key: SortKey, document: Record) -> Record:
        """Put a document in the place of another one with the same `_id`, which is returned.

        Raises:
            as `insert`; nothing is changed.
        """
        row = self.rows[key]
        former = self.documents[row]
        changed = [
            index
            for index in self.indexes
            if not index.quick or document.get(index.quick) is not former.get(index.quick)
        ]
        entries = [index.quick_key(document) or index.entry(self.name, row, document) for index in changed]
        for index, entry in zip(changed, entries, strict=True):
            index.remove(row, former)
            index.add(row, entry)
        self.documents[row] = document
        return former

    def remove(self, key: SortKey) -> None:
        """Delete a document."""
        row = self.rows.pop(key)
        document = self.documents.pop(row)
        for index in self.indexes:
            index.remove(row, document)

    def first(self, field: str, limit: int, before: Any = None) -> list[Record]:
        """The documents with the smallest values in a field, null and arrays apart; see `CullingBackend`.

        They are found by an index on the field alone, which has to be there.
        """
        (index,) = (each for each in self.indexes if each.index.keys == ((field, 1),))
        low, high = ((RANK["null"] + 1,), (AFTER,)) if before is None else ((RANK["date"],), sort_key(before))
        rows = (row for numbers in index.single.between(low, high) for row in sorted(numbers))
        return [self.documents[row] for row in islice(rows, limit)]

    def remove_all(self, keys: list[SortKey]) -> None:
        """Delete documents; where most go, the indexes are made new from those that stay."""
        if len(keys) * 2 < len(self.documents):
            for key in keys:
                self.remove(key)
            return
        for key in keys:
            del self.documents[self.rows.pop(key)]
        self.indexes = [self.filled(each.index) for each in self.indexes]

    def filled(self, index: Index) -> MemoryIndex:
        """A new index with the keys of all documents.

        Raises:
            as `insert`.
        """
        new = MemoryIndex(index)
        for row, document in self.documents.items():
            new.add(row, new.entry(self.name, row, document))
        return new

    def candidates(self, query: BoundPlan) -> Candidates:
        """Documents in the order of insertion, every match among them."""
        indexes = tuple([each.index for each in self.indexes])
        access = query.plan.lowered(("memory", indexes), lambda node: usable_access(node, indexes))
        rows = None if access is None else self._found(access, query.values)
        if access is None or rows is None:
            return Candidates(list(self.documents.values()))
        return Candidates([self.documents[row] for row in sorted(rows)], access)

    def _found(self, access: Access, values: list[Any]) -> set[int] | None:
        """The rows that lookups find; None where one finds so many that it is no help."""
        by_name = {each.index.name: each for each in self.indexes}
        limit = _ALWAYS_HELPFUL + len(self.documents) // _HELPFUL_PART
        rows: set[int] = set()
        for lookup in access:
            if lookup.index is not ID_INDEX:
                found = by_name[lookup.index.name].candidates(lookup, values, limit)
                if found is None:
                    return None
                rows |= found
            elif lookup.single is not None:
                ids = points(lookup.single.fields[0][0], values)
                rows.update([self.rows[key] for key in ids if key in self.rows])
        return rows

    def problems(self) -> Iterator[str]:
        """What is wrong with the indexes, each a sentence."""
        numbers = {sort_key(document["_id"]): row for row, document in self.documents.items()}
        if numbers != self.rows:
            yield f"not all documents of {self.name!r} are found by their _id"
        for index in self.indexes:
            if index != self.filled(index.index) or not index.is_sound():
                yield f"index {index.index.name!r} of {self.name!r} has other keys than the documents"
