"""What the PostgreSQL engine has of its own: the way that documents are kept, plans, and a server that fails."""

from __future__ import annotations

import datetime
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bson
import psycopg
import pytest
from bson import Decimal128, Int64
from psycopg import sql

import mongoglot
from mongoglot import Column, Table
from mongoglot.compiler.regex import Pattern
from mongoglot.compiler.values import sort_key
from mongoglot.engines.postgresql import encoding
from mongoglot.engines.postgresql.prefixes import glob_prefix, regex_prefix
from mongoglot.errors import DuplicateKeyError, StoreError, UnsupportedError
from mongoglot.testing import random_documents
from tests.proxy import Proxy

BOUND = 30
"""Seconds after which a call has failed on any machine, with the timeout of half a second that the tests set."""


@pytest.fixture
def schema() -> str:
    return f"own_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(postgresql: str, schema: str) -> Iterator[mongoglot.Store]:
    with mongoglot.connect(postgresql, schema=schema) as opened:
        yield opened


@pytest.fixture
def database(postgresql: str) -> Iterator[psycopg.Connection[Any]]:
    """The database without the engine."""
    with psycopg.connect(postgresql, autocommit=True) as connection:
        yield connection


def plan_of(tasks: mongoglot.Collection, *args: Any, **options: Any) -> str:
    return "\n".join(tasks.explain(*args, **options)["plan"])


# ---- how documents are kept ----------------------------------------------------------------------


def test_equal_values_and_only_they_have_equal_jsonb(database: psycopg.Connection[Any]) -> None:
    rng = random.Random(5)
    values = [value for document in random_documents(rng, 60) for value in document.values()]
    values += [
        0.1, Decimal128("0.1"), Decimal128("0.10"), 1, 1.0, Int64(1), Decimal128("1.000"), -0.0, 0,
        2**53 + 1, 2.0**53,
        float("inf"), Decimal128("Infinity"), Decimal128("9.999E6144"), float("nan"), Decimal128("NaN"), 5e-324,
        {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"b": 2.0, "a": Int64(1)}, [{"b": 1, "a": 2}], "\0", "\1",
        "\1\1", "\1\2", "",
        "\U0010ffff", "\U0010ffffD", {"\U0010ffff": "1 0"}, {"\U0010ffff\U0010ffff": 1},
    ]  # fmt: skip
    texts = [encoding.encode_value(value) for value in values]
    rows = database.execute(
        "WITH numbered AS (SELECT n - 1 AS n, v::jsonb AS v FROM unnest(%s::text[]) WITH ORDINALITY AS t(v, n)) "
        "SELECT a.n, b.n, a.v = b.v FROM numbered AS a, numbered AS b",
        (texts,),
    ).fetchall()
    equal = 0
    for first, second, same in rows:
        assert same == (sort_key(values[first]) == sort_key(values[second])), (values[first], values[second])
        equal += same and first < second
    assert equal > 20


def test_strings_keep_their_order(database: psycopg.Connection[Any]) -> None:
    pieces = ["", "\0", "\1", "\2", "a", "Z", "é", "\ue000", "\U00010000", "\U0010ffff"]
    texts = [first + second for first in pieces for second in pieces]
    stored = sorted({encoding.stored_string(text) for text in texts})
    assert stored == [encoding.stored_string(text) for text in sorted(set(texts))]
    ((ordered,),) = database.execute(
        'SELECT array_agg(v ORDER BY v COLLATE "C") FROM unnest(%s::text[]) v', (stored,)
    ).fetchall()
    assert ordered == stored


def test_what_text_of_the_database_cannot_hold(store: mongoglot.Store) -> None:
    tasks = store["nul"]
    documents: list[dict[str, Any]] = [
        {"_id": "a\0b", "s": "\0", "t": ["\0x", {"n": "\1\0"}]}, {"_id": "a", "s": "\1"}, {"_id": "b", "s": ""},
        {"_id": "c", "s": bson.Code("\0"), "t": bson.Regex("\x01")}, {"_id": "d\0", "s": {"\U0010ffff": "\0"}},
    ]  # fmt: skip
    tasks.create_index("s")
    tasks.insert_many(documents)
    assert list(tasks.find()) == documents
    for document in documents:
        assert list(tasks.find({"_id": document["_id"]})) == [document]
        assert list(tasks.find({"s": document["s"]})) == [document]
    assert [found["_id"] for found in tasks.find({"s": {"$gt": "", "$lt": "\2"}})] == ["a\0b", "a"]
    assert [found["_id"] for found in tasks.find({"t": {"$regex": r"^\x00"}})] == ["a\0b"]
    assert [found["_id"] for found in tasks.find({"t.n": {"$in": ["\1\0"]}})] == ["a\0b"]
    assert store.verify().ok


