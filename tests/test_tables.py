"""Conditions for tables of users, and declared columns of stores: the answers are those of the documents."""

from __future__ import annotations

import datetime
import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import bson
import pytest
from bson import Decimal128, Int64

import mongoglot
from mongoglot.compiler.ast import Always
from mongoglot.engines.base import residual_check
from mongoglot.engines.sql import Column, Table
from mongoglot.engines.sql.table import STORED_TYPES
from mongoglot.testing import random_documents, random_filter
from mongoglot.testing.alphabet import NUMBERS, SIMPLE, STRINGS

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
ROWS = 60
FILTERS = 250

COLUMNS = (
    Column("s", "string"),
    Column("n", "number"),
    Column("the date", "date", "d"),
    Column("t", "bool"),
    Column("select", "number", "c.d"),
)

VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("a", "b", "A", "", "1", "9", "10", "é", "a\0", "\uffff", "x" * 300),
    "number": (
        0, 1, 2, -1, 0.5, 1.0, -0.0, 2**31, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 2.0**63, 0.1,
        1e308, float("inf"), float("-inf"),
    ),
    "date": (0, 1, -1, 1_577_881_800_000, -617_760_000_000),
    "bool": (0, 1),
}  # fmt: skip
"""What the columns of a user hold, as SQLite has it."""

EPOCH = datetime.datetime(1970, 1, 1)

PATHS = ("s", "n", "d", "t", "c.d", "c.d", "c", "s.x", "n.0", "c.d.e", "c.x", "c.0.d")
"""Fields that are columns, and what lies above and below them."""


class Row(NamedTuple):
    """A row of a table, and the document that it is read as."""

    columns: list[Any]
    json: str
    document: dict[str, Any]


def as_field(value: Any, kind: str) -> Any:
    """What a column's value is in a document."""
    if value is None or kind in ("string", "number"):
        return value
    return bool(value) if kind == "bool" else EPOCH + datetime.timedelta(milliseconds=value)


def as_json(value: Any) -> Any:
    """A value that JSON has, in the place of one that it may lack."""
    match value:
        case dict():
            return {name: as_json(item) for name, item in value.items()}
        case list():
            return [as_json(item) for item in value]
        case str() if value.__class__ is str and value < "\U0010ffff":
            return value
        case bool() | None:
            return value
        case int():
            return int(value)
        case float() if value == value:
            return value
        case Decimal128():
            return 0.5
        case _:
            return "a"


def random_row(rng: random.Random, *, typed: bool, rest: bool) -> Row:
    """A row with a value or NULL in each column, and other fields in its JSON."""
    (source,) = random_documents(rng, 1)
    document = as_json(source) if rest else {}
    columns = []
    if typed:
        document = {name: value for name, value in document.items() if name not in "sndtc"}
        if rest and rng.random() < 0.5:
            document["c"] = as_json({"x": source.get("a"), "e": 1})
    text = json.dumps(document)
    for column in COLUMNS if typed else ():
        columns.append(rng.choice((None, *VALUES[column.type])))
        *parents, last = column.field
        target = document
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = as_field(columns[-1], column.type)
    return Row(columns, text, document)


class Kind(NamedTuple):
    """A way to keep documents in a table."""

    typed: bool
    document: str | None
    encode: str

    @property
    def table(self) -> Table:
        return Table("t", COLUMNS if self.typed else (), self.document)


KINDS = {
    "columns": Kind(typed=True, document=None, encode=""),
    "JSONB": Kind(typed=False, document="the doc", encode="jsonb(?)"),
    "JSON": Kind(typed=False, document="doc", encode="?"),
    "columns and JSONB": Kind(typed=True, document="doc", encode="jsonb(?)"),
    "columns and JSON": Kind(typed=True, document="doc", encode="?"),
}
DECLARATIONS = {"string": "TEXT", "number": "", "date": "INTEGER", "bool": "INTEGER"}


def filled(rows: list[Row], kind: Kind) -> apsw.Connection:
    """A database with the rows in a table, indexed as users do."""
    columns = [f'"{column.name}" {DECLARATIONS[column.type]}' for column in kind.table.columns]
    columns += [f'"{kind.document}"'] if kind.document else []
    places = ["?" for _ in kind.table.columns] + ([kind.encode] if kind.document else [])
    connection = apsw.Connection(":memory:")
    mongoglot.register_functions(connection)
    connection.execute(f"CREATE TABLE t ({', '.join(columns)})")
    for row in rows:
        values = [*row.columns, *([row.json] if kind.document else [])]
        connection.execute(f"INSERT INTO t VALUES ({', '.join(places)})", values)  # noqa: S608 - words of ours
    for column in kind.table.columns:
        connection.execute(f'CREATE INDEX "of {column.name}" ON t ("{column.name}")')
    return connection


