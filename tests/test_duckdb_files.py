"""Files that DuckDB queries in place: what is found in them, and what their values are read as."""

from __future__ import annotations

import datetime
import itertools
import json
import random
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import duckdb
import pytest
from bson import Binary, Decimal128, Int64
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot.errors import FilterError, StoreError, UnsupportedError
from mongoglot.testing import random_filter
from tests.typed_rows import random_table

ROWS = 20
FILTERS = 25


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mongoglot.Store]:
    """A store in memory, and a working directory for files."""
    monkeypatch.chdir(tmp_path)
    with mongoglot.connect("duckdb:") as opened:
        yield opened


def write(name: str, query: str, options: str = "") -> str:
    """Make a file of what a query gives."""
    target = name.replace("'", "''")
    with duckdb.connect() as plain:
        plain.execute("SET TimeZone = 'UTC'")
        plain.execute(f"COPY ({query}) TO '{target}' {options}")
    return name


def compare(store: mongoglot.Store, seed: int, tables: int) -> None:
    """Ask random filters of random tables: what is found is what the filter finds in the rows as documents."""
    rng = random.Random(seed)
    matched = asked = in_sql = 0
    for _ in range(tables):
        collection = store[write("random.parquet", random_table(rng, ROWS))]
        documents = list(collection.find())
        assert len(documents) == ROWS
        assert [bson.encode(document) for document in documents]
        for _ in range(FILTERS):
            query = random_filter(rng, near=documents)
            expected = [each["_id"] for each in mongoglot.compile(query).filter(documents)]
            found = [document["_id"] for document in collection.find(query, {"_id": 1})]
            assert found == expected, (seed, query, collection.explain(query)["sql"])
            assert collection.count_documents(query) == len(expected), (seed, query)
            in_sql += collection.explain(query)["residual"] is None
            matched, asked = matched + len(expected), asked + ROWS
    print(
        f"\n{asked} decisions, {matched / asked:.1%} matches, {in_sql * ROWS / asked:.1%} in SQL alone; {seed=}"
    )
    assert 0.1 < matched / asked < 0.9
    assert in_sql * ROWS > asked // 2


def test_random_filters_of_random_tables(store: mongoglot.Store) -> None:
    compare(store, 1, 6)


@pytest.mark.long
def test_many_random_filters_of_random_tables(store: mongoglot.Store) -> None:
    compare(store, random.SystemRandom().randrange(2**32), 2000)


TYPES: dict[str, Any] = {
    "true::BOOLEAN": True,
    "1::TINYINT": 1,
    "2147483647::INTEGER": 2**31 - 1,
    "2147483648::BIGINT": Int64(2**31),
    "5::BIGINT": 5,
    "18446744073709551615::UBIGINT": Decimal128("18446744073709551615"),
    "0.5::FLOAT": 0.5,
    "0.1::DOUBLE": 0.1,
    "1.50::DECIMAL(4, 2)": Decimal128("1.50"),
    "'é' || chr(0)": "é\0",
    "'b'::ENUM('a', 'b')": "b",
    "'\\x00a'::BLOB": b"\0a",
    "'1950-06-01'::DATE": datetime.datetime(1950, 6, 1),
    "'1969-12-31 23:59:59.999999'::TIMESTAMP": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
    "'2020-01-01 02:00:00+02'::TIMESTAMPTZ": datetime.datetime(2020, 1, 1),
    "'2020-01-01'::TIMESTAMP_NS": datetime.datetime(2020, 1, 1),
    "'00000000-0000-0000-0000-000000000007'::UUID": Binary.from_uuid(uuid.UUID(int=7)),
    "'20000-01-01'::DATE": DatetimeMS(568_971_820_800_000),
    "'0044-03-15 (BC)'::TIMESTAMP": DatetimeMS(-63_517_824_000_000),
    "NULL::INTEGER": None,
    "NULL::INTEGER[]": None,
    "[NULL, [], [1]]::INTEGER[][]": [None, [], [1]],
    "[NULL, {'a': NULL::DATE}, {'a': DATE '1970-01-02'}]": [
        None,
        {"a": None},
        {"a": datetime.datetime(1970, 1, 2)},
    ],
    "[1, NULL]": [1, None],
    "[1, 2]::INTEGER[2]": [1, 2],
    "[['2020-01-01 02:00:00+02'::TIMESTAMPTZ]]": [[datetime.datetime(2020, 1, 1)]],
    "{'a': 3000000000, 'B': [{'c': 'x'}]}": {"a": Int64(3_000_000_000), "B": [{"c": "x"}]},
    "MAP {'k': 3000000000}": {"k": Int64(3_000_000_000)},
    "MAP {1: 'x'}": [{"key": 1, "value": "x"}],
    "'{\"a\": [1, 3000000000, null]}'::JSON": {"a": [1, Int64(3_000_000_000), None]},
}


