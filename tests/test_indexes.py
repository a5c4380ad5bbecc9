"""Indexes on every engine: definitions, uniqueness and errors are those of a real server."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

import mongoglot
from mongoglot.compiler.values import sort_key
from mongoglot.errors import DuplicateKeyError, UnsupportedError, WriteError
from mongoglot.testing import random_documents
from tests.conftest import INDEXED, StoreOpener
from tests.indexed import random_index

OURS = ("memory", "sqlite", "postgresql")

_numbers = count()


@pytest.fixture(params=INDEXED)
def collection(
    request: pytest.FixtureRequest, stores: dict[str, mongoglot.Store]
) -> Iterator[mongoglot.Collection]:
    """An empty collection of each engine."""
    found = stores[request.param][f"indexes{next(_numbers)}"]
    yield found
    found.drop()


def code_of(step: Any, *args: Any, **options: Any) -> int | None:
    try:
        step(*args, **options)
    except WriteError as error:
        return error.code
    return None


def test_names_and_forms_of_keys(collection: mongoglot.Collection) -> None:
    forms: list[tuple[Any, str]] = [
        ("a", "a_1"), ([("a", 1), ("b", -1)], "a_1_b_-1"), (["c", ("d.e", -1)], "c_1_d.e_-1"), ({"f": -1}, "f_-1"),
        ([["g", 1]], "g_1"), ("h.0", "h.0_1"),
    ]  # fmt: skip
    for keys, name in forms:
        assert collection.create_index(keys) == name
        assert collection.create_index(keys) == name  # again: nothing happens
    assert collection.create_index("a", name="sparse one", sparse=True) == "sparse one"
    assert collection.create_index("u", unique=True) == "u_1"
    listed = list(collection.list_indexes())
    assert listed[0] == {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    assert listed[2] == {"v": 2, "key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}
    assert listed[-1] == {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": True}
    information = collection.index_information()
    assert list(information) == ["_id_", *(name for _, name in forms), "sparse one", "u_1"]
    assert information["a_1_b_-1"] == {"v": 2, "key": [("a", 1), ("b", -1)]}
    assert information["sparse one"] == {"v": 2, "key": [("a", 1)], "sparse": True}


def test_definitions_that_are_refused(collection: mongoglot.Collection) -> None:
    collection.create_index("a")
    cases: list[tuple[Any, dict[str, Any], int | None]] = [
        ("b", {"name": "a_1"}, 86), ("a", {"name": "a_1", "unique": True}, 86), ("a", {"sparse": True}, 86),
        ("a", {"name": "other"}, 85), ("a", {"name": "other", "unique": True}, None),
        ([("a", 5)], {}, None), ([("a", 0)], {}, 67), ([("a", True)], {}, 67), ([("a", "x")], {}, 67),
        ([("a", "")], {}, 67), ([("a", {})], {}, 67), ("", {}, 67), ("a.", {}, 67), (".a", {}, 67),
        ("a..b", {}, 67),
        ("$a", {}, 67), ("a.$b", {}, 67), ("a.$id", {}, None), ("b", {"name": ""}, 67), ("b", {"name": "*"}, 2),
        ("b", {"name": "_id_"}, 2), ("_id", {}, None), ([("_id", -1)], {}, 2), ("_id", {"unique": True}, 197),
        ("_id", {"sparse": True}, 197), ([("_id", 1), ("a", 1)], {}, None),
        ([(f"f{number}", 1) for number in range(33)], {}, 13103),
        ([(f"f{number}", 1) for number in range(32)], {"name": "wide"}, None),
    ]  # fmt: skip
    assert [(keys, code_of(collection.create_index, keys, **options)) for keys, options, _ in cases] == [
        (keys, code) for keys, _, code in cases
    ]
    assert len(list(collection.list_indexes())) == 7


@pytest.mark.parametrize("keys", [5, None, [5], [("a",)], [("a", 1, 2)], [(5, 1)]])
def test_keys_of_no_form(collection: mongoglot.Collection, keys: Any) -> None:
    assert code_of(collection.create_index, keys) == 14
    assert code_of(collection.drop_index, keys) == 14


def test_sixty_four_indexes(collection: mongoglot.Collection) -> None:
    codes = [code_of(collection.create_index, f"f{number}") for number in range(64)]
    assert codes == [None] * 63 + [67]


@pytest.mark.parametrize("engine", OURS)
@pytest.mark.parametrize("keys", [[("a", "text")], [("a", "2dsphere")], [("a", "hashed")], "$**", "a.$**"])
def test_kinds_that_only_a_server_has(stores: dict[str, mongoglot.Store], engine: str, keys: Any) -> None:
    with pytest.raises(UnsupportedError, match="for a MongoDB server"):
        stores[engine]["kinds"].create_index(keys)


def test_dropping(collection: mongoglot.Collection) -> None:
    collection.drop_index("a_1")  # there is no collection
    assert list(collection.list_indexes()) == []
    for keys in ("a", [("b", 1), ("c", -1)], "d", "e"):
        collection.create_index(keys)
    collection.drop_index("a_1")
    collection.drop_index([("b", 1), ("c", -1)])
    assert [index["name"] for index in collection.list_indexes()] == ["_id_", "d_1", "e_1"]
    assert [code_of(collection.drop_index, name) for name in ("a_1", [("z", 1)], "_id_")] == [27, 27, 72]
    collection.drop_index("*")
    assert [index["name"] for index in collection.list_indexes()] == ["_id_"]
    collection.create_index("a", unique=True)
    collection.insert_one({"a": 1})
    collection.drop()
    assert list(collection.list_indexes()) == []
    collection.insert_many([{"a": 1}, {"a": 1}])


def test_an_index_makes_the_collection(collection: mongoglot.Collection) -> None:
    collection.create_index("a")
    assert collection.name in collection.store.collection_names()
    assert list(collection.find()) == []


def test_a_key_that_is_there(collection: mongoglot.Collection) -> None:
    collection.create_index("a", unique=True)
    collection.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": [2, 3, 3]}, {"_id": 3}])
    for document, key in (({"a": 1.0}, 1.0), ({"a": [9, 3]}, 3), ({"a": None}, None), ({}, None)):
        with pytest.raises(DuplicateKeyError) as caught:
            collection.insert_one({"_id": 4, **document})
        assert (caught.value.code, caught.value.index, caught.value.key) == (11000, "a_1", {"a": key})
    with pytest.raises(DuplicateKeyError) as caught:
        collection.insert_one({"_id": 1, "a": 1})  # that of _id comes first
    assert (caught.value.index, caught.value.key) == ("_id_", 1)
    with pytest.raises(DuplicateKeyError):
        collection.insert_many([{"_id": 5, "a": 5}, {"_id": 6, "a": 5}, {"_id": 7, "a": 7}])
    with pytest.raises(DuplicateKeyError) as caught:
        collection.update_one({"_id": 1}, {"$set": {"a": 3}})
    assert caught.value.key == {"a": 3}
    assert collection.update_one({"_id": 1}, {"$set": {"a": [1, 1.0]}}).modified_count == 1  # its own key
    assert list(collection.find({"_id": {"$lt": 9}})) == [
        {"_id": 1, "a": [1, 1.0]}, {"_id": 2, "a": [2, 3, 3]}, {"_id": 3}, {"_id": 5, "a": 5},
    ]  # fmt: skip
    collection.delete_one({"_id": 2})
    collection.insert_one({"_id": 6, "a": 2})


def test_building_a_unique_index_over_duplicates(collection: mongoglot.Collection) -> None:
    collection.insert_many([{"a": 1, "b": [1, 2]}, {"a": [1, 2], "b": [2, 3]}])
    for keys, code in (("a", 11000), ("b", 11000), ("c", 11000), ([("a", 1), ("b", 1)], 171)):
        assert code_of(collection.create_index, keys, unique=True) == code
    assert [index["name"] for index in collection.list_indexes()] == ["_id_"]
    collection.insert_many([{"a": 1}, {"a": 1}])


def test_update_many_stops_where_a_key_is_there(collection: mongoglot.Collection) -> None:
    """A server keeps what it changed before; the other engines change all or nothing."""
    collection.create_index("a", unique=True)
    collection.insert_many([{"_id": number, "a": number} for number in range(3)])
    with pytest.raises(DuplicateKeyError):
        collection.update_many({}, {"$set": {"a": 9}})
    changed = 9 if collection.store.backend.name == "mongodb" else 0
    assert [document["a"] for document in collection.find()] == [changed, 1, 2]
    assert collection.count_documents({"a": 9}) == (1 if changed else 0)


@pytest.mark.parametrize("seed", range(6))
def test_documents_that_indexes_refuse(stores: dict[str, mongoglot.Store], seed: int) -> None:
    """Random indexes and documents: every engine refuses the same ones, with the same code."""
    rng = random.Random(seed)
    codes: Counter[int | None] = Counter()
    for _ in range(6):
        collections = [stores[engine][f"refusing{next(_numbers)}"] for engine in INDEXED]
        for keys, options in [random_index(rng) for _ in range(4)]:
            for collection in collections:
                code_of(collection.create_index, keys, **options)
        documents = random_documents(rng, 40)
        documents += [{**document, "_id": f"again {n}"} for n, document in enumerate(documents[:15])]
        for document in documents:
            found = [code_of(collection.insert_one, document) for collection in collections]
            assert found[1:] == found[:-1], (document, list(collections[0].list_indexes()))
            codes[found[0]] += 1
        stored = [[sort_key(d["_id"]) for d in collection.find()] for collection in collections]
        assert stored[1:] == stored[:-1]
        for collection in collections:
            if collection.store.backend.name != "mongodb":
                assert collection.store.verify().problems == ()
            collection.drop()
    assert codes[None] > codes.total() // 5
    assert codes[11000] > 0
    assert codes[171] + codes[16746] > 0


@pytest.mark.parametrize("engine", ["null"])
def test_the_null_store(open_store: StoreOpener, engine: str) -> None:
    collection = open_store(engine)["log"]
    assert collection.create_index("a") == "a_1"
    collection.drop_index("a_1")
    assert list(collection.list_indexes()) == []
    assert collection.store.verify().ok


def test_a_server_checks_itself(stores: dict[str, mongoglot.Store]) -> None:
    with pytest.raises(UnsupportedError, match="validate"):
        stores["mongodb"].verify()
