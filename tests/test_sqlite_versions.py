"""Tables on the sqlite3 of the standard library, of an old SQLite or a new one, and in apsw."""

from __future__ import annotations

import datetime
import itertools
import json
import math
import os
import random
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apsw
import pytest

import mongoglot
from mongoglot import Column, StoreError, Table
from mongoglot.engines.base import residual_check
from mongoglot.engines.sql.json_text import escaped
from mongoglot.tables.drivers import JSONB_SINCE
from mongoglot.testing import random_documents, random_filter
from tests.test_json_columns import ENCODERS, without_infinity
from tests.test_tables import as_json

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

ODD = (
    "a\0b",
    "\0",
    "a",
    "",
    "\x01",
    "a\x01",
    "a\0",
    "\\u0000",
    "\\\0",
    "\\",
    "a\x01\x02",
    "a\x01\x01",
    "é\0",
    "q",
)
"""Strings that are easily taken for one another where U+0000 ends a text, or is written in another way."""

DRIVERS: dict[str, Any] = {"sqlite3": sqlite3.connect, "apsw": apsw.Connection}


def salted(rng: random.Random, value: Any) -> Any:
    """A value, half of its strings odd."""
    match value:
        case str():
            return rng.choice(ODD) if rng.random() < 0.5 else value
        case dict():
            kept = ("$regex", "$options", "$type")
            return {name: item if name in kept else salted(rng, item) for name, item in value.items()}
        case list():
            return [salted(rng, item) for item in value]
        case _:
            return value


@pytest.fixture(params=DRIVERS)
def connection(request: pytest.FixtureRequest) -> Iterator[Any]:
    found = DRIVERS[request.param](":memory:")
    mongoglot.register_functions(found)
    yield found
    found.close()


def dialects(connection: Any) -> list[str]:
    """What the connection's version of SQLite understands."""
    ((version,),) = connection.execute("SELECT sqlite_version()")
    is_new = tuple(map(int, version.split(".")[:2])) >= JSONB_SINCE
    return ["sqlite-3.38", "sqlite"] if is_new else ["sqlite-3.38"]


@pytest.mark.parametrize("form", ["document", "column"])
def test_json_with_odd_strings(connection: Any, form: str) -> None:
    rng = random.Random(SEED)
    documents = [
        salted(rng, as_json({**document, "_id": number}))
        for number, document in enumerate(without_infinity(random_documents(rng, 40)))
    ]
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, data JSON)")
    for number, document in enumerate(documents):
        text = json.dumps(document, ensure_ascii=bool(number % 2))
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, text))
    columns = (Column("n", "int", nullable=False),)
    if form == "document":
        table = Table("t", columns, "data", encoding="plain")
    else:
        table = mongoglot.reflect(connection, "t")
    matched = 0
    for _ in range(60):
        condition = salted(rng, random_filter(rng, near=documents))
        query = mongoglot.compile(condition)
        expected = [number for number, document in enumerate(documents) if query.matches(document)]
        if form == "column":
            condition = {"$and": [below(condition)]} if condition else {}
        found = [row["n"] for row in mongoglot.find(connection, table, condition, ["n"])]
        assert found == expected, condition
        for dialect in dialects(connection):
            assert set(selected(connection, dialect, table, condition, documents)) >= set(expected), condition
        matched += len(found)
    assert matched > 100


def below(condition: Any) -> Any:
    """A filter of the fields of a document as one of those of the column `data`."""
    if not isinstance(condition, dict):
        return condition
    return {
        name if name in ("$comment", "$expr", "$sampleRate", "$jsonSchema") else
        name if name.startswith("$") else f"data.{name}":
        [below(item) for item in operand] if name in ("$and", "$or", "$nor") else operand
        for name, operand in condition.items()
    }  # fmt: skip


def selected(connection: Any, dialect: str, table: Table, condition: Any, documents: list[Any]) -> list[int]:
    sql = mongoglot.compile(condition).to_sql(dialect, table=table)
    return [n for (n,) in connection.execute(f"SELECT n FROM t WHERE {sql.text}", sql.parameters)]  # noqa: S608 - ours


