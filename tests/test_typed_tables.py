"""Typed columns of tables that mongoglot did not make: the answers are those of the rows as documents."""

from __future__ import annotations

import datetime
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Context, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import apsw
import bson
import duckdb
import psycopg
import pytest
from bson import Decimal128

import mongoglot
from mongoglot import Column, Table
from mongoglot.compiler.sort import read_sort
from mongoglot.engines.base import FindRequest, residual_check
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Affinity, Collation
from mongoglot.tables.backend import TableBackend
from tests import typed_tables
from tests.typed_tables import Rows, Typed

if TYPE_CHECKING:
    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

Select: TypeAlias = Callable[[str, dict[str, Any]], list[int]]
"""The numbers of the rows of table t for which a condition holds, in order."""


class Filled(NamedTuple):
    """A database with random rows in its table t."""

    connection: Any
    select: Select
    columns: tuple[Typed, ...]
    rows: Rows


COLUMNS = {
    "sqlite": typed_tables.SQLITE,
    "postgresql": typed_tables.POSTGRESQL,
    "duckdb": typed_tables.DUCKDB,
}


def declarations(columns: tuple[Typed, ...]) -> str:
    return ", ".join(f"{quoted(typed.column.name)} {typed.declared}" for typed in columns)


def in_sqlite(columns: tuple[Typed, ...], rows: Rows) -> tuple[Any, Select]:
    connection = apsw.Connection(":memory:")
    mongoglot.register_functions(connection)
    connection.execute(f"CREATE TABLE t (row INTEGER PRIMARY KEY, {declarations(columns)})")
    places = ", ".join("?" * (len(columns) + 1))
    for number, row in enumerate(rows.stored):
        connection.execute(f"INSERT INTO t VALUES ({places})", (number, *row))  # noqa: S608 - words of ours
    return connection, lambda text, parameters: [
        row
        for (row,) in connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row", parameters)  # noqa: S608
    ]


def in_postgresql(
    columns: tuple[Typed, ...], rows: Rows, request: pytest.FixtureRequest
) -> tuple[Any, Select]:
    connection = psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True)
    request.addfinalizer(connection.close)
    words = declarations(columns)
    connection.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (row integer PRIMARY KEY, {words})".encode())
    places = ", ".join(["%s"] * (len(columns) + 1))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO t VALUES ({places})".encode(),  # noqa: S608 - words of ours
            [(number, *row) for number, row in enumerate(rows.stored)],
        )

    def select(text: str, parameters: dict[str, Any]) -> list[int]:
        found = connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row".encode(), parameters)  # noqa: S608
        return [row for (row,) in found]

    return connection, select


def in_duckdb(columns: tuple[Typed, ...], rows: Rows) -> tuple[Any, Select]:
    connection = duckdb.connect(":memory:")
    connection.execute(f"CREATE TABLE t (row INTEGER PRIMARY KEY, {declarations(columns)})")
    places = ", ".join("?" * (len(columns) + 1))
    connection.executemany(
        f"INSERT INTO t VALUES ({places})",  # noqa: S608 - words of ours
        [[number, *row] for number, row in enumerate(rows.stored)],
    )

    def select(text: str, parameters: dict[str, Any]) -> list[int]:
        found = connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row", parameters)  # noqa: S608
        return [row for (row,) in found.fetchall()]

    return connection, select


def filled(database: str, request: pytest.FixtureRequest, rng: random.Random, count: int) -> Filled:
    """Random rows in a database."""
    columns = COLUMNS[database]
    rows = typed_tables.random_rows(rng, columns, database, count)
    match database:
        case "sqlite":
            connection, select = in_sqlite(columns, rows)
        case "postgresql":
            connection, select = in_postgresql(columns, rows, request)
        case _:
            connection, select = in_duckdb(columns, rows)
    return Filled(connection, select, columns, rows)


