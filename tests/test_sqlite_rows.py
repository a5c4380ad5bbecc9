"""The quick way of a document to its row: what it takes is as on the long way, and it takes nothing else."""

from __future__ import annotations

import datetime
import enum
import math
import random
import uuid
from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import apsw
import bson
import orjson
import pytest
from bson import SON, Binary, Code, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion

import mongoglot
from mongoglot.compiler.stored import as_stored
from mongoglot.engines.sql.tags import TAG, identity
from mongoglot.engines.sqlite import rows
from mongoglot.engines.sqlite.encoding import decode, encode
from mongoglot.engines.sqlite.rows import row_of
from mongoglot.errors import MongoglotError
from tests.test_sqlite_encoding import NESTED, SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEED: Final = 20261122

DRIVER: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)


class Text(str):
    """A str with another look."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"


class Number(int):
    """An int that is one more where it is written."""

    def __repr__(self) -> str:
        return str(int(self) + 1)


class Names(dict[str, Any]):
    """A dict with other items."""

    def items(self) -> Any:
        return {"other": 1}.items()


class Word(enum.StrEnum):
    A = "a"


class Count(enum.IntEnum):
    ONE = 1


class Plain(enum.Enum):
    A = "a"


class OtherText(enum.StrEnum):
    """Its text is not its value."""

    A = "a"

    def __new__(cls, text: str) -> OtherText:
        member = str.__new__(cls, text)
        member._value_ = "b"
        return member


class OtherBytes(bytes, enum.Enum):
    """As in Python's documentation: its bytes are not its value."""

    A = 1

    def __new__(cls, number: int) -> OtherBytes:
        member = bytes.__new__(cls, [number])
        member._value_ = number
        return member


@dataclass
class Point:
    x: int = 1


Pair = namedtuple("Pair", "x y")


def nested(levels: int, *, by_lists: bool = False) -> Any:
    """A document with so many levels below it."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if by_lists else {"a": value}
    return {"_id": 1, "a": value}


def circle() -> dict[str, Any]:
    document: dict[str, Any] = {"_id": 1}
    document["a"] = [document]
    return document


ZONE: Final = datetime.timezone(datetime.timedelta(hours=5, minutes=30))

ODD_VALUES: Final[tuple[Any, ...]] = (
    Text("a"), Text(TAG), Number(5), Names(a=1), Word.A, Count.ONE, Plain.A, OtherText.A, OtherBytes.A,
    Point(), Pair(1, {"a": (2, Text("x"))}), (1, 2), (), ((),), uuid.UUID(int=7), orjson.Fragment(b"5"), {1, 2},
    frozenset(), 1j, object(), type, bytearray(b"a"), memoryview(b"a"), range(3), iter([]),
    SON([("b", 1), ("a", 2)]), OrderedDict(b=1, a=2), MappingProxyType({"a": 1}), UserDict({"a": 1}),
    True, False, 0, 1, None, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53),
    2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**400, Int64(5), Int64(2**31), Int64(-1),
    Int64(2**63 - 1), Int64(2**63), -0.0, 0.0, 5.0, 1e16, 1e-5, 1e22, 5e-324, math.nan, -math.nan,
    math.inf, -math.inf,
    Decimal128("1.50"), Decimal128("-0"), Decimal128("sNaN"), Decimal128("Infinity"), datetime.date(2026, 1, 1),
    datetime.time(1), datetime.datetime(2026, 1, 1, 1, 2, 3, 999_999), datetime.datetime.max.replace(tzinfo=ZONE),
    datetime.datetime.min.replace(tzinfo=ZONE), datetime.datetime(2026, 1, 1, 1, 2, 3, 999_999, ZONE),
    datetime.timedelta(1), b"", b"\0\xff", Binary(b"a", 0), Binary(b"a", 2), Binary(b"a", 128), ObjectId(),
    Timestamp(0, 0), Timestamp(1, 2), Code("x"), Code("x", {"a": 1}), Code("x", {"a": {1}}), Regex("a\0b"),
    Regex("a"),
    "", "\0", "a\0b", "\\u0000", "\\", '"', '"' + TAG, TAG, TAG + "I" + "0" * 24, "a" + TAG, "\ud800", "é",
    "\U0001f600",
    "\x7f\u2028\n\x1b", "null", "e0,", [None], {"": None}, {"\0": 1}, {"a\0": 1}, {"\ud800": 1}, {TAG: 1},
    {TAG: TAG},
    {"é": "é"}, {1: 1}, {None: 1}, {b"a": 1}, {Text("a"): 1}, {Word.A: 1}, {"a": {"b": {1: 1}}},
    [{"a": [Plain.A]}],
    {"$ref": "a", "$id": 1}, {"a.b": {"$c": 1}}, [[], {}, [[]]], [1, "a", None, True, 1.5, b"", [2], {"a": 3}],
)  # fmt: skip


def outcome(function: Any, document: Any) -> Any:
    """What is kept of a document, byte for byte; or the error and its words."""
    try:
        key, row = function(document)
    except (MongoglotError, RecursionError, TypeError) as error:
        return type(error), str(error)
    text = row[1] if isinstance(row[1], str) else row[1].decode()
    kept = decode(text)
    return type(key), repr(key), row[0], bson.encode(kept, codec_options=DRIVER), encode(kept)


def long_way(document: Any) -> Any:
    stored = as_stored(document)
    return stored["_id"], (identity(stored["_id"]), encode(stored))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One for each document that goes the long way."""
    went: list[int] = []

    def counting(document: Any) -> Any:
        went.append(1)
        return as_stored(document)

    monkeypatch.setattr(rows, "as_stored", counting)
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)  # of Timestamp(0, 0)
    return went


