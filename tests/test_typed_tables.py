"""Typed columns of tables that mongoglot did not make: the answers are those of the rows as documents."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import apsw
import duckdb
import psycopg
import pytest

import mongoglot
from mongoglot import Table
from mongoglot.engines.base import residual_check
from mongoglot.engines.sql.nodes import quoted
from tests import typed_tables
from tests.typed_tables import Rows, Typed

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

Select: TypeAlias = Callable[[str, dict[str, Any]], list[int]]
"""The numbers of the rows of table t for which a condition holds, in order."""

COLUMNS = {
    "sqlite": typed_tables.SQLITE,
    "postgresql": typed_tables.POSTGRESQL,
    "duckdb": typed_tables.DUCKDB,
}


def declarations(columns: tuple[Typed, ...]) -> str:
    return ", ".join(f"{quoted(typed.column.name)} {typed.declared}" for typed in columns)


def in_sqlite(columns: tuple[Typed, ...], rows: Rows) -> Select:
    connection = apsw.Connection(":memory:")
    mongoglot.register_functions(connection)
    connection.execute(f"CREATE TABLE t (row INTEGER PRIMARY KEY, {declarations(columns)})")
    places = ", ".join("?" * (len(columns) + 1))
    for number, row in enumerate(rows.stored):
        connection.execute(f"INSERT INTO t VALUES ({places})", (number, *row))  # noqa: S608 - words of ours
    return lambda text, parameters: [
        row
        for (row,) in connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row", parameters)  # noqa: S608
    ]


def in_postgresql(columns: tuple[Typed, ...], rows: Rows, request: pytest.FixtureRequest) -> Select:
    connection = psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True)
    request.addfinalizer(connection.close)
    words = declarations(columns)
    connection.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (row integer, {words})".encode())
    places = ", ".join(["%s"] * (len(columns) + 1))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO t VALUES ({places})".encode(),  # noqa: S608 - words of ours
            [(number, *row) for number, row in enumerate(rows.stored)],
        )

    def select(text: str, parameters: dict[str, Any]) -> list[int]:
        found = connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row".encode(), parameters)  # noqa: S608
        return [row for (row,) in found]

    return select


def in_duckdb(columns: tuple[Typed, ...], rows: Rows) -> Select:
    connection = duckdb.connect(":memory:")
    connection.execute(f"CREATE TABLE t (row INTEGER, {declarations(columns)})")
    places = ", ".join("?" * (len(columns) + 1))
    connection.executemany(
        f"INSERT INTO t VALUES ({places})",  # noqa: S608 - words of ours
        [[number, *row] for number, row in enumerate(rows.stored)],
    )

    def select(text: str, parameters: dict[str, Any]) -> list[int]:
        found = connection.execute(f"SELECT row FROM t WHERE {text} ORDER BY row", parameters)  # noqa: S608
        return [row for (row,) in found.fetchall()]

    return select


def compare(database: str, request: pytest.FixtureRequest, seed: int, count: int, filters: int) -> None:
    """Ask random filters of random rows."""
    rng, columns = random.Random(seed), COLUMNS[database]
    rows = typed_tables.random_rows(rng, columns, database, count)
    match database:
        case "sqlite":
            select = in_sqlite(columns, rows)
        case "postgresql":
            select = in_postgresql(columns, rows, request)
        case _:
            select = in_duckdb(columns, rows)
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
