"""Tables of PostgreSQL that something else made: whatever their types and the settings of the connection."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from bson.datetime_ms import DatetimeMS
from psycopg.rows import dict_row

import mongoglot
from mongoglot.compiler.sort import read_sort
from mongoglot.engines.base import FindRequest
from mongoglot.engines.postgresql.prefixes import text_after
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.tables.backend import TableBackend

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(postgresql: str) -> Iterator[Connection]:
    """A connection on which every statement is a transaction."""
    with psycopg.connect(postgresql, autocommit=True) as found:
        yield found


def remade(connection: Connection, table: str, columns: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})".encode())


def test_arrays_of_json(connection: Connection) -> None:
    remade(connection, "arrays", "id int, b jsonb[], j json[]")
    connection.execute(
        "INSERT INTO arrays VALUES (1, array['\"1\"'::jsonb, NULL], array['\"x\"'::json]),"
        " (2, array['1'::jsonb], NULL),"
        " (3, array['[\"2\"]'::jsonb], array['null'::json])"
    )
    assert list(mongoglot.find(connection, "arrays")) == [
        {"id": 1, "b": ["1", None], "j": ["x"]},
        {"id": 2, "b": [1], "j": None},
        {"id": 3, "b": [["2"]], "j": [None]},
    ]
    for condition, numbers in (({"b": "1"}, [1]), ({"b": 1}, [2]), ({"b": ["2"]}, [3]), ({"j": "x"}, [1])):
        assert [row["id"] for row in mongoglot.find(connection, "arrays", condition)] == numbers


def test_instants_that_psycopg_cannot_read(connection: Connection) -> None:
    remade(connection, "far", "id int, a timestamptz[], b date[], c timestamp[][]")
    connection.execute(
        "INSERT INTO far VALUES (1, '{0044-03-15 BC}', '{0044-03-15 BC}', '{{12026-01-01 00:00:00.001}}'),"
        " (2, '{12026-01-01}', '{12026-01-01,NULL}', NULL), (3, '{infinity}', NULL, NULL),"
        " (4, NULL, '{-infinity}', NULL)"
    )
    ides, later = DatetimeMS(-63_517_824_000_000), DatetimeMS(317_336_745_600_000)
    assert list(mongoglot.find(connection, "far", {"id": {"$lt": 3}})) == [
        {"id": 1, "a": [ides], "b": [ides], "c": [[DatetimeMS(317_336_745_600_001)]]},
        {"id": 2, "a": [later], "b": [later, None], "c": None},
    ]
    assert [row["id"] for row in mongoglot.find(connection, "far", {"a": later})] == [2]
    for number, column in ((3, "a"), (4, "b")):
        reason = f"column '{column}' holds a value that no document can: an instant that is infinite"
        with pytest.raises(StoreError, match=reason):
            list(mongoglot.find(connection, "far", {"id": number}))


SETTINGS = (
    "SET datestyle = 'SQL, DMY'", "SET timezone = 'America/New_York'", "SET bytea_output = 'escape'",
    "SET extra_float_digits = -10", "SET intervalstyle = 'iso_8601'",
)  # fmt: skip

CURSORS: tuple[Any, ...] = (psycopg.Cursor, psycopg.ClientCursor, psycopg.RawCursor)


@pytest.mark.parametrize("cursor", CURSORS)
def test_settings_and_classes_of_a_connection_change_nothing(
    cursor: Any, connection: Connection, postgresql: str
) -> None:
    remade(
        connection,
        "kept",
        "id int, at timestamptz, ats timestamp[], day date, f float8, b bytea, n numeric(9, 2)",
    )
    connection.execute(
        "INSERT INTO kept VALUES (1, '2026-02-03 12:00+00', '{2026-02-03 01:00}', '2026-02-03', 0.1 + 0.2::float8,"
        " '\\x00ff', 1.5)"
    )
    day = datetime.datetime(2026, 2, 3)
    condition = {"f": 0.1 + 0.2, "day": day, "b": b"\0\xff", "ats": {"$gt": day}, "at": {"$gt": day}}
    expected = list(mongoglot.find(connection, "kept", condition))
    assert expected[0]["at"] == datetime.datetime(2026, 2, 3, 12)
    with psycopg.connect(postgresql, cursor_factory=cursor, row_factory=dict_row) as other:
        for setting in SETTINGS:
            psycopg.Cursor(other).execute(setting.encode())
        other.adapters.register_loader("numeric", psycopg.types.string.TextLoader)
        assert list(mongoglot.find(other, "kept", condition)) == expected


def test_connections_that_are_refused(
    connection: Connection, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remade(connection, "kept", "id int, s text")
    connection.execute("SET client_encoding TO 'LATIN1'")
    with pytest.raises(
        UnsupportedError, match="reads text as iso8859-1: run SET client_encoding TO 'UTF8' on it"
    ):
        list(mongoglot.find(connection, "kept", {"s": "€"}))
    with pytest.raises(UnsupportedError, match=r"a psycopg\.Connection is needed, not AsyncConnection"):
        mongoglot.reflect(object.__new__(psycopg.AsyncConnection), "kept")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    assert list(mongoglot.find(postgresql, "kept", {"s": "€"})) == []
    connection.close()
    with pytest.raises(StoreError, match="the connection is closed"):
        list(mongoglot.find(connection, "kept"))


# ---- reading as rows are asked for -------------------------------------------------------------------


def many(connection: Connection, count: int = 5000) -> None:
    remade(connection, "many", "id int PRIMARY KEY, n int")
    connection.execute("INSERT INTO many SELECT g, g %% 7 FROM generate_series(1, %s) AS g", (count,))
    connection.commit()


def fetched(connection: Connection) -> list[Any]:
    """The cursors that the server keeps for a connection."""
    return psycopg.Cursor(connection).execute("SELECT is_holdable FROM pg_cursors").fetchall()


@pytest.mark.parametrize("autocommit", [True, False])
def test_other_statements_run_while_rows_are_read(autocommit: bool, postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=autocommit) as connection:
        many(connection)
        found = mongoglot.find(connection, "many", {"n": {"$lt": 6}})
        first = next(found)
        assert len(fetched(connection)) == 1  # the rest waits at the server
        connection.execute("UPDATE many SET n = 6")
        connection.commit()
        assert next(iter(mongoglot.find(connection, "many", {"n": 6})))["n"] == 6
        rest = list(found)
        assert len(rest) == 5000 * 6 // 7
        assert {row["n"] for row in (first, *rest)} == {0, 1, 2, 3, 4, 5}
        assert fetched(connection) == []


def test_a_transaction_that_ends_while_rows_are_read(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        many(connection)
        found = mongoglot.find(connection, "many")
        next(found)
        connection.rollback()
        with pytest.raises(StoreError, match="the transaction in which reading began was rolled back"):
            list(found)
        connection.rollback()
        left = mongoglot.find(connection, "many")
        next(left)
        assert len(fetched(connection)) == 1
        del left
        assert fetched(connection) == []
        assert len(list(mongoglot.find(connection, "many", limit=3))) == 3


def test_a_url_is_read_as_rows_are_asked_for(connection: Connection, postgresql: str) -> None:
    many(connection)
    found = mongoglot.find(postgresql, "many")
    next(found)
    states = "SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE 'FETCH%'"
    assert len(connection.execute(states).fetchall()) == 1
    assert len(list(found)) == 4999


def test_a_rollback_while_rows_are_read_leaves_the_next_transaction_alone(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        many(connection)
        for begin_again in (False, True):
            found = mongoglot.find(connection, "many")
            next(found)
            connection.rollback()
            if begin_again:
                connection.execute("SELECT 1")
            del found
            assert connection.info.transaction_status.name == ("INTRANS" if begin_again else "IDLE")
            assert connection.execute("SELECT count(*) FROM many").fetchone() == (5000,)


# ---- sorting -----------------------------------------------------------------------------------------


def test_a_sort_and_its_bounds_are_sql(connection: Connection) -> None:
    many(connection)
    for sort, skip, limit, expected in (
        ([("n", -1), ("id", 1)], 0, 2, [6, 13]),
        ([("id", -1)], 1, 2, [4999, 4998]),
        ([("id", -1)], 4998, 0, [2, 1]),
    ):
        found = mongoglot.find(connection, "many", sort=sort, skip=skip, limit=limit)
        assert [row["id"] for row in found] == expected
    table = mongoglot.reflect(connection, "many")
    request = FindRequest(mongoglot.compile({}).started(), sort=read_sort("id"), limit=3)
    explained = TableBackend(connection, table).explain("many", request)
    assert explained["sort"] == "SQL"
    assert explained["sql"].endswith('ORDER BY "id" ASC LIMIT 3')
    assert any("Index Scan using many_pkey" in line for line in explained["plan"])
    failing = {"$expr": {"$eq": [{"$divide": [1, "$n"]}, 1]}}
    with pytest.raises(mongoglot.FilterError):  # the row that it fails for is not among the first
        list(mongoglot.find(connection, "many", failing, sort="id", limit=1))


# ---- names -------------------------------------------------------------------------------------------


def test_a_field_inside_another(connection: Connection) -> None:
    remade(connection, "dotted", 'a int, "a.b" int, "c.d" int')
    connection.execute("INSERT INTO dotted VALUES (1, 2, 3)")
    reason = r"columns 'a' and 'a\.b' of table 'dotted' cannot both be read: a dotted name is a path"
    with pytest.raises(UnsupportedError, match=reason):
        list(mongoglot.find(connection, "dotted", {"c.d": 3}))
    table = mongoglot.reflect(connection, "dotted")
    left = replace(table, columns=(table.columns[0], replace(table.columns[1], path="b"), table.columns[2]))
    assert list(mongoglot.find(connection, left, {"b": 2, "c.d": 3})) == [{"a": 1, "b": 2, "c": {"d": 3}}]
    twice = replace(left, columns=(table.columns[0], replace(table.columns[1], path="a")))
    with pytest.raises(
        UnsupportedError, match=r"columns 'a\.b' and 'a' of table 'dotted' cannot both be read"
    ):
        list(mongoglot.find(connection, twice))


# ---- text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collation", "known"), [("C.UTF-8", "bytes"), ("C", "bytes"), ("builtin", "bytes"), ("icu", "default")]
)
def test_the_order_of_a_database(collation: str, known: str, postgresql: str) -> None:
    """ICU's order is its own, whatever is said to libc beside it."""
    kinds = {
        "builtin": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
        "icu": "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'",
    }
    words = kinds.get(collation, f"LOCALE '{collation}'")
    name = f"ordered_{collation.lower().replace('.', '').replace('-', '')}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        try:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {words}".encode())
        except psycopg.Error as error:
            pytest.skip(f"this server has no such database: {error}")
        try:
            with psycopg.connect(postgresql, dbname=name, autocommit=True) as other:
                compare_texts(other, known)
        finally:
            connection.execute(f"DROP DATABASE {name}".encode())


