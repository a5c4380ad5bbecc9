"""What a store remembers of a file's tables and indexes, while other connections change them between its calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

import mongoglot
from mongoglot import Column, DuplicateKeyError, Table
from mongoglot.errors import StoreError

DOCUMENTS = [{"_id": number, "a": number % 3, "b": number % 2} for number in range(30)]


@pytest.fixture(params=["wal", "delete"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store with documents, in each way that SQLite keeps its journal."""
    path = tmp_path / "store.db"
    with mongoglot.connect(f"sqlite:{path}") as store:
        store["tasks"].insert_many(DOCUMENTS)
    database = apsw.Connection(str(path))
    database.pragma("journal_mode", request.param)
    database.close()
    return path


@pytest.fixture
def stores(path: Path) -> Iterator[tuple[mongoglot.Store, mongoglot.Store]]:
    """Two connections to one file, as two processes have them."""
    with mongoglot.connect(f"sqlite:{path}") as one, mongoglot.connect(f"sqlite:{path}") as other:
        yield one, other


def ids(collection: mongoglot.Collection, query: dict[str, Any]) -> list[Any]:
    found = [document["_id"] for document in collection.find(query)]
    assert collection.count_documents(query) == len(found)
    return found


def expected(query: dict[str, Any]) -> list[Any]:
    return [each["_id"] for each in DOCUMENTS if all(each[name] == value for name, value in query.items())]


def test_an_index_comes_changes_and_goes(stores: tuple[mongoglot.Store, mongoglot.Store]) -> None:
    reader, other = stores[0]["tasks"], stores[1]["tasks"]
    query, used = {"a": 1}, []
    for keys in (None, "a", "b", "a", None):
        if "x" in other.index_information():
            other.drop_index("x")
        if keys is not None:
            other.create_index(keys, name="x")
        assert ids(reader, query) == ids(reader, query) == expected(query)
        used.append(reader.explain(query)["indexes"])
    assert used == [[], ["x"], [], ["x"], []]


def test_an_index_is_made_while_other_collections_are_written(
    stores: tuple[mongoglot.Store, mongoglot.Store],
) -> None:
    reader, other = stores[0]["tasks"], stores[1]["tasks"]
    for keys in ("a", "b", "a"):
        assert ids(reader, {"a": 1, "b": 0}) == expected({"a": 1, "b": 0})
        stores[0]["more"].insert_one({})  # of the reader itself
        if "x" in other.index_information():
            other.drop_index("x")
        other.create_index(keys, name="x")
        stores[1]["more"].insert_one({})
        assert ids(reader, {"a": 1, "b": 0}) == expected({"a": 1, "b": 0})
        assert reader.explain({keys: 1})["indexes"] == ["x"]


def test_a_collection_is_dropped_and_made_again(path: Path) -> None:
    columns = (Column("a", "number", indexed=True),)
    with mongoglot.connect(f"sqlite:{path}") as store:
        reader = store["tasks"]
        assert ids(reader, {"a": 1}) == expected({"a": 1})
        for tables in ([Table("tasks", columns)], [], [Table("tasks", columns)]):
            with mongoglot.connect(f"sqlite:{path}", tables=tables) as other:
                other["tasks"].drop()
                assert ids(reader, {"a": 1}) == []
                other["tasks"].insert_many([{"_id": "new", "a": 1}, {"_id": "old", "a": 2}])
            assert ids(reader, {"a": 1}) == ["new"]
            assert ids(reader, {"a": {"$gt": 1}}) == ["old"]


def test_columns_come_between_two_finds(path: Path) -> None:
    with mongoglot.connect(f"sqlite:{path}") as plain:
        assert ids(plain["tasks"], {"a": 1}) == expected({"a": 1})
        with mongoglot.connect(f"sqlite:{path}", tables=[Table("tasks", (Column("a", "number"),))]) as typed:
            assert ids(typed["tasks"], {"a": 1}) == expected({"a": 1})
            assert '"a" = :c0' in typed["tasks"].explain({"a": 1})["sql"]
        assert ids(plain["tasks"], {"a": 1}) == expected({"a": 1})
        plain["tasks"].insert_one({"_id": "late", "a": 1})
        assert ids(plain["tasks"], {"a": 1})[-1] == "late"
        assert plain.verify().ok