def test_the_types_of_numbers(store: mongoglot.Store) -> None:
    values: list[Any] = [
        1, 2**31 - 1, -(2**31), Int64(1), 2**31, -(2**63), 1.0, 0.5, 1e300, 5e-324, float("inf"),
        float("nan"), -0.0,
        Decimal128("1"), Decimal128("1.5"), Decimal128("1E-6176"), Decimal128("9E6144"), Decimal128("NaN"),
        Decimal128("-Infinity"), "x", None,
    ]  # fmt: skip
    tasks, reference = store["numbers"], mongoglot.connect("memory:")["numbers"]
    for collection in tasks, reference:
        collection.insert_many({"_id": number, "v": value} for number, value in enumerate(values))
    for types in (
        ["int"],
        ["long"],
        ["double"],
        ["decimal"],
        ["int", "long"],
        ["double", "string"],
        ["number", "null"],
    ):
        query = {"v": {"$type": types}}
        assert list(map(bson.encode, tasks.find(query))) == list(map(bson.encode, reference.find(query))), (
            types
        )
    assert tasks.explain({"v": {"$type": ["int", "long"]}})["residual"] is None


@pytest.mark.parametrize(
    ("pattern", "options", "prefix"),
    [
        ("^abc", "", "abc"), ("^ab*", "", "a"), ("^ab?", "", "a"), ("^ab{0}", "", "a"), ("^ab+", "", "ab"),
        ("^ab.c", "s", "ab"), ("abc", "", ""), ("^a|b", "", ""), ("^ab", "i", ""), ("^ab", "m", ""),
        ("^a b", "x", ""),
        ("^", "", ""), ("^(a|b)", "", ""), ("(^a)", "", ""),
    ],
)  # fmt: skip
def test_prefixes_of_patterns(pattern: str, options: str, prefix: str) -> None:
    assert regex_prefix(Pattern(pattern, options)) == prefix


def test_prefixes_of_globs() -> None:
    globs = ["ab*", "a?b", "[ab]c", "abc", "*", "a\0*", "\U0010ffffa*"]
    assert [glob_prefix(glob) for glob in globs] == [
        "ab",
        "a",
        "",
        "abc",
        "",
        "a\1\1",
        "\U0010ffffA\U0010ffffa",
    ]


# ---- plans ---------------------------------------------------------------------------------------


def test_plans_use_the_indexes(store: mongoglot.Store) -> None:
    tasks = store["plans"]
    tasks.create_index("a")
    tasks.create_index([("b.c", 1), ("d", -1)])
    tasks.insert_many(
        {"_id": n, "a": n if n % 7 else [n, n + 1], "b": [{"c": n % 50}], "d": n % 3} for n in range(5000)
    )
    tasks.create_index("late")  # made now, so that the tables are known to the planner
    store.backend.server.rows(f"ANALYZE {store.backend.tables.named('plans')}")  # type: ignore[attr-defined]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"a": 77}, ["a_1"]), ({"a": {"$gte": 10, "$lt": 20}}, ["a_1"]), ({"a": {"$in": [5, 900]}}, ["a_1"]),
        ({"b.c": 7, "d": 1}, ["b.c_1_d_-1"]), ({"_id": {"$gt": 10, "$lt": 12}}, ["_id_"]),
        ({"$or": [{"a": 3}, {"b.c": 8}]}, ["a_1", "b.c_1_d_-1"]),
    ]  # fmt: skip
    for query, indexes in cases:
        assert tasks.explain(query)["indexes"] == indexes, query
        plan = plan_of(tasks, query)
        assert "Seq Scan" not in plan, plan
        assert re.search(r"Index Cond: \(+\"?_row\"? = ANY", plan), plan
        assert re.search(r"Index (Only )?Scan (using|on) \"?((\(2\) )?index of plans|plans__key)", plan), plan
    plan = plan_of(tasks, {"_id": 77})
    assert re.search(r"Index Scan using plans__key_key|Bitmap Index Scan on plans__key_key", plan), plan
    assert [found["_id"] for found in tasks.find({"a": 78})] == [77, 78]


