"""What an engine offers to an asynchronous store, if it has a driver that is one; others run in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import FindRequest, Record, Verification


class AsyncReader(Protocol):
    """The documents of a find, a few at a time."""

    async def batch(self) -> list[Record]:
        """The next documents; none where there are no more. An error comes after the documents before it."""
        ...

    async def close(self) -> None:
        """Release what the find holds."""
        ...


class AsyncBackend(Protocol):
    """A store of documents whose calls are awaited; each is what it is in `Backend`, with the same errors.

    A write that has begun ends, also where the call is cancelled that awaits it. A limit is in milliseconds.
    """

    name: str

    async def insert_one(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Store a document; its `_id`."""
        ...

    async def insert_many(
        self,
        collection: str,
        documents: Iterable[Mapping[str, Any]],
        progress: Callable[[int], object] | None,
    ) -> list[Any]:
        """Store documents in order; their `_id`s."""
        ...

    def find(self, collection: str, request: FindRequest, limit: int | None) -> AsyncReader:
        """The matching documents, which are looked for when the first ones are asked for."""
        ...

    async def count(self, collection: str, query: BoundPlan, limit: int | None) -> int:
        """How many documents match."""
        ...

    async def update(
        self, collection: str, query: BoundPlan, update: Update, *, many: bool
    ) -> tuple[int, int]:
        """Update the first match or all; how many matched, and how many changed."""
        ...

    async def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all; how many there were."""
        ...

    async def drop(self, collection: str) -> None:
        """Delete a collection."""
        ...

    async def collection_names(self) -> list[str]:
        """The names of the collections, sorted."""
        ...

    async def create_index(self, collection: str, index: Index) -> None:
        """Make an index."""
        ...

    async def drop_index(self, collection: str, name: str) -> None:
        """Drop an index."""
        ...

    async def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection as a server lists them."""
        ...

    async def verify(self) -> Verification:
        """Check what is stored."""
        ...

    async def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """What the engine makes of a find."""
        ...

    async def close(self) -> None:
        """End what runs, and release what is held; calling it again does nothing."""
        ...