def places(value: Any) -> Iterator[Any]:
    """Documents with a value in different places, and the value as a document."""
    yield {"_id": value}
    yield {"_id": 1, "a": value}
    yield {"_id": 1, "a": [value]}
    yield {"a": {"b": [{"c": value}]}, "_id": "é"}
    yield {"_id": ObjectId(bytes(12)), "s": TAG, "t": "\\", "a": value}
    if isinstance(value, str) and not isinstance(value, Code):
        yield {"_id": 1, value: 1}
        yield {value: value, "_id": 1}
        yield {"_id": 1, "a": {value: {value: value}}}
    yield {**value, "_id": 7} if type(value) is dict else value


@pytest.mark.usefixtures("counted")
def test_odd_values_are_kept_or_refused_as_on_the_long_way() -> None:
    for position, value in enumerate(ODD_VALUES):
        for document in places(value):
            if isinstance(document, Mapping) and "_id" not in document:
                continue
            quick, expected = outcome(row_of, document), outcome(long_way, document)
            assert quick == expected, (position, type(value))


@pytest.mark.parametrize("levels", [0, 1, 178, 179, 180, 199, 253, 254, 255, 300, 2000])
@pytest.mark.parametrize("by_lists", [False, True])
def test_depth(levels: int, by_lists: bool) -> None:
    document = nested(levels, by_lists=by_lists)
    assert outcome(row_of, document) == outcome(long_way, document)
    assert outcome(row_of, circle()) == outcome(long_way, circle())


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(10)
    if depth and kind == 0:
        return random_fields(rng, depth - 1)
    if depth and kind == 1:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 2:
        return rng.choice(ODD_VALUES if rng.random() < 0.2 else SCALARS)
    if kind == 3:
        return rng.choice(NESTED)
    if kind == 4:
        return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-30, 30)
    if kind == 5:
        return rng.choice((1, -1)) * (2 ** rng.randrange(66) + rng.randrange(-2, 3))
    if kind == 6:
        return "".join(
            chr(rng.choice((34, 92, 65, 0, 31, 127, 233, 0x1F600, 0x10FFFF))) for _ in range(rng.randrange(4))
        )
    return rng.choice(
        (1, -7, "x", True, False, None, 2.5, ObjectId(bytes(12)), datetime.datetime(2026, 1, 2, 3))
    )