def compare(database: str, request: pytest.FixtureRequest, seed: int, count: int, filters: int) -> None:
    """Ask random filters of random rows."""
    rng = random.Random(seed)
    _, select, columns, rows = filled(database, request, rng, count)
    table = typed_tables.table_of(columns)
    matched = complete = 0
    for _ in range(filters):
        condition = typed_tables.typed_filter(rng, columns, rows.documents)
        query = mongoglot.compile(condition)
        expected = [position for position, document in enumerate(rows.documents) if query.matches(document)]
        assert found(select, query, database, table, rows) == expected, (
            condition,
            query.to_sql(database, table=table),
        )
        matched += len(expected)
        complete += query.to_sql(database, table=table).residual is None
    print(
        f"{database}: {filters * count:,} decisions, {matched:,} matches, {complete} of {filters} without residual"
    )
    assert filters * count * 0.05 < matched < filters * count * 0.95
    assert complete > filters * 0.6


def found(select: Select, query: mongoglot.Query, database: str, table: Table, rows: Rows) -> list[int]:
    sql = query.to_sql(database, table=table)
    candidates = select(sql.text, sql.parameters)
    check = residual_check(query, sql.residual)
    return [position for position in candidates if check is None or check(rows.documents[position])]


@pytest.mark.parametrize("database", COLUMNS)
def test_typed_columns(database: str, request: pytest.FixtureRequest) -> None:
    compare(database, request, SEED, 60, 300)


@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("database", COLUMNS)
def test_typed_columns_at_length(database: str, number: int, request: pytest.FixtureRequest) -> None:
    compare(database, request, SEED * 1000 + number, 100, 2000)


# ---- what a random filter seldom meets --------------------------------------------------------------

WIDE = Typed(Column("n", "decimal", precision=38, scale=20), "numeric(38, 20)", "wide")
WIDE_WHOLE = Typed(Column("n", "decimal", precision=38, scale=0), "numeric(38, 0)", "wide")


@pytest.mark.parametrize("typed", [WIDE, WIDE_WHOLE], ids=["fraction", "whole"])
@pytest.mark.parametrize("database", ["postgresql", "duckdb"])
def test_bounds_of_decimals_keep_their_digits(
    database: str, typed: Typed, request: pytest.FixtureRequest
) -> None:
    scale = typed.column.scale or 0
    digits = ("1", "12345678901234567890123456789012340000", "12345678901234567890123456789012350000")
    stored = [[Decimal(f"{sign}{number}E-{scale}")] for number in digits for sign in ("", "-")]
    documents = [{"n": Decimal128(number)} for (number,) in stored]
    rows = Rows(stored, documents)
    connect = partial(in_postgresql, request=request) if database == "postgresql" else in_duckdb
    _, select = connect((typed,), rows)
    table = typed_tables.table_of((typed,))
    operands = [*(document["n"] for document in documents), math.inf, -math.inf, 1e308, 2**63 - 1, 0.1]
    for operand in operands:
        for condition in ({"$eq": operand}, {"$gt": operand}, {"$lte": operand}, {"$in": [operand, 7]}):
            query = mongoglot.compile({"n": condition})
            expected = [number for number, document in enumerate(documents) if query.matches(document)]
            assert found(select, query, database, table, rows) == expected, condition


@pytest.mark.parametrize("operator", [{"$bitsAllSet": 5}, {"$bitsAnyClear": [63]}, {"$mod": [4, 1]}], ids=str)
def test_numbers_beyond_an_int64_inside_structs_are_not_cast(operator: dict[str, Any]) -> None:
    typed = Typed(Column("st", "struct", fields=(Column("x", "double"),)), "STRUCT(x DOUBLE)", "struct")
    documents = [{"st": {"x": number}} for number in (1.0, 5.0, None, 0.5, math.nan, math.inf, -1e300)]
    rows = Rows([[document["st"]] for document in documents], documents)
    _, select = in_duckdb((typed,), rows)
    query = mongoglot.compile({"st.x": operator})
    expected = [number for number, document in enumerate(documents) if query.matches(document)]
    assert found(select, query, "duckdb", typed_tables.table_of((typed,)), rows) == expected
    assert expected


