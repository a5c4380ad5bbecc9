"""Columns of jsonb that mongoglot did not write: what SQL says of them, compared with a server of MongoDB."""

from __future__ import annotations

import datetime
import json
import operator
import os
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from bson import Decimal128, Regex

import mongoglot
from mongoglot import Column, Table
from mongoglot.compiler.ast import Comparison
from mongoglot.engines.postgresql.plain import NOTHING, interval
from mongoglot.tables.encodings import decoder
from mongoglot.testing import random_filter
from tests.typed_tables import moved

if TYPE_CHECKING:
    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

NUMBERS = (
    "0", "1", "2", "-1", "5", "0.5", "0.1", "1.0", "-0.5", "2147483648", "9007199254740992", "9007199254740993",
    "9007199254740993.0", "9007199254740994.5", "9007199254740995.5", "9223372036854775807",
    "-9223372036854775808", "9223372036854775808", "18446744073709551616.5", "5.0000000000000000001",
    "4.9999999999999999999", "9.9900000000000002", "9.99", "0.1000000000000000055511151231257827",
    "1" + "0" * 400, "-1" + "0" * 400,
    "0." + "0" * 400 + "1", "1" + "0" * 5000, "17976931348623157" + "0" * 292, "0." + "0" * 323 + "5",
)  # fmt: skip
"""As jsonb prints them."""

STRINGS = (
    "",
    "a",
    "b",
    "A",
    "ab",
    "aa",
    "1",
    "é",
    "\uffff",
    "\U0010ffff",
    "\U0010ffffB",
    "a\x01",
    "a\x02",
    'a"',
    "a\\",
    "a/",
)

NAMES = ("a", "b", "c", "0", "1", "", "é", 'a"', "a b", "\U0010ffff", "a\x01")

PATHS = (
    "j", "j.a", "j.a", "j.a", "j.b", "j.a.b", "j.0", "j.0.a", "j.a.0", "j.a.b.c", "j.a.1.b", "j.", "j.a.", "j.é",
    'j.a"', "j.a b", "j.\U0010ffff", "j.a\x01", "j.c.a", "j.a.b.c.a.b.c", "n",
)  # fmt: skip


def random_text(rng: random.Random, depth: int = 3) -> str:
    """JSON, as jsonb prints it but for blanks and the order of names."""
    kind = rng.randrange(12) if depth else rng.randrange(7)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 6:
        return json.dumps(rng.choice(STRINGS))
    if kind < 7:
        return rng.choice(("null", "true", "false"))
    if kind < 9:
        return f"[{','.join(random_text(rng, depth - 1) for _ in range(rng.randrange(4)))}]"
    names = rng.sample(NAMES, rng.choice((1, 2, 2, 3)))
    if rng.random() < 0.7:
        names[0] = rng.choice(("a", "a", "b"))
    fields = (f"{json.dumps(name)}:{random_text(rng, depth - 1)}" for name in dict.fromkeys(names))
    return f"{{{','.join(fields)}}}"


@pytest.fixture(scope="module")
def connection(postgresql: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql, autocommit=True) as found:
        yield found


def filled(connection: psycopg.Connection[Any], count: int) -> list[dict[str, Any]]:
    """Rows of a number and of JSON, and the documents that they are."""
    rng = random.Random(SEED)
    connection.execute("DROP TABLE IF EXISTS held; CREATE TABLE held (n integer PRIMARY KEY, j jsonb)")
    documents = []
    for number in range(count):
        text = None if rng.random() < 0.05 else random_text(rng)
        connection.execute("INSERT INTO held VALUES (%s, %s)", (number, text))
        documents.append({"n": number, "j": None if text is None else decoder("plain")(text)})
    return documents


def has_date(value: Any) -> bool:
    """Whether there is a date in a filter: the text of one is another string to a server."""
    if isinstance(value, dict):
        return any(map(has_date, value.values()))
    return isinstance(value, datetime.datetime) or (isinstance(value, list) and any(map(has_date, value)))


