"""Indexes in a SQLite file: which finds use them, that they last, and that damage to them is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

import mongoglot
from mongoglot import Column, Table
from mongoglot.engines.sql.index_keys import LONGEST
from mongoglot.engines.sqlite.file_format import FORMAT

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "a": 5, "b": "x", "tags": ["red", "blue"], "items": [
        {"sku": "s1", "qty": 2}, {"sku": "s2", "qty": 9},
    ]},
    {"_id": 2, "a": 12, "b": "y", "tags": [], "items": [{"sku": "s1", "qty": 9}], "c": {"d": 1}},
    {"_id": 3, "a": [1, 20], "b": "x", "tags": "red", "items": {"sku": "s3", "qty": 5}, "c": [
        {"d": 2}, {"d": [3, 4]},
    ]},
    {"_id": 4, "b": None, "c": {"d": None}},
]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def opened(path: Path, *documents: dict[str, Any], indexes: Any = ()) -> mongoglot.Collection:
    collection = mongoglot.connect(f"sqlite:{path}")["log"]
    for keys in indexes:
        collection.create_index(keys)
    collection.insert_many(documents)
    return collection


def ids(collection: mongoglot.Collection, query: dict[str, Any]) -> list[Any]:
    return [document["_id"] for document in collection.find(query)]


INDEXES = ["a", [("b", 1), ("a", 1)], "tags", [("items.sku", 1), ("items.qty", 1)], "c.d", "tags.0"]


@pytest.mark.parametrize(
    ("query", "index", "expected"),
    [
        ({"a": 5}, "a_1", [1]),
        ({"a": {"$in": [12, 20, 99]}}, "a_1", [2, 3]),
        ({"a": {"$gt": 5}}, "a_1", [2, 3]),
        ({"a": {"$gte": 2, "$lt": 12}}, "a_1", [1, 3]),  # [1, 20] by two of its elements
        ({"a": {"$elemMatch": {"$gte": 2, "$lt": 12}}}, "a_1", []),
        ({"a": [1, 20]}, "a_1", [3]),
        ({"a": None}, "a_1", [4]),
        ({"b": "x"}, "b_1_a_1", [1, 3]),
        ({"b": "x", "a": {"$lt": 6}}, "b_1_a_1", [1, 3]),
        ({"$and": [{"b": "x"}, {"a": 20}]}, "b_1_a_1", [3]),
        ({"tags": "red"}, "tags_1", [1, 3]),
        ({"tags": []}, "tags_1", [2]),
        ({"tags.0": "red"}, "tags.0_1", [1]),
        ({"items.sku": "s1"}, "items.sku_1_items.qty_1", [1, 2]),
        ({"items": {"$elemMatch": {"sku": "s1", "qty": {"$gt": 5}}}}, "items.sku_1_items.qty_1", [2]),
        ({"items.sku": "s1", "items.qty": 9}, "items.sku_1_items.qty_1", [1, 2]),
        ({"c.d": {"$in": [1, 4]}}, "c.d_1", [2, 3]),
        ({"c": {"$elemMatch": {"d": 4}}}, "c.d_1", [3]),
        ({"_id": {"$gt": 2}}, "_id_", [3, 4]),
    ],
)
def test_the_index_of_a_find(path: Path, query: dict[str, Any], index: str, expected: list[int]) -> None:
    collection = opened(path, *DOCUMENTS, indexes=INDEXES)
    explained = collection.explain(query)
    assert explained["indexes"] == [index]
    table = "log" if index == "_id_" else f"index {index} of log"
    assert any(line.startswith(f"SEARCH {table} USING ") for line in explained["plan"])
    assert "SEARCH log USING INTEGER PRIMARY KEY (rowid=?)" in explained["plan"]
    assert not any(line.startswith("SCAN log") for line in explained["plan"])
    assert "USE TEMP B-TREE FOR ORDER BY" not in explained["plan"]
    assert ids(collection, query) == expected
    assert collection.count_documents(query) == len(expected)


def test_alternatives(path: Path) -> None:
    collection = opened(path, *DOCUMENTS, indexes=INDEXES)
    query = {"$or": [{"tags": "blue"}, {"a": 12, "b": "y"}, {"_id": 4}]}
    explained = collection.explain(query)
    assert explained["indexes"] == ["tags_1", "b_1_a_1", "_id_"]
    assert ids(collection, query) == [1, 2, 4]
    assert collection.explain({"$or": [{"tags": "blue"}, {"e": 1}]})["indexes"] == []


@pytest.mark.parametrize(
    "query",
    [
        {}, {"e": 1}, {"a": {"$ne": 5}}, {"a": {"$exists": True}}, {"a": {"$gt": [1]}}, {"b.c": 1},
        {"$nor": [{"a": 5}]},
        {"_id": 1, "a": 5}, {"tags.0": None}, {"items": {"$elemMatch": {"sku": None}}}, {"s": None},
        {"s": {"$in": [1, None]}}, {"a": {"$gte": mongoglot.from_text("MinKey()")}},
    ],
)  # fmt: skip
def test_finds_without_an_index(path: Path, query: dict[str, Any]) -> None:
    collection = opened(path, *DOCUMENTS, indexes=INDEXES)
    collection.create_index("s", sparse=True)
    assert collection.explain(query)["indexes"] == []


def test_the_most_telling_index(path: Path) -> None:
    collection = opened(path, indexes=["kind", [("kind", 1), ("at", 1)], "at"])
    collection.create_index("number", unique=True)
    for query, index in (
        ({"kind": 1}, "kind_1"),
        ({"kind": 1, "at": {"$gt": 5}}, "kind_1_at_1"),
        ({"at": {"$gt": 5}, "kind": True}, "kind_1_at_1"),
        ({"at": 5, "kind": None, "number": {"$gt": 1}}, "kind_1_at_1"),
        ({"kind": 1, "at": 1, "number": 1}, "number_1"),
    ):
        assert collection.explain(query)["indexes"] == [index], query


def test_long_values(path: Path) -> None:
    texts = [
        "x" * length + end for length in (LONGEST - 3, LONGEST, 1000) for end in ("", "a", "b", "\U0010ffff")
    ]
    collection = opened(
        path, *({"_id": text, "a": text, "b": [text, 1]} for text in texts), indexes=["a", "b"]
    )
    collection.create_index([("a", 1), ("b", 1)], unique=True)
    for field in ("a", "b"):
        for text in texts:
            assert ids(collection, {field: text}) == [text]
            for operator in ("$gt", "$gte", "$lt", "$lte"):
                query = {field: {operator: text}}
                assert collection.explain(query)["indexes"] != []
                assert set(ids(collection, query)) == set(ids(collection, {"_id": {operator: text}}))
    assert collection.store.verify().ok
    with pytest.raises(mongoglot.DuplicateKeyError) as caught:
        collection.insert_one({"a": texts[-1], "b": 1})
    assert (caught.value.key, caught.value.index) == ({"a": texts[-1], "b": 1}, "a_1_b_1")


def test_indexes_last_and_are_seen_by_others(path: Path) -> None:
    """Two stores on one file, as in two processes."""
    first, second = opened(path, *DOCUMENTS), opened(path)
    assert ids(second, {"a": 5}) == [1]
    first.create_index("a", unique=True)
    with pytest.raises(mongoglot.DuplicateKeyError):
        second.insert_one({"a": 20})
    second.insert_one({"_id": 5, "a": 6})
    assert second.explain({"a": 6})["indexes"] == ["a_1"]
    assert ids(first, {"a": 6}) == [5]
    second.drop_index("a_1")
    first.insert_one({"_id": 6, "a": 6})
    assert ids(first, {"a": 6}) == [5, 6]
    second.create_index([("a", -1)])  # another index, and the table has the name of none before
    second.update_many({"a": 6}, {"$set": {"a": [7, 8]}})
    assert ids(first, {"a": 8}) == [5, 6]
    first.delete_many({"a": 7})
    assert first.store.verify() == second.store.verify()
    assert first.store.verify().problems == ()
    first.drop()
    assert ids(second, {"a": 5}) == []
    assert list(second.list_indexes()) == []
    for collection in first, second:
        collection.store.close()
    assert mongoglot.connect(f"sqlite:{path}").collection_names() == []


def test_typed_columns_beside_indexes(path: Path) -> None:
    tables = [Table("log", (Column("a", "number", indexed=True),))]
    store = mongoglot.connect(f"sqlite:{path}", tables=tables)
    store["log"].create_index("b")
    store["log"].insert_many(DOCUMENTS)
    assert ids(store["log"], {"b": "x", "a": {"$gte": 2}}) == [1, 3]
    assert store.verify().ok


def test_a_refused_write_leaves_nothing(path: Path) -> None:
    collection = opened(path, *DOCUMENTS, indexes=["a", "tags"])
    collection.create_index("u", unique=True, sparse=True)
    collection.insert_one({"_id": 5, "u": 1, "a": 1})
    with pytest.raises(mongoglot.DuplicateKeyError):
        collection.insert_many([{"_id": 6, "a": 6}, {"_id": 7, "a": 6, "u": [2, 1]}, {"_id": 8, "a": 6}])
    with pytest.raises(mongoglot.DuplicateKeyError):
        collection.update_many({"_id": {"$lte": 2}}, {"$set": {"a": 6, "u": 3}})
    assert ids(collection, {"a": 6}) == [6]
    with pytest.raises(mongoglot.WriteError) as caught:
        collection.create_index([("tags", 1), ("items", 1)])
    assert caught.value.code == 171
    assert [index["name"] for index in collection.list_indexes()] == ["_id_", "a_1", "tags_1", "u_1"]
    assert collection.store.verify().problems == ()


def test_files_of_the_format_before(path: Path) -> None:
    opened(path, *DOCUMENTS).store.close()
    former = apsw.Connection(str(path))
    former.execute('DROP TABLE "mongoglot indexes"; PRAGMA user_version = 1')
    former.close()
    collection = opened(path, indexes=["a"])
    assert ids(collection, {"a": 5}) == [1]
    assert collection.explain({"a": 5})["indexes"] == ["a_1"]
    assert apsw.Connection(str(path)).pragma("user_version") == FORMAT


DAMAGE = {
    'DELETE FROM "index a_1 of log" WHERE _of = 3': (2, "lacks the key '[+]D4.*' of row 3"),
    'UPDATE "index tags_1 of log" SET _of = 9 WHERE _of = 3': (2, "has the key .* of row 9, which has it not"),
    """INSERT INTO "index u_1 of log" VALUES ('-D5', 1)""": (1, "has the key '-D5' of row 1"),
    """INSERT INTO "index u_1 of log"
    SELECT '+' || substr(_entry, 2), 2 FROM "index u_1 of log" WHERE _of = 1""": (
        2, "unique index 'u_1' of 'log' has the key .* of several rows",
    ),
    """UPDATE log SET _doc = jsonb('{"_id":2,"a":7}') WHERE _row = 2""": (7, "lacks the key '-D4.*7.*' of row 2"),
    "UPDATE log SET _doc = x'ff00' WHERE _row = 1": (1, "row 1 of 'log' cannot be decoded"),
    """UPDATE log SET _doc = jsonb('[1]') WHERE _row = 1""": (1, "row 1 of 'log' cannot be decoded"),
    "UPDATE log SET _key = 'x' WHERE _row = 1": (1, "has the _id 1, and another key"),
    """UPDATE log SET kind = 'y' WHERE _row = 1""": (1, "has 'y' in its column 'kind', not 'x'"),
    """INSERT INTO "mongoglot indexes" VALUES ('gone', 'a_1', '[]', '{}', 'x')""": (1, "is no collection"),
    'DROP TABLE "index a_1 of log"': (1, "'log' cannot be read: .* no such table"),
}  # fmt: skip


@pytest.mark.parametrize("statement", DAMAGE)
def test_damage_is_found(path: Path, statement: str) -> None:
    tables = [Table("log", (Column("kind", "string", "b"),))]
    store = mongoglot.connect(f"sqlite:{path}", tables=tables)
    for keys, unique in (("a", False), ("tags", False), ("u", True)):
        store["log"].create_index(keys, unique=unique)
    store["log"].insert_many({**document, "u": document["_id"]} for document in DOCUMENTS)
    report = store.verify()
    assert report.ok
    assert (report.documents, report.keys) == (4, 5 + 5 + 4)
    other = apsw.Connection(str(path))
    other.execute(statement)
    count, wanted = DAMAGE[statement]
    report = store.verify()
    assert not report.ok
    assert len(report.problems) == count, report.problems
    with pytest.raises(AssertionError, match=wanted):
        raise AssertionError("\n".join(report.problems))


def test_damaged_pages_are_found(path: Path) -> None:
    collection = opened(path, *({"_id": number, "a": "x" * 50} for number in range(500)), indexes=["a"])
    collection.store.close()
    content = bytearray(path.read_bytes())
    content[-4096:] = bytes(4096)
    path.write_bytes(content)
    report = mongoglot.connect(f"sqlite:{path}").verify()
    assert not report.ok
    assert report.problems[0].startswith("SQLite finds: ")


def test_many_problems_of_one_kind(path: Path) -> None:
    collection = opened(path, *({"a": number} for number in range(100)), indexes=["a"])
    apsw.Connection(str(path)).execute('DELETE FROM "index a_1 of log"')
    problems = collection.store.verify().problems
    assert len(problems) == 11
    assert problems[-1] == "and 90 more of this kind"
