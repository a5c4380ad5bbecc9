"""The asynchronous calls give what the blocking ones give, and leave the event loop alone."""

from __future__ import annotations

import asyncio
import gc
import inspect
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pymongo
import pytest
from bson import Int64

import mongoglot
from mongoglot import StoreError, TimeLimitError, UnsupportedError, aio
from mongoglot.aio import threads
from mongoglot.testing import random_documents, random_filter
from tests.both import Refused, asked, awaited, place, refused
from tests.conftest import ENGINES

if TYPE_CHECKING:
    from tests.both import Place

# pymongo leaves the sockets of attempts to connect that it gives up to the collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

EMBEDDED = tuple(engine for engine in ENGINES if engine != "mongodb")

SLOW = {"text": {"$regex": "^(?:a|b|ab)*d$"}}
"""Takes some 100,000 steps of the search for each document."""

MANY = [{"_id": number, "n": number % 7, "tags": [number, str(number)]} for number in range(2500)]

CALLS: list[tuple[Any, ...]] = [
    ("insert_one", {"_id": 1, "a": 1, "s": "x"}),
    ("insert_one", {"_id": 1}),
    ("insert_one", {"_id": 2, "bad": {1, 2}}),
    ("insert_one", {"_id": [1]}),
    ("insert_one", {"_id": 3, "big": Int64(2**60), "at": {"deep": [{"x": None}]}}),
    ("insert_many", [{"_id": 4, "a": 4, "u": 1}, {"_id": 5, "a": [5, 6], "u": 2}]),
    ("insert_many", [{"_id": 6, "a": 7}, {"_id": 4}, {"_id": 7}]),
    ("insert_many", [{"_id": 8}, {"_id": 9, "bad": 2**70}]),
    ("insert_many", {"_id": 10}),
    ("insert_many", 5),
    ("insert_many", []),
    ("find", {}),
    ("find", "{a: {$gte: 4}}"),
    ("find", mongoglot.compile({"a": {"$in": [1, 5]}}), ["a"], {"sort": [("a", -1)]}),
    ("find", {"a": {"$gt": 0}}, {"a": 1, "_id": 0}, {"sort": "_id", "skip": 1, "limit": 2}),
    ("find", {"a": 5}, {"a.$": 1}),
    ("find", {"a": {"$nope": 1}}),
    ("find", {}, {"skip": -1}),
    ("find", {}, {"a": 1, "b": 0}),
    ("find", {}, {"max_time_ms": 0}),
    ("find", {"$expr": {"$gt": [{"$divide": [1, {"$subtract": ["$_id", 4]}]}, 0]}}, {"sort": "_id"}),
    ("find", {"a": 1}, {"collation": 5}),
    ("find_in_order", {"a": {"$exists": True}}, ["a"]),
    ("find_one",),
    ("find_one", 4),
    ("find_one", "no such id"),
    ("find_one", {"a": {"$gt": 1}}, ["a"], {"sort": [("_id", -1)]}),
    ("find_one", {"$where": 1}),
    ("count_documents", {}),
    ("count_documents", {"a": {"$type": "array"}}, {"max_time_ms": 60_000}),
    ("count_documents", {"a": {"$mod": [0, 1]}}),
    ("count_documents", {}, {"max_time_ms": "1"}),
    ("update_one", {"_id": 1}, {"$set": {"a": 11, "new.field": 1}}),
    ("update_one", {"_id": 99}, {"$set": {"a": 1}}),
    ("update_one", {"_id": 1}, {"a": 1}),
    ("update_many", {"a": {"$exists": True}}, {"$unset": {"s": ""}}),
    ("update_many", {"a": {"$exists": True}}, {"$set": {"a.b": 1}}),
    ("create_index", "a"),
    ("create_index", [("u", 1), ("a", -1)], {"unique": True, "sparse": True, "name": "both"}),
    ("create_index", "u", {"unique": True}),
    ("create_index", "a", {"name": "both"}),
    ("create_index", []),
    ("list_indexes",),
    ("index_information",),
    ("insert_one", {"_id": 20, "u": 1, "a": 4}),
    ("drop_index", "no such index"),
    ("drop_index", "_id_"),
    ("drop_index", [("u", 1), ("a", -1)]),
    ("drop_index", "*"),
    ("list_indexes",),
    ("delete_one", {"a": {"$gt": 4}}),
    ("delete_many", {"a": {"$lt": 100}}),
    ("delete_many", {"a": {"$lt": {"$x": 1}}, "$or": 1}),
    ("find", {}),
    ("drop",),
    ("find", {}),
    ("insert_many", MANY),
    ("find", {"n": 3}, {"sort": [("n", 1), ("_id", -1)], "limit": 20}),
    ("count_documents", {"tags": "17"}),
    ("delete_many", {"n": {"$ne": 3}}),
    ("find", {}),
]  # fmt: skip
"""Name, arguments, and at the end perhaps options of each call, made one after the other."""


