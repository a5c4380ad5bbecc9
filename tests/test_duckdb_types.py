"""Tables of DuckDB and files that it reads: one table of types says what both are as documents."""

# ruff: noqa: S608 - SQL of ours
from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import duckdb
import pytest
from bson import Decimal128, ObjectId

import mongoglot
from mongoglot import Column, Table
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.testing import random_filter
from tests.test_duckdb_files import TYPES
from tests.typed_rows import random_table


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A connection of a user's own, and a working directory for files."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        yield connection


def ids(found: Any) -> list[Any]:
    return [document["_id"] for document in found]


@pytest.mark.parametrize("literal", TYPES, ids=str)
def test_a_table_is_read_as_a_file_is(database: Any, literal: str) -> None:
    database.execute(f"CREATE TABLE t AS SELECT {literal} AS x, [{literal}] AS xs, {{'x': {literal}}} AS s")
    value = TYPES[literal]
    expected = {"x": value, "xs": [value], "s": {"x": value}}
    for condition in ({}, {"x": value}, {"s.x": value}):
        (found,) = mongoglot.find(database, "t", condition)
        assert bson.encode(found) == bson.encode(expected), condition


NUMBERS = {
    "HUGEINT": ("0", "1", "-1", "2147483648", "-9223372036854775809", "1267650600228229401496703205376"),
    "UHUGEINT": ("0", "1", "9223372036854775808", "1267650600228229401496703205376"),
}


def compare(database: Any, seed: int, tables: int) -> None:
    rng = random.Random(seed)
    matched = asked = 0
    for _ in range(tables):
        huge = ", ".join(
            f"CAST([{', '.join(values)}, NULL][1 + _id % {len(values) + 1}] AS {kind}) AS {kind}"
            for kind, values in NUMBERS.items()
        )
        source = f"SELECT *, {huge} FROM ({random_table(rng, 20)})"
        database.execute(f"CREATE OR REPLACE TABLE t AS {source}")
        table = mongoglot.reflect(database, "t")
        documents = list(mongoglot.find(database, table))
        assert ids(documents) == list(range(20))
        for _ in range(20):
            query = random_filter(rng, near=documents)
            query = {rng.choice(list(NUMBERS)) if rng.random() < 0.2 else k: v for k, v in query.items()}
            try:
                found = ids(mongoglot.find(database, table, query, ["_id"]))
            except UnsupportedError:  # a field that the table does not have
                continue
            expected = ids(mongoglot.compile(query).filter(documents))
            assert found == expected, (seed, query, mongoglot.compile(query).to_sql("duckdb", table=table))
            matched, asked = matched + len(found), asked + 20
    assert 0.05 < matched / asked < 0.95


def test_random_filters_of_random_tables(database: Any) -> None:
    compare(database, 1, 4)


@pytest.mark.long
def test_many_random_filters_of_random_tables(database: Any) -> None:
    compare(database, random.SystemRandom().randrange(2**32), 300)


def test_whole_numbers_of_128_bits(database: Any) -> None:
    database.execute("CREATE TABLE t (_id INTEGER, h HUGEINT, u UHUGEINT)")
    database.execute(
        f"INSERT INTO t VALUES (1, 1, 1), (2, {2**127 - 1}, {2**128 - 1}), (3, NULL, NULL), (4, -1, {2**63})"
    )
    answers: list[tuple[dict[str, Any], list[int]]] = [
        ({"h": 1}, [1]),
        ({"u": {"$in": [1, 7, Decimal128(str(2**63))]}}, [1, 4]),
        ({"u": {"$gt": -5}}, [1, 2, 4]),
        ({"h": {"$lt": 0.5}}, [4]),
        ({"u": {"$type": "decimal"}}, [2, 4]),
        ({"h": {"$type": "int"}}, [1, 4]),
        ({"u": {"$mod": [2, 1]}}, [1]),
    ]
    table = mongoglot.reflect(database, "t")
    for condition, expected in answers:
        sql = mongoglot.compile(condition).to_sql("duckdb", table=table)
        assert sql.residual is None, condition
        text = f"SELECT _id FROM t WHERE {sql.text} ORDER BY _id"
        assert [row for (row,) in database.execute(text, sql.parameters).fetchall()] == expected, condition
    assert ids(mongoglot.find(database, table, {"_id": {"$ne": 2}})) == [1, 3, 4]
    rows = iter(mongoglot.find(database, table))
    assert next(rows) == {"_id": 1, "h": 1, "u": 1}
    with pytest.raises(
        StoreError, match=rf"{2**127 - 1} in column 'h' has more than the 34 digits of .* leaves"
    ):
        next(rows)


def test_a_decimal_that_no_document_holds_is_named() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (n TEXT)")
    database.execute("INSERT INTO t VALUES (?)", ("7" * 40,))
    table = Table("t", (Column("n", "decimal"),), document=None)
    with pytest.raises(
        StoreError, match=r"column 'n' .*: 7{40} has more than the 34 digits .* leaves the column"
    ):
        list(mongoglot.find(database, table))
    database.close()


