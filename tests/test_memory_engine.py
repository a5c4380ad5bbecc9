"""The memory engine: what it looks at, in which order it answers, and that nobody shares what it keeps."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from bson import Code, Decimal128, Int64

import mongoglot
from mongoglot.engines.memory import MemoryBackend
from mongoglot.engines.memory import collection as collections
from mongoglot.engines.memory.copies import copied
from mongoglot.errors import DuplicateKeyError, WriteError
from mongoglot.testing import random_documents
from tests.test_index_answers import SEED_VARIABLE, compare


@pytest.fixture
def items() -> mongoglot.Collection:
    return mongoglot.connect("memory:")["items"]


def kept(collection: mongoglot.Collection) -> collections.MemoryCollection:
    """What the engine keeps of a collection."""
    backend = collection.store.backend
    assert isinstance(backend, MemoryBackend)
    return backend._collections[collection.name]


def ids(collection: mongoglot.Collection, query: Any) -> list[Any]:
    return [document["_id"] for document in collection.find(query)]


# ---- the same answers with indexes and without ---------------------------------------------------


def test_answers_with_and_without_indexes() -> None:
    stores = {"memory": mongoglot.connect("memory:")}
    counts = compare(stores, "memory", 700, int(os.environ.get(SEED_VARIABLE, "2")))
    assert counts["indexed"] > counts["filters"] // 3
    assert counts["matching"] > counts["filters"] // 4


@pytest.mark.parametrize("always", [0, 3])
def test_answers_where_some_intervals_are_too_wide(monkeypatch: pytest.MonkeyPatch, always: int) -> None:
    monkeypatch.setattr(collections, "_ALWAYS_HELPFUL", always)
    counts = compare({"memory": mongoglot.connect("memory:")}, "memory", 400, 5 + always)
    assert counts["filters"] // 10 < counts["indexed"]


@pytest.mark.long
def test_twenty_thousand_filters() -> None:
    seed = os.environ.get(SEED_VARIABLE)
    stores = {"memory": mongoglot.connect("memory:")}
    compare(stores, "memory", 20_000, int(seed) if seed else random.SystemRandom().randrange(2**32))


# ---- what is looked at ---------------------------------------------------------------------------


def lines_run(step: Callable[[], Any]) -> int:
    """How many lines of Python a call runs: a loop over all documents shows, whatever it does with each."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        step()
    finally:
        sys.settrace(former)
    return count