class Pair(NamedTuple):
    """Two stores of an engine, and what runs coroutines with the asynchronous one."""

    engine: str
    sync: mongoglot.Store
    asynchronous: aio.AsyncStore
    runner: asyncio.Runner


@pytest.fixture(scope="module", autouse=True)
def _no_sockets_for_other_modules() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module", params=ENGINES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    engine = request.param
    places = [place(engine, request, tmp_path_factory) for _ in range(2)]
    (url, options), (async_url, async_options) = places

    async def opened() -> aio.AsyncStore:
        return await aio.connect(async_url, **async_options)

    with asyncio.Runner() as runner, mongoglot.connect(url, **options) as sync:
        store = runner.run(opened())
        yield Pair(engine, sync, store, runner)
        runner.run(store.close())
    if engine == "mongodb":
        forget(places)


@pytest.fixture(params=ENGINES)
def somewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Where an empty store of each engine is."""
    found = place(request.param, request, tmp_path_factory)
    yield found
    if request.param == "mongodb":
        forget([found])


def forget(places: list[Place]) -> None:
    """Drop the databases of a server that places are in."""
    for url, _ in places:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.drop_database(client.get_default_database().name)


def with_options(call: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments and options of a call of the list above."""
    *args, last = call[1:] or (None,)
    names = {"sort", "skip", "limit", "max_time_ms", "collation", "unique", "sparse", "name"}
    if isinstance(last, dict) and last and names.issuperset(last):
        return tuple(args), last
    return call[1:], {}


# ---- the same answers ----------------------------------------------------------------------------------


def test_the_calls_of_a_blocking_collection_are_there() -> None:
    for sync, asynchronous in [
        (mongoglot.Collection, aio.AsyncCollection),
        (mongoglot.Store, aio.AsyncStore),
        (mongoglot.cursor.Cursor, aio.AsyncCursor),
    ]:
        names = {name for name in vars(sync) if not name.startswith("_")} - {"_found"}
        assert names <= set(dir(asynchronous)), names - set(dir(asynchronous))
        for name in names:
            if callable(vars(sync)[name]):
                taken = inspect.signature(getattr(asynchronous, name)).parameters
                assert list(taken) == list(inspect.signature(getattr(sync, name)).parameters), name


def test_each_call_gives_what_the_blocking_one_gives(pair: Pair) -> None:
    async def run(collection: aio.AsyncCollection, call: tuple[Any, ...]) -> Any:
        args, options = with_options(call)
        return await awaited(collection, call[0], *args, **options)

    outcomes: list[Any] = []
    sync, asynchronous = pair.sync["calls"], pair.asynchronous["calls"]
    for call in CALLS:
        args, options = with_options(call)
        expected = asked(sync, call[0], *args, **options)
        found = pair.runner.run(run(asynchronous, call))
        assert found == expected, (call[0], args, options)
        outcomes.append(found)
    failed = sum(isinstance(outcome, Refused) for outcome in outcomes)
    assert 20 < failed < len(outcomes) - 25
    assert pair.runner.run(pair.asynchronous.collection_names()) == pair.sync.collection_names()


def test_random_finds(pair: Pair) -> None:
    rng = random.Random(8)
    documents = random_documents(rng, 150)
    pair.sync["random"].insert_many(documents)
    sync, asynchronous = pair.sync["random"], pair.asynchronous["random"]

    async def compared() -> int:
        await asynchronous.insert_many(documents)
        matches = 0
        for _ in range(60):
            query = random_filter(rng, near=documents)
            expected = asked(sync, "find", query, sort="_id")
            found = await awaited(asynchronous, "find", query, sort="_id")
            assert repr(found) == repr(expected)  # NaN is not equal to itself
            assert await awaited(asynchronous, "count_documents", query) == asked(
                sync, "count_documents", query
            )
            matches += len(expected) if isinstance(expected, list) else 0
        return matches

    assert pair.runner.run(compared()) > 100