def selected(connection: apsw.Connection, query: mongoglot.Query, rows: list[Row], table: Table) -> list[int]:
    """The positions of the rows that the condition selects, and what is left of the query lets through."""
    sql = query.to_sql(table=table)
    text = f"SELECT rowid - 1 FROM t WHERE {sql.text} ORDER BY rowid"  # noqa: S608 - the text that is tested
    found = [position for (position,) in connection.execute(text, sql.parameters)]
    check = residual_check(query, sql.residual)
    return [position for position in found if check is None or check(rows[position].document)]


def moved(rng: random.Random, condition: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The filter, its fields replaced by some of these paths."""
    result: dict[str, Any] = {}
    for name, operand in condition.items():
        if name in ("$and", "$or", "$nor"):
            result[name] = [moved(rng, member, paths) for member in operand]
        else:
            result[name if name.startswith("$") else rng.choice(paths)] = operand
    return result


def near(rows: list[Row]) -> list[dict[str, Any]]:
    """The documents, with fields that make operands of the columns' values."""
    return [{"a": row.document.get(name), "b": row.columns} for row in rows for name in ("s", "n", "d", "t")]


@pytest.mark.parametrize("name", KINDS)
def test_tables_of_users(name: str) -> None:
    kind, rng = KINDS[name], random.Random(SEED)
    rows = [random_row(rng, typed=kind.typed, rest=kind.document is not None) for _ in range(ROWS)]
    connection, documents = filled(rows, kind), [row.document for row in rows]
    matched = complete = 0
    for _ in range(FILTERS):
        if kind.typed and rng.random() < 0.7:
            condition = moved(rng, random_filter(rng, near=near(rows)), PATHS)
        else:
            condition = random_filter(rng, near=documents)
        query = mongoglot.compile(condition)
        if kind.document is None and not is_known(condition):
            continue
        expected = [position for position, document in enumerate(documents) if query.matches(document)]
        assert selected(connection, query, rows, kind.table) == expected, (
            condition,
            query.to_sql(table=kind.table),
        )
        matched += len(expected)
        complete += query.to_sql(table=kind.table).residual is None
    assert FILTERS * ROWS * 0.05 < matched < FILTERS * ROWS * 0.95
    assert complete > FILTERS * 0.4


def is_known(condition: Mapping[str, Any]) -> bool:
    """Whether all fields of a filter are columns, or above or below some."""
    known = {path for path in PATHS if path not in ("c.x", "c.0.d")}
    for name, operand in condition.items():
        inside = operand if name in ("$and", "$or", "$nor") else ()
        if not all(map(is_known, inside)) or (not name.startswith("$") and name not in known):
            return False
    return True


TYPED = Table("t", COLUMNS, None)


@pytest.mark.parametrize(
    "condition",
    [
        {"zzz": 1}, {"zzz": None}, {"zzz": {"$exists": False}}, {"c.x": 1},
        {"s": "a", "$nor": [{"n": 1}, {"zzz.x": {"$ne": 1}}]}, {"": 1}, {"select": 1}, {"the date": None},
    ],
)  # fmt: skip
def test_fields_that_a_table_lacks(condition: dict[str, Any]) -> None:
    with pytest.raises(
        mongoglot.UnsupportedError, match=r"table 't' has no field '.*'; it has s, n, d, t, c\.d"
    ):
        mongoglot.compile(condition).to_sql(table=TYPED)
    assert mongoglot.compile(condition).to_sql(table=Table("t", COLUMNS)).text


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"s": {"$gt": 5}}, 0), ({"s": 5}, 0), ({"s": "5"}, 1), ({"s": {"$lt": 10}}, 0), ({"n": "5"}, 0),
        ({"n": 5}, 1), ({"n": {"$gt": "4"}}, 0), ({"n": {"$in": ["5", None]}}, 1), ({"n": True}, 0),
        ({"t": 1}, 0), ({"t": True}, 1),
        ({"d": 5}, 0), ({"d": Int64(5)}, 0), ({"d": EPOCH + datetime.timedelta(milliseconds=5)}, 1),
        ({"n": {"$ne": "5"}}, 2), ({"s": {"$not": {"$gt": 5}}}, 2), ({"n": [5]}, 0), ({"n": {"x": 5}}, 0),
        ({"n": Decimal128("5.0")}, 1), ({"n": float("nan")}, 0), ({"s": {"$exists": True}}, 2),
        ({"s": {"$exists": False}}, 0), ({"s": None}, 1), ({"s": {"$ne": None}}, 1), ({"s": {"$type": "null"}}, 1),
    ],
)  # fmt: skip
def test_types_do_not_mix(condition: dict[str, Any], count: int) -> None:
    """A table with a row of NULLs, and one in which each column holds a 5."""
    connection = apsw.Connection(":memory:")
    connection.execute('CREATE TABLE t (s TEXT, n, "the date" INTEGER, t INTEGER, "select")')
    connection.execute("INSERT INTO t VALUES ('5', 5, 5, 1, 5), (NULL, NULL, NULL, NULL, NULL)")
    sql = mongoglot.compile(condition).to_sql(table=TYPED)
    assert sql.residual is None
    statement = f"SELECT count(*) FROM t WHERE {sql.text}"  # noqa: S608 - the text that is tested
    assert connection.execute(statement, sql.parameters).get == count