# ---- tables that are found out about, and read ------------------------------------------------------


def canonical(document: dict[str, Any]) -> bytes:
    """A document as bytes, its decimals without zeros behind their digits, which numeric does not keep so."""

    def shortened(value: Any) -> Any:
        match value:
            case dict():
                return {name: shortened(item) for name, item in value.items()}
            case list():
                return list(map(shortened, value))
            case Decimal128():
                return str(value.to_decimal().normalize(Context(prec=40)))
            case _:
                return value

    return bson.encode(shortened(document))


@pytest.mark.parametrize("database", COLUMNS)
def test_rows_are_read_as_documents(database: str, request: pytest.FixtureRequest) -> None:
    rng = random.Random(SEED)
    connection, _, columns, rows = filled(database, request, rng, 100)
    table = typed_tables.table_of(columns)
    read = list(mongoglot.find(connection, table))
    assert list(map(canonical, read)) == list(map(canonical, rows.documents))
    matched = 0
    for _ in range(40):
        condition = typed_tables.typed_filter(rng, columns, rows.documents)
        query = mongoglot.compile(condition)
        expected = [document for document in rows.documents if query.matches(document)]
        answer = list(mongoglot.find(connection, table, condition, skip=1, limit=5))
        assert list(map(canonical, answer)) == list(map(canonical, expected[1:6])), condition
        matched += len(answer)
    assert matched > 20


@pytest.mark.parametrize("database", COLUMNS)
def test_what_is_found_out_about_a_table(database: str, request: pytest.FixtureRequest) -> None:
    connection, _, columns, rows = filled(database, request, random.Random(SEED), 30)
    table = mongoglot.reflect(connection, "t")
    assert (table.name, table.key, table.document) == ("t", ("row",), None)
    assert table.columns[0] == Column("row", "int", nullable=False)
    for typed, column in zip(columns, table.columns[1:], strict=True):
        declared = replace(typed.column, path=typed.column.name)
        if database == "sqlite":
            word = typed.declared.split()[0]
            declared = Column(declared.name, "any", nullable=declared.nullable, affinity=AFFINITIES[word])
        elif declared.type == "date":
            declared = replace(declared, type="int")
        if database == "duckdb":  # which of the columns has a collation is not told
            declared = with_collation(declared, "other")
        if database == "postgresql" and declared.collation == "default" and is_by_bytes(connection):
            declared = with_collation(declared, "bytes")
        assert column == declared
    (document,) = mongoglot.find(connection, "t", {"row": 7}, ["row", "s"])
    assert document == {"row": 7, "s": rows.documents[7]["s"]}


AFFINITIES: dict[str, Affinity] = {"TEXT": "text", "INTEGER": "number", "REAL": "number", "BLOB": "none"}


def with_collation(column: Column, collation: Collation) -> Column:
    """The column and what is in it, its text compared so."""
    return replace(
        column,
        collation=collation if column.type == "string" else "default",
        element=column.element and with_collation(column.element, collation),
        fields=tuple(with_collation(field, collation) for field in column.fields),
    )


def is_by_bytes(connection: psycopg.Connection[Any]) -> bool:
    """Whether text of a database of PostgreSQL, with an order of libc, compares by its bytes by default."""
    name = "SELECT datcollate FROM pg_database WHERE datname = current_database() AND datlocprovider = 'c'"
    found = connection.execute(name).fetchone()
    return found is not None and found[0] in ("C", "POSIX", "C.UTF-8", "C.utf8")


# ---- the database's own indexes ----------------------------------------------------------------------