NUMBERS = (math.inf, -math.inf, 7, 1.5, 1e308, 5e-324, 0.1, 2**63 - 1)
LOOSE = "(n INTEGER PRIMARY KEY, s TEXT, r REAL)"
DECLARED = {"typed": f"{LOOSE} STRICT", "any": LOOSE, "described": LOOSE}


@pytest.mark.parametrize("declared", DECLARED)
def test_lists_of_odd_strings_and_numbers(connection: Any, declared: str) -> None:
    connection.execute(f"CREATE TABLE t {DECLARED[declared]}")
    for number, row in enumerate(itertools.zip_longest(ODD, NUMBERS)):
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", (number, *row))
    rows = list(connection.execute("SELECT * FROM t"))  # the last number is a double there
    table = mongoglot.reflect(connection, "t")
    if declared == "described":
        kinds = (Column("n", "number"), Column("s", "string"), Column("r", "number"))
        table = replace(table, columns=kinds)
    documents = [dict(zip("nsr", row, strict=True)) for row in rows]
    lists: list[list[Any]] = [
        *([one, "no such", 7] for one in ODD),
        *([one, "q"] for one in ("a\0zzz", "\0\0", "a\x01\x01\x01")),
        *([number, "q"] for number in NUMBERS),
        list(ODD), list(NUMBERS), [],
    ]  # fmt: skip
    for members, operator, field in itertools.product(lists, ("$in", "$nin"), "sr"):
        condition = {field: {operator: members}}
        query = mongoglot.compile(condition)
        expected = [document["n"] for document in documents if query.matches(document)]
        assert [row["n"] for row in mongoglot.find(connection, table, condition)] == expected, condition
        for dialect in dialects(connection):
            assert query.to_sql(dialect, table=table).residual is None
            assert selected(connection, dialect, table, condition, documents) == expected, condition


def test_strings_without_nul_keep_their_order() -> None:
    rng = random.Random(SEED)
    texts = ["".join(rng.choices("\0\x01\x02a", k=rng.randint(0, 5))) for _ in range(500)]
    assert sorted(texts, key=escaped) == sorted(texts)
    assert len(set(map(escaped, texts))) == len(set(texts))
    assert not any("\0" in escaped(text) for text in texts)


@pytest.mark.parametrize("encoding", ["plain", "milliseconds", "extended"])
def test_dates_on_any_version(connection: Any, encoding: Any) -> None:
    day = datetime.datetime(2026, 1, 1)
    table = Table("t", (), "data", encoding=encoding)
    connection.execute("CREATE TABLE t (n INTEGER, data JSON)")
    for number in range(4):
        text = json.dumps(
            {"at": day + datetime.timedelta(days=number), "n": number}, default=ENCODERS[encoding]
        )
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, text))
    for operand, expected in (({"$gt": day}, [1, 2, 3]), (day, [0]), ({"$exists": False}, [])):
        assert [row["n"] for row in mongoglot.find(connection, table, {"at": operand})] == expected


@pytest.mark.parametrize("name", ["a/b", "a<b", "a&b", "a'b", "é", 'a"b', "a b", "a-b", "$b"])
def test_names_that_some_escape(connection: Any, name: str) -> None:
    connection.execute("CREATE TABLE t (data JSON)")
    spelled = json.dumps({name: 5}).replace("/", "\\/").replace("<", "\\u003c").replace("&", "\\u0026")
    connection.execute("INSERT INTO t VALUES (?)", (spelled.replace("'", "\\u0027"),))
    assert list(mongoglot.find(connection, "t", {f"data.{name}": 5})) == [{"data": {name: 5}}]
    assert not list(mongoglot.find(connection, "t", {f"data.{name}": 6}))


def test_what_nests_deep_is_no_error(connection: Any) -> None:
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT, data JSON)")
    connection.execute("INSERT INTO t VALUES (1, 'x', '{\"a\": 1}')")
    inner: dict[str, Any] = {"b": {"$in": ["x", 1, None]}}
    for matches in range(7):
        condition: dict[str, Any] = {"data.a": {"$elemMatch": inner}}
        for level in range(14):
            found = list(mongoglot.find(connection, "t", condition, ["n"]))
            assert len(found) == level % 2, (matches, level)
            condition = {"$nor": [condition, {"s": str(level)}]}
        inner = {"a": {"$elemMatch": inner}}