def test_typed_columns_are_plain_comparisons(postgresql: str, schema: str) -> None:
    columns = (
        Column("level", "number", indexed=True), Column("user", "string", "who.name", indexed=True),
        Column("at", "date"), Column("ok", "bool"),
    )  # fmt: skip
    day = datetime.datetime(2026, 1, 1)
    documents: list[dict[str, Any]] = [
        {
            "_id": n,
            "level": n / 4,
            "who": {"name": f"u{n}"},
            "at": day + datetime.timedelta(n),
            "ok": n % 2 == 0,
        }
        for n in range(4000)
    ]
    documents += [
        {"_id": "list", "level": [3, 999], "who": [{"name": "u5"}]}, {"_id": "none"},
        {"_id": "null", "level": None},
        {"_id": "text", "level": "3", "who": {"name": 5}, "at": 5, "ok": 1}, {"_id": "inf", "level": float("inf")},
        {"_id": "nan", "level": float("nan")}, {"_id": "long", "level": Int64(3)},
        {"_id": "nul", "who": {"name": "u\0"}},
        {"_id": "decimal", "level": Decimal128("3.00")},
    ]  # fmt: skip
    table = Table("log", columns)
    queries: list[dict[str, Any]] = [
        {"level": 3}, {"level": {"$gt": 999}}, {"level": {"$in": [3, "3", None, 7.25]}}, {"who.name": "u5"},
        {"who.name": {"$gt": "u39", "$lte": "u4"}}, {"who.name": "u\0"}, {"at": day}, {"at": {"$lt": day}},
        {"ok": True},
        {"$nor": [{"level": {"$lt": 998}}]}, {"level": None}, {"level": {"$ne": 3}}, {"level": "3"},
        {"ok": {"$gte": False}},
        {"level": float("inf")}, {"level": float("nan")}, {"level": {}},
        {"who.name": {"$in": ['"', "\\", "u7", "{}"]}},
    ]  # fmt: skip
    reference = mongoglot.connect("memory:")["log"]
    reference.insert_many(documents)
    with mongoglot.connect(postgresql, schema=schema) as store:
        store["log"].insert_many(documents)
    with mongoglot.connect(postgresql, schema=schema, tables=[table]) as store:  # declared later: filled
        log = store["log"]
        store.backend.server.rows(f"ANALYZE {store.backend.tables.named('log')}")  # type: ignore[attr-defined]
        for query in queries:
            assert list(map(bson.encode, log.find(query))) == list(map(bson.encode, reference.find(query))), (
                query
            )
        for query, index in ({"level": 3}, "log_level_idx"), ({"who.name": "u5"}, "log_user_idx"):
            plan = plan_of(log, query)
            assert index in plan, plan
            assert "Seq Scan" not in plan, plan
        log.update_many({"level": {"$gt": 990}}, {"$set": {"level": "high"}})
        assert log.count_documents({"level": "high"}) == reference.count_documents({"level": {"$gt": 990}})
        assert store.verify().ok
    other = Table("log", (Column("ok", "number"),))
    store = mongoglot.connect(postgresql, schema=schema, tables=[other])
    with store, pytest.raises(StoreError, match="was declared as"):
        store["log"].find_one()


# ---- names, schemas, several stores --------------------------------------------------------------

NAMES = (
    'a"; DROP SCHEMA x; --',
    "'",
    "select",
    "é" * 40,
    "x" * 300,
    "x" * 299,
    "%s %(a)s %%",
    "mongoglot collections",
    "{}",
    "A",
    "a",
)


def test_names_of_collections_and_schemas(postgresql: str) -> None:
    for schema in ('own"; DROP TABLE x; --', "select", "100% 'own' $1", "é" * 31):
        with mongoglot.connect(postgresql, schema=schema) as store:
            for number, name in enumerate(NAMES):
                store[name].create_index("a", unique=True)
                store[name].insert_one({"_id": number, "a": name})
            for number, name in enumerate(NAMES):
                assert list(store[name].find({"a": name})) == [{"_id": number, "a": name}]
            assert store.collection_names() == sorted(NAMES)
            assert store.verify().ok
            for name in NAMES:
                store[name].drop()
            assert store.collection_names() == []
    for wrong in ("", "a\0", "x" * 64, "pg_own", 5):
        with pytest.raises(UnsupportedError, match="cannot name a schema"):
            mongoglot.connect(postgresql, schema=wrong)


