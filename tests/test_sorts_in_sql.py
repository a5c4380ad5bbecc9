"""Sorts, skips and limits that databases do: the answers, and the order of equal ones, are those of Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import duckdb
import pytest
from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId

import mongoglot
from mongoglot.errors import FilterError
from mongoglot.testing import random_documents
from mongoglot.testing.alphabet import EVERY_SCALAR
from tests.typed_rows import SCALARS as SQL_SCALARS
from tests.typed_rows import random_table

SCALARS = [
    *(value for value in EVERY_SCALAR if not isinstance(value, (dict, list, DBRef))),
    "\U0010ffffA", "\U0010ffff", "x" * 300, "x" * 301, "a\0", "a\1", MinKey(), MaxKey(), None,
]  # fmt: skip
"""None of them is a document, which only Python sorts by."""

PATHS = ("_id", "a", "a.b", "b", "c", "a.0", "x.y.z")


@pytest.fixture(params=["duckdb", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[mongoglot.Store]:
    """A store of an engine that sorts in SQL."""
    url = "duckdb:" if request.param == "duckdb" else request.getfixturevalue("postgresql")
    with mongoglot.connect(url) as opened:
        yield opened
        opened["t"].drop()


def encoded(found: Any) -> Any:
    return [bson.encode(document) for document in found]


def compare(store: mongoglot.Store, documents: list[dict[str, Any]], rng: random.Random, count: int) -> None:
    """Ask both stores for random sorts of documents."""
    store["t"].drop()
    store["t"].insert_many(documents)
    with mongoglot.connect("memory:") as plain:
        plain["t"].insert_many(documents)
        for _ in range(count):
            paths = rng.sample(PATHS, rng.choice((1, 1, 1, 2, 3)))
            query: dict[str, Any] = rng.choice([{}, {}, {"b": {"$ne": 1}}, {"a": {"$not": {"$regex": "x"}}}])
            options: dict[str, Any] = {
                "sort": [(path, rng.choice((1, -1))) for path in paths],
                "skip": rng.choice((0, 0, 3)), "limit": rng.choice((0, 1, 5, 500)),
            }  # fmt: skip
            answers = []
            for each in (store, plain):
                try:
                    answers.append(encoded(each["t"].find(query, **options)))
                except FilterError as error:
                    answers.append(error.code)
            assert answers[0] == answers[1], (query, options)


def test_sorts_of_scalars(store: mongoglot.Store) -> None:
    rng = random.Random(1)
    ids = [
        1,
        2.5,
        "b",
        "a",
        ObjectId(b"0" * 12),
        True,
        Decimal128("1.5"),
        Int64(7),
        "y" * 300,
        "y" * 301,
        *range(50, 80),
    ]
    rng.shuffle(ids)
    documents = [
        {"_id": key, "a": rng.choice(SCALARS), "b": rng.choice(SCALARS), "c": rng.randrange(3)} for key in ids
    ]
    compare(store, documents, rng, 30)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("arrays", [[], [[], [MinKey()], [MaxKey()]]], ids=["scalars", "arrays"])
def test_every_scalar(store: mongoglot.Store, way: int, arrays: list[Any]) -> None:
    values = [*SCALARS, *arrays]
    random.Random(5).shuffle(values)
    documents: list[dict[str, Any]] = [{"_id": number, "a": value} for number, value in enumerate(values)]
    store["t"].insert_many([*documents, {"_id": -1}])
    with mongoglot.connect("memory:") as plain:
        plain["t"].insert_many([*documents, {"_id": -1}])
        expected = [found["_id"] for found in plain["t"].find({}, sort=[("a", way)])]
    assert [found["_id"] for found in store["t"].find({}, sort=[("a", way)])] == expected


def test_sorts_of_lists_of_scalars(store: mongoglot.Store) -> None:
    rng = random.Random(2)
    documents = [
        {"_id": key, "a": rng.choice([[], [None], rng.sample(SCALARS, 3), rng.choice(SCALARS)])}
        for key in range(60)
    ]
    compare(store, documents, rng, 25)


def test_sorts_of_any_documents(store: mongoglot.Store) -> None:
    rng = random.Random(3)
    compare(store, random_documents(rng, 60), rng, 25)
    compare(store, [{"_id": {"a": 2}}, {"_id": {"a": 1}}, {"_id": 5}, {"_id": True}], rng, 10)


def test_natural_order(store: mongoglot.Store) -> None:
    store["t"].insert_many({"_id": number} for number in (3, 1, 2))
    assert [each["_id"] for each in store["t"].find({}, sort=[("$natural", -1)], limit=2)] == [2, 1]
    assert [each["_id"] for each in store["t"].find({}, sort=[("$natural", 1)], skip=1)] == [1, 2]
    assert [each["_id"] for each in store["t"].find({}, sort="_id", skip=2**62, limit=2**63 - 1)] == []


def test_explain_says_who_sorts(store: mongoglot.Store) -> None:
    store["t"].insert_one({"_id": 1, "a": 5})
    explained = store["t"].explain({}, sort=[("a", -1)], limit=3)
    assert explained["sort"].startswith("SQL, or Python")
    assert "LIMIT 3" in explained["sql"]
    assert store["t"].explain({}, sort="a" + ".b" * 30)["sort"] == "Python"
    assert store["t"].explain({}, limit=3)["sort"] == "SQL"


def test_few_documents_are_read_for_few(store: mongoglot.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a part of the filter is checked in Python."""
    store["t"].insert_many({"_id": number, "a": f"x{number}"} for number in range(3000))
    backend: Any = store.backend
    decoded, read = backend.tables.decoded, []

    def counting(rows: Any) -> Any:
        for pair in decoded(rows):
            read.append(pair)
            yield pair

    monkeypatch.setattr(backend.tables, "decoded", counting)
    for query, options, wanted in (
        ({}, {}, 0), ({"a": {"$regex": "7"}}, {}, 7), ({"a": {"$regex": "7"}}, {"sort": "_id"}, 7),
        ({}, {"sort": [("_id", -1)]}, 2999), ({"a": {"$regex": "1$"}}, {"sort": [("a", -1)]}, 991),
    ):  # fmt: skip
        read.clear()
        found = store["t"].find_one(query, **options)
        assert found is not None
        assert found["_id"] == wanted
        assert 0 < len(read) < 500, (query, options)


