"""Indexes in memory: by key the documents that have it, and what a filter finds by them.

An index gives candidates, at least every match; each is checked by the whole filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

from mongoglot.compiler.access import Access, Lookup, find_access, is_point
from mongoglot.compiler.ast import Node
from mongoglot.compiler.index import ID_INDEX, Index, keys_of, shown_key
from mongoglot.compiler.values import SortKey
from mongoglot.engines.base import Record
from mongoglot.engines.memory.keys import Keys, key_of, quick_sort_key, wanted
from mongoglot.errors import DuplicateKeyError

Entry: TypeAlias = tuple[bool, dict[SortKey, list[Any]]]
"""What a document has in an index: whether it has arrays there, and its keys with their values."""


@final
@dataclass(slots=True)
class MemoryIndex:
    """An index of a collection.

    Attributes:
        index: its definition.
        single: the keys of documents without arrays on the paths of the index.
        multikey: the keys of others.
        quick: the one field of an index whose keys are mostly cheap to tell.
    """

    index: Index
    single: Keys = field(default_factory=Keys)
    multikey: Keys = field(default_factory=Keys)
    quick: str = ""

    def __post_init__(self) -> None:
        """Note the field of an index that needs no look at the keys of others and none into arrays."""
        ((name, _), *others) = self.index.keys
        if not (others or self.index.unique or self.index.sparse or "." in name):
            self.quick = name

    def quick_key(self, document: Record) -> SortKey | None:
        """The one key of a document where it is cheap to tell; None where `entry` has to."""
        if not self.quick:
            return None
        return quick_sort_key(document.get(self.quick))

    def entry(self, collection: str, row: int, document: Record) -> Entry:
        """What a document has in the index, or would have.

        Args:
            collection: its name, for the error.
            row: of the document; None of its own keys is in the way.
            document: what is or will be in the row.

        Raises:
            DuplicateKeyError: another one has a key of it, and the index is unique.
            WriteError: it has no keys (codes 171, 16746).
        """
        found = keys_of(document, self.index)
        keys = {key_of(values): values for values in found.tuples}
        if self.index.unique:
            for key, values in keys.items():
                for those in (self.single, self.multikey):
                    if not those.rows.get(key, set()) <= {row}:
                        raise DuplicateKeyError(collection, shown_key(self.index, values), self.index.name)
        return found.multikey, keys

    def add(self, row: int, entry: Entry | SortKey) -> None:
        """Add the keys of a document, or its one quick key."""
        if entry[0].__class__ is int:
            self.single.add(entry, row)
            return
        multikey, keys = entry
        those = self.multikey if multikey else self.single
        for key in keys:
            those.add(key, row)

    def remove(self, row: int, document: Record) -> None:
        """Take away the keys of a document."""
        quick = self.quick_key(document)
        if quick is not None:
            self.single.remove(quick, row)
            return
        found = keys_of(document, self.index)
        those = self.multikey if found.multikey else self.single
        for key in {key_of(values) for values in found.tuples}:
            those.remove(key, row)

    def candidates(self, lookup: Lookup, values: list[Any], limit: int) -> set[int] | None:
        """The rows that a lookup finds; None where it asks for intervals of more keys than `limit`."""
        found: set[int] = set()
        for those, search in ((self.single, lookup.single), (self.multikey, lookup.multikey)):
            if search is None or not those.rows:
                continue
            asked = wanted(search, values, len(self.index.keys))
            if sum(those.width(*interval) for interval in asked.intervals) > limit:
                return None
            found.update(*[those.rows[key] for key in asked.keys if key in those.rows])
            for interval in asked.intervals:
                found.update(*those.between(*interval))
        return found

    def is_sound(self) -> bool:
        """Whether the order of the keys, where it is kept, is one of all of them."""
        return all(
            those.order is None or list(those.order) == sorted(those.rows)
            for those in (self.single, self.multikey)
        )

    def __len__(self) -> int:
        return sum(len(rows) for those in (self.single, self.multikey) for rows in those.rows.values())


def usable_access(node: Node, indexes: Sequence[Index]) -> Access | None:
    """The lookups that find every match of a filter without a look at each document; None where there are none.

    Args:
        node: an optimised tree.
        indexes: of the collection, without that of `_id`, which is a dict and finds values only, no intervals.
    """
    access = find_access(node, (ID_INDEX, *indexes))
    if access is not None and any(
        lookup.index is ID_INDEX and not _names_values(lookup) for lookup in access
    ):
        return find_access(node, indexes)
    return access


def _names_values(lookup: Lookup) -> bool:
    return lookup.single is None or is_point(lookup.single.fields[0][0])