def test_columns_that_are_refused(postgresql: str, schema: str) -> None:
    for name in ("_doc", "_row", "x" * 64):
        store = mongoglot.connect(postgresql, schema=schema, tables=[Table("t", (Column(name, "number"),))])
        with store, pytest.raises(UnsupportedError, match="cannot"):
            store["t"].insert_one({})


def test_a_schema_of_something_else_is_left_alone(
    postgresql: str, schema: str, database: psycopg.Connection[Any]
) -> None:
    name = sql.Identifier(schema)
    database.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    database.execute(sql.SQL('CREATE TABLE {}."mongoglot collections" (a int)').format(name))
    with pytest.raises(StoreError, match="no store's, or that of a newer mongoglot; it was left untouched"):
        mongoglot.connect(postgresql, schema=schema)


def test_two_stores_share_a_schema(postgresql: str, schema: str) -> None:
    start = threading.Barrier(6)

    def work(worker: int) -> None:
        start.wait()
        with mongoglot.connect(postgresql, schema=schema) as store:
            for number in range(10):
                store["shared"].insert_one({"worker": worker, "n": number})
                store[f"own {worker}"].insert_one({"n": number})
                if number == 3:
                    store["shared"].create_index("worker")
                store["shared"].update_many({}, {"$set": {f"seen{worker}": number}})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with (
        mongoglot.connect(postgresql, schema=schema) as first,
        mongoglot.connect(postgresql, schema=schema) as second,
    ):
        assert first["shared"].count_documents({}) == 60
        assert all(first["shared"].count_documents({"worker": worker}) == 10 for worker in range(6))
        assert first.verify().ok
        first["shared"].create_index("n")
        assert second["shared"].explain({"n": 3})["indexes"] == ["n_1"]
        first["shared"].drop()
        assert list(second["shared"].find()) == []
        second["shared"].insert_one({"_id": 1})
        assert list(first["shared"].find()) == [{"_id": 1}]


def test_a_unique_key_is_unique_for_all_stores(postgresql: str, schema: str) -> None:
    with mongoglot.connect(postgresql, schema=schema) as store:
        store["keys"].create_index("k", unique=True)

    refused: list[tuple[bool, str]] = []

    def work(worker: int) -> int:
        done = 0
        with mongoglot.connect(postgresql, schema=schema) as store:
            for number in range(20):
                try:
                    store["keys"].insert_one({"k": [number] if worker % 2 else number, "worker": worker})
                except DuplicateKeyError as error:
                    refused.append((error.key == {"k": number}, error.index))
                else:
                    done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 20
    assert refused == [(True, "k_1")] * 60


# ---- the check of a store ------------------------------------------------------------------------

