"""Typed columns of tables that mongoglot did not make: the answers are those of the rows as documents."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Context
from typing import Any, NamedTuple, TypeAlias

import apsw
import bson
import duckdb
import psycopg
import pytest
from bson import Decimal128

import mongoglot
from mongoglot import Column, Table
from mongoglot.engines.base import residual_check
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Affinity
from tests import typed_tables
from tests.typed_tables import Rows, Typed

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
            declared = with_collation(declared)
        assert column == declared
    (document,) = mongoglot.find(connection, "t", {"row": 7}, ["row", "s"])
    assert document == {"row": 7, "s": rows.documents[7]["s"]}


AFFINITIES: dict[str, Affinity] = {"TEXT": "text", "INTEGER": "number", "REAL": "number", "BLOB": "none"}


def with_collation(column: Column) -> Column:
    """The column and what is in it, its text compared nobody knows how."""
    return replace(
        column,
        collation="other" if column.type == "string" else "default",
        element=column.element and with_collation(column.element),
        fields=tuple(map(with_collation, column.fields)),
    )