@pytest.mark.parametrize(
    "condition",
    [
        {"a.b": 7}, {"a": {"b": 7, "d": {"e": "x"}}}, {"a.d.e": {"$gt": "x"}}, {"a.d": {"e": "x"}}, {"a.b.0": 7},
        {"a": {"$exists": True}}, {"a.b": {"$ne": 7}},
    ],
    ids=str,
)  # fmt: skip
def test_a_dot_in_the_name_of_a_column_is_one_in_a_path(database: Any, condition: dict[str, Any]) -> None:
    Path("d.csv").write_text("a.b,c,a.d.e,_id\n7,1,x,1\n8,,y,2\n", encoding="utf-8")
    database.execute("CREATE TABLE t AS FROM 'd.csv'")
    documents: list[dict[str, Any]] = [
        {"a": {"b": 7, "d": {"e": "x"}}, "c": 1, "_id": 1},
        {"a": {"b": 8, "d": {"e": "y"}}, "c": None, "_id": 2},
    ]
    expected = list(mongoglot.compile(condition).filter(documents))
    with mongoglot.connect("duckdb:") as store:
        assert (
            list(store["d.csv"].find(condition)) == list(mongoglot.find(database, "t", condition)) == expected
        )
        assert store["d.csv"].count_documents(condition) == len(expected)
        assert list(store["d.csv"].find({}, {"a.b": 1}, sort=[("a.b", -1)])) == [
            {"_id": 2, "a": {"b": 8}},
            {"_id": 1, "a": {"b": 7}},
        ]


def test_a_field_inside_another_column_is_refused(database: Any) -> None:
    database.execute("COPY (SELECT 1 AS a, 2 AS \"a.b\") TO 'both.csv'")
    words = r"columns 'a' and 'a\.b' of 'both\.csv' .* rename one"
    with mongoglot.connect("duckdb:") as store, pytest.raises(UnsupportedError, match=words):
        store["both.csv"].find_one()


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_files_with_other_columns_are_united_by_name(database: Any, ending: str) -> None:
    database.execute(f"COPY (SELECT 1 AS _id, 'x' AS name) TO 'a1.{ending}'")
    database.execute(f"COPY (SELECT 5 AS extra, 2 AS _id) TO 'a2.{ending}'")
    with mongoglot.connect("duckdb:") as store:
        files = store[f"a*.{ending}"]
        assert list(files.find({}, sort="_id")) == [
            {"_id": 1, "name": "x", "extra": None},
            {"_id": 2, "name": None, "extra": 5},
        ]
        assert ids(files.find({"extra": 5})) == ids(files.find({"name": None})) == [2]


def test_files_whose_types_do_not_go_together(database: Any) -> None:
    database.execute("COPY (SELECT {'b': 1} AS a) TO 'a1.parquet'")
    database.execute("COPY (SELECT 5 AS a) TO 'a2.parquet'")
    with (
        mongoglot.connect("duckdb:") as store,
        pytest.raises(StoreError, match="do not go together; query them"),
    ):
        list(store["a*.parquet"].find())


def test_a_table_that_is_not_there(database: Any) -> None:
    with pytest.raises(StoreError, match=r"^there is no table 'nope'$"):
        mongoglot.reflect(database, "nope")
    database.execute("CREATE TABLE people (a INTEGER); CREATE VIEW shops AS FROM people")
    for name, words in {
        "peeple": "; did you mean 'people'?",
        "nope": "; there are 'people', 'shops'",
    }.items():
        with pytest.raises(StoreError) as caught:
            mongoglot.reflect(database, name)
        assert str(caught.value) == f"there is no table {name!r}{words}"


WRAPPED = {
    "data.o": ObjectId("0" * 24),
    "data.o.$oid": "0" * 24,
    "data.n.$numberLong": "5",
    "data.n": 5,
    "data.$oid": None,
    "data": {"o": ObjectId("0" * 24), "n": 5},
}


@pytest.mark.parametrize("path", WRAPPED)
def test_the_wrappers_of_extended_json_are_values_and_no_documents(database: Any, path: str) -> None:
    database.execute("CREATE TABLE t (data JSON)")
    database.execute(
        """INSERT INTO t VALUES ('{"o": {"$oid": "000000000000000000000000"}, "n": {"$numberLong": "5"}}')"""
    )
    table = Table("t", (Column("data", "json", encoding="extended"),), document=None)
    document = {"data": {"o": ObjectId("0" * 24), "n": 5}}
    for condition in ({path: WRAPPED[path]}, {path: {"$exists": True}}, {path: {"$ne": WRAPPED[path]}}):
        expected = [document] if mongoglot.compile(condition).matches(document) else []
        assert list(mongoglot.find(database, table, condition)) == expected, condition
