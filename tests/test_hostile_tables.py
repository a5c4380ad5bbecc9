"""Names and values that try to become SQL: on the real databases nothing happens but the comparison."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

import apsw
import duckdb
import psycopg
import pytest
from sqlglot import exp, parse_one

import mongoglot
from mongoglot import Column, Table, UnsupportedError
from mongoglot.engines.sql.dialects import DIALECTS
from mongoglot.engines.sql.nodes import quoted

NAMES = (
    'a"b', "a'b", "a`b", 'x"; DROP TABLE victim; --', "x'; DROP TABLE victim; --", "select", "a%b", "a%sb",
    "%(c0)s", "a:b", ":c0", "a::b", "\\:c0", "a\\b", "$c0", "a?b", "a b", "é", "ß🎉", "/* */", "--", "a\nb",
    "{c0: S}", "@c0", "NULL", "1", "%%", "(a)", "mongoglot list",
)  # fmt: skip

VALUES = (
    "'; DROP TABLE victim; --", '"; DROP TABLE victim; --', "' OR '1'='1", "1); DELETE FROM victim; --", "%s",
    "%(c0)s", ":c0", "$c0", "?", "\\", "\\'", "''", "NULL", "é🎉", "$$", "*/", "/*", "--", "`", "{c0}", "a\nb",
    "%",
)  # fmt: skip


class Target(NamedTuple):
    """A database, how it quotes, and how many rows its other table has."""

    connection: Any
    place: str

    def execute(self, statement: str, parameters: Any = ()) -> list[Any]:
        """The rows that a statement gives."""
        if isinstance(self.connection, psycopg.Connection):
            cursor = self.connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        found = self.connection.execute(statement, parameters)
        return list(found.fetchall() if hasattr(found, "fetchall") else found)

    def survives(self) -> bool:
        """Whether the other table is as it was."""
        return self.execute("SELECT count(*) FROM victim") == [(3,)]


@pytest.fixture(params=["sqlite", "postgresql", "duckdb"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A database with another table in it."""
    match request.param:
        case "sqlite":
            connection: Any = apsw.Connection(":memory:")
        case "postgresql":
            connection = psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True)
        case _:
            connection = duckdb.connect(":memory:")
    found = Target(connection, "%s" if request.param == "postgresql" else "?")
    found.execute("DROP TABLE IF EXISTS victim")
    found.execute("CREATE TABLE victim (a INTEGER)")
    found.execute("INSERT INTO victim VALUES (1), (2), (3)")
    yield found
    connection.close()


def test_names(target: Target) -> None:
    for name in NAMES:
        table, column = quoted(name), quoted(name)
        target.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} TEXT)")
        written = table.replace("%", "%%") if target.place == "%s" else table
        statement = f"INSERT INTO {written} VALUES ({target.place}, {target.place})"  # noqa: S608 - quoted
        for row in enumerate(("x", "y", None)):
            target.execute(statement, row)
        reflected = mongoglot.reflect(target.connection, name)
        assert [each.name for each in reflected.columns] == ["id", name]
        plain = Table(name, (Column("id", "int"), Column(name, "string", "field")), None)
        for condition, expected in (
            ({"field": "x"}, [0]), ({"field": {"$in": ["y", None]}}, [1, 2]), ({"field": {"$gt": "x"}}, [1]),
            ({"field": {"$ne": "x"}}, [1, 2]), ({"field": {"$regex": "^x"}}, [0]),
        ):  # fmt: skip
            found = mongoglot.find(target.connection, plain, condition)
            assert sorted(document["id"] for document in found) == expected, (name, condition)
        assert target.survives()
        target.execute(f"DROP TABLE {table}")


def test_values(target: Target) -> None:
    target.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)" if target.place == "?" else
                   "DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)")  # fmt: skip
    for number, value in enumerate(VALUES):
        target.execute(f"INSERT INTO t VALUES ({target.place}, {target.place})", (number, value))  # noqa: S608
    for number, value in enumerate(VALUES):
        for condition in ({"s": value}, {"s": {"$in": [value]}}, {"s": {"$gte": value, "$lte": value}}):
            found = mongoglot.find(target.connection, "t", condition)
            assert [document["id"] for document in found] == [number]
        others = mongoglot.find(target.connection, "t", {"s": {"$ne": value}})
        assert len(list(others)) == len(VALUES) - 1
    assert target.survives()