def test_explain_and_verify(pair: Pair) -> None:
    async def compared() -> None:
        for collection in (pair.asynchronous["explained"], pair.asynchronous["none"]):
            found = await collection.explain({"a": {"$gt": 1}}, ["a"], sort="a", limit=3)
            assert found.keys() == pair.sync[collection.name].explain({"a": {"$gt": 1}}, ["a"]).keys()
            assert found["engine"] == pair.engine
        try:
            verified: Any = await pair.asynchronous.verify()
        except UnsupportedError as error:
            verified = refused(error)
        try:
            expected: Any = pair.sync.verify()
        except UnsupportedError as error:
            expected = refused(error)
        assert getattr(verified, "ok", verified) == getattr(expected, "ok", expected)

    pair.sync["explained"].insert_one({"a": 1})
    pair.runner.run(pair.asynchronous["explained"].insert_one({"a": 1}))
    pair.runner.run(compared())


def test_another_dialect_and_names(pair: Pair) -> None:
    async def compared() -> None:
        await pair.asynchronous["dialects"].insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
        tasks = pair.asynchronous["dialects"].with_dialect("taskdb")
        assert await tasks.find({"a": {"$ge": 1}}).to_list() == [{"_id": 2, "a": 2}]
        with pytest.raises(UnsupportedError) as caught:
            pair.asynchronous["a$b"]
        with pytest.raises(UnsupportedError) as expected:
            pair.sync["a$b"]
        assert refused(caught.value) == refused(expected.value)
        assert repr(tasks) == f"<mongoglot asynchronous collection 'dialects' on {pair.engine}>"
        assert repr(pair.asynchronous) == f"<mongoglot asynchronous store on {pair.engine}>"

    pair.runner.run(compared())


def test_an_id_is_made(pair: Pair) -> None:
    async def inserted() -> Any:
        document = {"a": 1}
        key = (await pair.asynchronous["ids"].insert_one(document)).inserted_id
        assert document == {"a": 1}
        return await pair.asynchronous["ids"].find_one(key), key

    found, key = pair.runner.run(inserted())
    assert found == {"_id": key, "a": 1}


def test_progress_of_an_insert(pair: Pair) -> None:
    told: list[int] = []
    result = pair.runner.run(pair.asynchronous["progress"].insert_many(iter(MANY), progress=told.append))
    assert told == [1000, 2000, 2500]
    assert result.inserted_ids == list(range(2500))


def test_a_limit_of_time(pair: Pair) -> None:
    slow = pair.asynchronous["slow"]

    async def limited() -> None:
        await slow.insert_many({"_id": number, "text": "ab" * 14 + "dx"} for number in range(2000))
        for read in (slow.find(SLOW, max_time_ms=1).to_list(), slow.count_documents(SLOW, max_time_ms=1)):
            with pytest.raises(TimeLimitError):
                await read
        assert await slow.count_documents({}, max_time_ms=60_000) == 2000

    pair.runner.run(limited())


# ---- cursors -------------------------------------------------------------------------------------------


def test_a_cursor_is_read_once_and_in_parts(pair: Pair) -> None:
    numbers = pair.asynchronous["numbers"]

    async def read() -> None:
        await numbers.insert_many({"_id": number} for number in range(1234))
        cursor = numbers.find({}, sort="_id")
        assert aiter(cursor) is cursor
        assert await anext(cursor) == {"_id": 0}
        assert await cursor.to_list(3) == [{"_id": 1}, {"_id": 2}, {"_id": 3}]
        assert await cursor.to_list(0) == []
        rest = [document["_id"] async for document in cursor]
        assert rest == list(range(4, 1234))
        assert await cursor.to_list() == []
        assert await anext(cursor, None) is None

    pair.runner.run(read())


