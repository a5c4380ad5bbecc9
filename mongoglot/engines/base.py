"""What an engine offers to the store above it, and where engines are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from mongoglot.compiler.ast import Always, Node
from mongoglot.compiler.deadline import in_time
from mongoglot.compiler.index import ID_INDEX, Index, named
from mongoglot.compiler.lowering import Lowering
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.projection import Projection
from mongoglot.compiler.residual import split
from mongoglot.compiler.sort import Sort
from mongoglot.compiler.update import Update
from mongoglot.compiler.values import Document
from mongoglot.engines import python
from mongoglot.engines.python.projection import projector
from mongoglot.errors import UnsupportedError

Record: TypeAlias = dict[str, Any]
"""A stored document: normalised, `_id` first."""

Key = TypeVar("Key")
Code = TypeVar("Code")


@dataclass(frozen=True, slots=True)
class FindRequest:
    """A find: which documents, in what order, how many, and what of them; a limit of 0 is none.

    A collation, an order of strings other than that of their bytes, is for engines that hand it to a server.
    """

    query: BoundPlan
    projection: Projection | None = None
    sort: Sort | None = None
    skip: int = 0
    limit: int = 0
    collation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of a store found.

    Attributes:
        problems: each a sentence; none where all is well.
        documents: how many were read and decoded.
        keys: how many the indexes hold.
    """

    problems: tuple[str, ...]
    documents: int
    keys: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


INSERT_BATCH: Final = 1000
"""Documents that are sent to a server at once, and after which progress is told."""

IN_INSERT: Final = (
    "the store is being written by insert_many: its documents and its progress callback may read the store, "
    "not write to it"
)
"""Why a write is refused that a caller's code asks for in the middle of another one."""


class Backend(Protocol):
    """A store of documents in named collections, as an engine implements it.

    Documents go in and come out as independent copies. Errors are those of `mongoglot.errors`. An engine whose
    attribute `on_server` is true hands the filter to a MongoDB server, with what only that can answer, and the
    collation; to `count` as well, then.
    """

    name: str

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store documents in order, in one transaction; those before the first that is refused stay.

        They are taken as they are written. An error that is raised by taking one goes to the caller, and
        nothing is written, but on a server.

        Raises:
            DuplicateKeyError: there is a document with its `_id`, or with a key of a unique index.
            WriteError: an index cannot hold it.
        """
        ...

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents."""
        ...

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match."""
        ...

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Update the first match or all; how many matched, and how many changed."""
        ...

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all; how many there were."""
        ...

    def drop(self, collection: str) -> None:
        """Delete a collection; nothing where there is none."""
        ...

    def collection_names(self) -> list[str]:
        """The names of the collections, sorted."""
        ...

    def create_index(self, collection: str, index: Index) -> None:
        """Make an index, and the collection where there is none; nothing where there is just this one.

        Raises:
            WriteError: the server's code, where there is another one of the name (86), or this one has another
                name (85), or a document cannot be in it. Then nothing has changed.
            DuplicateKeyError: documents share a key, and the index is unique.
        """
        ...

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; nothing where there is no collection.

        Raises:
            WriteError: code 27, there is no such index; 72, it is that of `_id`.
        """
        ...

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection as a server lists them, that of `_id` first; none where there is none."""
        ...

    def verify(self) -> Verification:
        """Check what is stored: that documents can be read, and that the indexes say what the documents say."""
        ...

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """What the engine makes of a find, stage → text or data."""
        ...

    def close(self) -> None:
        """Release what is held; calling it again does nothing."""
        ...


class EncodingBackend(ABC):
    """What an engine adds that encodes documents itself, as they are taken, and keeps no copy of them."""

    @abstractmethod
    def encoded(self, document: Mapping[str, Any]) -> tuple[Any, Any]:
        """A document's `_id`, and the document as `insert_encoded` takes it: independent of the caller's.

        Raises:
            as `as_stored`, which says how a server stores a document.
        """

    @abstractmethod
    def insert_encoded(self, collection: str, documents: Iterable[Any]) -> None:
        """As `insert`, for what `encoded` gave."""


class ScanningBackend(ABC, Generic[Key]):
    """A backend that finds matches; the rest of find, update and delete is done here."""

    name: str

    @abstractmethod
    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[Key, Record]]:
        """Exactly the documents that match, in the order of insertion, each with the key of its row."""

    @abstractmethod
    def replace(self, collection: str, key: Key, document: Record) -> None:
        """Put a document in the place of the one at `key`; its `_id` is the same."""

    @abstractmethod
    def remove(self, collection: str, keys: list[Key]) -> None:
        """Delete rows."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """What is written inside is written whole, or not at all."""

    def create_index(self, collection: str, index: Index) -> None:  # noqa: ARG002 - it is refused, whatever it is
        """Refuse: an engine that keeps indexes overrides this, `drop_index`, `list_indexes` and `verify`."""
        raise UnsupportedError(f"the engine {self.name!r} keeps no indexes")

    def drop_index(self, collection: str, name: str) -> None:
        """Find no such index."""
        if collection in self.collection_names():
            named(name, [])

    def list_indexes(self, collection: str) -> list[Record]:
        """That of `_id`, where there is a collection."""
        return [ID_INDEX.document] if collection in self.collection_names() else []

    def verify(self) -> Verification:
        """Refuse: this engine has no check."""
        raise UnsupportedError(f"the engine {self.name!r} cannot check what it has stored")

    @abstractmethod
    def collection_names(self) -> list[str]:
        """The names of the collections, sorted."""

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        found = (document for _, document in self.matching(collection, request.query))
        return finished(found, request)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match."""
        return sum(1 for _ in self.matching(collection, query))

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Update the first match or all, in one transaction."""
        with self.transaction():
            pairs = list(islice(self.matching(collection, query), None if many else 1))
            changes = [(key, update.apply(document)) for key, document in pairs]
            for key, changed in changes:
                if changed is not None:
                    self.replace(collection, key, changed)
        return len(pairs), sum(changed is not None for _, changed in changes)

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all, in one transaction."""
        with self.transaction():
            keys = [key for key, _ in islice(self.matching(collection, query), None if many else 1)]
            self.remove(collection, keys)
        return len(keys)


