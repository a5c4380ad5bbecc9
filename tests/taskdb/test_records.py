"""Whatever a record holds is recorded, comes back, and is found like anything else."""

from __future__ import annotations

import re
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import DBRef, Decimal128, Int64, ObjectId, Regex
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb import records as taskdb_records
from mongoglot.taskdb.records import MAX_LEVELS, record_of, restored, stored, stored_fields
from tests.taskdb.history import Opener, ids

UUID_1 = UUID("12345678-1234-5678-1234-567812345678")
Point = namedtuple("Point", "x y")


class Colour(str, Enum):  # noqa: UP042 - its str() is not its text
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Hostile:
    """Its repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def nested(levels: int, kind: type) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"x": value} if kind is dict else [value]
    return value


def bottom(value: Any) -> tuple[Any, int]:
    """What nested containers hold at last, and how many they are; == would recurse."""
    levels = 0
    while isinstance(value, (dict, list)):
        value, levels = (value["x"] if isinstance(value, dict) else value[0]), levels + 1
    return value, levels


EXACT = [
    2**63, -(2**63) - 1, 2**64, -(10**5000), 2**63 - 1, -(2**63),
    "lone \udc80", "\ud83d\ude00 in halves", "😀", "back\\slash", "both \\ and \udfff",
    "\\ud800 is not \ud800", "\\ud800", "\0",
    {5: "int", None: "none", True: "bool", 1.5: "float", b"b": "bytes", (1, (2, "x")): "tuple"},
    {"": {"": 1}, "a.b": 1, "$set": {"$x": 1}, "nul\0": 1, "\udc80": 1, "_id": 1, "\\": 1},
    {"mongoglot:int": "0x5"}, {"mongoglot:str:a": 1}, {"mongoglot:key:5": 1},
    {"mongoglot:": {"mongoglot:repr": 1}},
    set(), {1, "a", None, 2.5, b"b", (1, 2), frozenset({3, (4,)})}, frozenset({2**70, "\udc80"}),
    {UUID_1, date(2026, 1, 1)}, UUID_1, Decimal("1.10"), Decimal("Infinity"), date(2026, 3, 1),
    timedelta(days=-1, microseconds=1), datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    ObjectId("0123456789abcdef01234567"), Decimal128("1.5"), Regex("a", "i"), bson.Binary(b"x", 4), bson.MinKey(),
    {"$ref": "x", "$id": 1}, [{"$gt": 1}], float("inf"), {"a": [{"b": {1}}]},
]  # fmt: skip
"""What comes back as it went in."""

CHANGED = [
    ((1, [2], (3,)), [1, [2], [3]]),
    (Point(1, 2), [1, 2]),
    (OrderedDict(b=1, a={2}), {"b": 1, "a": {2}}),
    (DBRef("x", 1), {"$ref": "x", "$id": 1}),
    (Int64(5), 5),
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (True, True),
    (bytearray(b"x"), b"x"),
    ([memoryview(b"x")], [b"x"]),
    (re.compile("a", re.IGNORECASE), Regex("a", re.IGNORECASE | re.UNICODE)),
    (PurePosixPath("/a"), "PurePosixPath('/a')"),
    ([Fraction(1, 2), 1], ["Fraction(1, 2)", 1]),
    (1 + 2j, "(1+2j)"),
    ({"mongoglot": range(3)}, {"mongoglot": "range(0, 3)"}),
    ({Colour.RED: 1, UUID_1: 2}, {"red": 1, f"UUID('{UUID_1}')": 2}),
    ({float("inf"): 1, ("x", float("-inf")): 2}, {"inf": 1, "('x', -inf)": 2}),
    ({re.compile("a")}, {"re.compile('a')"}),
]
"""What comes back otherwise."""


def test_values_come_back(database: TaskDatabase) -> None:
    record = {f"value {index}": value for index, value in enumerate(EXACT)}
    database.add_record("a", record)
    assert database.get_record("a") == {"msg_id": "a", **record}
    database.add_record("b", {})
    database.update_record("b", record)
    assert database.get_record("b") == {"msg_id": "b", **record}
    types = [type(value) for key, value in database.get_record("a").items() if key != "msg_id"]
    assert types == [type(value) for value in EXACT]


@pytest.mark.parametrize("value", EXACT, ids=lambda value: type(value).__name__)
def test_a_record_is_found_by_any_value(opener: Opener, value: Any) -> None:
    database = opener("memory")
    database.add_record("a", {"value": value, "list": [0, value]})
    database.add_record("b", {"value": "other", "list": []})
    assert ids(database.find_records({"value": {"$eq": value}, "list": {"$eq": value}})) == "a"
    if isinstance(value, Regex):
        return  # elsewhere it is a pattern
    for operators in ({"$in": ["none", value]}, {"$not": {"$ne": value}}):
        assert ids(database.find_records({"value": operators})) == "a"
    assert ids(database.find_records({"value": {"$ne": value}})) == "b"
    if not isinstance(value, dict):  # which may look like operators
        assert ids(database.find_records({"value": value, "list": value})) == "a"


def test_equal_sets_are_equal(database: TaskDatabase) -> None:
    database.add_record(
        "a", {"x": {0, 8, "y"}}
    )  # 0 and 8 share a place in the set: they come as they were put
    assert [*{0, 8}] != [*{8, 0}]
    for equal in ({8, 0, "y"}, {"y", 8.0, 0.0}):
        assert ids(database.find_records({"x": equal})) == "a"
    assert database.find_records({"x": frozenset({0, 8, "y"})}) == []


@pytest.mark.parametrize(("value", "expected"), CHANGED, ids=lambda value: type(value).__name__)
def test_other_values(value: Any, expected: Any) -> None:
    result = restored(stored(value))
    assert result == expected
    assert type(result) is type(expected)
    assert restored(stored(result)) == result
    bson.encode({"": stored(value)})


def test_odd_values_on_every_engine(database: TaskDatabase) -> None:
    for number, (value, expected) in enumerate(CHANGED):
        database.add_record(str(number), {"x": value})
        assert database.get_record(str(number))["x"] == expected
        if not isinstance(value, re.Pattern):
            assert str(number) in [found["msg_id"] for found in database.find_records({"x": {"$eq": value}})]


def test_what_has_no_repr_either(database: TaskDatabase) -> None:
    gone = memoryview(b"x")
    gone.release()
    record: dict[Any, Any] = {"x": [Hostile(), 1], "buffers": [gone, b"y"], Hostile(): 2}
    database.add_record("a", record)
    found = database.get_record("a")
    (odd_key,) = found.keys() - {"msg_id", "x", "buffers"}
    for text in (found["x"][0], odd_key):
        assert re.fullmatch(r"<tests\.taskdb\.test_records\.Hostile object at \w+>", text)
    assert found["x"][1:] == [1]
    assert found["buffers"][0].startswith("<released memory at ")
    assert found["buffers"][1:] == [b"y"]


@pytest.mark.parametrize("levels", [99, 100, 101, 179, 180, 200, MAX_LEVELS])
@pytest.mark.parametrize("kind", [dict, list])
def test_deep_values_come_back(database: TaskDatabase, levels: int, kind: type) -> None:
    deep = nested(levels, kind)
    database.add_record("a", {"deep": deep, "label": "x"})
    database.update_record("a", {"again": deep})
    found = database.find_records({"label": "x"})[0]
    assert bottom(found["deep"]) == bottom(found["again"]) == ("bottom", levels)
    sets = nested(levels - 1, kind)
    database.update_record("a", {"deep": [{(1, (2, (3,)))}, sets]})
    assert database.get_record("a")["deep"][0] == {(1, (2, (3,)))}


def test_too_deep_or_endless_values_are_recorded_as_text(database: TaskDatabase) -> None:
    endless: list[Any] = [1]
    endless += [endless, endless]
    database.add_record("a", {"x": nested(MAX_LEVELS + 1, list), "y": endless, "z": nested(5000, dict)})
    found = database.get_record("a")
    assert found["x"] == repr(nested(MAX_LEVELS + 1, list))
    assert found["y"] == "[1, [...], [...]]"
    assert found["z"].startswith("<dict object at ")
    deep_key: Any = ()
    for _ in range(50):
        deep_key = (deep_key,)
    database.update_record("a", {"x": {deep_key}})
    assert database.get_record("a")["x"] == repr({deep_key})


class Wordy:
    def __repr__(self) -> str:
        return "x" * 20_000


def test_long_reprs_are_cut() -> None:
    assert restored(stored(Wordy())) == "x" * 10_000


FOREIGN = [
    {"mongoglot:int": "many"}, {"mongoglot:int": 5}, {"mongoglot:deep": b"x"}, {"mongoglot:set": [[]]},
    {"mongoglot:set": 5}, {"mongoglot:uuid": "x"}, {"mongoglot:timedelta": "x"}, {"mongoglot:unknown": 1},
    {"mongoglot:str": 5},
]  # fmt: skip


@pytest.mark.parametrize("value", FOREIGN, ids=lambda value: type(value).__name__)
def test_what_others_wrote_is_read(value: Any) -> None:
    assert restored(value) == value
    assert restored({"a": [value]}) == {"a": [value]}


texts = st.text(st.characters(codec=None), max_size=6) | st.sampled_from(
    ["a", "a.b", "$a", "mongoglot:int", "\\ud800"]
)
instants = st.datetimes(timezones=st.just(UTC)).map(
    lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000)
)
scalars = st.none() | st.booleans() | st.integers() | texts | st.binary(max_size=4)


def with_tuples(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(strategy, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)


keys = with_tuples(scalars | st.floats(allow_nan=False, allow_infinity=False))
hashables = with_tuples(scalars | st.floats(allow_nan=False))
leaves = st.one_of(
    scalars, st.floats(allow_nan=False), st.integers(-(2**80), 2**80), instants,
    st.uuids(), st.decimals(allow_nan=False), st.dates(), st.timedeltas(),
    st.sets(hashables, max_size=3), st.frozensets(hashables, max_size=3),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(texts.filter(lambda name: name not in ("_id", "msg_id")), values, max_size=4)


@settings(max_examples=300, deadline=None)
@given(fields)
@example({"a": {"mongoglot:int": {"mongoglot:int": 2**64}}})
@example({"a": "\ud83d\ude00"})
def test_any_record_comes_back(record: dict[str, Any]) -> None:
    document = stored_fields(record)
    decoded = bson.decode(bson.encode(document), taskdb_records._CODEC)
    assert record_of(document) == record_of(decoded) == record


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(fields, min_size=1, max_size=3))
def test_any_record_comes_back_from_any_engine(database: TaskDatabase, records: list[dict[str, Any]]) -> None:
    database.drop_matching_records({})
    for number, record in enumerate(records):
        database.add_record(str(number), record)
        database.update_record(str(number), records[0])
    expected = [{"msg_id": str(number), **record, **records[0]} for number, record in enumerate(records)]
    assert database.find_records({}) == expected
    for name, value in records[0].items():
        if not name.startswith("$") and "." not in name:
            assert len(database.find_records({name: {"$eq": value}})) == len(records)