TEXTS = ("", "a", "B", "Z", "b", "é", "z", "\uffff", "\U00010000", "\U0010ffff", "a b", "ab", "a-b")


def compare_texts(connection: Connection, known: str) -> None:
    remade(connection, "ordered", "s text")
    for text in TEXTS:
        connection.execute("INSERT INTO ordered VALUES (%s)", (text,))
    connection.execute(
        "INSERT INTO ordered SELECT 'z' || g FROM generate_series(1, 5000) AS g;"
        "CREATE INDEX ordered_s ON ordered (s)"
    )
    connection.execute("ANALYZE ordered")
    table = mongoglot.reflect(connection, "ordered")
    assert table.columns[0].collation == known
    held = [row["s"] for row in mongoglot.find(connection, table)]
    for text in TEXTS:
        found = {row["s"] for row in mongoglot.find(connection, table, {"s": {"$gt": text}})}
        assert found == {other for other in held if other.encode() > text.encode()}
    found_in_order = [row["s"] for row in mongoglot.find(connection, table, sort="s")]
    assert found_in_order == sorted(held, key=str.encode)
    sql = mongoglot.compile({"s": {"$gte": "a", "$lt": "b"}}).to_sql("postgresql", table=table)
    pattern = mongoglot.compile({"s": {"$regex": "^z49+"}}).to_sql("postgresql", table=table)
    for condition in (sql, pattern):
        explained = f"EXPLAIN SELECT * FROM ordered WHERE {condition.text}".encode()  # noqa: S608 - tested
        plan = "\n".join(line for (line,) in connection.execute(explained, condition.parameters))
        assert ("ordered_s" in plan) == (known == "bytes"), plan


