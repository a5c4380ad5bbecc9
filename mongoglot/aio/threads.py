"""An asynchronous backend of a blocking one: its calls run in threads of the store."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar, final

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import Backend, FindRequest, Record, Verification
from mongoglot.store import inserting, reading
from mongoglot.store.requests import is_server

T = TypeVar("T")

THREADS: Final = 10
"""Calls of one store that run at once, if its engine lets them; PostgreSQL has as many connections."""

_MOST: Final = 1000
_MOMENT: Final = 0.005
"""Documents that are read at once, at most, and the seconds after which those that were found are handed out."""


class _CancelledInsertError(Exception):
    """Ends an `insert_many` from inside, so that what it wrote is taken back."""


@final
class ThreadedBackend:
    """The asynchronous backend; engines of SQL and of the memory may be called from any thread."""

    def __init__(self, backend: Backend, threads: ThreadPoolExecutor) -> None:
        self.name = backend.name
        self.on_server = is_server(backend)
        self._backend = backend
        self._threads = threads

    @classmethod
    async def opened(cls, opener: Callable[[], Backend]) -> ThreadedBackend:
        """The backend that a function opens, in a thread; one that nobody waits for any more is closed."""
        threads = ThreadPoolExecutor(THREADS, "mongoglot")
        opening = threads.submit(opener)
        try:
            return cls(await asyncio.wrap_future(opening), threads)
        except BaseException:
            opening.add_done_callback(_close_opened)
            threads.shutdown(wait=False)
            raise

    async def insert_one(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Store a document; see `AsyncBackend`."""
        return await self.run(partial(inserting.insert_one, self._backend, collection, document))

    async def insert_many(
        self,
        collection: str,
        documents: Iterable[Mapping[str, Any]],
        progress: Callable[[int], object] | None,
    ) -> list[Any]:
        """Store documents in order; see `AsyncBackend`."""
        cancelled = threading.Event()
        taken = _until(cancelled, documents)
        try:
            return await self.run(partial(inserting.insert_many, self._backend, collection, taken, progress))
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def find(self, collection: str, request: FindRequest, limit: int | None) -> ThreadedReader:
        """The matching documents; see `AsyncBackend`."""
        return ThreadedReader(self.run, partial(reading.found, self._backend, collection, request, limit))

    async def count(self, collection: str, query: BoundPlan, limit: int | None) -> int:
        """How many documents match."""
        return await self.run(partial(reading.counted, self._backend, collection, query, limit))

    async def update(
        self, collection: str, query: BoundPlan, update: Update, *, many: bool
    ) -> tuple[int, int]:
        """Update the first match or all."""
        return await self.run(partial(self._backend.update, collection, query, update, many=many))

    async def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all."""
        return await self.run(partial(self._backend.delete, collection, query, many=many))

    async def drop(self, collection: str) -> None:
        """Delete a collection."""
        await self.run(partial(self._backend.drop, collection))

    async def collection_names(self) -> list[str]:
        """The names of the collections."""
        return await self.run(self._backend.collection_names)

    async def create_index(self, collection: str, index: Index) -> None:
        """Make an index."""
        await self.run(partial(self._backend.create_index, collection, index))

    async def drop_index(self, collection: str, name: str) -> None:
        """Drop an index."""
        await self.run(partial(self._backend.drop_index, collection, name))

    async def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection."""
        return await self.run(partial(self._backend.list_indexes, collection))

    async def verify(self) -> Verification:
        """Check what is stored."""
        return await self.run(self._backend.verify)

    async def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """What the engine makes of a find."""
        return await self.run(partial(self._backend.explain, collection, request))

    async def close(self) -> None:
        """Close the backend behind the calls that run, and end the threads."""
        await asyncio.shield(asyncio.ensure_future(self.run(self._backend.close)))
        self._threads.shutdown(wait=False)

    async def run(self, call: Callable[[], T]) -> T:
        """What a call gives, made in a thread; one that has begun there ends, whoever waits for it."""
        try:
            running = self._threads.submit(call)
        except RuntimeError:  # the threads have ended: the backend is closed, and says so at once
            return call()
        return await asyncio.wrap_future(running)


@final
class ThreadedReader:
    """The documents of a find, read some at a time, so that threads are changed seldom."""

    def __init__(
        self, run: Callable[[Callable[[], Any]], Any], start: Callable[[], Iterator[Record]]
    ) -> None:
        self._run = run
        self._start = start
        self._found: Iterator[Record] | None = None
        self._failed: Exception | None = None

    async def batch(self) -> list[Record]:
        """The next documents; see `AsyncReader`."""
        documents: list[Record] = await self._run(self._some)
        return documents

    def _some(self) -> list[Record]:
        """What is found in a moment, but at least one document."""
        if self._failed is not None:
            raise self._failed
        if self._found is None:
            self._found = self._start()
        documents: list[Record] = []
        end = time.monotonic() + _MOMENT
        try:
            for document in self._found:
                documents.append(document)
                if len(documents) == _MOST or time.monotonic() > end:
                    break
        except Exception as error:
            if not documents:
                raise
            self._failed = error  # what was found before it comes before it
        return documents

    async def close(self) -> None:
        """Let go of what the find holds."""
        self._found = iter(())


def _until(cancelled: threading.Event, documents: Iterable[T]) -> Iterator[T]:
    for document in documents:
        if cancelled.is_set():
            raise _CancelledInsertError
        yield document


def _close_opened(opening: Future[Backend]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
