"""What is found out about tables that are there, and how their rows are read."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import sqlite3
from pathlib import Path
from typing import Any

import apsw
import duckdb
import psycopg
import pytest

import mongoglot
from mongoglot import Column
from mongoglot.errors import FilterError, StoreError, UnsupportedError
from mongoglot.testing import random_filter
from tests import typed_tables

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

# ---- columns of SQLite that hold anything ------------------------------------------------------------

ANYTHING: tuple[Any, ...] = (
    None, 0, 1, -1, 5, 2**31, 2**53 + 1, 2**63 - 1, 0.5, 1.5, float("inf"), 1e308, "", "a", "A", "b", " 5x",
    "5x", "é", "a ", b"", b"a", b"aa", b"5",
)  # fmt: skip
LOOSE = {
    "t": "TEXT COLLATE NOCASE",
    "n": "NUMERIC",
    "i": "INTEGER",
    "r": "REAL",
    "b": "BLOB",
    "x": "",
    "v": "VARCHAR(3)",
}


@pytest.mark.parametrize("seed", range(3))
def test_columns_that_hold_anything(seed: int) -> None:
    rng = random.Random(SEED * 100 + seed)
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE TABLE t (row INTEGER PRIMARY KEY, " + ", ".join(map(" ".join, LOOSE.items())) + ")"
    )
    for number in range(80):
        values = [rng.choice(ANYTHING) for _ in LOOSE]
        connection.execute(f"INSERT INTO t VALUES (?{', ?' * len(LOOSE)})", (number, *values))  # noqa: S608 - ours
    table = mongoglot.reflect(connection, "t")
    assert {column.type for column in table.columns[1:]} == {"any"}
    documents = [
        dict(zip(("row", *LOOSE), row, strict=True)) for row in connection.execute("SELECT * FROM t")
    ]
    assert list(mongoglot.find(connection, "t")) == documents
    matched = complete = 0
    for _ in range(250):
        near = [{"a": document[name]} for document in documents for name in LOOSE]
        condition = typed_tables.moved(rng, random_filter(rng, near=near), (*LOOSE, *LOOSE, "t.x", "row"))
        query = mongoglot.compile(condition)
        expected = [document["row"] for document in documents if query.matches(document)]
        found = [document["row"] for document in mongoglot.find(connection, "t", condition)]
        assert found == expected, (condition, query.to_sql(table=table))
        matched += len(found)
        complete += query.to_sql(table=table).residual is None
    assert matched > 1000
    assert complete > 150


def test_strict_tables() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE TABLE t (a TEXT, b INT NOT NULL, c REAL, d BLOB, e ANY, PRIMARY KEY (b, a)) STRICT;"
        "CREATE VIEW v AS SELECT a, b FROM t"
    )
    table = mongoglot.reflect(connection, "t")
    assert [column.type for column in table.columns] == ["string", "int", "double", "binary", "any"]
    assert (table.key, table.columns[1].nullable) == (("b", "a"), False)
    sql = mongoglot.compile({"a": "x", "b": {"$gt": 5}, "c": "5"}).to_sql(table=table)
    assert sql.text == '(("a" COLLATE "BINARY") = :c0) AND (("b" > :c1) AND 0)'
    assert [column.name for column in mongoglot.reflect(connection, "v").columns] == ["a", "b"]


def test_sources_that_are_none(tmp_path: Path, postgresql: str) -> None:
    path = tmp_path / "some.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
        connection.execute("INSERT INTO t VALUES (5)")
        connection.commit()
    assert list(mongoglot.find(f"sqlite:{path}", "t", {"a": {"$gt": 4}})) == [{"a": 5}]
    for source in (f"sqlite:{path}", postgresql, "duckdb:"):
        with pytest.raises(StoreError, match="there is no table 'nothing'"):
            mongoglot.reflect(source, "nothing")
    with pytest.raises(StoreError, match="cannot be opened"):
        mongoglot.reflect(f"sqlite:{tmp_path / 'missing.db'}", "t")
    with pytest.raises(StoreError, match="the database cannot be opened"):
        mongoglot.reflect("postgresql://localhost:1/none", "t")
    with pytest.raises(UnsupportedError, match=r"write sqlite:PATH, postgresql://… or duckdb:PATH"):
        mongoglot.reflect("mysql://localhost", "t")
    with pytest.raises(UnsupportedError, match=r"object is no connection that mongoglot knows"):
        mongoglot.reflect(object(), "t")
    with pytest.raises(FilterError) as caught:  # before anything is opened
        mongoglot.find("sqlite:nowhere", "t", {"a": {"$foo": 1}})
    assert caught.value.code == 2
    with pytest.raises(UnsupportedError, match="table 't' has no field 'b'; it has a"):
        list(mongoglot.find(f"sqlite:{path}", "t", {"b": 1}))
    with pytest.raises(UnsupportedError, match=r"\$where"):
        mongoglot.find(f"sqlite:{path}", "t", {"$where": "1"})


def test_types_of_postgresql(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS kinds; DROP TYPE IF EXISTS mood; DROP DOMAIN IF EXISTS positive"
        )
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
        connection.execute("CREATE DOMAIN positive AS numeric(6, 2) NOT NULL CHECK (value > 0)")
        connection.execute(
            "CREATE TABLE kinds (id integer PRIMARY KEY, m mood, c char(4), p positive, net inet, v varchar(9),"
            " at timestamp(0), j json, real real)"
        )
        connection.execute(
            "INSERT INTO kinds VALUES (1, 'happy', 'ab', 1.50, '10.0.0.1', 'x', '2026-01-01', '[1]', 0.1),"
            " (2, 'ok', NULL, 2, '::1', NULL, 'infinity', NULL, NULL)"
        )
        columns = {column.name: column for column in mongoglot.reflect(connection, "kinds").columns}
        assert columns["p"] == Column("p", "decimal", nullable=False, precision=6, scale=2)
        assert columns["at"] == Column("at", "timestamp", scale=0)
        assert [name for name, column in columns.items() if column.as_text] == ["m", "c", "net"]
        found = mongoglot.find(connection, "kinds", {"m": {"$lt": "oj"}, "c": "ab"}, ["m", "c", "net", "at"])
        assert list(found) == [
            {"m": "happy", "c": "ab", "net": "10.0.0.1/32", "at": datetime.datetime(2026, 1, 1)}
        ]
        assert [
            row["id"] for row in mongoglot.find(connection, "kinds", {"real": {"$gt": 0.1}, "id": 1})
        ] == [1]
        with pytest.raises(
            StoreError, match="column 'at' holds a value that no document can: an instant that is inf"
        ):
            list(mongoglot.find(connection, "kinds", {"id": 2}))
        assert list(mongoglot.find(connection, "kinds", {"m": "no such label"})) == []


def test_lists_and_structs_of_types_that_are_read_as_text(postgresql: str) -> None:
    kind = "STRUCT(ns TIMESTAMP_NS, hours TIME[], n FLOAT)"
    value = {"ns": "2020-01-01 00:00:00.000000001", "hours": ["10:00:00", None], "n": 0.5}
    instant = datetime.datetime(2020, 1, 1)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE nested (st {kind})")
        connection.execute("INSERT INTO nested VALUES (?), (NULL)", [value])
        for condition in ({"st.ns": instant}, {"st.hours": {"$gt": "1"}}, {"st.ns": {"$type": "date"}}):
            assert list(mongoglot.find(connection, "nested", condition)) == [{"st": value | {"ns": instant}}]
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS nested; DROP TYPE IF EXISTS hue")
        connection.execute("CREATE TYPE hue AS ENUM ('red', 'green'); CREATE TABLE nested (h hue[])")
        connection.execute("INSERT INTO nested VALUES ('{red,NULL}'), ('{green}'), (NULL)")
        for operand in ("red", {"$gt": "h"}, {"$size": 2}):
            assert list(mongoglot.find(connection, "nested", {"h": operand})) == [{"h": ["red", None]}]


def test_floats_are_read_as_the_doubles_that_they_are(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS floats; CREATE TABLE floats (r real, l real[])")
        connection.execute("INSERT INTO floats VALUES (0.1, '{0.1}')")
        single = 0.100000001490116119384765625
        for condition in ({"r": single}, {"l": single}, {"$expr": {"$eq": ["$r", single]}}):
            assert list(mongoglot.find(connection, "floats", condition)) == [{"r": single, "l": [single]}]