INDEXED: dict[str, Any] = {
    "$eq": 5, "range": {"$gte": 5, "$lt": 8}, "$in": {"$in": [5, 7]}, "of a decimal": Decimal128("5.0"),
    "of a double": {"$gt": 4.5, "$lt": 5.5},
}  # fmt: skip

DATED: dict[str, Any] = {
    "$eq": datetime.datetime(2020, 1, 1), "$in": {"$in": [datetime.datetime(2020, 1, 1)]},
    "range": {"$gt": datetime.datetime(2020, 1, 1), "$lte": datetime.datetime(2020, 1, 2)},
}  # fmt: skip

QUESTIONS = {
    **{f"int {name}": {"i": operand} for name, operand in INDEXED.items()},
    **{f"double {name}": {"d": operand} for name, operand in INDEXED.items()},
    **{f"date {name}": {"at": operand} for name, operand in DATED.items()},
    "string $eq": {"s": "v5"}, "string $in": {"s": {"$in": ["v5", "v7"]}},
    "string range": {"s": {"$gt": "v5", "$lt": "v6"}},
}  # fmt: skip


def plan_of(connection: Any, database: str, sql: Any) -> str:
    """What the database says that it will do."""
    words = "EXPLAIN QUERY PLAN" if database == "sqlite" else "EXPLAIN"
    text = f"{words} SELECT * FROM indexed WHERE {sql.text}"  # noqa: S608 - the text that is tested
    found = connection.execute(text.encode() if database == "postgresql" else text, sql.parameters)
    return "\n".join(str(row[-1]) for row in (found.fetchall() if hasattr(found, "fetchall") else found))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def indexed(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any, Table]]:
    """A table of 5,000 rows with an index on each column."""
    if request.param == "sqlite":
        connection: Any = apsw.Connection(":memory:")
        series = "WITH g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n < 4999) SELECT n FROM g"
        types = {"i": "INTEGER", "d": "REAL", "s": "TEXT", "at": "INTEGER"}
        at = "1577836800000 + n * 3600000"
    else:
        connection = psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True)
        series = "SELECT n FROM generate_series(0, 4999) AS g(n)"
        types = {"i": "bigint", "d": "double precision", "s": 'text COLLATE "C"', "at": "timestamp"}
        at = "timestamp '2020-01-01' + n * interval '1 hour'"
    connection.execute("DROP TABLE IF EXISTS indexed")
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    connection.execute(f"CREATE TABLE indexed (row integer PRIMARY KEY, {columns})")
    connection.execute(f"INSERT INTO indexed SELECT n, n, n, 'v' || n, {at} FROM ({series}) AS source")  # noqa: S608
    for name in types:
        connection.execute(f"CREATE INDEX indexed_{name} ON indexed ({name})")
    connection.execute("ANALYZE")
    table = mongoglot.reflect(connection, "indexed")
    if request.param == "sqlite":  # which holds no dates: these are milliseconds
        columns_of = (column if column.name != "at" else Column("at", "date") for column in table.columns)
        table = replace(table, columns=tuple(columns_of))
    yield request.param, connection, table
    connection.close()


@pytest.mark.parametrize("name", QUESTIONS)
def test_indexes_of_the_database_serve(name: str, indexed: tuple[str, Any, Table]) -> None:
    database, connection, table = indexed
    sql = mongoglot.compile(QUESTIONS[name]).to_sql(database, table=table)
    assert sql.residual is None
    plan = plan_of(connection, database, sql)
    used = "USING INDEX indexed_" if database == "sqlite" else "on indexed_"
    covering = "USING COVERING INDEX indexed_"
    assert used in plan or covering in plan or "using indexed_" in plan, plan
    assert "SCAN indexed" not in plan
    assert "Seq Scan" not in plan


