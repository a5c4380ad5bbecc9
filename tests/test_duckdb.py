"""Collections in DuckDB: the keys of values, the lowering, declared columns, durability and what is refused."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bson
import duckdb
import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot import Column, DuplicateKeyError, Table
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import sort_key
from mongoglot.engines.duckdb import keys
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.testing import random_documents, random_filter
from mongoglot.testing.alphabet import EVERY_SCALAR

TEXTS = ["a b", "a#", "a!", 'a"', "a[", "a\\", "a]", "[", "\\", "a\x7f", "a\x01", "*", "#", "[$", "[%"]
NUMBERS = [-5, -50, -5.5, 50, 5.000001, 1e300, -1e300, 2.5, -0.001, 999, 1000, Decimal128("-1E-6000")]
VALUES = [
    *map(normalise, EVERY_SCALAR), *TEXTS, *NUMBERS, DatetimeMS(-(10**17)), {}, [], [1], [1.0, {"a": 2}], {"a": 1},
    {"a": Int64(1)}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, [[1]], {"": {"*": None}}, {"a b": "#"},
]  # fmt: skip


def test_keys_have_the_order_and_the_equality_of_values() -> None:
    compared = 0
    for left, right in itertools.product(VALUES, VALUES):
        ours, theirs = keys.key(left).encode(), keys.key(right).encode()
        assert (ours == theirs) == (sort_key(left) == sort_key(right)), (left, right)
        if not isinstance(left, (dict, list)) and not isinstance(right, (dict, list)):
            assert (ours < theirs) == (sort_key(left) < sort_key(right)), (left, right)
            compared += 1
    assert compared > 9000


def test_keys_are_json_that_duckdb_leaves_as_it_is() -> None:
    path = keys.json_path(("*",))
    with duckdb.connect() as plain:
        for value in VALUES:
            text = keys.document_key({"*": normalise(value), "": [normalise(value)]})
            assert json.loads(text)
            row = plain.execute("SELECT json_extract(CAST($1 AS JSON), $2)::VARCHAR", [text, path]).fetchone()
            assert row == (keys.key(value),)


def encoded(documents: Iterable[dict[str, Any]]) -> list[bytes]:
    """Documents as bytes, as NaN equals nothing."""
    return [bson.encode(document) for document in documents]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with mongoglot.connect(f"duckdb:{tmp_path / 'store.duckdb'}") as opened:
        yield opened


@pytest.mark.parametrize(
    "query",
    [
        {"a": {"$gt": 1}}, {"a.b": None}, {"a.0.b": {"$in": [1, "x"]}}, {"a": {"$elemMatch": {"b": 1, "c.d": 2}}},
        {"a": {"$size": 2}}, {"a": {"$all": [1, 2]}}, {"a": {"$mod": [3, 1]}},
        {"a": {"$type": ["number", "array"]}}, {"$nor": [{"a": {"$ne": [1]}}, {"b": {"$exists": True}}]},
        {"a": {"$not": {"$gte": 2}}}, {"a": {"b": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_what_the_sql_says_alone(store: mongoglot.Store, query: dict[str, Any]) -> None:
    store["a"].insert_one({"a": 1})
    explained = store["a"].explain(query)
    assert explained["residual"] is None
    assert "WHERE" in explained["sql"]


@pytest.mark.parametrize(
    "query",
    [
        {"a": {"$regex": "x"}}, {"a": {"$bitsAllSet": 1}}, {"a": {"$type": "int"}}, {"a": {"$gt": {"b": 1}}},
        {"$expr": {"$gt": ["$a", 1]}}, {"$jsonSchema": {"required": ["a"]}}, {"a": {"$lt": [1]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_checked_again(store: mongoglot.Store, query: dict[str, Any]) -> None:
    store["a"].insert_one({"a": 1})
    assert store["a"].explain(query)["residual"] is not None


def test_sql_holds_no_value(store: mongoglot.Store) -> None:
    store["a"].insert_one({"a": 1})
    hostile = "'; DROP TABLE a; --"
    explained = store["a"].explain({hostile: hostile, "x": {"$in": [hostile]}})
    assert "DROP" not in explained["sql"].replace(keys.name_key(hostile).replace("'", "''"), "")
    assert keys.key(hostile) in explained["parameters"].values()


@pytest.mark.parametrize(
    "name", ["a'; DROP TABLE x; --", 'a"b', "é", "select", "x\ny", "mongoglot collections", "A"]
)
def test_odd_names_of_collections_and_fields(store: mongoglot.Store, name: str) -> None:
    store["a"].insert_one({"_id": "other"})
    document = {"_id": 1, name: {name: name}}
    store[name].insert_one(document)
    found = list(store[name].find({name: {name: name}, f"{name}.{name}": {"$exists": "." not in name}}))
    assert found == [document]
    assert store.collection_names() == sorted(["a", name])
    store[name].drop()
    assert store.collection_names() == ["a"]


def test_declared_columns(tmp_path: Path) -> None:
    """Beside the document and never instead of it: the answers are those of a store without columns."""
    columns = (
        Column("text", "string", "a"), Column("n", "number", "a"), Column("day", "date", "b"),
        Column("flag", "bool", "a.b"), Column("select", "number", "b"),
    )  # fmt: skip
    rng = random.Random(4)
    documents = random_documents(rng, 150)
    with (
        mongoglot.connect(f"duckdb:{tmp_path / 'one'}", tables=[Table("t", columns[:2])]) as first,
        mongoglot.connect("memory:") as plain,
    ):
        for store in (first, plain):
            store["t"].insert_many(documents)
        assert "WHERE" in first["t"].explain({"a": "x"})["sql"]
    with (
        mongoglot.connect(f"duckdb:{tmp_path / 'one'}", tables=[Table("t", columns)]) as typed,
        mongoglot.connect("memory:") as plain,
    ):
        plain["t"].insert_many(documents)
        assert '"day"' in typed["t"].explain({"b": documents[0]["_id"]})["sql"] or typed.verify().ok
        for _ in range(120):
            query = random_filter(rng, near=documents)
            assert encoded(typed["t"].find(query)) == encoded(plain["t"].find(query)), query
        for store in (typed, plain):
            store["t"].update_many({"a": {"$exists": True}}, {"$set": {"a": 7}})
        assert typed["t"].count_documents({"a": 7}) == plain["t"].count_documents({"a": 7}) > 20
        report = typed.verify()
        assert report.ok, report.problems


def test_a_column_holds_no_more_than_it_can() -> None:
    exact, others = [2**53, -(2**63), 0.1, float("inf"), -0.0], [2**53 + 1, 2**63 - 1, float("nan"), True]
    numbers: list[Any] = [*exact, *others, Decimal128("0.1")]
    documents = [{"_id": number, "n": value} for number, value in enumerate(numbers)]
    with mongoglot.connect("duckdb:", tables=[Table("t", (Column("n", "number"),))]) as store:
        store["t"].insert_many(documents)
        for value, name in itertools.product(numbers, ["$eq", "$gt", "$gte", "$lt", "$lte", "$ne"]):
            query = mongoglot.compile({"n": {name: value}})
            assert encoded(store["t"].find(query)) == encoded(query.filter(documents)), (name, value)


@pytest.mark.parametrize("column", [Column("_doc", "string"), Column("x", "uuid")])
def test_columns_that_no_store_has(column: Column) -> None:
    with mongoglot.connect("duckdb:", tables=[Table("t", (column,))]) as store:
        with pytest.raises(UnsupportedError):
            store["t"].insert_one({})
        assert store.collection_names() == []


def test_documents_come_back_as_they_were(store: mongoglot.Store) -> None:
    documents = [{"_id": number, "x": normalise(value)} for number, value in enumerate(VALUES)]
    documents.append({"_id": "dbref", "x": {"b": 1, "$ref": "a", "$id": 2}})
    store["a"].insert_many(documents)
    assert encoded(store["a"].find()) == encoded(documents)


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    url = f"duckdb:{tmp_path / 'a.duckdb'}"
    with mongoglot.connect(url) as store:
        store["a"].insert_many({"_id": number} for number in range(2500))
        store["a"].delete_many({"_id": {"$gte": 2000}})
        with pytest.raises(
            DuplicateKeyError, match=r"^duplicate key: 'a' already has a document with _id 5\.0; take another"
        ):
            store["a"].insert_many([{"_id": "new"}, {"_id": 5.0}, {"_id": "not reached"}])
    with mongoglot.connect(url) as store:
        assert store["a"].count_documents({}) == 2001
        assert [found["_id"] for found in store["a"].find(skip=1999)] == [1999, "new"]
        store["a"].update_one({"_id": 3}, {"$set": {"x": 1}})
        assert [found["_id"] for found in store["a"].find(limit=5)] == [0, 1, 2, 3, 4]
        assert store.verify() == mongoglot.store.Verification((), 2001, 2001)


def test_verify_finds_what_disagrees(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with mongoglot.connect(f"duckdb:{path}") as store:
        store["a"].insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3}])
    with duckdb.connect(str(path)) as plain:
        plain.execute("""UPDATE a SET _keys = '{"f_id":"D4100009 "}' WHERE _row = 1""")
        plain.execute("UPDATE a SET _doc = '\\x05'::BLOB WHERE _row = 3")
    with mongoglot.connect(f"duckdb:{path}") as store:
        assert len(store.verify().problems) == 2
        with pytest.raises(StoreError, match="row 3 cannot be decoded"):
            list(store["a"].find())


# ---- what is refused ------------------------------------------------------------------------------


def made(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as plain:
        for statement in statements:
            plain.execute(statement)
    return path


def test_files_that_are_no_stores_are_left_untouched(tmp_path: Path) -> None:
    text, foreign = tmp_path / "text", made(tmp_path / "foreign", "CREATE TABLE x (a INTEGER)")
    view = made(tmp_path / "view", "CREATE VIEW x AS SELECT 1")
    text.write_text("this is not a database, and it is long enough to be one" * 500)
    for path, reason in (
        (text, "not a DuckDB database"),
        (foreign, "not a mongoglot store"),
        (view, "not a mongoglot"),
    ):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=reason):
            mongoglot.connect(f"duckdb:{path}")
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ('UPDATE "mongoglot format" SET version = 99', "newer mongoglot"),
        ("CREATE MACRO starts_with(a, b) AS true", "macro starts_with"),
        ("CREATE VIEW v AS SELECT * FROM a", "view v"),
        ("ALTER TABLE a ALTER _row SET DEFAULT 5", "column _row"),
    ],
)
def test_a_store_with_more_in_it_is_refused(tmp_path: Path, statement: str, reason: str) -> None:
    path = tmp_path / "a.duckdb"
    with mongoglot.connect(f"duckdb:{path}") as store:
        store["a"].insert_one({"a": 1})
    made(path, statement)
    with pytest.raises(StoreError, match=reason):
        mongoglot.connect(f"duckdb:{path}")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="its folder does not exist"):
        mongoglot.connect(f"duckdb:{tmp_path / 'none' / 'a.duckdb'}")
    with pytest.raises(UnsupportedError, match="has a host"):
        mongoglot.connect("duckdb://host/a")


def test_another_process_has_the_database(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    script = f"import mongoglot; s = mongoglot.connect('duckdb:{path}'); print(s, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(StoreError, match="one process at a time") as caught:
            mongoglot.connect(f"duckdb:{path}")
        assert "sqlite:PATH" in str(caught.value)
        other.communicate(b"\n", timeout=30)
    mongoglot.connect(f"duckdb:{path}").close()


def test_indexes_are_refused_by_name(store: mongoglot.Store) -> None:
    with pytest.raises(UnsupportedError, match="keeps no index beside that of _id, so not 'a_1'"):
        store["a"].create_index("a")
    store["a"].insert_one({"a": 1})
    assert [index["name"] for index in store["a"].list_indexes()] == ["_id_"]


def test_nothing_is_fetched_or_loaded_by_itself(store: mongoglot.Store) -> None:
    names = ["autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions"]
    for name in names:
        assert store.backend.file.rows(f"SELECT current_setting('{name}')") == [(False,)]  # type: ignore[attr-defined]  # the backend of this engine
