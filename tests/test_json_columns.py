"""Columns of JSON that mongoglot did not write, in SQLite of today and of 2022, in PostgreSQL and in DuckDB."""

from __future__ import annotations

import datetime
import json
import os
import random
import sqlite3
from typing import Any

import apsw
import bson
import duckdb
import psycopg
import pytest
from bson import Int64, ObjectId, json_util

import mongoglot
from mongoglot import Column, Table
from mongoglot.engines.base import residual_check
from mongoglot.testing import random_documents, random_filter
from tests.test_tables import as_json
from tests.typed_tables import moved

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
ROWS, FILTERS = 60, 250

DAY = datetime.datetime(2026, 1, 1, 12, 30)


def random_json(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Documents that JSON has, but for names that JSON must escape and old versions of SQLite do not find."""
    return [
        as_json({**document, "_id": number}) for number, document in enumerate(random_documents(rng, count))
    ]


def test_a_sqlite_with_json_as_text() -> None:
    """The standard library's module, whatever its version: functions on JSON text are in all of them."""
    rng = random.Random(SEED)
    documents = without_infinity(random_json(rng, ROWS))  # which was not JSON to it
    connection = sqlite3.connect(":memory:")
    mongoglot.register_functions(connection)
    connection.execute("CREATE TABLE t (row INTEGER PRIMARY KEY, doc TEXT)")
    connection.executemany(
        "INSERT INTO t VALUES (?, ?)", [(n, json.dumps(each)) for n, each in enumerate(documents)]
    )
    table = Table("t", document="doc")
    matched = complete = 0
    for _ in range(FILTERS):
        query = mongoglot.compile(random_filter(rng, near=documents))
        sql = query.to_sql("sqlite-3.38", table=table)
        assert "jsonb" not in sql.text
        rows = connection.execute(f"SELECT row FROM t WHERE {sql.text} ORDER BY row", sql.parameters)  # noqa: S608
        check = residual_check(query, sql.residual)
        found = [row for (row,) in rows if check is None or check(documents[row])]
        assert found == [n for n, document in enumerate(documents) if query.matches(document)], (
            query.ast,
            sql,
        )
        matched += len(found)
        complete += sql.residual is None
    connection.close()
    assert matched > FILTERS * ROWS * 0.05
    assert complete > FILTERS * 0.4


def test_what_text_leaves_open() -> None:
    table = Table("t", document="doc")
    for condition in (
        {"é": 1},
        {'a"b': 1},
        {"a": {"b": 1}},
        {"a": {"$in": [[1]]}},
        {"$expr": {"$eq": ["$a", 1]}},
    ):
        assert mongoglot.compile(condition).to_sql("sqlite", table=table).residual is None
        assert mongoglot.compile(condition).to_sql("sqlite-3.38", table=table).residual is not None


SQLITE = {"text": "?", "binary": "jsonb(?)"}


@pytest.mark.parametrize("form", SQLITE)
def test_a_json_column_beside_others(form: str) -> None:
    rng = random.Random(SEED)
    insides: list[Any] = [
        rng.choice((document, [document, 5], document.get("a"))) for document in random_json(rng, ROWS)
    ]
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, data JSON)")
    for number, inside in enumerate(insides):
        text = None if inside is None else json.dumps(inside)
        connection.execute(f"INSERT INTO t VALUES (?, {SQLITE[form]})", (number, text))  # noqa: S608 - ours
    assert mongoglot.reflect(connection, "t").columns[1] == Column("data", "json")
    documents = [{"n": number, "data": inside} for number, inside in enumerate(insides)]
    assert list(mongoglot.find(connection, "t")) == documents
    assert (
        ask(rng, connection, Table("t", (Column("n", "int"), Column("data", "json")), None), documents) > 100
    )


@pytest.mark.parametrize("database", ["postgresql", "duckdb"])
def test_json_columns_elsewhere_are_checked_here(database: str, request: pytest.FixtureRequest) -> None:
    rng = random.Random(SEED)
    insides: list[Any] = [document.get("a", document) for document in without_nul(random_json(rng, ROWS))]
    connection: Any
    if database == "postgresql":
        connection = psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True)
        request.addfinalizer(connection.close)
        connection.execute("DROP TABLE IF EXISTS j; CREATE TABLE j (n integer PRIMARY KEY, data jsonb)")
        statement = "INSERT INTO j VALUES (%s, %s)"
    else:
        connection = duckdb.connect(":memory:")
        connection.execute("CREATE TABLE j (n INTEGER PRIMARY KEY, data JSON)")
        statement = "INSERT INTO j VALUES (?, ?)"
    for number, inside in enumerate(insides):
        connection.execute(statement, [number, None if inside is None else json.dumps(inside)])
    table = mongoglot.reflect(connection, "j")
    assert table.columns[1] == Column("data", "json")
    documents = list(mongoglot.find(connection, "j"))
    assert len(documents) == ROWS
    assert ask(rng, connection, table, documents) > 100