def test_duckdb_finds_by_its_index_and_skips_by_its_zones() -> None:
    connection = duckdb.connect(":memory:")
    connection.execute("CREATE TABLE indexed (row INTEGER PRIMARY KEY, i BIGINT)")
    connection.execute("INSERT INTO indexed SELECT n, n FROM range(500000) AS g(n)")
    table = mongoglot.reflect(connection, "indexed")
    by_key = mongoglot.compile({"row": 77}).to_sql("duckdb", table=table)
    run = connection.execute(f"EXPLAIN ANALYZE SELECT * FROM indexed WHERE {by_key.text}", by_key.parameters)  # noqa: S608
    assert "Index Scan" in str(run.fetchall())
    for condition in (
        {"i": {"$gte": 5, "$lt": 9}},
        {"i": 5},
    ):  # a filter of the scan, which its zone maps serve
        plan = plan_of(connection, "duckdb", mongoglot.compile(condition).to_sql("duckdb", table=table))
        assert "Filters:" in plan
        assert "CAST" not in plan, plan


# ---- sorts -------------------------------------------------------------------------------------------

SORTING = ("postgresql",)


@pytest.mark.parametrize("database", SORTING)
def test_sorts_in_sql_are_those_of_documents(
    database: str, request: pytest.FixtureRequest, server: Database[dict[str, Any]]
) -> None:
    rng = random.Random(SEED + 200)
    connection, _, columns, rows = filled(database, request, rng, 120)
    documents = [{**document, "row": number} for number, document in enumerate(rows.documents)]
    collection = server[f"sorted_{database}"]
    collection.insert_many([{"_id": document["row"], **document} for document in documents])
    declared = typed_tables.table_of(columns)
    table = replace(declared, columns=(*declared.columns, Column("row", "int", nullable=False)))
    flat = [typed.column.path for typed in columns if not typed.column.is_nested]
    for first in (*flat, "ints"):
        names = [first, *rng.sample([name for name in flat if name != first], rng.randrange(3)), "row"]
        sort = [(name, rng.choice((1, -1))) for name in names]
        condition = typed_tables.typed_filter(rng, columns, rows.documents)
        expected = [found["_id"] for found in collection.find(condition, {"_id": 1}, sort=sort)]
        skip, limit = rng.choice(((0, 0), (2, 0), (0, 7), (3, 20)))
        answer = mongoglot.find(connection, table, condition, ["row"], sort=sort, skip=skip, limit=limit)
        wanted = expected[skip : skip + limit if limit else None]
        assert [row["row"] for row in answer] == wanted, (condition, sort)
        asked = FindRequest(mongoglot.compile({}).started(), sort=read_sort(sort), limit=5)
        explained = TableBackend(connection, table).explain("t", asked)
        assert explained["sort"] == ("Python" if first == "ints" else "SQL")
        everything = [found["_id"] for found in collection.find({}, {"_id": 1}, sort=sort, limit=5)]
        answer = mongoglot.find(connection, table, {}, ["row"], sort=sort, limit=5)
        assert [row["row"] for row in answer] == everything, sort


# ---- a server of MongoDB ---------------------------------------------------------------------------


@pytest.mark.parametrize("database", COLUMNS)
def test_answers_are_those_of_a_server(
    database: str, request: pytest.FixtureRequest, server: Database[dict[str, Any]]
) -> None:
    rng = random.Random(SEED + 100)
    connection, _, columns, rows = filled(database, request, rng, 60)
    collection = server[f"typed_{database}"]
    collection.insert_many([{"_id": number, **document} for number, document in enumerate(rows.documents)])
    table = replace(
        typed_tables.table_of(columns),
        columns=(*typed_tables.table_of(columns).columns, Column("row", "int")),
    )
    matched = 0
    for _ in range(150):
        condition = typed_tables.typed_filter(rng, columns, rows.documents)
        expected = sorted(document["_id"] for document in collection.find(condition, {"_id": 1}))
        found = sorted(document["row"] for document in mongoglot.find(connection, table, condition, ["row"]))
        assert found == expected, condition
        matched += len(found)
    assert matched > 300