def test_several_tasks_share_a_cursor(pair: Pair) -> None:
    shared = pair.asynchronous["shared"]

    async def read() -> None:
        await shared.insert_many({"_id": number} for number in range(1500))
        cursor = shared.find({})

        async def taken() -> list[int]:
            return [document["_id"] async for document in cursor]

        parts = await asyncio.gather(*(taken() for _ in range(5)))
        assert sorted(chain(*parts)) == list(range(1500))

    pair.runner.run(read())


def test_a_cursor_that_is_left_is_closed(pair: Pair) -> None:
    left = pair.asynchronous["left"]

    async def read() -> None:
        await left.insert_many({"_id": number, "text": "x" * 1000} for number in range(2000))
        async with left.find({}) as cursor:
            async for _ in cursor:
                break
        await cursor.close()
        assert await cursor.to_list() == []
        if pair.engine == "mongodb":
            assert await open_cursors(left) == 0
        async for _ in left.find({}):
            break
        if pair.engine == "mongodb":  # the driver tells the server of it in a second
            while await open_cursors(left):
                await asyncio.sleep(0.1)
        assert (await left.delete_many({})).deleted_count == 2000

    pair.runner.run(asyncio.wait_for(read(), 60))


async def open_cursors(collection: aio.AsyncCollection) -> int:
    """How many cursors on a collection a server keeps."""
    backend: Any = collection.store.backend
    stages = [{"$currentOp": {"idleCursors": True}}, {"$match": {"ns": {"$regex": rf"\.{collection.name}$"}}}]
    found = await backend._client.admin.aggregate(stages)
    name = f"{backend._database.name}.{collection.name}"
    return sum(each["type"] == "idleCursor" and each["ns"] == name for each in await found.to_list())


def test_tables(pair: Pair) -> None:
    tables = pair.asynchronous["tables"]
    pytest.importorskip("polars", reason="polars makes the frame")

    async def read() -> None:
        await tables.insert_many([{"_id": 1, "n": 1.5}, {"_id": 2, "n": 2.5}])
        columns = {"_id": [1, 2], "n": [1.5, 2.5]}
        assert (await tables.find({}, sort="_id").to_pandas()).to_dict("list") == columns
        assert (await tables.find({}, sort="_id").to_arrow()).to_pydict() == columns
        assert (await tables.find({}, sort="_id").to_polars()).to_dict(as_series=False) == columns

    pair.runner.run(read())


def test_an_error_comes_after_the_documents_before_it(pair: Pair) -> None:
    divided = {"$expr": {"$gte": [{"$divide": [10, {"$subtract": ["$_id", 60]}]}, -100]}}
    sync, asynchronous = pair.sync["divided"], pair.asynchronous["divided"]

    def read(found: list[int]) -> None:
        for document in sync.find(divided):
            found.append(document["_id"])  # noqa: PERF401 - those before the error are wanted

    async def read_async(found: list[int]) -> None:
        async for document in asynchronous.find(divided):
            found.append(document["_id"])  # noqa: PERF401 - as above

    documents = [{"_id": number} for number in range(100)]
    sync.insert_many(documents)
    pair.runner.run(asynchronous.insert_many(documents))
    expected: list[int] = []
    found: list[int] = []
    with pytest.raises(mongoglot.FilterError) as caught:
        read(expected)
    with pytest.raises(mongoglot.FilterError) as awaited_error:
        pair.runner.run(read_async(found))
    assert found == expected
    assert refused(awaited_error.value) == refused(caught.value)


# ---- cancelling, and several at once -------------------------------------------------------------------


class Gate:
    """Holds a call of a backend in its thread until it is opened."""

    def __init__(self, store: aio.AsyncStore, name: str) -> None:
        backend: Any = store.backend
        self.entered, self.open = threading.Event(), threading.Event()
        real: Callable[..., Any] = getattr(backend._backend, name)

        def held(*args: Any, **options: Any) -> Any:
            self.entered.set()
            assert self.open.wait(60)
            return real(*args, **options)

        setattr(backend._backend, name, held)

    async def reached(self) -> None:
        """Wait for a call, while the event loop goes on."""
        while not self.entered.is_set():
            await asyncio.sleep(0.001)


@pytest.fixture(params=EMBEDDED)
def embedded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(request.param, request, tmp_path_factory)