def test_patterns_read_only_what_begins_so(connection: Connection) -> None:
    remade(connection, "patterned", 's text, c char(4), o text COLLATE "C"')
    for text in ("", "ab", "abc", "Ab", "xab", "a.b", "a*", "é", "éa"):
        connection.execute("INSERT INTO patterned VALUES (%s, %s, %s)", (text, text[:4], text))
    connection.execute("INSERT INTO patterned VALUES (NULL, NULL, NULL)")
    rows = list(mongoglot.find(connection, "patterned"))
    table = mongoglot.reflect(connection, "patterned")
    for pattern in ("^ab", "^abc?", "^ab|x", "b", "^a\\.b", "^a\\*", "^é", "^"):
        for options in ("", "i", "m"):
            for name in ("s", "c", "o"):
                condition: dict[str, Any] = {name: {"$regex": pattern, "$options": options}}
                query = mongoglot.compile(condition)
                expected = [row for row in rows if query.matches(row)]
                assert list(mongoglot.find(connection, table, condition)) == expected
                negated = {name: {"$not": condition[name]}}
                assert len(list(mongoglot.find(connection, table, negated))) == len(rows) - len(expected)
    assert [text_after(text) for text in ("ab", "a\U0010ffff", "", "\ud7ff")] == ["ac", "b", None, "\ue000"]
    prefixed = mongoglot.compile({"s": {"$regex": "^ab"}}).to_sql("postgresql", table=table)
    assert prefixed.parameters["prefix0"] == "ab"
