"""Of a table only the columns are read that an answer is made of."""

from __future__ import annotations

import random
import re
import sqlite3
from typing import Any

import apsw
import duckdb
import psycopg
import pytest

import mongoglot
from mongoglot import Column, StoreError, Table, UnsupportedError
from mongoglot.store import Collection, Store
from mongoglot.tables.backend import TableBackend

COLUMNS = (
    Column("id", "int"), Column("a", "any"), Column("b", "json"), Column("x", "any", "e.x"),
    Column("y", "any", "e.y"),
)  # fmt: skip
PLAIN = Table("t", COLUMNS, document=None)
WITH_REST = Table("t", COLUMNS, document="rest", encoding="plain")

ALL = {"id", "a", "b", "x", "y"}

READ: dict[str, tuple[dict[str, Any], Any, Any, set[str]]] = {
    "all": ({}, None, None, ALL),
    "an inclusion": ({}, ["a"], None, {"a"}),
    "what SQL filters": ({"e.x": 5}, ["a"], None, {"a"}),
    "a residual": ({"b": {"$gt": [1]}}, ["a"], None, {"a", "b"}),
    "of an $expr": ({"$expr": {"$gt": [{"$add": ["$b.c", "$e.y"]}, 1]}}, {"id": 1}, None, {"id", "b", "y"}),
    "a residual of a name": ({"$expr": {"$eq": [{"$getField": "a"}, 1]}}, {"id": 1}, None, ALL),
    "a residual of the whole": ({"$expr": {"$eq": ["$$ROOT", 1]}}, {"id": 1}, None, ALL),
    "a residual of a part": ({"$expr": {"$eq": ["$e", 1]}}, {"id": 1}, None, {"id", "x", "y"}),
    "a schema": ({"$jsonSchema": {}}, {"id": 1}, None, {"id"}),
    "a schema of a field": ({"$jsonSchema": {"required": ["a"]}}, {"id": 1}, None, ALL),
    "a sort": ({}, ["a"], [("e.x", 1), ("id", -1)], {"a", "x", "id"}),
    "no choice": ({}, None, "a", ALL),
    "a part of a column": ({}, {"b.c": 1}, None, {"b"}),
    "what is around columns": ({}, {"e": 1}, None, {"x", "y"}),
    "one of them": ({}, {"e.x": 1}, None, {"x"}),
    "an exclusion": ({}, {"a": 0, "e": 0}, None, {"id", "b"}),
    "an exclusion of a part": ({}, {"e.x": 0, "b.c": 0}, None, ALL),
    "a slice": ({}, {"b": {"$slice": 1}}, None, ALL),
    "a slice of a choice": ({}, {"b": {"$slice": 1}, "id": 1}, None, {"b", "id"}),
    "an element": ({"b": 5, "a": 1}, {"b.$": 1}, None, {"a", "b"}),
    "a match": ({}, {"b": {"$elemMatch": {"c": 1}}}, None, ALL),
    "a computed field": ({}, {"n": {"$add": ["$a", 1]}}, None, ALL),
}  # fmt: skip


def store(connection: Any, table: Table) -> Collection:
    return Collection(Store(TableBackend(connection, table)), "t")


@pytest.fixture(scope="module")
def connection() -> Any:
    found = apsw.Connection(":memory:")
    found.execute("CREATE TABLE t (id INTEGER, a, b JSON, x, y, rest TEXT)")
    found.execute(
        "INSERT INTO t VALUES (2, NULL, NULL, NULL, 1, '{}'), "
        """(1, 1, '[5, {"c": 1}]', 5, 6, '{"z": 1, "_id": 7}')"""
    )
    return found


@pytest.mark.parametrize("name", READ)
def test_the_columns_that_are_read(name: str, connection: Any) -> None:
    condition, projection, sort, expected = READ[name]
    text = store(connection, PLAIN).explain(condition, projection, sort=sort)["sql"]
    chosen = re.fullmatch(r"SELECT (.*) FROM .*", text)
    assert chosen is not None
    assert {column for column in ALL if f'"{column}"' in chosen[1]} == expected


@pytest.mark.parametrize(
    ("projection", "sort", "read"),
    [
        (None, None, True), (["a"], None, True), ({"a": 1, "_id": 0}, None, False), ({"a": 0}, None, True),
        ({"a": 1, "_id": 0}, "z", True), ({"e": 1, "_id": 0}, None, True), ({"b.c": 1, "_id": 0}, "e.x", False),
    ],
)  # fmt: skip
def test_the_document_is_read_where_it_may_have_a_field(
    projection: Any, sort: Any, read: bool, connection: Any
) -> None:
    text = store(connection, WITH_REST).explain({}, projection, sort=sort)["sql"]
    assert ('"rest"' in text) == read