def test_a_write_that_is_cancelled_as_it_runs_happens(embedded: Place) -> None:
    async def cancelled() -> None:
        async with aio.connect(embedded[0], **embedded[1]) as store:
            await store["c"].insert_many([{"_id": 1}, {"_id": 2}])
            gate = Gate(store, "update")
            write = asyncio.create_task(store["c"].update_many({}, {"$set": {"a": 1}}))
            await gate.reached()  # which the loop could not if the call were in its thread
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
            gate.open.set()
            while await store["c"].count_documents({"a": 1}) < 2:
                await asyncio.sleep(0.001)
            await store["c"].insert_one({"_id": 3})
            assert await store["c"].count_documents({}) == 3

    asyncio.run(asyncio.wait_for(cancelled(), 60))


def test_a_write_that_is_cancelled_as_it_waits_does_not_happen(
    embedded: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "THREADS", 1)

    async def cancelled() -> None:
        async with aio.connect(embedded[0], **embedded[1]) as store:
            await store["c"].insert_one({"_id": 1})
            gate = Gate(store, "update")
            first = asyncio.create_task(store["c"].update_one({}, {"$set": {"a": 1}}))
            await gate.reached()
            second = asyncio.create_task(store["c"].insert_one({"_id": 2}))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            gate.open.set()
            assert (await first).modified_count == 1
            assert await store["c"].find({}).to_list() == [{"_id": 1, "a": 1}]

    asyncio.run(asyncio.wait_for(cancelled(), 60))


def test_an_insert_of_many_that_is_cancelled_is_taken_back(embedded: Place) -> None:
    taken, go_on = threading.Event(), threading.Event()

    def documents() -> Iterator[dict[str, Any]]:
        for number in range(10_000_000):  # which no test waits for
            if number == 1500:
                taken.set()
                assert go_on.wait(60)
            yield {"_id": number}

    async def cancelled() -> None:
        async with aio.connect(embedded[0], **embedded[1]) as store:
            await store["c"].insert_one({"_id": -1})
            write = asyncio.create_task(store["c"].insert_many(documents()))
            while not taken.is_set():
                await asyncio.sleep(0.001)
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
            go_on.set()
            assert (await store["c"].insert_one({"_id": -2})).inserted_id == -2
            assert [each["_id"] async for each in store["c"].find({})] == [-1, -2]

    asyncio.run(asyncio.wait_for(cancelled(), 60))


def test_a_server_ends_a_write_that_is_cancelled(mongod_url: str, request: pytest.FixtureRequest) -> None:
    (url, _) = place("mongodb", request, pytest.TempPathFactory.from_config(request.config, _ispytest=True))

    async def cancelled() -> None:
        async with aio.connect(url) as store:
            write = asyncio.create_task(store["c"].insert_one({"_id": 1}))
            await asyncio.sleep(0)
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write

            def stop(written: int) -> None:
                assert written in (1000, 2000)
                inserting.cancel()

            inserting = asyncio.create_task(
                store["c"].insert_many(({"_id": number} for number in range(10, 9_000_000)), progress=stop)
            )
            with pytest.raises(asyncio.CancelledError):
                await inserting
        async with aio.connect(url) as store:  # the other one has waited for its writes
            assert await store["c"].find_one(1) == {"_id": 1}
            count = await store["c"].count_documents({"_id": {"$gte": 10}})
            assert count in (1000, 2000)

    try:
        asyncio.run(asyncio.wait_for(cancelled(), 60))
    finally:
        forget([(url, {})])


def test_a_cursor_whose_read_is_cancelled_says_so(embedded: Place) -> None:
    async def cancelled() -> None:
        async with aio.connect(embedded[0], **embedded[1]) as store:
            await store["c"].insert_many([{"_id": 1}, {"_id": 2}])
            gate = Gate(store, "find")
            cursor = store["c"].find({})
            read = asyncio.create_task(anext(cursor))
            await gate.reached()
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            with pytest.raises(StoreError, match="a read of it was cancelled"):
                await cursor.to_list()
            gate.open.set()
            assert len(await store["c"].find({}).to_list()) == 2

    asyncio.run(asyncio.wait_for(cancelled(), 60))