@pytest.mark.parametrize("literal", TYPES, ids=str)
def test_what_types_are_read_as(store: mongoglot.Store, literal: str) -> None:
    (found,) = store[write("a.parquet", f"SELECT {literal} AS x")].find()
    assert bson.encode(found) == bson.encode({"x": TYPES[literal]})
    operand = {"x": TYPES[literal]}
    assert store["a.parquet"].count_documents(operand) == 1, store["a.parquet"].explain(operand)["sql"]


TEXTS: dict[str, Any] = {
    "INTERVAL 1 DAY": "1 day",
    "TIME '10:00'": "10:00:00",
    "[INTERVAL 1 DAY]": ["1 day"],
    "{'a': TIME '10:00'}": {"a": "10:00:00"},
}


@pytest.mark.parametrize("literal", TEXTS)
def test_types_without_values_in_bson_are_read_as_text(store: mongoglot.Store, literal: str) -> None:
    collection = store[write("a.parquet", f"SELECT 1 AS x, {literal} AS odd")]
    path = "odd.a" if literal.startswith("{") else "odd"
    for condition in (
        {},
        {"odd": TEXTS[literal]},
        {path: {"$gt": "1", "$regex": "^1"}},
        {path: {"$type": 2}},
    ):
        assert list(collection.find(condition, sort=path)) == [{"x": 1, "odd": TEXTS[literal]}]
    assert collection.count_documents({path: {"$lt": "1"}}) == 0


@pytest.mark.parametrize("literal", ["'infinity'::DATE", "'-infinity'::TIMESTAMP", "'infinity'::TIMESTAMPTZ"])
def test_instants_that_are_infinite(store: mongoglot.Store, literal: str) -> None:
    collection = store[write("a.parquet", f"SELECT 1 AS a, [{literal}] AS x")]
    assert list(collection.find({"x": {"$exists": True}}, {"a": 1})) == [{"a": 1}]
    with pytest.raises(UnsupportedError, match="'x' has an instant that is infinite"):
        list(collection.find())


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("9223372036854775807", Int64(2**63 - 1)),
        ("[-9223372036854775808]", [Int64(-(2**63))]),
        ("-9223372036854775809", float(-(2**63))),
        ("1" * 400, float("inf")),
        ("-" + "1" * 5000, float("-inf")),
    ],
    ids=lambda each: str(each)[:24],
)
def test_large_numbers_of_json(store: mongoglot.Store, literal: str, value: Any) -> None:
    (found,) = store[write("a.parquet", f"SELECT '{literal}'::JSON AS x")].find()
    assert bson.encode(found) == bson.encode({"x": value})


@pytest.mark.parametrize(
    ("literal", "said"),
    [("[1,]", "a text that is not JSON"), ("[" * 5000 + "]" * 5000, "JSON that nests too deeply to be read")],
    ids=["a comma", "depth"],
)
def test_json_that_cannot_be_read(store: mongoglot.Store, literal: str, said: str) -> None:
    collection = store[write("a.parquet", f"SELECT 1 AS a, '{literal}'::JSON AS x")]
    assert list(collection.find({}, {"a": 1})) == [{"a": 1}]
    with pytest.raises(UnsupportedError, match=f"^column 'x' has {said}; leave it out with a projection$"):
        list(collection.find())


def test_many_batches_stay_in_order(store: mongoglot.Store) -> None:
    rows = """SELECT range AS a, nullif(range % 3, 0) + 2147483646 AS b, [range] AS c, {'d': [NULL, range]} AS e
        FROM range(10000)"""
    collection = store[write("a.parquet", rows)]
    found = list(collection.find({"a": {"$gte": 5}}))
    b = (None, 2**31 - 1, Int64(2**31))
    assert found == [{"a": n, "b": b[n % 3], "c": [n], "e": {"d": [None, n]}} for n in range(5, 10_000)]
    assert {type(document["b"]) for document in found} == {type(None), int, Int64}
    assert [document["a"] for document in collection.find({}, {"a": 1}, skip=3)] == list(range(3, 10_000))
    assert list(collection.find({"a": {"$lt": 2}}, {"x": 1})) == [{}, {}]


def test_a_value_that_cannot_be_read_is_told_of_when_it_is_met(store: mongoglot.Store) -> None:
    lines = "".join(f"{number}\n" for number in range(30_000))
    Path("a.csv").write_text(f"a\n{lines}x\n", encoding="utf-8")
    with pytest.raises(StoreError, match=r"a\.csv"):
        list(store["a.csv"].find())


