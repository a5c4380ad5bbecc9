"""Collections as dicts of documents; a filter is a Python generator over candidates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mongoglot.compiler.deadline import in_time
from mongoglot.compiler.index import ID_INDEX, Index, is_there, named
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import SortKey, sort_key
from mongoglot.engines import python
from mongoglot.engines.base import IN_INSERT, FindRequest, Record, ScanningBackend, Verification, finished
from mongoglot.engines.culling import First, Totals, sum_of
from mongoglot.engines.memory.collection import MemoryCollection
from mongoglot.engines.memory.copies import copied
from mongoglot.errors import StoreError, UnsupportedError, WriteError


def open_backend(url: str, *, tables: Iterable[Any] = ()) -> MemoryBackend:  # noqa: ARG001 - this engine has no columns
    """A new, empty store for `memory:`; declared columns mean nothing to it."""
    if url != "memory:":
        raise UnsupportedError(f"the memory engine answers to 'memory:', not to {url!r}")
    return MemoryBackend()


class MemoryBackend(ScanningBackend[SortKey]):
    """Documents in the order of insertion, by the sort key of their `_id`.

    Attributes:
        lock: held by who looks at the documents.
    """

    name = "memory"

    def __init__(self) -> None:
        self._collections: dict[str, MemoryCollection] = {}
        self.lock = threading.RLock()
        self._replaced: list[tuple[MemoryCollection, SortKey, Record]] | None = None
        self._streaming = False
        self._closed = False

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store copies of documents; see `Backend`."""
        with self._writing():
            stored = self._open().setdefault(collection, MemoryCollection(collection))
            added: list[SortKey] = []
            self._streaming = True
            try:
                for document in documents:
                    try:
                        stored.insert(copied(document))
                    except WriteError:
                        added.clear()  # the documents before this one stay
                        raise
                    added.append(sort_key(document["_id"]))
            except BaseException:
                for key in reversed(added):
                    stored.remove(key)
                raise
            finally:
                self._streaming = False

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[SortKey, Record]]:
        """The matches as they are stored; callers copy what they hand out."""
        return ((sort_key(document["_id"]), document) for document in self._found(collection, query))

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """Copies of the matching documents; see `Backend`."""
        return map(copied, finished(self._found(collection, request.query), request))

    def direct(self, collection: str) -> MemoryCollection:
        """The collection itself, for who writes and reads it without copies while holding `lock`."""
        if self._streaming:
            raise StoreError(IN_INSERT)
        stored = self._open().get(collection)
        if stored is None:
            stored = self._collections[collection] = MemoryCollection(collection)
        return stored

    def found(self, collection: str, query: BoundPlan) -> Iterator[Record]:
        """The matches of this moment as they are stored, which must not be changed."""
        return self._found(collection, query)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match."""
        return sum(1 for _ in self._found(collection, query))

    def replace(self, collection: str, key: SortKey, document: Record) -> None:
        """Put a copy in the place of a document."""
        stored = self._open()[collection]
        former = stored.replace(key, copied(document))
        if self._replaced is not None:
            self._replaced.append((stored, key, former))

    def remove(self, collection: str, keys: list[SortKey]) -> None:
        """Delete documents."""
        if keys:
            self._open()[collection].remove_all(keys)

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
        with self.lock:
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
        with self.lock:
            stored = self._open().get(collection)
            return (
                []
                if stored is None
                else [ID_INDEX.document, *(each.index.document for each in stored.indexes)]
            )

    def verify(self) -> Verification:
        """Make each index once more from the documents, and compare."""
        with self.lock:
            collections = self._open().values()
            problems = tuple([problem for stored in collections for problem in stored.problems()])
            documents = sum(len(stored.documents) for stored in collections)
            keys = sum(len(index) for stored in collections for index in stored.indexes)
        return Verification(problems, documents, keys)

    def totals(self, collection: str, sizes: Sequence[str]) -> Totals:
        """How much there is; see `CullingBackend`."""
        with self.lock:
            stored = self._open().get(collection)
            documents = stored.documents if stored is not None else {}
            size = sum([sum_of(document, sizes) for document in documents.values()]) if sizes else 0
            return Totals(len(documents), size)

    def cull(
        self,
        collection: str,
        field: str,
        sizes: Sequence[str],
        limit: int,
        chosen: Callable[[list[First]], list[First]],
        before: Any = None,
    ) -> list[First]:
        """Delete documents from the start of an order; see `CullingBackend`."""
        with self._writing():
            stored = self._open().get(collection)
            if stored is None:
                return []
            documents = stored.first(field, limit, before)
            found = [First(each["_id"], each["_id"], sum_of(each, sizes)) for each in documents]
            gone = chosen(found)
            stored.remove_all([sort_key(document.key) for document in gone])
        return gone

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """The source of the function that takes the matches from the candidates, and which indexes find these."""
        with self.lock:
            stored = self._open().get(collection, MemoryCollection(collection))
            candidates = stored.candidates(request.query)
        return {
            "engine": self.name,
            "python": _selection(request.query).source,
            "projection": request.projection.spec if request.projection else None,
            "indexes": candidates.indexes,
            "candidates": len(candidates.documents),
            "documents": len(stored.documents),
            "residual": None,
        }

    def close(self) -> None:
        """Forget everything."""
        with self.lock:
            self._closed = True
            self._collections.clear()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self.lock:
            if self._streaming:
                raise StoreError(IN_INSERT)
            yield

    def _open(self) -> dict[str, MemoryCollection]:
        if self._closed:
            raise StoreError("the store in memory is closed")
        return self._collections

    def _found(self, collection: str, query: BoundPlan) -> Iterator[Record]:
        """The matches among the documents of this moment, as they are stored."""
        select = _selection(query).bind(query.values)
        with self.lock:
            stored = self._open().get(collection)
            candidates = [] if stored is None else stored.candidates(query).documents
        return select(in_time(candidates))


def _selection(query: BoundPlan) -> python.PythonCode[Callable[[Iterable[Any]], Iterator[Any]]]:
    return query.plan.lowered("python selection", python.lower_selection)