def random_fields(rng: random.Random, depth: int) -> dict[str, Any]:
    return {
        rng.choice(("a", "b", "é", "", "a.b", "$c", "_id", '"', "\n")): random_value(rng, depth)
        for _ in range(5)
    }


def test_random_documents_are_kept_as_on_the_long_way(counted: list[int]) -> None:
    rng = random.Random(SEED)
    refused = 0
    for number in range(12_000):
        document = random_fields(rng, 2)
        if "_id" not in document or rng.random() < 0.5:
            document = {"_id": number, **document, **({"_id": number} if rng.random() < 0.5 else {})}
        kept = outcome(row_of, document)
        assert kept == outcome(long_way, document), document
        refused += len(kept) == 2
    assert 500 < refused < 4_000
    assert 3_000 < len(counted) < 9_000  # the others were quick


def test_what_is_quick(counted: list[int]) -> None:
    moment = datetime.datetime(2026, 1, 1, 5, 30, 0, 1_999, ZONE)
    value = {
        "a": [1, "é", None, True, -0.5, {}, [], 2**52],
        "b": moment,
        "c": Int64(5),
        "d": b"a",
        "e": '"\\n',
    }
    _, (key, text) = row_of({"_id": ObjectId(bytes(12)), "x": value, "n": Decimal128("1.5")})
    assert not counted
    assert isinstance(text, bytes)
    assert key == identity(ObjectId(bytes(12)))
    assert text.decode().startswith(
        f'{{"_id":"{TAG}I{"0" * 24}","x":{{"a":[1,"é",null,true,-0.5,{{}},[],4503599627370496],'
        f'"b":"{TAG}K2026-01-01T00:00:00.001Z","c":5e0,"d":"'
    )
    assert decode(text.decode())["x"]["c"].__class__ is Int64


def test_a_key_is_made_and_stands_first() -> None:
    document = {"b": 1, "a": TAG}
    key, (text, _) = row_of(document)
    assert isinstance(key, ObjectId)
    assert text == identity(key)
    assert list(document) == ["b", "a"]
    moved = {"b": 1, "_id": 5, "a": 2}
    assert row_of(moved) == (5, (identity(5), b'{"_id":5,"b":1,"a":2}'))
    assert list(moved) == ["b", "_id", "a"]


# ---- in a store -----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[mongoglot.Store]:
    table = mongoglot.Table(
        "tasks",
        (mongoglot.Column("a", "number"), mongoglot.Column("b.c", "string"), mongoglot.Column("at", "date")),
    )
    with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}", tables=[table]) as store:
        yield store


@pytest.mark.parametrize("name", ["tasks", "plain"])
@pytest.mark.parametrize("indexed", [False, True])
def test_columns_and_indexes_say_what_is_stored(store: mongoglot.Store, name: str, indexed: bool) -> None:
    tasks = store[name]
    if indexed:
        tasks.create_index("a")
        tasks.create_index([("b.c", 1), ("_id", 1)], unique=True)
    rng = random.Random(SEED)
    kept = []
    for number in range(300):
        values = [rng.choice(SCALARS) for _ in range(3)]
        document = {
            "a": values[0],
            "_id": number,
            "b": {"c": rng.choice((values[1], (1, number)))},
            "at": values[2],
        }
        kept.append(as_stored(document))
        (tasks.insert_one if number % 2 else lambda one: tasks.insert_many([one]))(document)
    assert store.verify().ok
    assert [bson.encode(document) for document in tasks.find()] == [
        bson.encode(document) for document in kept
    ]
    for value in (5, 1.0, "a", Int64(2**31), datetime.datetime(2026, 1, 1), math.nan, None):
        for path in ("a", "b.c", "at"):
            matches = mongoglot.compile({path: value}).matches
            assert [found["_id"] for found in tasks.find({path: value})] == [
                d["_id"] for d in kept if matches(d)
            ]