def test_files_need_pyarrow(store: mongoglot.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = store[write("a.parquet", "SELECT 1 AS a")]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert collection.count_documents({"a": 1}) == 1
    with pytest.raises(UnsupportedError, match="pyarrow: pip install"):
        collection.find_one()


def test_decimals_with_more_digits_than_bson_has(store: mongoglot.Store) -> None:
    collection = store[write("a.parquet", f"SELECT {'9' * 38}::DECIMAL(38, 0) AS x")]
    assert collection.count_documents({"x": {"$gt": 1}}) == 1
    with pytest.raises(UnsupportedError, match="'x' has more than the 34 digits"):
        list(collection.find())


NUMBERS: list[Any] = [
    0, 1, 1.5, -1, 2**53, 2**53 + 1, 2.0**63, -(2**63), 1e300, float("inf"), float("-inf"), float("nan"), -0.0,
    Decimal128("0.1"), Decimal128("1.5"), Decimal128("9007199254740993"), Decimal128("1E+400"), Decimal128("NaN"),
    Decimal128("-Infinity"), 127, 128, 999.9, 1000,
]  # fmt: skip


NUMERIC_TYPES = ("TINYINT", "BIGINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL(4, 1)", "DECIMAL(38, 18)")


@pytest.mark.parametrize("kind", NUMERIC_TYPES)
def test_numbers_compare_exactly(store: mongoglot.Store, kind: str) -> None:
    texts = [str(number) for number in NUMBERS] + ["9223372036854775807", "18446744073709551615", "-999.9"]
    listed = ", ".join(f"('{text}')" for text in texts)
    table = f"(SELECT TRY_CAST(x AS {kind}) AS x FROM (VALUES {listed}) AS t(x))"  # noqa: S608 - ours
    collection = store[write("a.parquet", f"SELECT row_number() OVER () AS _id, x, [x] AS list FROM {table}")]  # noqa: S608 - ours
    documents = list(collection.find())
    assert len({str(document["x"]) for document in documents}) > 5
    for operand, name in itertools.product(NUMBERS, ["$eq", "$gt", "$gte", "$lt", "$lte"]):
        query = mongoglot.compile({"$or": [{"x": {name: operand}}, {"list": {name: operand}}]})
        both = mongoglot.compile({"x": {name: operand}, "list": {name: operand}})
        expected = [found["_id"] for found in query.filter(documents)]
        for asked in (query, both):
            assert [found["_id"] for found in collection.find(asked, {"_id": 1})] == expected, (operand, name)


def test_instants_beyond_the_calendar(store: mongoglot.Store) -> None:
    query = "SELECT unnest(['1970-01-01'::TIMESTAMP, '9999-12-31']) AS x, '2020-01-01'::TIMESTAMP_NS AS y"
    collection = store[write("a.parquet", query)]
    for millis, later in ((-(2**63), 2), (2**63 - 1, 0), (0, 1)):
        instant = bson.datetime_ms.DatetimeMS(millis)
        assert collection.count_documents({"x": {"$gt": instant}}) == later
        assert collection.count_documents({"y": {"$gt": instant}}) == (2 if later else 0)


def test_text_and_numbers_never_compare(store: mongoglot.Store) -> None:
    collection = store[write("a.parquet", "SELECT '5' AS text, 5 AS number, [5] AS list")]
    for query in (
        {"text": 5},
        {"text": {"$gt": 4}},
        {"number": "5"},
        {"list": {"$lt": "9"}},
        {"text": {"$in": [5]}},
    ):
        assert collection.count_documents(query) == 0
        assert collection.explain(query)["sql"].endswith("WHERE FALSE")


def test_filters_reach_the_file(store: mongoglot.Store) -> None:
    """DuckDB's plan has them in the scan, so that it skips row groups."""
    collection = store[write("a.parquet", "SELECT range AS a, {'b': range} AS c FROM range(10)")]
    for query in ({"a": {"$gte": 5}}, {"c.b": {"$gte": 5}}, {"a": 5}):
        plan = "".join(collection.explain(query)["plan"])
        assert "Filters: " in plan
        assert "FILTER" not in plan.replace("Filters", "").upper().replace("FILTERS", "")
        assert collection.count_documents(query) in (1, 5)


PEOPLE = [{"name": "ada", "age": 36, "tags": ["x", "y"]}, {"name": "bob", "age": None, "tags": []}]


def test_csv_and_json(store: mongoglot.Store, tmp_path: Path) -> None:
    Path("a.csv").write_text(
        'name,age,day\nada,36,2020-01-01\n"o\'brien; DROP TABLE x",,\n', encoding="utf-8"
    )
    lines = "".join(json.dumps(person) + "\n" for person in PEOPLE)
    for name in ("a.ndjson", "A.JSONL"):
        Path(name).write_text(lines, encoding="utf-8")
    Path("a.json").write_text(json.dumps(PEOPLE), encoding="utf-8")
    write("a.tsv.gz", "SELECT 1 AS x, 'é' AS y", "(FORMAT csv, DELIMITER '\t', COMPRESSION gzip)")
    day = datetime.datetime(2020, 1, 1)
    assert store["a.csv"].find_one({"age": {"$gt": 30}}) == {"name": "ada", "age": 36, "day": day}
    assert store["a.csv"].find_one({"age": None}, {"name": 1}) == {"name": "o'brien; DROP TABLE x"}
    for name in ("a.ndjson", "A.JSONL", "a.json", str(tmp_path / "a.json")):
        assert list(store[name].find({"tags": "y"})) == PEOPLE[:1]
        assert store[name].count_documents({"tags": {"$size": 0}, "age": None}) == 1
    assert list(store["a.tsv.gz"].find()) == [{"x": 1, "y": "é"}]
    assert store.collection_names() == []


def test_options_of_find(store: mongoglot.Store) -> None:
    rows = "SELECT range AS _id, range % 3 AS a, {'b': range} AS c FROM range(10)"
    collection = store[write("a.parquet", rows)]
    assert [found["_id"] for found in collection.find({"a": 1}, skip=1, limit=1)] == [4]
    assert [found["_id"] for found in collection.find({}, sort=[("a", -1), ("_id", -1)], limit=3)] == [
        8,
        5,
        2,
    ]
    assert list(collection.find({"c.b": {"$gte": 8}}, {"c.b": 1, "_id": 0})) == [
        {"c": {"b": 8}},
        {"c": {"b": 9}},
    ]
    assert list(collection.find({"_id": 3}, {"c": 0})) == [{"_id": 3, "a": 0}]
    assert collection.find_one({"c.b": {"$bitsAllSet": 6}}) == {"_id": 6, "a": 0, "c": {"b": 6}}
    assert '"c"' not in collection.explain({"a": 1}, {"a": 1})["sql"].split("FROM")[0]
    with pytest.raises(FilterError):
        collection.find({"a": {"$nope": 1}})
    reader = collection.find()
    assert next(reader)["_id"] == 0  # the rest is never read


def test_files_are_not_written(store: mongoglot.Store) -> None:
    collection = store[write("a.parquet", "SELECT 1 AS a")]
    before = Path("a.parquet").read_bytes()
    for step in (
        lambda: collection.insert_one({}), lambda: collection.insert_many([{}]), collection.drop,
        lambda: collection.update_many({}, {"$set": {"a": 2}}), lambda: collection.delete_one({}),
        lambda: collection.delete_many({}), lambda: collection.create_index("a"),
    ):  # fmt: skip
        with pytest.raises(UnsupportedError, match=r"'a\.parquet' is a file that is queried in place"):
            step()
    assert Path("a.parquet").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "x'; DROP TABLE t; --.parquet",
        'a"b.parquet',
        "é ü.parquet",
        "a[1].parquet",
        "?.parquet",
        "{file}.parquet",
    ],
)
def test_odd_names_of_files_and_columns(store: mongoglot.Store, name: str) -> None:
    store["t"].insert_one({"_id": 1})
    odd = name.replace('"', '""')
    collection = store[
        write(name, f'SELECT 5 AS "{odd}", {{\'{odd.replace(chr(39), chr(39) * 2)}\': 6}} AS "select"')
    ]
    head, _, ending = name.partition(".")  # a dot in the name of a column is one in a path
    (found,) = collection.find({name: 5, f"{head}.none": {"$exists": False}})
    assert found == {head: {ending: 5}, "select": {odd: 6}}
    assert store["t"].count_documents({}) == 1