def test_a_change_is_taken_back_and_another_store_makes_one(
    stores: tuple[mongoglot.Store, mongoglot.Store],
) -> None:
    """The version of the schema is then the same number for two schemas."""
    one, other = stores

    def broken() -> Iterator[dict[str, Any]]:
        yield from ({"_id": number} for number in range(2000))
        assert ids(one["first"], {"_id": 1}) == [1]  # the table is there, for this store alone
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        one["first"].insert_many(broken())
    other["second"].insert_one({"_id": 2})
    assert ids(one["first"], {"_id": 1}) == []
    assert ids(one["second"], {"_id": 2}) == [2]
    one["first"].insert_one({"_id": 1})
    assert ids(other["first"], {"_id": 1}) == [1]


def test_an_index_that_cannot_be_made_changes_nothing(
    stores: tuple[mongoglot.Store, mongoglot.Store],
) -> None:
    one, other = stores[0]["tasks"], stores[1]["tasks"]
    assert ids(one, {"a": 1}) == expected({"a": 1})
    with pytest.raises(
        DuplicateKeyError,
        match=r"^duplicate key: 'tasks' already has a document with {'a': .*} in its unique index 'x'; change",
    ):
        one.create_index("a", name="x", unique=True)
    other.create_index("b", name="x")
    assert ids(one, {"a": 1}) == expected({"a": 1})
    assert one.explain({"b": 1})["indexes"] == ["x"]


def test_a_store_in_memory_notices_its_own_changes() -> None:
    with mongoglot.connect("sqlite::memory:") as store:
        tasks = store["tasks"]
        tasks.insert_many(DOCUMENTS)
        for keys in ("a", "b", "a"):
            assert ids(tasks, {"a": 1}) == expected({"a": 1})
            tasks.create_index(keys, name="x")
            assert ids(tasks, {"a": 1}) == expected({"a": 1})
            tasks.drop_index("x")
        tasks.drop()
        assert ids(tasks, {"a": 1}) == []


def test_readers_in_threads_while_the_index_changes(
    stores: tuple[mongoglot.Store, mongoglot.Store],
) -> None:
    reader, other = stores[0]["tasks"], stores[1]["tasks"]
    done = threading.Event()

    def read(worker: int) -> int:
        query, rounds = {"a": worker % 3, "b": worker % 2}, 0
        while not done.is_set() or rounds < 5:
            assert ids(reader, query) == expected(query)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read, worker) for worker in range(4)]
        try:
            for number in range(30):
                other.create_index("ab"[number % 2], name="x")
                other.drop_index("x")
        finally:
            done.set()
        assert all(each.result() >= 5 for each in reading)


def as_jsonb(text: str) -> bytes:
    return bytes(apsw.Connection(":memory:").execute("SELECT jsonb(?)", (text,)).get)


TWO_IN_ONE = as_jsonb('{"_id":"xxxxxxxxxxxxx"}').replace(b"x" * 13, b'x"},{"_id":"y')
"""A string with a bare quote in it, so that its JSON reads as two documents."""


def test_the_documents_before_a_damaged_one_come_first(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with mongoglot.connect(f"sqlite:{path}") as store:
        store["tasks"].insert_many({"_id": number, "a": number} for number in range(200))
        assert len(list(store["tasks"].find())) == 200
        database = apsw.Connection(str(path))
        for damage in (as_jsonb("[1]"), as_jsonb('{"a":1}'), TWO_IN_ONE):
            database.execute("UPDATE tasks SET _doc = ? WHERE _row = 120", (damage,))
            found = store["tasks"].find()
            assert [next(found)["_id"] for _ in range(119)] == list(range(119))
            with pytest.raises(StoreError, match="is damaged: the document in row 120 cannot be decoded"):
                next(found)
        database.close()