def test_texts_hold_no_value() -> None:
    operands: tuple[Any, ...] = (
        "zq7'",
        918273645,
        0.918273,
        Decimal128("918273645.5"),
        ["zq7"],
        {"zq7": 918273645},
    )
    for operand in operands:
        for condition in (operand, {"$gte": operand}, {"$in": [operand, None]}, {"$ne": operand}):
            query = mongoglot.compile({"s": condition, "n": condition, "c.d": condition, "other": condition})
            text = query.to_sql(table=Table("t", COLUMNS)).text
            assert "zq7" not in text
            assert "918273" not in text


INDEXED: dict[str, Any] = {
    "$eq": 5, "$eq of a string": "b", "$in": {"$in": [1, "a", 7]}, "range": {"$gte": 1, "$lt": 2},
    "$gt": {"$gt": 2}, "$lte": {"$lte": -1}, "null": None, "$in with null": {"$in": [None, 5]},
}  # fmt: skip


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize("field", ["s", "n"])
def test_indexes_of_users_are_used(name: str, field: str) -> None:
    operand = INDEXED[name]
    if field == "s" and name not in ("null", "$eq of a string", "$in", "$in with null"):
        operand = {"$gte": "a", "$lt": "b"}
    if field == "n" and name == "$eq of a string":
        operand = 0
    rng = random.Random(SEED)
    kind = KINDS["columns and JSONB"]
    connection = filled([random_row(rng, typed=True, rest=True) for _ in range(ROWS)], kind)
    sql = mongoglot.compile({field: operand}).to_sql(table=kind.table)
    statement = f"EXPLAIN QUERY PLAN SELECT * FROM t WHERE {sql.text}"  # noqa: S608 - the text that is tested
    plan = [detail for *_, detail in connection.execute(statement, sql.parameters)]
    assert any(f"SEARCH t USING INDEX of {field} " in step for step in plan), plan
    assert not any(step.startswith("SCAN t") for step in plan), plan


# ---- declared columns of stores ------------------------------------------------------------------

FIELDS = ("a", "b", "c", "0", "a.b", "b.a", "a.0", "")


def random_table(rng: random.Random) -> Table:
    """Some fields as columns of any types, some of them with an index."""
    fields = rng.sample(FIELDS, rng.randint(1, 5))
    return Table("tasks", tuple(
        Column(f"column {number}", rng.choice(STORED_TYPES), field, indexed=rng.random() < 0.5)
        for number, field in enumerate(fields) if field
    ))  # fmt: skip