def filled(size: int) -> mongoglot.Collection:
    collection = mongoglot.connect("memory:")["filled"]
    collection.create_index("a")
    collection.create_index([("b", 1), ("c", -1)])
    collection.create_index("tags", sparse=True)
    collection.create_index("u", unique=True)
    collection.insert_many([
        {"_id": n, "a": n, "b": n // 10, "c": n % 10, "tags": [f"t{n}", f"s{n}"], "u": {"n": n}}
        for n in range(size)
    ])  # fmt: skip
    return collection


LOOK_UPS: list[tuple[dict[str, Any], list[int]]] = [
    ({"_id": 7}, [7]),
    ({"_id": {"$in": [90, 5, 70.0, Int64(5), "x", -1]}}, [5, 70, 90]),
    ({"$and": [{"_id": {"$in": [3, 4]}}, {"_id": 4}, {"c": 4}]}, [4]),
    ({"a": 50}, [50]),
    ({"a": {"$in": [9, 8, Decimal128("7.0")]}}, [7, 8, 9]),
    ({"a": {"$gt": 20, "$lte": 23}}, [21, 22, 23]),
    ({"a": {"$lt": 2}}, [0, 1]),
    ({"b": 4, "c": {"$gte": 8}}, [48, 49]),
    ({"b": 4}, list(range(40, 50))),
    ({"b": {"$in": [4, 6]}, "c": {"$in": [1, 3]}}, [41, 43, 61, 63]),
    ({"tags": "s12"}, [12]),
    ({"tags": {"$elemMatch": {"$gt": "t1989", "$lt": "t1990"}}}, [199]),
    ({"u": {"n": 9}}, [9]),
    ({"u": {"$gte": {"n": 9}, "$lt": {"n": 11}}}, [9, 10]),
    ({"$or": [{"a": 3}, {"_id": 2}, {"tags": "t1"}]}, [1, 2, 3]),
]


@pytest.fixture(scope="module")
def small_and_large() -> tuple[mongoglot.Collection, mongoglot.Collection]:
    return filled(200), filled(4000)


@pytest.mark.parametrize(("query", "expected"), LOOK_UPS, ids=lambda value: str(value)[:40])
def test_look_ups_do_not_scan(
    small_and_large: tuple[mongoglot.Collection, mongoglot.Collection],
    query: dict[str, Any],
    expected: list[int],
) -> None:
    """Twenty times as many documents take hardly more steps, and only matches and few others are looked at."""
    lines = []
    for collection in small_and_large:
        assert ids(collection, query) == expected  # also makes the plan and the order of the keys
        explained = collection.explain(query)
        assert explained["indexes"]
        assert len(expected) <= explained["candidates"] <= len(expected) + 2
        lines.append(lines_run(lambda collection=collection: list(collection.find(query))))  # type: ignore[misc]  # mypy infers no lambda with defaults
    assert lines[1] <= lines[0] + 100


def test_a_scan_shows(small_and_large: tuple[mongoglot.Collection, mongoglot.Collection]) -> None:
    for collection in small_and_large:
        explained = collection.explain({"c": 77})
        assert (explained["indexes"], explained["candidates"]) == ([], explained["documents"])
        assert lines_run(lambda: list(collection.find({"c": 77}))) > explained["documents"]  # noqa: B023 - called here


def test_a_wide_interval_is_a_scan(
    small_and_large: tuple[mongoglot.Collection, mongoglot.Collection],
) -> None:
    large = small_and_large[1]
    explained = large.explain({"a": {"$gte": 0}})
    assert (explained["indexes"], explained["candidates"]) == ([], 4000)
    assert large.count_documents({"a": {"$gte": 0}}) == 4000
    assert large.explain({"a": {"$gte": 3500}})["indexes"] == ["a_1"]


def test_a_product_of_lists_has_an_end(items: mongoglot.Collection) -> None:
    items.create_index([("a", 1), ("b", 1)])
    items.insert_many([{"_id": n, "a": n % 3, "b": n} for n in range(50)])
    query = {"a": {"$in": list(range(1, 200))}, "b": {"$in": list(range(20, 200))}}
    assert ids(items, query) == [n for n in range(20, 50) if n % 3]
    assert items.explain(query)["candidates"] == len([n for n in range(50) if n % 3])


# ---- order ---------------------------------------------------------------------------------------


def test_the_order_of_insertion(items: mongoglot.Collection) -> None:
    items.create_index("a")
    items.insert_many([{"_id": key, "a": value} for key, value in ((5, 1), ("x", 9), (1, 5), (3, 3))])
    everything: list[Any] = [
        {"_id": {"$in": [3, 1, "x", 5]}},
        {"a": {"$gte": 0}},
        {"a": {"$in": [9, 5, 3, 1]}},
        {},
    ]
    for query in everything:
        assert ids(items, query) == [5, "x", 1, 3]
    items.update_one({"_id": 5}, {"$set": {"a": 99}})  # keeps its place
    items.delete_one({"_id": "x"})
    items.insert_one({"_id": "x", "a": 0})  # is a new one
    for query in (*everything[:2], {"a": {"$in": [0, 99, 3, 5]}}, {}):
        assert ids(items, query) == [5, 1, 3, "x"]
    assert items.find_one({"a": {"$lt": 5}}) == {"_id": 3, "a": 3}
    assert [found["_id"] for found in items.find({"a": {"$gte": 0}}, skip=1, limit=2)] == [1, 3]


# ---- all or nothing ------------------------------------------------------------------------------


def test_a_refused_update_leaves_all_as_it_was(items: mongoglot.Collection) -> None:
    items.create_index("a")
    items.create_index([("b", 1), ("a", 1)], unique=True)
    items.insert_many([{"_id": n, "a": n, "b": [n, n + 100]} for n in range(6)])
    before = list(items.find())
    assert ids(items, {"a": {"$gte": 4}}) == [4, 5]  # the keys are in order from now on
    for change, error in (({"a": 1, "b": 7}, DuplicateKeyError), ({"a": [1, 2]}, WriteError)):
        with pytest.raises(error):
            items.update_many({}, {"$set": change})
        assert list(items.find()) == before
        assert items.store.verify().problems == ()
        assert ids(items, {"a": {"$lte": 1}}) == [0, 1]
        assert ids(items, {"b": 7}) == []


def test_a_refused_document_leaves_those_before(items: mongoglot.Collection) -> None:
    items.create_index("a")
    items.create_index([("a", 1), ("b", 1)])
    assert ids(items, {"a": {"$gt": 0}}) == []
    with pytest.raises(WriteError) as caught:
        items.insert_many([{"_id": 1, "a": [1], "b": 2}, {"_id": 2, "a": [3], "b": [4]}, {"_id": 3, "a": 3}])
    assert caught.value.code == 171
    assert ids(items, {"a": {"$gt": 0}}) == [1]
    report = items.store.verify()
    assert (report.problems, report.documents, report.keys) == ((), 1, 2)
    items.insert_one({"_id": 2, "a": 3})
    assert ids(items, {"a": 3}) == [2]


def code_of(step: Any, *args: Any) -> int | None:
    try:
        step(*args)
    except WriteError as error:
        return error.code
    return None


def test_keys_come_and_go_with_documents(items: mongoglot.Collection) -> None:
    """Random writes, ranges between them: the order of the keys is kept, and nothing is left in the end."""
    rng = random.Random(4)
    items.create_index("a")
    items.create_index([("a", 1), ("b", -1)], sparse=True)
    codes = []
    for round_ in range(40):
        for number, document in enumerate(random_documents(rng, 5)):
            document["_id"] = (round_ * 5 + number) % 60
            items.delete_one({"_id": document["_id"]})
            codes.append(code_of(items.insert_one, document))
        change = {"$set": {"a": rng.choice([1, "x", [2, 3], []])}}
        codes.append(code_of(items.update_many, {"a": {"$gt": rng.randrange(9)}}, change))
        assert items.store.verify().problems == ()
    assert set(codes) == {None, 171}
    assert items.store.verify().keys > 0
    items.delete_many({})
    assert (items.store.verify().keys, len(kept(items).documents), len(kept(items).rows)) == (0, 0, 0)


def test_verify_sees_damage(items: mongoglot.Collection) -> None:
    items.create_index("a")
    items.insert_many([{"_id": n, "a": n} for n in range(3)])
    assert ids(items, {"a": {"$gt": 1}}) == [2]
    stored = kept(items)
    keys = stored.indexes[0].single
    keys.order.remove((10, 1, 2))
    assert items.store.verify().problems == ("index 'a_1' of 'items' has other keys than the documents",)
    keys.order.add((10, 1, 2))
    assert items.store.verify().ok
    keys.rows[(10, 1, 2)].add(0)
    assert not items.store.verify().ok
    keys.rows[(10, 1, 2)].discard(0)
    del stored.rows[(10, 1, 1)]
    assert items.store.verify().problems == ("not all documents of 'items' are found by their _id",)


def test_eight_threads(items: mongoglot.Collection) -> None:
    items.create_index("a")
    items.create_index("thread")

    def work(thread: int) -> int:
        rng = random.Random(thread)
        for number in range(60):
            items.insert_one({"_id": thread * 1000 + number, "a": rng.randrange(50), "thread": thread})
            assert all(10 <= found["a"] < 20 for found in items.find({"a": {"$gte": 10, "$lt": 20}}))
            if number % 3 == 0:
                items.update_many({"thread": thread, "a": {"$lt": 25}}, {"$set": {"a": rng.randrange(50)}})
            if number % 5 == 0:
                items.delete_one({"thread": thread})
        return items.count_documents({"thread": thread})

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [48] * 8
    report = items.store.verify()
    assert (report.problems, report.documents, report.keys) == ((), 8 * 48, 2 * 8 * 48)


# ---- copies --------------------------------------------------------------------------------------


def nested() -> dict[str, Any]:
    return {
        "_id": {"k": [1]}, "flat": {"a": 1}, "list": [1, [2, {"b": [3]}]], "deep": {"c": {"d": [{"e": []}]}},
        "code": [Code("f", {"scope": [1]})], "numbers": [1, 2, 3],
    }  # fmt: skip


def containers(value: Any) -> list[Any]:
    """All that can be changed in a value, itself among it."""
    if isinstance(value, Code):
        return containers(value.scope) if value.scope is not None else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [] if items is None else [value, *(below for item in items for below in containers(item))]


def spoil(value: Any) -> None:
    for each in containers(value):
        if isinstance(each, dict):
            each["spoilt"] = True
        else:
            each.append("spoilt")


def test_a_copy_shares_nothing_that_changes() -> None:
    original = nested()
    copy = copied(original)
    assert copy == original
    assert copy["code"][0].scope == {"scope": [1]}
    assert len(containers(original)) == 17
    assert {id(each) for each in containers(copy)}.isdisjoint(id(each) for each in containers(original))
    spoil(copy)
    assert original == nested()
    assert original["code"][0].scope == {"scope": [1]}


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_random_documents(seed: int) -> None:
    for document in random_documents(random.Random(seed), 200):
        copy = copied(document)
        assert repr(copy) == repr(document)
        assert {id(each) for each in containers(copy)}.isdisjoint(id(each) for each in containers(document))


def test_nobody_changes_the_store_from_outside(items: mongoglot.Collection) -> None:
    items.create_index("list")
    given = nested()
    result = items.insert_one(given)
    spoil(given)
    spoil(result.inserted_id)
    value = {"l": [1, {"m": []}]}
    items.insert_one({"_id": 2})
    expected = [{**nested(), "new": {"l": [1, {"m": []}]}}, {"_id": 2, "new": {"l": [1, {"m": []}]}}]
    items.update_many({}, {"$set": {"new": value}})
    spoil(value)
    for query in ({}, {"_id": {"$in": [2, {"k": [1]}]}}, {"new.l": 1}):
        for found in items.find(query):
            spoil(found)
        assert list(items.find(query)) == expected
    for projection in (
        {"list": 1},
        {"list": {"$slice": 2}},
        {"list": {"$elemMatch": {"b": 3}}},
        {"x": "$deep"},
    ):
        for found in items.find({"list": 1}, projection):
            spoil(found)
        assert list(items.find()) == expected
    assert items.store.verify().ok
