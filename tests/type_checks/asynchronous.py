"""The same, awaited; and that both kinds of asynchronous backends are what a store asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_type

from mongoglot import aio
from mongoglot.aio.threads import ThreadedBackend
from mongoglot.engines.asynchronous import AsyncBackend
from mongoglot.engines.mongodb.asynchronous import AsyncMongoDBBackend
from mongoglot.store import DeleteResult, InsertManyResult, InsertOneResult, UpdateResult, Verification

Record = dict[str, Any]


def backends(server: AsyncMongoDBBackend, threaded: ThreadedBackend) -> list[AsyncBackend]:
    return [server, threaded]


async def opening() -> None:
    store = await aio.connect("mongodb://localhost/shop", timeout=1.5)
    assert_type(store, aio.AsyncStore)
    async with aio.connect("memory:") as entered:
        assert_type(entered, aio.AsyncStore)
        assert_type(entered["tasks"], aio.AsyncCollection)
    assert_type(await store.collection_names(), list[str])
    assert_type(await store.verify(), Verification)
    assert_type(await store.close(), None)


async def writing(tasks: aio.AsyncCollection) -> None:
    assert_type(await tasks.insert_one({"a": 1}), InsertOneResult)
    assert_type(await tasks.insert_many([{"a": 1}], progress=print), InsertManyResult)
    assert_type(await tasks.update_one({"a": 1}, {"$set": {"b": 2}}), UpdateResult)
    assert_type(await tasks.update_many("{a: 1}", {"$set": {"b": 2}}), UpdateResult)
    assert_type(await tasks.delete_one({"a": 1}), DeleteResult)
    assert_type(await tasks.delete_many({"a": 1}), DeleteResult)
    assert_type(await tasks.drop(), None)


async def reading(tasks: aio.AsyncCollection) -> None:
    cursor = tasks.find({"a": 1}, ["a"], sort=[("a", -1)], skip=1, limit=2, max_time_ms=100)
    assert_type(cursor, aio.AsyncCursor)
    assert_type(aiter(cursor), aio.AsyncCursor)
    assert_type(await anext(cursor), Record)
    assert_type(await cursor.to_list(5), list[Record])
    assert_type([document async for document in tasks.find("{a: 1}")], list[Record])
    async with tasks.find({}) as entered:
        assert_type(entered, aio.AsyncCursor)
    assert_type(await tasks.find_one(5, sort="a"), Record | None)
    assert_type(await tasks.find_in_order({"a": 1}), list[Record])
    assert_type(await tasks.count_documents({}, max_time_ms=10), int)
    assert_type(await tasks.explain({"a": 1}, sort="a"), dict[str, Any])
    assert_type(tasks.with_dialect("taskdb"), aio.AsyncCollection)


async def indexes(tasks: aio.AsyncCollection) -> None:
    assert_type(await tasks.create_index([("a", 1), "b"], unique=True), str)
    assert_type(await tasks.list_indexes(), AsyncIterator[Record])
    assert_type(await tasks.index_information(), dict[str, Record])
    assert_type(await tasks.drop_index("*"), None)


async def refused(store: aio.AsyncStore, tasks: aio.AsyncCollection) -> None:
    """What type checkers refuse: a comment without an error below is an error."""
    aio.connect("memory:")["tasks"]  # type: ignore[index]
    with aio.connect("memory:"):  # type: ignore[attr-defined]
        pass
    tasks.insert_one({"a": 1})  # type: ignore[unused-coroutine]
    await tasks.find({})  # type: ignore[misc]
    for _ in tasks.find({}):  # type: ignore[attr-defined]
        pass
    tasks.find({}).to_list()[0]  # type: ignore[index]
    await tasks.find_one({}, limit=1)  # type: ignore[call-arg]
    store.collection_names()[0]  # type: ignore[index]
    await tasks.count_documents()  # type: ignore[call-arg]