def test_sorts_of_each_type(tmp_path: Path) -> None:
    """In DuckDB's SQL for every type but JSON, whose values have types of their own."""
    with (
        duckdb.connect() as database,
        mongoglot.connect("duckdb:") as store,
        mongoglot.connect("memory:") as plain,
    ):
        database.execute("SET TimeZone = 'UTC'")
        for number, (kind, literals) in enumerate(SQL_SCALARS.items()):
            values = ", ".join(f"CAST({literal} AS {kind})" for literal in [*literals, "NULL", *literals])
            rows = f"SELECT row_number() OVER () AS _id, x, {{'y': x}} AS s FROM (SELECT unnest([{values}]) AS x)"  # noqa: S608 - ours
            file, asked = store[str(tmp_path / f"{number}.parquet")], plain[kind]
            database.execute(f"COPY ({rows}) TO '{file.name}'")
            asked.insert_many(file.find())
            for path, way in (("x", 1), ("x", -1), ("s.y", -1), ("x.y", -1), ("none", 1)):
                expected = encoded(asked.find({}, sort=[(path, way)]))
                assert encoded(file.find({}, sort=[(path, way)])) == expected, (kind, path, way)
            assert file.explain({}, sort="s.y")["sort"] == ("Python" if kind == "JSON" else "SQL")


def test_sorts_of_typed_rows(tmp_path: Path) -> None:
    rng = random.Random(4)
    in_sql = 0
    with mongoglot.connect("duckdb:") as store, mongoglot.connect("memory:") as plain:
        for number in range(5):
            name = str(tmp_path / f"{number}.parquet")
            with duckdb.connect() as database:
                database.execute("SET TimeZone = 'UTC'")
                database.execute(f"COPY ({random_table(rng, 30)}) TO '{name}'")
            documents = list(store[name].find())
            fields = list(documents[0])
            plain["t"].drop()
            plain["t"].insert_many(documents)
            for _ in range(8):
                sort = [
                    (rng.choice((f, f, f"{f}.a")), rng.choice((1, -1)))
                    for f in rng.sample(fields, rng.choice((1, 2)))
                ]
                options: dict[str, Any] = {
                    "sort": sort,
                    "skip": rng.choice((0, 2)),
                    "limit": rng.choice((0, 1, 7)),
                }
                try:
                    expected = encoded(plain["t"].find({}, **options))
                except FilterError:
                    continue
                assert encoded(store[name].find({}, **options)) == expected, (number, options)
                in_sql += store[name].explain({}, **options)["sort"] == "SQL"
    assert in_sql > 8