@pytest.mark.parametrize("value", ["'; DROP TABLE t; --", '" OR 1=1', "a$file", "%s", "\\", "é\n"])
def test_values_that_look_like_sql(store: mongoglot.Store, value: str) -> None:
    store["t"].insert_one({"_id": value, "a": {value: value}})
    collection = store[write("a.parquet", "SELECT 'x' AS a, MAP {'k': 'x'} AS m")]
    for query in ({"a": value}, {"a": {"$in": [value]}}, {f"m.{value}": "x"}, {"m.k": value}, {value: 1}):
        assert collection.count_documents(query) == 0
        assert store["t"].count_documents(query) == 0
    assert store["t"].find_one({"_id": value}) == {"_id": value, "a": {value: value}}


def test_files_elsewhere_and_files_that_are_not_there(store: mongoglot.Store) -> None:
    for name in ("https://example.com/a.parquet", "s3://bucket/a.csv", "HTTP://localhost:1/a.json"):
        with pytest.raises(UnsupportedError, match="is on another machine"):
            store[name].find_one({})
    with pytest.raises(StoreError, match=r"there is no file 'none\.parquet'"):
        store["none.parquet"].find_one({})
    Path("broken.parquet").write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(StoreError, match=r"broken\.parquet"):
        store["broken.parquet"].find_one({})
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store["none.parquet"].find_one({})
