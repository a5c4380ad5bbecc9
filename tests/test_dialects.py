"""The dialects of SQL that are written and not run here: they parse, without unknown functions, or refuse."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from bson import Decimal128
from bson.datetime_ms import DatetimeMS
from sqlglot import exp, parse_one

import mongoglot
from mongoglot import Column, Table, UnsupportedError
from mongoglot.engines.sql.dialects import DIALECTS
from tests import typed_tables

SEED = 1
WRITTEN = ("spark", "trino", "mysql", "bigquery", "clickhouse", "snowflake")
RUN = ("sqlite", "postgresql", "duckdb", "spark")

TABLE = Table(
    "t",
    (
        Column("s", "string"), Column("i", "int", nullable=False), Column("d", "double"), Column("t", "bool"),
        Column("n", "decimal", precision=10, scale=2), Column("at", "timestamp"),
        Column("zone", "timestamptz", "e.at"), Column("day", "day"), Column("date", "date"), Column("b", "binary"),
        Column("st", "struct", fields=(Column("x", "int"),)),
        Column("l", "list", element=Column("element", "int")), Column("j", "json"),
    ),
    document=None,
)  # fmt: skip


def test_what_is_run() -> None:
    assert [name for name, dialect in DIALECTS.items() if dialect.executed] == list(RUN)
    for name in DIALECTS:
        sql = mongoglot.compile({"i": 5}).to_sql(name, table=TABLE)
        assert (sql.dialect, sql.executed) == (name, name in RUN)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_parses(name: str) -> None:
    rng = random.Random(SEED)
    columns = (*typed_tables.DUCKDB, *typed_tables.POSTGRESQL[:1])
    documents = typed_tables.random_rows(rng, typed_tables.DUCKDB, "duckdb", 40).documents
    table = typed_tables.table_of(typed_tables.DUCKDB)
    written = refused = 0
    for _ in range(250):
        query = mongoglot.compile(typed_tables.typed_filter(rng, columns, documents))
        try:
            sql = query.to_sql(name, table=table)
        except UnsupportedError:
            refused += 1
            continue
        assert sql.residual is None
        tree = parse_one(f"SELECT 1 FROM t WHERE {sql.text}", dialect=DIALECTS[name].printed)  # noqa: S608 - it is parsed
        assert not list(tree.find_all(exp.Anonymous, exp.Command)), sql.text
        named = {node.name for node in tree.find_all(exp.Placeholder, exp.Parameter)}
        assert named == set(sql.parameters)
        written += 1
    assert written > 40
    assert refused > 10


@pytest.mark.parametrize(
    ("name", "condition", "text"),
    [
        ("spark", {"s": {"$gte": "a"}}, "`s` >= CAST(:c0 AS STRING)"),
        ("spark", {"at": {"$lt": datetime.datetime(2026, 1, 1)}}, "`at` < CAST(:c0 AS TIMESTAMP_NTZ)"),
        ("trino", {"d": float("nan")}, 'IS_NAN("d")'),
        ("trino", {"d": {"$gt": 1}}, '"d" > CAST(:c0 AS DOUBLE)'),
        ("snowflake", {"d": {"$gt": 1}}, '("d" > CAST(:c0 AS DOUBLE)) AND ("d" < CAST(\'NaN\' AS DOUBLE))'),
        ("mysql", {"s": "a"}, "(`s` COLLATE `utf8mb4_0900_bin`) = CAST(:c0 AS CHAR)"),
        ("bigquery", {"i": {"$in": [1, 2]}}, "`i` IN (CAST(@c0_0 AS INT64), CAST(@c0_1 AS INT64))"),
        ("clickhouse", {"i": {"$ne": 1}}, 'NOT (COALESCE("i" = {c0: Nullable(Int64)}, FALSE))'),
        ("clickhouse", {"n": {"$gt": Decimal128("1.005")}}, '"n" >= {c0: Nullable(Decimal(10, 2))}'),
    ],
)  # fmt: skip
def test_texts(name: str, condition: dict[str, Any], text: str) -> None:
    if name == "clickhouse" and "i" in condition:
        text = 'NOT ("i" = {c0: Nullable(Int64)})'  # the column has no NULL
    assert mongoglot.compile(condition).to_sql(name, table=TABLE).text == text


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"s": {"$regex": "a"}}, "RegexMatch at 's' has no exact form in the SQL of "),
        ({"l": 5}, "Compare at 'l': columns of type 'list' are not in the SQL of "),
        ({"j.a": {"$exists": True}}, r"Exists at 'j\.a': columns of type 'json' are not in the SQL of "),
        ({"d": {"$mod": [2, 1]}}, "Mod at 'd' has no exact form in the SQL of "),
        ({"$expr": {"$eq": ["$i", 1]}}, "Expr has no exact form in the SQL of "),
        ({"$or": [{"i": 1}, {"e.at": {"$bitsAllSet": 1}, "s": {"$regex": "x"}}]}, "in the SQL of "),
    ],
)
def test_refusals_name_the_node(name: str, condition: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=f"{words}{name}" if words != "in the SQL of " else name):
        mongoglot.compile(condition).to_sql(name, table=TABLE)


def test_other_refusals() -> None:
    query = mongoglot.compile({"i": 1})
    with pytest.raises(
        UnsupportedError, match="writes no SQL for 'oracle', but for sqlite, postgresql, duckdb, spark"
    ):
        query.to_sql("oracle", table=TABLE)
    with pytest.raises(
        UnsupportedError, match=r"the SQL of trino is for a table: to_sql\('trino', table=Table"
    ):
        query.to_sql("trino")
    with pytest.raises(UnsupportedError, match="column 'n': duckdb needs its precision and scale"):
        mongoglot.compile({"n": 1}).to_sql("duckdb", table=Table("t", (Column("n", "decimal"),), None))
    with pytest.raises(UnsupportedError, match="dates of the year 292278994 cannot be said here"):
        mongoglot.compile({"at": DatetimeMS(2**63 - 1)}).to_sql("spark", table=TABLE)
    collated = Table("t", (Column("s", "string", collation="other"),), None)
    with pytest.raises(UnsupportedError, match="Compare at 's' has no exact form in the SQL of trino"):
        mongoglot.compile({"s": "a"}).to_sql("trino", table=collated)
    for name in ("a`b", "a\\b"):
        with pytest.raises(UnsupportedError, match="no name in the SQL of bigquery can be"):
            mongoglot.compile({name: 1}).to_sql("bigquery", table=Table("t", (Column(name, "int"),), None))