def without_nul(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Documents that jsonb can hold."""
    texts = (json.dumps(document).replace("\\u0000", "0") for document in without_infinity(documents))
    return list(map(json.loads, texts))


def without_infinity(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Documents of which everybody knows the numbers."""
    texts = (json.dumps(as_json(document)).replace("-Infinity", "-1e300") for document in documents)
    return [json.loads(text.replace("Infinity", "1e300")) for text in texts]


def ask(rng: random.Random, connection: Any, table: Table, documents: list[dict[str, Any]]) -> int:
    """Random filters of paths into the column, compared with the documents; how many matched."""
    matched = 0
    paths = ("data", "data.a", "data.b", "data.a.b", "data.0.a", "data.c", "n", "data.a.0")
    for _ in range(120):
        near = [{"a": document["data"]} for document in documents]
        condition = moved(rng, random_filter(rng, near=near), paths)
        query = mongoglot.compile(condition)
        expected = [document["n"] for document in documents if query.matches(document)]
        found = [document["n"] for document in mongoglot.find(connection, table, condition)]
        assert found == expected, condition
        matched += len(found)
    return matched


EVENTS: list[dict[str, Any]] = [
    {"at": DAY, "tags": ["a", DAY], "n": 1},
    {"at": DAY + datetime.timedelta(milliseconds=1), "tags": [], "n": 2},
    {"at": DAY - datetime.timedelta(days=400), "tags": [DAY - datetime.timedelta(days=400)], "n": 3},
    {"at": None, "n": 4},
]

QUESTIONS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "$eq": ({"at": DAY}, [1]), "$gt": ({"at": {"$gt": DAY}}, [2]), "$lte": ({"at": {"$lte": DAY}}, [1, 3]),
    "$in": ({"at": {"$in": [DAY, None]}}, [1, 4]), "$ne": ({"at": {"$ne": DAY}}, [2, 3, 4]),
    "of an array": ({"tags": DAY}, [1]), "$elemMatch": ({"tags": {"$elemMatch": {"$lt": DAY}}}, [3]),
    "beside a string": ({"tags": {"$in": ["a", DAY]}}, [1]),
}  # fmt: skip


def milliseconds(value: Any) -> Any:
    return int((value - datetime.datetime(1970, 1, 1)) / datetime.timedelta(milliseconds=1))


ENCODERS: dict[str, Any] = {
    "plain": lambda value: value.isoformat(timespec="milliseconds") + "Z",
    "milliseconds": milliseconds,
    "extended": lambda value: json.loads(json_util.dumps({"d": value}))["d"],
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("as_document", [True, False])
def test_dates_as_a_column_has_them(encoding: Any, question: str, as_document: bool) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (data TEXT, n INTEGER)")
    for event in EVENTS:
        connection.execute(
            "INSERT INTO t VALUES (?, ?)", (json.dumps(event, default=ENCODERS[encoding]), event["n"])
        )
    condition, expected = QUESTIONS[question]
    if as_document:
        table = Table("t", (), "data", encoding=encoding)
    else:
        table = Table("t", (Column("data", "json", encoding=encoding), Column("n", "int")), None)
        condition = {f"data.{name}": operand for name, operand in condition.items()}
    found = [document["n"] for document in mongoglot.find(connection, table, condition)]
    assert found == expected
    sql = mongoglot.compile(condition).to_sql(table=table)
    assert (sql.residual is None) == (encoding != "extended")


def test_extended_json_is_read_as_its_values() -> None:
    document = {
        "_id": ObjectId("0" * 24), "at": DAY, "n": Int64(5), "s": "x", "deep": [{"b": b"x"}, None, True], "d": 0.5,
    }  # fmt: skip
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (doc TEXT)")
    connection.execute(
        "INSERT INTO t VALUES (?)",
        (json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS),),
    )
    table = Table("t", document="doc", encoding="extended")
    for condition in (
        {"s": "x"},
        {"n": {"$gt": 4}},
        {"deep.b": b"x"},
        {"_id": ObjectId("0" * 24)},
        {"deep": True},
    ):
        (found,) = mongoglot.find(connection, table, condition)
        assert bson.encode(found) == bson.encode(document)
    assert mongoglot.compile({"s": "x", "deep": None}).to_sql(table=table).residual is None
    assert list(mongoglot.find(connection, table, {"n": "5"})) == []