DAMAGES = {
    "jsonb": ("""UPDATE {}."log" SET "_doc" = '{{}}' WHERE "_row" = 2""", "in its column '_doc'"),
    "bson": ("""UPDATE {}."log" SET "_bson" = 'x' WHERE "_row" = 2""", "the document in row 2 of 'log' cannot be"),
    "key": ("""UPDATE {}."log" SET "_key" = 'x' WHERE "_row" = 2""", "has the _id 1, and another key"),
    "column": ("""UPDATE {}."log" SET "n" = 99 WHERE "_row" = 2""", "row 2 of 'log' has in its column 'n'"),
    "missing": ("""DELETE FROM {}."index of log" WHERE "_of" = 2""", "index 'n_1' of 'log' lacks the key"),
    "surplus": ("""INSERT INTO {}."index of log" VALUES ('-x', 2)""", "has 1 keys that no document has"),
    "table": ("""ALTER TABLE {}."log" DROP COLUMN "_bson" """, "'log' cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_told(
    postgresql: str, schema: str, database: psycopg.Connection[Any], damage: str
) -> None:
    with mongoglot.connect(
        postgresql, schema=schema, tables=[Table("log", (Column("n", "number"),))]
    ) as store:
        store["log"].create_index("n")
        store["log"].insert_many({"_id": n, "n": n} for n in range(3))
        assert store.verify() == mongoglot.store.Verification((), 3, 3)
        statement, told = DAMAGES[damage]
        database.execute(sql.SQL(statement).format(sql.Identifier(schema)))
        problems = store.verify().problems
        assert any(told in problem for problem in problems), problems


# ---- a server that fails -------------------------------------------------------------------------


@pytest.fixture
def network(postgresql: str) -> Iterator[tuple[Proxy, str]]:
    """A network between the tests and the server, and the URL of the server behind it."""
    parts = urlsplit(postgresql)
    folder = parse_qs(parts.query).get("host", [""])[0]
    address = (
        f"{folder}/.s.PGSQL.{parts.port or 5432}" if folder else (parts.hostname or "", parts.port or 5432)
    )
    proxy = Proxy(address)
    user = f"{parts.username}:{parts.password}@" if parts.password else f"{parts.username}@"
    yield proxy, f"postgresql://{user}127.0.0.1:{proxy.port}{parts.path}"
    proxy.go_on()
    proxy.cut()


def calls(tasks: mongoglot.Collection) -> list[Callable[[], Any]]:
    return [
        lambda: tasks.insert_one({"_id": "lost"}), lambda: tasks.find_one({"_id": 1}),
        lambda: tasks.update_one({"_id": 1}, {"$set": {"a": 2}}), lambda: tasks.delete_one({"_id": 1}),
        lambda: tasks.insert_many([{"_id": "lost"}]), lambda: tasks.count_documents({}),
        lambda: tasks.create_index("a"), lambda: list(tasks.list_indexes()), tasks.store.collection_names,
        lambda: tasks.explain({}), tasks.store.verify, tasks.drop,
    ]  # fmt: skip


def test_a_server_goes_away_and_comes_back(network: tuple[Proxy, str], schema: str) -> None:
    proxy, url = network
    with mongoglot.connect(url, schema=schema, timeout=0.5) as store:
        tasks = store["tasks"]
        tasks.insert_many([{"_id": number} for number in range(500)])
        proxy.cut()
        for call in calls(tasks):
            start = time.monotonic()
            with pytest.raises(
                StoreError, match=r"^(no PostgreSQL server|the connection .* broke).*127\.0\.0\.1"
            ):
                call()
            assert time.monotonic() - start < BOUND
        proxy.open()
        assert [each["_id"] for each in tasks.find()] == list(range(500))
        proxy.cut()
        proxy.open()  # it was away while nobody asked
        tasks.insert_one({"_id": "back"})
        assert tasks.count_documents({}) == 501
        assert store.verify().ok


def test_a_write_that_breaks_in_the_middle_is_not_there(network: tuple[Proxy, str], schema: str) -> None:
    proxy, url = network
    with mongoglot.connect(url, schema=schema, timeout=0.5) as store:
        tasks = store["tasks"]
        tasks.insert_one({"_id": "first"})

        def documents() -> Iterator[dict[str, Any]]:
            for number in range(5000):
                if number == 2500:
                    proxy.cut()
                yield {"_id": number}

        with pytest.raises(StoreError, match="broke"):
            tasks.insert_many(documents())
        proxy.open()
        assert list(tasks.find()) == [{"_id": "first"}]


def test_a_server_hangs_and_goes_on(network: tuple[Proxy, str], schema: str) -> None:
    proxy, url = network
    with mongoglot.connect(url, schema=schema, timeout=0.5) as store:
        tasks = store["tasks"]
        tasks.insert_one({"_id": 1})
        proxy.hang()
        start = time.monotonic()
        with pytest.raises(StoreError, match="PostgreSQL server"):
            tasks.find_one({"_id": 1})
        assert time.monotonic() - start < BOUND
        proxy.go_on()
        assert tasks.find_one({"_id": 1}) == {"_id": 1}


def test_no_server_is_there(network: tuple[Proxy, str]) -> None:
    proxy, _ = network
    proxy.cut()
    url = f"postgresql://ada:secret@127.0.0.1:{proxy.port}/x"
    start = time.monotonic()
    with pytest.raises(
        StoreError, match=r"^no PostgreSQL server answers at postgresql://127.0.0.1"
    ) as caught:
        mongoglot.connect(url, timeout=0.5)
    assert "secret" not in str(caught.value)
    assert time.monotonic() - start < BOUND


@pytest.mark.parametrize(
    "url", ["postgresql://[::1/x", "postgresql://h/x?nonsense=secret", "postgres://%zz@h/"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(StoreError, match="is not valid for a PostgreSQL server") as caught:
        mongoglot.connect(url, timeout=0.5)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True, None, 10**9])
def test_timeouts_that_are_none(timeout: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"^timeout is a number of seconds"):
        mongoglot.connect("postgresql://127.0.0.1:1/x", timeout=timeout)


def test_a_closed_store(store: mongoglot.Store) -> None:
    store.close()
    store.close()
    for call in calls(store["tasks"]):
        with pytest.raises(StoreError, match="is closed"):
            call()