class LoweringBackend(ScanningBackend[Key], Generic[Key, Code]):
    """A backend with a lowering: what that declines is checked here, on the candidates that the store gives."""

    lowering: Lowering[Code]

    @abstractmethod
    def candidates(
        self, collection: str, code: Code | None, query: BoundPlan
    ) -> Iterator[tuple[Key, Record]]:
        """At least every document that `code` lets through, in the order of insertion; None lets all through."""

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[Key, Record]]:
        """Exactly the documents that match."""
        halves = query.plan.lowered((self.name, self.lowering), lambda node: split(node, self.lowering))
        if halves.pushed == Always(False):
            return iter(())
        pairs = self.candidates(collection, halves.code, query)
        return checked(pairs, query, halves.residual)


def checked(
    pairs: Iterator[tuple[Key, Record]], query: BoundPlan, residual: Node | None
) -> Iterator[tuple[Key, Record]]:
    """The candidates that the residual lets through."""
    check = residual_check(query, residual)
    if check is None:
        return pairs
    return ((key, document) for key, document in in_time(pairs) if check(document))


def residual_check(query: BoundPlan, residual: Node | None) -> Callable[[Document], bool] | None:
    """The Python function of a residual, or None where there is none."""
    if residual is None:
        return None
    return query.plan.lowered(("residual", residual), lambda _: python.lower(residual)).bind(query.values)


def finished(found: Iterator[Record], request: FindRequest) -> Iterator[Record]:
    """Sort, skip, limit and projection, for an engine that does none of them."""
    if request.sort is not None:
        found = iter(request.sort.sorted(list(found)))
    found = islice(found, request.skip, request.skip + request.limit if request.limit else None)
    return projected(found, request)


def projected(found: Iterator[Record], request: FindRequest) -> Iterator[Record]:
    """The projection of documents that are sorted and bounded."""
    return found if request.projection is None else map(projector(request.projection, request.query), found)