def test_several_tasks_write_and_read(somewhere: Place) -> None:
    async def work(store: aio.AsyncStore, number: int) -> None:
        tasks = store["tasks"]
        await tasks.insert_one({"_id": number, "n": 0})
        for step in range(1, 4):
            assert (
                await tasks.update_one({"_id": number, "n": step - 1}, {"$set": {"n": step}})
            ).matched_count == 1
            assert await tasks.count_documents({"_id": number, "n": step}) == 1
        found = [each async for each in tasks.find({"_id": {"$lte": number}})]
        assert {"_id": number, "n": 3} in found
        if number % 2:
            await tasks.delete_one({"_id": number})

    async def all_at_once() -> None:
        async with aio.connect(somewhere[0], **somewhere[1]) as store:
            await asyncio.gather(*(work(store, number) for number in range(30)))
            left = await store["tasks"].find({}, sort="_id").to_list()
            assert left == [{"_id": number, "n": 3} for number in range(0, 30, 2)]

    asyncio.run(asyncio.wait_for(all_at_once(), 120))


# ---- opening and closing -------------------------------------------------------------------------------


def test_both_ways_to_open(somewhere: Place) -> None:
    async def opened() -> None:
        store = await aio.connect(somewhere[0], **somewhere[1])
        async with store:
            await store["c"].insert_one({"_id": 1})
        await store.close()
        closed = await awaited(store["c"], "find_one")
        with mongoglot.connect(somewhere[0], **somewhere[1]) as sync:
            pass
        assert closed == asked(sync["c"], "find_one")
        assert closed.kind is StoreError

    asyncio.run(opened())


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("nothing", {}),
        (5, {}),
        ("no-such-engine:x", {}),
        ("memory:", {"synchronous": "full"}),
        ("sqlite:", {}),
        ("sqlite:/no/such/folder/store.db", {}),
        ("mongodb://127.0.0.1:1/db", {"timeout": 0.2}),
        ("mongodb://127.0.0.1:1/db", {"timeout": "soon"}),
        ("mongodb://127.0.0.1:1/db", {"no_such_option": 1}),
        ("mongodb://user:p@ss@127.0.0.1:1/db", {}),
        ("null:", {"timeout": 1}),
    ],
)
def test_what_cannot_be_opened(url: Any, options: dict[str, Any]) -> None:
    async def opened() -> Any:
        return await aio.connect(url, **options)

    with pytest.raises(mongoglot.MongoglotError) as expected:
        mongoglot.connect(url, **options)
    with pytest.raises(mongoglot.MongoglotError) as caught:
        asyncio.run(opened())
    assert type(caught.value) is type(expected.value)
    # the driver's two clients have other words for what the system says
    assert str(caught.value).partition("[Errno")[0] == str(expected.value).partition("[Errno")[0]


def test_the_null_store() -> None:
    async def asked_of_nothing() -> None:
        async with aio.connect("null:") as store:
            await store["c"].insert_one({"a": 1})
            with pytest.raises(mongoglot.NoDataError):
                await store["c"].find({}).to_list()

    asyncio.run(asked_of_nothing())


def test_a_store_on_a_server_is_for_one_loop(mongod_url: str) -> None:
    with asyncio.Runner() as runner:

        async def opened() -> aio.AsyncStore:
            return await aio.connect(mongod_url)

        store = runner.run(opened())
        outcome = asyncio.run(awaited(store["c"], "find_one"))
        assert outcome.kind is StoreError
        assert "opened in another event loop" in outcome.text
        runner.run(store.close())


def test_a_store_in_threads_is_for_any_loop() -> None:
    async def opened() -> aio.AsyncStore:
        return await aio.connect("memory:")

    store = asyncio.run(opened())
    asyncio.run(store["c"].insert_one({"_id": 1}))
    assert asyncio.run(store["c"].find({}).to_list()) == [{"_id": 1}]
    asyncio.run(store.close())


def test_an_opening_that_is_cancelled_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Backend:
        name = "slow"

        def __init__(self) -> None:
            started.set()
            assert go_on.wait(60)

        def close(self) -> None:
            closed.set()

    async def cancelled() -> None:
        opening = asyncio.create_task(threads.ThreadedBackend.opened(Backend))  # type: ignore[arg-type]
        while not started.is_set():
            await asyncio.sleep(0.001)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    asyncio.run(cancelled())
    go_on.set()
    assert closed.wait(60)