def harder_documents(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Random documents; half of the declared fields hold one of the values that are hard to tell apart."""
    documents = random_documents(rng, count)
    for document in documents:
        for name in ("a", "b", "c", "0"):
            if rng.random() < 0.3:
                document[name] = rng.choice((*SIMPLE, *NUMBERS, *STRINGS, EPOCH, [], [1, "a"], {"b": 1}))
    return documents


def answers(collection: mongoglot.Collection, query: Any) -> list[bytes]:
    return [bson.encode(document) for document in collection.find(query)]


def compare(
    tasks: mongoglot.Collection, memory: mongoglot.Collection, rng: random.Random, filters: int
) -> int:
    """Ask random filters of both; how many documents matched them."""
    documents = list(memory.find())
    matched = 0
    for _ in range(filters):
        condition = random_filter(rng, near=documents)
        if rng.random() < 0.5:
            condition = moved(rng, condition, FIELDS)
        query = mongoglot.compile(condition)
        expected = answers(memory, query)
        assert answers(tasks, query) == expected, (condition, tasks.explain(query)["sql"])
        assert tasks.count_documents(query) == len(expected)
        matched += len(expected)
    return matched


@pytest.mark.parametrize("number", range(12))
def test_declared_columns_change_no_answer(number: int) -> None:
    rng = random.Random(SEED * 1000 + number)
    documents = harder_documents(rng, 50)
    with (
        mongoglot.connect("sqlite::memory:", tables=[random_table(rng)]) as store,
        mongoglot.connect("memory:") as memory,
    ):
        for collection in (store["tasks"], memory["tasks"]):
            collection.insert_many(documents)
        assert compare(store["tasks"], memory["tasks"], rng, 40) > 100


@pytest.mark.parametrize("number", range(4))
def test_updates_keep_the_columns_right(number: int) -> None:
    rng = random.Random(SEED * 2000 + number)
    documents = harder_documents(rng, 30)
    with (
        mongoglot.connect("sqlite::memory:", tables=[random_table(rng)]) as store,
        mongoglot.connect("memory:") as memory,
    ):
        collections = (store["tasks"], memory["tasks"])
        for collection in collections:
            collection.insert_many(documents)
        matched = 0
        for _ in range(12):
            condition = random_filter(rng, near=documents)
            (other,) = harder_documents(rng, 1)
            assigned = {name: value for name, value in other.items() if name not in ("_id", "")}
            change = {"$set": assigned, "$unset": {name: "" for name in "abc" if name not in assigned}}
            many = rng.random() < 0.3
            results = [
                (each.update_many if many else each.update_one)(condition, change) for each in collections
            ]
            assert results[0] == results[1]
            matched += compare(*collections, rng, 4)
        assert matched > 50


def database(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'store.db'}"


def column_values(tmp_path: Path, column: str) -> list[Any]:
    connection = apsw.Connection(str(tmp_path / "store.db"))
    return [value for (value,) in connection.execute(f'SELECT "{column}" FROM tasks ORDER BY _row')]  # noqa: S608 - ours


def test_what_stands_in_the_columns(tmp_path: Path) -> None:
    columns = (Column("n", "number"), Column("s", "string"), Column("d", "date"), Column("t", "bool"),
               Column("deep", "number", "a.b"))  # fmt: skip
    values: dict[str, list[Any]] = {
        "n": [5, 0.5, None, "x", [5], Decimal128("5"), True, 2**63 - 1, float("inf"), float("nan")],
        "s": ["x", "", None, 5, ["x"], "a\0", "é", {}, b"x", "5"],
        "d": [EPOCH, None, 0, [EPOCH], "1970-01-01", EPOCH.replace(year=2020), {}, True, 0.0, Int64(0)],
        "t": [True, False, None, 1, 0, "true", [True], {}, 0.0, b""],
        "a": [
            {"b": 5},
            {"b": "x"},
            {"b": None},
            {"c": 1},
            5,
            None,
            [{"b": 5}],
            [],
            {"b": [5]},
            {"b": {"b": 5}},
        ],
    }
    with mongoglot.connect(database(tmp_path), tables=[Table("tasks", columns)]) as store:
        store["tasks"].insert_many(
            [{"_id": n, **{name: values[name][n] for name in values}} for n in range(10)]
        )
    mark = b""
    assert column_values(tmp_path, "n") == [5, 0.5, None, *[mark] * 4, 2**63 - 1, float("inf"), mark]
    assert column_values(tmp_path, "s") == ["x", "", None, mark, mark, "a\0", "é", mark, mark, "5"]
    assert column_values(tmp_path, "d") == [0, None, mark, mark, mark, 1_577_836_800_000, *[mark] * 4]
    assert column_values(tmp_path, "t") == [1, 0, None, *[mark] * 7]
    assert column_values(tmp_path, "deep") == [5, mark, None, None, None, None, mark, mark, mark, mark]


def test_columns_that_are_declared_later(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    memory = mongoglot.connect("memory:")["tasks"]
    declared = [
        Column("n", "number", "a", indexed=True),
        Column("s", "string", "a"),
        Column("deep", "number", "a.b"),
    ]
    matched = 0
    for turn, count in enumerate((0, 1, 3, 0, 2)):  # more, then none at all: what is in the file stays
        documents = [
            {**document, "_id": f"{turn} {n}"} for n, document in enumerate(harder_documents(rng, 12))
        ]
        tables = [Table("tasks", tuple(declared[:count]))] if count else []
        with mongoglot.connect(database(tmp_path), tables=tables) as store:
            matched += compare(store["tasks"], memory, rng, 8 if turn else 0)
            for collection in (store["tasks"], memory):
                collection.update_many({"b": {"$exists": True}}, {"$set": {"a": count}})
                collection.insert_many(documents)
            matched += compare(store["tasks"], memory, rng, 12)
            if count == 3:
                plan = store["tasks"].explain({"a": {"$gte": 1, "$lt": 2}})["plan"]
                assert any("USING INDEX" in step for step in plan)
    assert matched > 100
    assert len(column_values(tmp_path, "deep")) == memory.count_documents({})


@pytest.mark.parametrize(
    "changed", [Column("n", "string", "a"), Column("n", "number", "b"), Column("N", "date", "a")]
)
def test_a_column_that_was_declared_otherwise(changed: Column, tmp_path: Path) -> None:
    first = Table("tasks", (Column("n", "number", "a"),))
    with mongoglot.connect(database(tmp_path), tables=[first]) as store:
        store["tasks"].insert_many([{"_id": 1, "a": 5}, {"_id": 2, "a": "5"}])
    with (
        mongoglot.connect(database(tmp_path), tables=[Table("tasks", (changed,))]) as store,
        pytest.raises(
            mongoglot.StoreError,
            match=rf"^column '{changed.name}' of 'tasks' was declared as .*number.* before$",
        ),
    ):
        store["tasks"].find({"a": 5})
    with mongoglot.connect(database(tmp_path), tables=[first]) as store:
        assert [document["_id"] for document in store["tasks"].find({"a": 5})] == [1]


@pytest.fixture
def indexed_tasks() -> Iterator[mongoglot.Collection]:
    columns = (Column("n", "number", "a", indexed=True), Column("s", "string", "b", indexed=True))
    with mongoglot.connect("sqlite::memory:", tables=[Table("tasks", columns)]) as store:
        store["tasks"].insert_many(
            [{"a": n if n % 10 else [n], "b": f"{n:03}" if n % 9 else None} for n in range(300)]
        )
        yield store["tasks"]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"a": 5}, 1), ({"a": {"$in": [5, 7, 20]}}, 3), ({"a": {"$gte": 20, "$lt": 25}}, 5), ({"b": "005"}, 1),
        ({"b": None}, 34), ({"b": {"$gte": "290"}}, 9), ({"b": {"$in": ["001", "x"]}}, 1),
        ({"a": Decimal128("5")}, 1),
    ],
)  # fmt: skip
def test_indexes_of_declared_columns_are_used(
    condition: dict[str, Any], count: int, indexed_tasks: mongoglot.Collection
) -> None:
    (field,) = condition
    name = {"a": "n", "b": "s"}[field]
    assert indexed_tasks.count_documents(condition) == count
    plan = indexed_tasks.explain(condition)["plan"]
    assert any(f"USING INDEX index of tasks on {name} " in step for step in plan), plan
    assert not any(step.startswith("SCAN tasks") for step in plan), plan


def test_an_update_that_fails_first(tmp_path: Path) -> None:
    with mongoglot.connect(database(tmp_path)) as store:
        store["tasks"].insert_one({"_id": 1, "a": 5})
    tables = [Table("tasks", (Column("n", "number", "a"),))]
    with mongoglot.connect(database(tmp_path), tables=tables) as store:
        with pytest.raises(mongoglot.WriteError):
            store["tasks"].update_many({}, {"$set": {"_id": 2}})
        assert list(store["tasks"].find({"a": 5})) == [{"_id": 1, "a": 5}]


def test_wrong_declarations() -> None:
    with pytest.raises(
        mongoglot.UnsupportedError,
        match=r"no column type 'text'; did you mean 'string'\? There are string, number, date, bool",
    ):
        Column("a", "text")  # type: ignore[arg-type]  # the mistake
    assert Always(True) == mongoglot.compile({}).optimised