def test_paths_into_json() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE victim (a); INSERT INTO victim VALUES (1), (2), (3)")
    connection.execute("CREATE TABLE t (data JSON)")
    for name in NAMES:
        connection.execute("DELETE FROM t")
        connection.execute("INSERT INTO t SELECT json_object(?, 'x')", (name,))
        for condition in ({f"data.{name}": "x"}, {f"data.{name}": {"$in": ["x", 1]}}):
            assert len(list(mongoglot.find(connection, "t", condition))) == 1, name
        assert not list(mongoglot.find(connection, "t", {f"data.{name}": "y"}))
        assert connection.execute("SELECT count(*) FROM victim").get == 3


def test_names_in_dialects_that_are_written_only() -> None:
    for dialect in set(DIALECTS) - {"sqlite", "postgresql", "duckdb"}:
        for name in NAMES:
            table = Table("t", (Column(name, "string", "field"),), None)
            try:
                sql = mongoglot.compile({"field": "zq'; --"}).to_sql(dialect, table=table)
            except UnsupportedError as error:
                assert set(DIALECTS[dialect].unsayable) & set(name), error  # noqa: PT017 - others are written
                continue
            statement = f"SELECT 1 FROM t WHERE {sql.text}"  # noqa: S608 - it is parsed
            tree = parse_one(statement, dialect=DIALECTS[dialect].printed)
            assert [column.name for column in tree.find_all(exp.Column)] == [name]
            assert "zq" not in sql.text


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg"])
def test_sqlalchemy(url: str, request: pytest.FixtureRequest) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    if url.startswith("postgresql"):
        server = request.getfixturevalue("postgresql")
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(server),
            poolclass=sqlalchemy.pool.NullPool,
        )
        dialect, when, words = "postgresql", "timestamp", "timestamp"
    else:
        engine = sqlalchemy.create_engine(url)
        dialect, when, words = "sqlite", "date", "BIGINT"
    with engine.connect() as connection:
        for number, name in enumerate(NAMES):
            if name == "%(c0)s" and dialect == "sqlite":
                with pytest.raises(UnsupportedError, match="cannot be said in a text of SQLAlchemy"):
                    mongoglot.compile({name: 1}).to_sql(
                        table=Table("t", (Column(name, "int"),))
                    ).to_sqlalchemy()
                continue
            metadata = sqlalchemy.MetaData()
            table = sqlalchemy.Table(
                f"alchemy {number}", metadata, sqlalchemy.Column("id", sqlalchemy.Integer),
                sqlalchemy.Column(name, sqlalchemy.Text),
            )  # fmt: skip
            metadata.create_all(connection)
            connection.execute(
                table.insert(), [{"id": 1, name: "x"}, {"id": 2, name: None}, {"id": 3, name: "y"}]
            )
            described = Table(table.name, (Column("id", "int"), Column(name, "string", "field")), None)
            query = mongoglot.compile({"field": {"$in": ["x", None]}, "id": {"$gte": 1}})
            clause = query.to_sql(dialect, table=described).to_sqlalchemy()
            found = connection.execute(sqlalchemy.select(table.c.id).where(clause).order_by(table.c.id))
            assert found.scalars().all() == [1, 2], name
        connection.execute(sqlalchemy.text(f"CREATE TABLE dated (at {words})"))
        first = 0 if when == "date" else datetime.datetime(1970, 1, 1)
        connection.execute(sqlalchemy.text("INSERT INTO dated VALUES (:at)"), {"at": first})
        described = Table("dated", (Column("at", "date" if when == "date" else "timestamp"),), None)
        for condition, count in (
            ({"at": datetime.datetime(1970, 1, 1)}, 1),
            ({"at": {"$gt": datetime.datetime(1970, 1, 1)}}, 0),
        ):
            clause = mongoglot.compile(condition).to_sql(dialect, table=described).to_sqlalchemy()
            rows = connection.execute(
                sqlalchemy.select(sqlalchemy.text("1")).select_from(sqlalchemy.text("dated")).where(clause)
            )
            assert len(rows.all()) == count
    engine.dispose()
