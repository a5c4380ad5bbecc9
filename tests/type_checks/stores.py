"""Stores, collections and cursors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import mongoglot
from mongoglot import (
    Collection,
    Cursor,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    Store,
    UpdateResult,
)
from mongoglot.store import Verification

Record = dict[str, Any]


def opening() -> None:
    store = mongoglot.connect("sqlite:tasks.db", synchronous="full")
    assert_type(store, Store)
    with mongoglot.connect("memory:") as entered:
        assert_type(entered, Store)
        assert_type(entered["tasks"], Collection)
    assert_type(store.collection_names(), list[str])
    assert_type(store.verify(), Verification)
    assert_type(store.verify().problems, tuple[str, ...])
    assert_type(store.close(), None)


def writing(tasks: Collection) -> None:
    assert_type(tasks.insert_one({"a": 1}), InsertOneResult)
    assert_type(tasks.insert_many(({"a": n} for n in range(3)), progress=print), InsertManyResult)
    assert_type(tasks.insert_many([]).inserted_ids, list[Any])
    assert_type(tasks.update_one({"a": 1}, {"$set": {"b": 2}}), UpdateResult)
    assert_type(tasks.update_many("{a: 1}", {"$set": {"b": 2}}).modified_count, int)
    assert_type(tasks.delete_one({"a": 1}), DeleteResult)
    assert_type(tasks.delete_many(mongoglot.compile({"a": 1})).deleted_count, int)
    assert_type(tasks.drop(), None)


def reading(tasks: Collection) -> None:
    cursor = tasks.find({"a": 1}, ["a"], sort=[("a", -1)], skip=1, limit=2.0, max_time_ms=100)
    assert_type(cursor, Cursor)
    assert_type(iter(cursor), Cursor)
    assert_type(next(cursor), Record)
    assert_type(cursor.to_list(5), list[Record])
    assert_type(list(tasks.find("{a: 1}", {"a": 1}, sort="a")), list[Record])
    assert_type(tasks.find_one(5, sort="a"), Record | None)
    assert_type(tasks.find_in_order({"a": 1}), list[Record])
    assert_type(tasks.count_documents({}, max_time_ms=10), int)
    assert_type(tasks.explain({"a": 1}, sort="a"), dict[str, Any])
    assert_type(tasks.with_dialect("taskdb"), Collection)
    with tasks.find({}) as entered:
        assert_type(entered, Cursor)
    assert_type(mongoglot.find("sqlite:others.db", "people", {"age": 5}, limit=3), Cursor)


def indexes(tasks: Collection) -> None:
    assert_type(tasks.create_index([("a", 1), "b"], unique=True), str)
    assert_type(tasks.create_index({"a": 1}, name="by_a"), str)
    assert_type(tasks.list_indexes(), Iterator[Record])
    assert_type(tasks.index_information(), dict[str, Record])
    assert_type(tasks.drop_index("*"), None)


def refused(store: Store, tasks: Collection) -> None:
    """What type checkers refuse: a comment without an error below is an error."""
    mongoglot.connect()  # type: ignore[call-arg]
    mongoglot.connect(5)  # type: ignore[arg-type]
    store.tasks  # type: ignore[attr-defined]  # noqa: B018
    tasks.count  # type: ignore[attr-defined]  # noqa: B018
    tasks.find({}).sort("a")  # type: ignore[attr-defined]
    store[5]  # type: ignore[index]
    tasks.insert_one([("a", 1)])  # type: ignore[arg-type]
    tasks.find({}, limit="3")  # type: ignore[arg-type]
    tasks.find({}, sort=5)  # type: ignore[arg-type]
    tasks.find({}, max_time_ms=1.5)  # type: ignore[arg-type]
    tasks.find_one({}, limit=1)  # type: ignore[call-arg]
    tasks.count_documents()  # type: ignore[call-arg]
    tasks.update_one({"a": 1}, [{"$set": {}}])  # type: ignore[arg-type]
    tasks.insert_one({}).inserted_ids  # type: ignore[attr-defined]  # noqa: B018
    tasks.insert_one({}).inserted_id = 5  # type: ignore[misc]
    tasks.find({}).to_list("all")  # type: ignore[arg-type]
    tasks.with_dialect("sql")  # type: ignore[arg-type]
    tasks.create_index(5)  # type: ignore[arg-type]
