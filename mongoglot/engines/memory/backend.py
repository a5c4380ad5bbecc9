"""Collections as dicts of documents; a filter is the Python callable."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mongoglot.compiler.ast import And, Compare, In
from mongoglot.compiler.index import ID_INDEX, Index, is_there, named
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import SortKey, sort_key
from mongoglot.engines import python
from mongoglot.engines.base import IN_INSERT, FindRequest, Record, ScanningBackend, Verification, finished
from mongoglot.engines.memory.indexes import MemoryCollection
from mongoglot.errors import DuplicateKeyError, StoreError, UnsupportedError, WriteError


def open_backend(url: str, *, tables: Iterable[Any] = ()) -> MemoryBackend:  # noqa: ARG001 - this engine has no columns
    """A new, empty store for `memory:`; declared columns mean nothing to it."""
    if url != "memory:":
        raise UnsupportedError(f"the memory engine answers to 'memory:', not to {url!r}")
    return MemoryBackend()


class MemoryBackend(ScanningBackend[SortKey]):
    """Documents in the order of insertion, by the sort key of their `_id`."""

    name = "memory"

    def __init__(self) -> None:
        self._collections: dict[str, MemoryCollection] = {}
        self._lock = threading.RLock()
        self._replaced: list[tuple[MemoryCollection, SortKey, Record]] | None = None
        self._streaming = False
        self._closed = False

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store copies of documents; see `Backend`."""
        with self._writing():
            stored = self._created(collection)
            added: list[SortKey] = []
            self._streaming = True
            try:
                for document in documents:
                    key = sort_key(document["_id"])
                    try:
                        self._insert(stored, key, document)
                    except WriteError:
                        added.clear()  # the documents before this one stay
                        raise
                    added.append(key)
            except BaseException:
                for key in reversed(added):
                    stored.remove(key)
                raise
            finally:
                self._streaming = False

    def _insert(self, stored: MemoryCollection, key: SortKey, document: Record) -> None:
        if key in stored.documents:
            raise DuplicateKeyError(stored.name, document["_id"])
        stored.add(key, copied(document))

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[SortKey, Record]]:
        """The matches as they are stored; callers copy what they hand out."""
        matches = query.plan.lowered("python", python.lower).bind(query.values)
        with self._lock:
            stored = self._documents(collection)
            keys = _named_keys(query)
            rows = (
                list(stored.items())
                if keys is None
                else [(key, stored[key]) for key in keys if key in stored]
            )
        return ((key, document) for key, document in rows if matches(document))

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """Copies of the matching documents; see `Backend`."""
        found = (document for _, document in self.matching(collection, request.query))
        return map(copied, finished(found, request))

    def replace(self, collection: str, key: SortKey, document: Record) -> None:
        """Put a copy in the place of a document."""
        stored = self._open()[collection]
        former = stored.documents[key]
        stored.replace(key, copied(document))
        if self._replaced is not None:
            self._replaced.append((stored, key, former))

    def remove(self, collection: str, keys: list[SortKey]) -> None:
        """Delete documents."""
        for key in keys:
            self._open()[collection].remove(key)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody else writes meanwhile; what was replaced is put back where a later replacement is refused."""
        with self._writing():
            replaced: list[tuple[MemoryCollection, SortKey, Record]] = []
            self._replaced = replaced
            try:
                yield
            except BaseException:
                for stored, key, former in reversed(replaced):
                    stored.replace(key, former)
                raise
            finally:
                self._replaced = None

    def drop(self, collection: str) -> None:
        """Forget a collection."""
        with self._writing():
            self._open().pop(collection, None)

    def collection_names(self) -> list[str]:
        """The collections that hold documents or have indexes."""
        with self._lock:
            return sorted(name for name, stored in self._open().items() if stored.documents or stored.indexes)

    def create_index(self, collection: str, index: Index) -> None:
        """Make an index and fill it; see `Backend`."""
        with self._writing():
            stored = self._open().get(collection) or MemoryCollection(collection)
            if not is_there(index, [each.index for each in stored.indexes]):
                stored.indexes.append(stored.filled(index))
            self._open()[collection] = stored

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `Backend`."""
        with self._writing():
            stored = self._open().get(collection)
            if stored is not None:
                index = named(name, [each.index for each in stored.indexes])
                stored.indexes = [each for each in stored.indexes if each.index is not index]

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `Backend`."""
        with self._lock:
            stored = self._open().get(collection)
            return (
                []
                if stored is None
                else [ID_INDEX.document, *(each.index.document for each in stored.indexes)]
            )

    def verify(self) -> Verification:
        """Make each index once more from the documents, and compare."""
        with self._lock:
            collections = list(self._open().values())
            problems = [
                f"index {index.index.name!r} of {stored.name!r} has other keys than the documents"
                for stored in collections
                for index in stored.indexes
                if index != stored.filled(index.index)
            ]
            documents = sum(len(stored.documents) for stored in collections)
            keys = sum(
                map(len, (owners for c in collections for i in c.indexes for owners in i.owners.values()))
            )
        return Verification(tuple(problems), documents, keys)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The source of the function that every document is given to."""
        code = request.query.plan.lowered("python", python.lower)
        return {
            "engine": self.name,
            "python": code.source,
            "projection": request.projection.spec if request.projection else None,
            "indexes": [],
            "documents": len(self._documents(collection)),
            "residual": None,
        }

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            self._collections.clear()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            if self._streaming:
                raise StoreError(IN_INSERT)
            yield

    def _open(self) -> dict[str, MemoryCollection]:
        if self._closed:
            raise StoreError("the store in memory is closed")
        return self._collections

    def _created(self, collection: str) -> MemoryCollection:
        return self._open().setdefault(collection, MemoryCollection(collection))

    def _documents(self, collection: str) -> dict[SortKey, Record]:
        stored = self._open().get(collection)
        return {} if stored is None else stored.documents


def _named_keys(query: BoundPlan) -> list[SortKey] | None:
    """The keys of the only documents that can match, where the query names one `_id`; None where it does not.

    More than one would come in another order than that of insertion.
    """
    node = query.optimised
    for part in node.children if isinstance(node, And) else (node,):
        match part:
            case Compare(("_id",), "$eq", operand):
                return [sort_key(query.values[operand.index])]
            case In(("_id",), operand, ()) if len(operand.members(query.values)) == 1:
                return [sort_key(operand.members(query.values)[0])]
            case _:
                pass
    return None


def copied(value: Any) -> Any:
    """An independent copy of a normalised value; what cannot change is shared."""
    if value.__class__ is dict:
        return {name: copied(item) for name, item in value.items()}
    if value.__class__ is list:
        return [copied(item) for item in value]
    return value