def test_a_parser_that_gives_up_is_told_of(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mongoglot.engines.sqlite.lowering.MAX_HEIGHT", 1000)
    connection.execute("CREATE TABLE t (data JSON)")
    condition: dict[str, Any] = {"told": 1}
    for _ in range(8):
        condition = {"told": {"$elemMatch": condition}}
    try:
        assert not list(mongoglot.find(connection, "t", {"data.a": condition["told"]}))
    except StoreError as error:
        assert "parser stack overflow; the filter nests deeper than this version of SQLite goes" in str(error)  # noqa: PT017 - a new version reads it


@pytest.mark.parametrize("condition", [{"data.a": 1}, {"n": 1}])
def test_jsonb_needs_a_version_that_has_it(connection: Any, condition: dict[str, Any]) -> None:
    ((version,),) = connection.execute("SELECT sqlite_version()")
    binary = apsw.Connection(":memory:").execute("""SELECT jsonb('{"a": 1}')""").get
    connection.execute("CREATE TABLE t (n INTEGER, data JSON)")
    connection.execute("INSERT INTO t VALUES (1, ?)", (binary,))
    if tuple(map(int, version.split(".")[:2])) >= (3, 45):
        assert list(mongoglot.find(connection, "t", condition)) == [{"n": 1, "data": {"a": 1}}]
        return
    with pytest.raises(StoreError, match=r"JSONB is read by SQLite 3\.45 and later, as apsw has it"):
        list(mongoglot.find(connection, "t", condition))
    assert list(mongoglot.find(connection, "t", {"n": 1}, ["n"])) == [{"n": 1}]


def test_text_that_is_not_utf8(connection: Any) -> None:
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)")
    connection.execute("INSERT INTO t VALUES (1, 'x'), (2, CAST(x'61ff' AS TEXT))")
    for condition in ({}, {"s": {"$gt": "a", "$lt": "b"}}):
        with pytest.raises(
            StoreError, match=r"text that is not UTF-8, .*; a projection that leaves the column out"
        ):
            list(mongoglot.find(connection, "t", condition))
    with pytest.raises(StoreError, match="not UTF-8"):
        list(mongoglot.find(connection, "t", {"s": re.compile("a")}, ["n"]))
    assert list(mongoglot.find(connection, "t", {"s": "x"})) == [{"n": 1, "s": "x"}]
    assert list(mongoglot.find(connection, "t", {"s": {"$gt": "a"}}, ["n"])) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"data.o.$oid": "0" * 24}, []), ({"data.o.$oid": {"$ne": "0" * 24}}, [1]), ({"data.d.$date": None}, [1]),
        ({"data.r.$id": "x"}, [1]), ({"data.s": "x"}, [1]), ({"data.o.$oid": {"$in": ["0" * 24]}}, []),
    ],
)  # fmt: skip
def test_names_of_extended_json_are_no_fields(
    connection: Any, condition: dict[str, Any], expected: list[int]
) -> None:
    document = {
        "o": {"$oid": "0" * 24}, "d": {"$date": "2026-01-01T00:00:00Z"}, "r": {"$ref": "c", "$id": "x"}, "s": "x",
    }  # fmt: skip
    connection.execute("CREATE TABLE t (n INTEGER, data JSON)")
    connection.execute("INSERT INTO t VALUES (1, ?)", (json.dumps(document),))
    columns = (Column("n", "int"), Column("data", "json", encoding="extended"))
    table = Table("t", columns, None)
    assert [row["n"] for row in mongoglot.find(connection, table, condition)] == expected
    query = mongoglot.compile(condition)
    sql = query.to_sql("sqlite-3.38", table=table)
    check = residual_check(query, sql.residual)
    assert (check is None) == (condition == {"data.s": "x"})
