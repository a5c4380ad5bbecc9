"""A store on a MongoDB server, through the driver's asynchronous client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeVar, final

import pymongo
from bson.codec_options import CodecOptions
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor

from mongoglot.compiler.deadline import is_over, until
from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.stored import as_stored
from mongoglot.compiler.update import Update
from mongoglot.engines.base import INSERT_BATCH, FindRequest, Record, Verification
from mongoglot.engines.mongodb.failures import (
    BulkError,
    explained,
    insert_error,
    of_index,
    of_insert,
    server_checks_itself,
    translated,
)
from mongoglot.engines.mongodb.lowering import to_filter
from mongoglot.engines.mongodb.messages import (
    CODEC,
    DEFAULT_DATABASE,
    RAW,
    count_options,
    decoded,
    explanation,
    find_options,
    index_options,
    listed_index,
)
from mongoglot.errors import StoreError, TimeLimitError

T = TypeVar("T")

_AT_ONCE: Final = 100
"""Documents that are read at once: as many as a server sends first."""


@final
class AsyncMongoDBBackend:
    """The asynchronous backend of a server, for the event loop that it was made in."""

    name = "mongodb"
    on_server = True

    def __init__(self, client: pymongo.AsyncMongoClient[Any]) -> None:
        self._client = client
        self._database = client.get_default_database(DEFAULT_DATABASE)
        self._loop = asyncio.get_running_loop()
        self._writes: set[asyncio.Task[Any]] = set()

    async def insert_one(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Store a document; see `AsyncBackend`."""
        stored = as_stored(document)
        await self._whole(self._insert(collection, [stored]))
        return stored["_id"]

    async def insert_many(
        self,
        collection: str,
        documents: Iterable[Mapping[str, Any]],
        progress: Callable[[int], object] | None,
    ) -> list[Any]:
        """Store documents, a batch at a time; see `AsyncBackend`."""
        stored = map(as_stored, documents)
        ids: list[Any] = []
        while batch := list(islice(stored, INSERT_BATCH)):
            await self._whole(self._insert(collection, batch))
            ids += [document["_id"] for document in batch]
            if progress is not None:
                progress(len(ids))
        return ids

    async def _insert(self, collection: str, batch: list[Record]) -> None:
        documents = self._documents(collection)
        try:
            with translated():
                if len(batch) > 1:
                    await documents.insert_many(batch)
                    return
                with of_insert(collection, batch[0]):
                    await documents.insert_one(batch[0])
        except BulkError as error:
            raise insert_error(collection, batch, error.details) from None

    def find(self, collection: str, request: FindRequest, limit: int | None) -> Reader:
        """The matching documents; see `AsyncBackend`."""
        return Reader(lambda: self._documents(collection, RAW).find(**find_options(request)), limit)

    async def count(self, collection: str, query: BoundPlan, limit: int | None) -> int:
        """How many documents match."""
        with until(_deadline(limit)), translated():
            return await self._documents(collection).count_documents(to_filter(query), **count_options())

    async def update(
        self, collection: str, query: BoundPlan, update: Update, *, many: bool
    ) -> tuple[int, int]:
        """Update the first match or all."""

        async def write() -> tuple[int, int]:
            with translated(), explained(collection):
                documents = self._documents(collection)
                run = documents.update_many if many else documents.update_one
                result = await run(to_filter(query), update.spec)
            return result.matched_count, result.modified_count

        return await self._whole(write())

    async def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all."""

        async def write() -> int:
            with translated():
                documents = self._documents(collection)
                run = documents.delete_many if many else documents.delete_one
                return (await run(to_filter(query))).deleted_count

        return await self._whole(write())

    async def drop(self, collection: str) -> None:
        """Drop a collection."""
        await self._whole(self._dropped(collection))

    async def _dropped(self, collection: str) -> None:
        with translated():
            await self._documents(collection).drop()

    async def collection_names(self) -> list[str]:
        """The collections of the database."""
        self._check_loop()
        with translated():
            return sorted(await self._database.list_collection_names())

    async def create_index(self, collection: str, index: Index) -> None:
        """Make an index; see `AsyncBackend`."""

        async def write() -> None:
            with translated(), of_index(collection):
                await self._documents(collection).create_index(**index_options(index))

        await self._whole(write())

    async def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `AsyncBackend`."""

        async def write() -> None:
            with translated(), of_index(collection):
                await self._documents(collection).drop_index(name)

        await self._whole(write())

    async def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `AsyncBackend`."""
        with translated():
            return [listed_index(found) async for found in await self._documents(collection).list_indexes()]

    async def verify(self) -> Verification:
        """Refuse: a server checks itself."""
        raise server_checks_itself()

    async def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """What is sent, and the server's plan."""
        options = find_options(replace(request, projection=None))
        with translated():
            plan = await self._documents(collection).find(**options).explain()
        return explanation(self.name, request, plan)

    async def close(self) -> None:
        """Wait for the writes that have begun, and close the connections."""
        self._check_loop()
        if self._writes:
            await asyncio.wait(self._writes)
        await self._client.close()

    async def _whole(self, write: Coroutine[Any, Any, T]) -> T:
        """What a write gives, which ends whether or not the call is cancelled that waits for it."""
        task = asyncio.ensure_future(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    def _documents(self, collection: str, codec: CodecOptions[Any] = CODEC) -> AsyncCollection[Any]:
        self._check_loop()
        return self._database.get_collection(collection, codec_options=codec)

    def _check_loop(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise StoreError(
                "the store was opened in another event loop, which has its connections; open one in this loop"
            )


@final
class Reader:
    """The documents of a find, as the driver's cursor gives them."""

    def __init__(self, start: Callable[[], AsyncCursor[Any]], limit: int | None) -> None:
        self._start = start
        self._limit = limit
        self._deadline: float | None = None
        self._found: AsyncCursor[Any] | None = None
        self._failed: Exception | None = None

    async def batch(self) -> list[Record]:
        """The next documents; see `AsyncReader`."""
        if self._failed is not None:
            raise self._failed
        if self._deadline is None:
            self._deadline = _deadline(self._limit)
        documents: list[Record] = []
        try:
            with until(self._deadline), translated():
                if self._found is None:
                    self._found = self._start()
                while len(documents) < _AT_ONCE and (raw := await anext(self._found, None)) is not None:
                    if is_over():
                        raise TimeLimitError
                    documents.append(decoded(raw.raw))
        except Exception as error:
            if not documents:
                raise
            self._failed = error
        return documents

    async def close(self) -> None:
        """Close the server's cursor."""
        if self._found is not None:
            with translated():
                await self._found.close()


def _deadline(limit: int | None) -> float | None:
    return None if limit is None else time.monotonic() + limit / 1000