@pytest.mark.parametrize("table", [PLAIN, WITH_REST], ids=["columns", "with a document"])
@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_whole_rows(table: Table, seed: int, connection: Any) -> None:
    rng = random.Random(seed)
    rows = list(mongoglot.find(connection, table))
    with mongoglot.connect("memory:") as memory:
        for row in rows:
            memory["t"].insert_one(row)
        names = ["id", "a", "b", "b.c", "e", "e.x", "e.y", *(["z", "q.z"] if table.document else [])]
        for _ in range(150):
            chosen = [name for name in rng.sample(names, 3) if not any(f"{name}." in each for each in names)]
            include = rng.randint(0, 1)
            projection: Any = dict.fromkeys(chosen, include)
            if "b" not in "".join(chosen) and rng.random() < 0.3:
                projection["b"] = {"$slice": 1}
            projection["_id"] = 0
            sort = rng.choice([None, "id", [("e.x", -1)], [("b.c", 1), ("id", -1)]])
            condition: Any = rng.choice(
                [{}, {"a": 1}, {"b": {"$gte": []}}, {"$expr": {"$lt": ["$e.x", "$e.y"]}}]
            )
            expected = list(memory["t"].find(condition, projection, sort=sort))
            found = list(mongoglot.find(connection, table, condition, projection, sort=sort))
            assert [sorted_names(row) for row in found] == [sorted_names(row) for row in expected], projection


def sorted_names(value: Any) -> Any:
    """A document with its fields in the order of their names, which a table and a document do not share."""
    if isinstance(value, dict):
        return {name: sorted_names(value[name]) for name in sorted(value)}
    return value


def test_a_value_that_no_document_can_hold_is_left_alone(postgresql: str) -> None:
    lite = sqlite3.connect(":memory:")
    lite.execute("CREATE TABLE t (id INTEGER, bad BOOLEAN)")
    lite.execute("INSERT INTO t VALUES (1, 'yes')")
    duck = duckdb.connect(":memory:")
    duck.execute("CREATE TABLE t (id INTEGER, bad DECIMAL(38, 0))")
    duck.execute("INSERT INTO t VALUES (1, 99999999999999999999999999999999999999)")
    with psycopg.connect(postgresql, autocommit=True) as postgres:
        postgres.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id integer, bad timestamp)")
        postgres.execute("INSERT INTO t VALUES (1, 'infinity')")
        for connection in (lite, duck, postgres):
            with pytest.raises(StoreError, match="column 'bad' holds a value that no document can"):
                list(mongoglot.find(connection, "t", {"id": 1}))
            assert list(mongoglot.find(connection, "t", {"id": 1}, ["id"])) == [{"id": 1}]
            assert list(mongoglot.find(connection, "t", {"id": 1}, {"bad": 0}, sort="id")) == [{"id": 1}]


@pytest.mark.parametrize(
    ("projection", "sort", "place"),
    [
        (["nam"], None, r"'nam' \(at projection\.nam\)"), ({"e.z": 1}, None, r"'e\.z' \(at projection\.e\.z\)"),
        ({"nam": 0}, None, r"projection\.nam"), ({"nam": {"$slice": 1}}, None, r"projection\.nam"),
        ({"nam": {"$elemMatch": {"a": 1}}}, None, r"projection\.nam"), (None, "nam", r"'nam' \(at sort\.nam\)"),
        (["a"], [("a", 1), ("e.z", 1)], r"sort\.e\.z"),
    ],
)  # fmt: skip
def test_fields_that_a_table_does_not_have(projection: Any, sort: Any, place: str, connection: Any) -> None:
    with pytest.raises(
        UnsupportedError, match=f"table 't' has no field .*{place}\\)?; it has id, a, b, e.x, e.y"
    ):
        list(mongoglot.find(connection, PLAIN, {}, projection, sort=sort))
    list(mongoglot.find(connection, WITH_REST, {}, projection, sort=sort))  # the document may have them


@pytest.mark.parametrize(
    ("projection", "sort"),
    [({"_id": 0}, None), ({"_id": 1, "a": 1}, "_id"), (["e", "b.c", "a.b"], "e.x"), ({"n": "$a"}, "b.0")],
)
def test_fields_that_may_be_named(projection: Any, sort: Any, connection: Any) -> None:
    assert len(list(mongoglot.find(connection, PLAIN, {}, projection, sort=sort))) == 2