def filters(rng: random.Random, documents: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """Random filters, and those that a random filter seldom is."""
    numbers = [decoder("plain")(text) for text in NUMBERS]
    numbers += [
        Decimal128(text) for text in ("0.1", "9.99", "1E+6144", "Infinity", "9007199254740993", "1E-6000")
    ]
    numbers += [float("inf"), float("-inf"), float("nan"), 5e-324, 1.7976931348623157e308]
    strings = [*STRINGS, "a\0", "\0", "a\0b"]
    for operand in (*numbers, *strings, True, None):
        for name in ("$eq", "$gt", "$gte", "$lt", "$lte", "$ne"):
            yield {"j.a": {name: operand}}
        yield {"j.a": {"$in": [operand]}}
        yield {"j": {"$nin": [operand, None, "zz"]}}
    for pattern in ("^a", "^a*", "^A", "", "^a\\\\", "^a|b", "^é"):
        yield {"j.a": {"$regex": pattern}}
        yield {"j": {"$not": {"$regex": pattern, "$options": "i"}}}
        yield {"j.a": {"$in": [Regex(pattern), "b", 5]}}
    for kinds in (
        "number",
        "string",
        "int",
        "long",
        ["double", "array"],
        "decimal",
        "null",
        "object",
        ["bool", "long"],
    ):
        yield {"j.a": {"$type": kinds}}
        yield {"j": {"$not": {"$type": kinds}}}
    for size in (0, 1, 2):
        yield {"j.a": {"$size": size}}
    yield {"j": {"$elemMatch": {"a": {"$gt": 0}, "b": {"$ne": "a"}}}}
    yield {"j.a": {"$elemMatch": {"$gt": 0, "$lt": "b"}}}
    yield {"j.a": {"$elemMatch": {"$in": ["a", 5]}}}
    yield {"j": {"$elemMatch": {"a": {"$exists": False}, "0": {"$exists": False}}}}
    for path in PATHS:
        yield {path: {"$exists": True}}
        yield {path: None}
        yield {path: "a"}
        yield {path: {"$in": ["a", "b", True]}}
        yield {path: {"$in": ["a", None, 5]}}
        yield {path: {"$in": ["a", *map(str, range(20))]}}
    near = [{"a": document["j"], "b": document["j"]} for document in documents]
    for _ in range(count):
        condition = moved(rng, random_filter(rng, near=near), PATHS)
        if not has_date(condition):
            yield condition


def compare(
    connection: psycopg.Connection[Any], server: Database[dict[str, Any]], rows: int, count: int
) -> None:
    documents = filled(connection, rows)
    collection = server["held"]
    collection.drop()
    collection.insert_many([{"_id": document["n"], **document} for document in documents])
    table = mongoglot.reflect(connection, "held")
    assert table.columns[1] == Column("j", "json")
    asked = matched = complete = said = 0
    for condition in filters(random.Random(SEED + 1), documents, count):
        expected = sorted(found["_id"] for found in collection.find(condition, {"_id": 1}))
        found = sorted(row["n"] for row in mongoglot.find(connection, table, condition, ["n"]))
        assert found == expected, (condition, mongoglot.compile(condition).to_sql("postgresql", table=table))
        sql = mongoglot.compile(condition).to_sql("postgresql", table=table)
        asked, matched = asked + 1, matched + len(found)
        complete += sql.residual is None
        said += sql.text != "TRUE"
    print(f"{asked} filters, {matched:,} matches, {complete} without residual, {said} with SQL")
    assert asked * rows * 0.05 < matched < asked * rows * 0.95
    assert complete > asked * 0.3
    assert said > asked * 0.7


def test_the_interval_of_a_number_has_all_that_is_read_so() -> None:
    read = [decoder("plain")(text) for text in NUMBERS]
    for value in (*read, float("inf"), float("-inf"), 5e-324, Decimal128("0.1"), Decimal128("1E+6144")):
        for op, holds in OPERATORS.items():
            low, high = interval(op, value)
            for text, number in zip(NUMBERS, read, strict=True):
                written = Decimal(text)
                if holds(compared(number), compared(value)):
                    assert low is None or low <= written, (op, value, text)
                    assert high is None or written <= high, (op, value, text)
    assert interval("$eq", 0.1)[0] != interval("$eq", 0.1)[1]
    assert interval("$eq", Decimal128("0.1")) == NOTHING


OPERATORS: dict[Comparison, Callable[[Decimal, Decimal], bool]] = {
    "$eq": operator.eq, "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip


def compared(number: Any) -> Decimal:
    return number.to_decimal() if isinstance(number, Decimal128) else Decimal(number)


def test_what_stays_in_python() -> None:
    written, extended = Column("k", "json", affinity="text"), Column("e", "json", encoding="extended")
    table = Table("t", (Column("j", "json"), written, extended), None)
    for condition in ({"k.a": 1}, {"e.a": 1}, {"j.a\x01": 1}, {"j.a": {"b": 1}}, {"j.a": [1]}):
        sql = mongoglot.compile(condition).to_sql("postgresql", table=table)
        assert (sql.text, sql.residual is None) == ("TRUE", False)


def test_json_that_is_kept_as_it_was_written(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept (n integer, k json)")
    for number, text in enumerate(
        ('{"a": "\\u0000"}', '{"a": 1, "a": 2}', '{"a": 1e400000}', '{"a": "\\ud800"}')
    ):
        connection.execute("INSERT INTO kept VALUES (%s, %s)", (number, text))
    assert [row["n"] for row in mongoglot.find(connection, "kept", {"k.a": "\0"}, ["n"])] == [0]
    assert [row["n"] for row in mongoglot.find(connection, "kept", {"k.a": {"$gt": 1}}, ["n"])] == [1, 2]


def test_indexes_on_jsonb_serve(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS things; CREATE TABLE things (n integer PRIMARY KEY, j jsonb)")
    connection.execute(
        "INSERT INTO things SELECT g, jsonb_build_object('name', 'name' || g,"
        " 'tags', jsonb_build_array('t' || g % 500),"
        " 'at', jsonb_build_object('city', 'c' || g % 400)) FROM generate_series(1, 5000) AS g"
    )
    connection.execute("CREATE INDEX things_j ON things USING gin (j jsonb_path_ops); ANALYZE things")
    table = mongoglot.reflect(connection, "things")
    for condition, count in (
        ({"j.name": "name77"}, 1),
        ({"j.tags": "t77"}, 10),
        ({"j.at.city": "c7"}, 13),
        ({"j.name": {"$in": ["name7", "name8", "other"]}}, 2),
    ):
        sql = mongoglot.compile(condition).to_sql("postgresql", table=table)
        assert sql.residual is None
        text = f"EXPLAIN SELECT n FROM things WHERE {sql.text}".encode()  # noqa: S608 - the text that is tested
        plan = "\n".join(line for (line,) in connection.execute(text, sql.parameters))
        assert "Bitmap Index Scan on things_j" in plan, plan
        assert len(list(mongoglot.find(connection, table, condition))) == count


def test_answers_are_those_of_a_server(
    connection: psycopg.Connection[Any], server: Database[dict[str, Any]]
) -> None:
    compare(connection, server, 120, 150)


@pytest.mark.long
def test_answers_are_those_of_a_server_at_length(
    connection: psycopg.Connection[Any], server: Database[dict[str, Any]]
) -> None:
    compare(connection, server, 300, 4000)