def test_errors_of_a_callers_code_stay_what_they_are(store: mongoglot.Store) -> None:
    """Also those that look as if this store's file had raised them."""

    def documents(error: BaseException) -> Iterator[dict[str, Any]]:
        for number in range(1500):
            yield {"_id": number}
        raise error

    for error in (
        apsw.ConstraintError("not yours"),
        apsw.BusyError("nor this"),
        ValueError("x"),
        KeyboardInterrupt(),
    ):
        with pytest.raises(type(error)) as caught:
            store["plain"].insert_many(documents(error))
        assert caught.value is error
        assert list(store["plain"].find()) == []


def test_one_dict_may_be_given_again_and_again(store: mongoglot.Store) -> None:
    def documents() -> Iterator[dict[str, Any]]:
        document: dict[str, Any] = {"inner": {}}
        for number in range(1200):
            document["_id"] = number
            document["inner"]["n"] = -number
            yield document
        document.clear()

    assert store["plain"].insert_many(documents()).inserted_ids == list(range(1200))
    assert list(store["plain"].find()) == [{"_id": n, "inner": {"n": -n}} for n in range(1200)]


def test_documents_are_there_when_the_next_one_is_asked_for(store: mongoglot.Store) -> None:
    def documents() -> Iterator[dict[str, Any]]:
        for number in range(1003):
            if number > 1000:
                assert store["plain"].find_one(number - 1) == {"_id": number - 1}
                assert store["plain"].count_documents({}) == number
            yield {"_id": number}

    store["plain"].insert_many(documents())
    assert store["plain"].count_documents({}) == 1003


def test_inserts_follow_what_changes_between_them(store: mongoglot.Store) -> None:
    """Indexes and tables come and go in this connection, in another one, and in one transaction with inserts."""
    tasks, path = store["plain"], store.backend.file.path  # type: ignore[attr-defined]  # of this engine
    with mongoglot.connect(f"sqlite:{path}") as other:
        changes: tuple[Callable[[], object], ...] = (
            lambda: None,
            lambda: other["plain"].create_index("a"),
            lambda: tasks.create_index("b", unique=True),
            lambda: other["plain"].drop_index("b_1"),
            lambda: other["plain"].drop(),
            lambda: other["plain"].insert_one({"_id": -1, "a": 1, "b": 1}),
            lambda: tasks.create_index("c"),
            lambda: tasks.drop(),
            lambda: None,
        )
        for number, change in enumerate(changes):
            change()
            for key in (number * 2, number * 2 + 1):
                tasks.insert_one({"_id": key, "a": key, "b": key})
                assert tasks.find_one({"a": key, "b": key}) == {"_id": key, "a": key, "b": key}
            assert store.verify().ok
    backend: Any = store.backend
    for fails in (True, False):
        with suppress(ZeroDivisionError), backend.transaction():
            tasks.insert_one({"_id": 100, "a": 100})
            tasks.create_index("a")
            tasks.insert_one({"_id": 101, "a": 101})
            tasks.create_index("d")
            store["new"].insert_one({"_id": 1})
            tasks.insert_one({"_id": 102, "a": 102})
            if fails:
                raise ZeroDivisionError
        tasks.insert_one({"_id": 103 + fails, "a": 103})
        store["new"].insert_one({"_id": 3 + fails})
        assert store.verify().ok
    assert [index["name"] for index in tasks.list_indexes()] == ["_id_", "a_1", "d_1"]
    assert [found["_id"] for found in tasks.find({"a": {"$gte": 100}})] == [104, 100, 101, 102, 103]


@pytest.mark.parametrize("key", [7, ObjectId(bytes(12)), "é", 7.5, {"a": 1}, datetime.datetime(2026, 1, 1)])
def test_a_duplicate_is_told_by_its_key(store: mongoglot.Store, key: Any) -> None:
    tasks = store["plain"]
    tasks.insert_one({"_id": key})
    for write in (tasks.insert_one, lambda document: tasks.insert_many([{"_id": 1}, document, {"_id": 2}])):
        with pytest.raises(mongoglot.DuplicateKeyError) as caught:
            write({"_id": key, "a": 1})
        assert caught.value.key == key
        assert type(caught.value.key) is type(key)
    assert list(tasks.find()) == [{"_id": key}, {"_id": 1}]
