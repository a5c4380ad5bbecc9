"""Stores: what is inserted, refused, updated and kept, on every engine as on a real server."""

from __future__ import annotations

import datetime
import gc
import os
import random
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.engines.base import Backend
from mongoglot.engines.sql import Column, Table
from mongoglot.errors import EncodingError, FilterError, StoreError, UnsupportedError, WriteError
from mongoglot.testing import random_documents, random_filter
from mongoglot.testing.alphabet import EVERY_SCALAR

if TYPE_CHECKING:
    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
Record = dict[str, Any]


def encoded(documents: Iterable[Record]) -> list[bytes]:
    return [bson.encode(document) for document in documents]


def ids(documents: Iterable[Record]) -> list[Any]:
    return [document["_id"] for document in documents]


class Agreement:
    """The same writes on every engine and on the server."""

    def __init__(self, server: Database[Record], stores: dict[str, mongoglot.Store]) -> None:
        self.server = server
        self.stores = stores
        self.name = "agreement"

    def run(self, command: Record) -> Record:
        """A bare command, so that no driver checks it first."""
        return self.server.command(command, codec_options=self.server.codec_options)

    def clear(self) -> None:
        self.server[self.name].delete_many({})
        for store in self.stores.values():
            store[self.name].delete_many({})

    def insert(self, document: Record) -> int | None:
        """Insert into all; the code of the server's error, after checking that all say the same."""
        reply = self.run({"insert": self.name, "documents": [document]})
        code = reply["writeErrors"][0]["code"] if "writeErrors" in reply else None
        for engine, store in self.stores.items():
            assert code_of(store[self.name].insert_one, document) == code, (engine, document)
        return code

    def update(self, condition: Record, change: Record, *, many: bool = True) -> Any:
        """Update all; the counts or the code of the error, after checking that all say the same."""
        command = {"update": self.name, "updates": [{"q": condition, "u": change, "multi": many}]}
        try:
            reply = self.run(command)
            expected = (
                reply["writeErrors"][0]["code"]
                if "writeErrors" in reply
                else (reply["n"], reply["nModified"])
            )
        except OperationFailure as error:
            expected = error.code
        for engine, store in self.stores.items():
            update = store[self.name].update_many if many else store[self.name].update_one
            try:
                result = update(condition, change)
                actual: Any = (result.matched_count, result.modified_count)
            except (FilterError, WriteError) as error:
                actual = error.code
            assert actual == expected, (engine, condition, change)
        return expected

    def check(self) -> list[Record]:
        """The documents, after checking that all hold the same ones."""
        documents = list(self.server[self.name].find({}))
        for engine, store in self.stores.items():
            assert encoded(store[self.name].find({})) == encoded(documents), engine
        return documents


def code_of(action: Callable[..., Any], *arguments: Any) -> int | None:
    try:
        action(*arguments)
    except (FilterError, WriteError) as error:
        return error.code
    return None


@pytest.fixture(scope="module")
def all_stores(server: Database[Record], stores: dict[str, mongoglot.Store]) -> Agreement:
    return Agreement(server, stores)


@pytest.fixture
def everywhere(all_stores: Agreement) -> Iterator[Agreement]:
    """Empty collections, which hold the same in the end."""
    all_stores.clear()
    yield all_stores
    all_stores.check()


# ---- inserts -------------------------------------------------------------------------------------

ONE_KEY: tuple[tuple[Any, ...], ...] = (
    (1, 1.0, Int64(1), Decimal128("1.0"), Decimal128("1")), (True,), ("1",), (0, -0.0, Decimal128("-0"), Int64(0)),
    (False,), (None,), (float("nan"), Decimal128("NaN")), (float("inf"), Decimal128("Infinity")),
    ({"a": 1, "b": 2}, {"a": 1.0, "b": Int64(2)}), ({"b": 2, "a": 1},), ({"a": 1},), ({},),
    ({"a": [1]}, {"a": [1.0]}),
    (b"a", Binary(b"a", 0)), (Binary(b"a", 5),), (Binary(b"a", 2),), ("a",), (Code("a"),), ("é",), ("e\u0301",),
    (2**53 + 1, Decimal128("9007199254740993")), (2**53, float(2**53)), (0.1,), (Decimal128("0.1"),), ("",),
    (datetime.datetime(2020, 1, 1, 0, 0, 0, 1999), datetime.datetime(2020, 1, 1, 0, 0, 0, 1000)),
    (Timestamp(1, 1),), (MinKey(),), (MaxKey(),), (ObjectId("0" * 24),), ({"a": None},), ({"a": {}},),
    ("a\0",), (Code("a", {}),),
)  # fmt: skip
"""Keys that are one key, in groups."""


def test_which_keys_are_one(everywhere: Agreement) -> None:
    rng = random.Random(SEED)
    keys = [(number, key) for number, group in enumerate(ONE_KEY) for key in group]
    for _ in range(3):
        everywhere.clear()
        rng.shuffle(keys)
        taken = set()
        for number, key in keys:
            assert everywhere.insert({"_id": key}) == (11000 if number in taken else None), key
            taken.add(number)


def test_any_value_as_a_key(everywhere: Agreement) -> None:
    rng = random.Random(SEED)
    values = [*EVERY_SCALAR, *chain.from_iterable(map(dict.values, random_documents(rng, 250)))]
    values = [value for value in values if "$" not in repr(value) and "DBRef" not in repr(value)]
    codes = [everywhere.insert({"a": 1, "_id": value}) for value in values]
    assert {None, 11000, 53} == set(codes)
    assert codes.count(None) > 100


def nested(depth: int, *, array: bool = False) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if array and level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"_id": [1]}, 53), ({"_id": []}, 53), ({"_id": Regex("a")}, 53), ({"_id": {"$a": 1}}, 52),
        ({"_id": {"a": 1, "$b": 1}}, 52), ({"_id": {"$ref": "a"}}, 52), ({"_id": {"$id": 1, "$ref": "a"}}, 52),
        ({"_id": {"a": [1]}}, None), ({"_id": {"a.b": 1}}, None), ({"_id": {"a": [{}]}}, None),
        ({"_id": {"a": [{"$ref": "a", "$id": {"$x": 1}}]}}, None),
        ({"_id": 1, "$a": 1}, None), ({"_id": 1, "a.b": 1, "": 1, "a": {"$b": {"": [{"$c.d": 1}]}}}, None),
        ({"a": 1, "_id": 1, "b": 1}, None), ({"_id": 1, "a": {"_id": [1]}}, None),
        ({"_id": 1, "a": Regex("(")}, None), ({"_id": 1, **nested(180)}, None), ({"_id": 1, **nested(181)}, 15),
        ({"_id": 1, "a": nested(179, array=True)}, None), ({"_id": 1, "a": nested(180, array=True)}, 15),
        ({"_id": nested(178)}, None), ({"_id": nested(190)}, 15),
    ],
    ids=lambda part: ascii(part)[:50],
)  # fmt: skip
def test_what_may_be_inserted(everywhere: Agreement, document: Record, code: int | None) -> None:
    assert everywhere.insert(document) == code
    assert len(everywhere.check()) == (code is None)


@pytest.mark.parametrize(
    "key",
    [
        DBRef("a", 1), {"$ref": "a", "$id": 1, "x": 2}, {"a": {"$b": 1}},
        {"a": [[{"$b": 1}]]}, {"a": Code("x", {"$a": 1})}, {"a": {"$ref": 1, "$id": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_keys_with_dollars(all_stores: Agreement, key: Any) -> None:
    """As on the server: `$ref` (a string), `$id`, perhaps `$db` (a string), in this order and before all else."""
    all_stores.clear()
    try:
        all_stores.insert({"_id": key})
    finally:
        all_stores.clear()


@pytest.fixture(params=["memory:", "sqlite::memory:"])
def tasks(request: pytest.FixtureRequest) -> Iterator[mongoglot.Collection]:
    with mongoglot.connect(request.param) as store:
        yield store["tasks"]


def test_documents_come_back_as_copies(tasks: mongoglot.Collection) -> None:
    document: Record = {"b": [1, {"c": 2}], "_id": 1}
    assert tasks.insert_one(document).inserted_id == 1
    document["b"][1]["c"] = 9
    (found,) = tasks.find()
    assert list(found.items()) == [("_id", 1), ("b", [1, {"c": 2}])]
    found["b"].append(3)
    assert tasks.find_one() == {"_id": 1, "b": [1, {"c": 2}]}
    assert document == {"b": [1, {"c": 9}], "_id": 1}


def test_keys_and_times_that_the_store_makes(tasks: mongoglot.Collection) -> None:
    document = {"at": Timestamp(0, 0), "in": [Timestamp(0, 0)]}
    key = tasks.insert_one(document).inserted_id
    assert isinstance(key, ObjectId)
    assert "_id" not in document
    found = tasks.find_one(key)
    assert found is not None
    assert found["at"].time > 1_700_000_000
    assert found["in"] == [Timestamp(0, 0)]
    assert len(set(tasks.insert_many([{}, {}, {}]).inserted_ids)) == 3


@pytest.mark.parametrize(
    "wrong", [{"_id": 2, "a": [{"b": {1}}]}, {"_id": [2]}, {"_id": 2, "a": 2**63}, [("_id", 2)]]
)
def test_nothing_is_written_where_a_document_is_refused(tasks: mongoglot.Collection, wrong: Any) -> None:
    with pytest.raises((EncodingError, WriteError)) as caught:
        tasks.insert_many([{"_id": 1}, wrong, {"_id": 3}])
    assert list(tasks.find()) == []
    if isinstance(caught.value, EncodingError) and isinstance(wrong, dict):
        assert caught.value.path in ("a[0].b", "a")


def test_what_stands_before_a_duplicate_stays(stores: dict[str, mongoglot.Store]) -> None:
    for store in stores.values():
        tasks = store["duplicates"]
        tasks.insert_one({"_id": "x", "a": 0})
        with pytest.raises(
            mongoglot.DuplicateKeyError, match=r"'duplicates' already has .* _id 'x'"
        ) as caught:
            tasks.insert_many([{"_id": 1}, {"_id": "x", "a": 1}, {"_id": 2}])
        assert caught.value.key == "x"
        assert (caught.value.code, caught.value.code_name) == (11000, "DuplicateKey")
        with pytest.raises(mongoglot.DuplicateKeyError):
            tasks.insert_many([{"_id": 7}, {"_id": 7.0}])
        assert list(tasks.find()) == [{"_id": "x", "a": 0}, {"_id": 1}, {"_id": 7}]
        tasks.insert_one({"_id": 2})  # and the store goes on


# ---- updates -------------------------------------------------------------------------------------

UPDATED_NAMES = ("a", "b", "c", "0", "1", "10", "2", "z", "A", "é", "a b", "new")


def random_change(rng: random.Random, near: list[Record]) -> Record:
    """Some of $set and $unset, on fields that are there and on new ones, in any order."""
    names = rng.sample(UPDATED_NAMES, rng.randint(1, 5))
    assigned = rng.randint(0, len(names))
    values = [value for document in random_documents(rng, 2) + near[:3] for value in document.values()]
    parts: list[tuple[str, Record]] = []
    if assigned:
        parts.append(("$set", {name: rng.choice(values) for name in names[:assigned]}))
    if assigned < len(names):
        parts.append(("$unset", {name: rng.choice((1, "", None)) for name in names[assigned:]}))
    return dict(rng.sample(parts, len(parts)))


def test_updates_are_those_of_the_server(everywhere: Agreement) -> None:
    rng = random.Random(SEED)
    changed = 0
    for _ in range(8):
        everywhere.clear()
        for document in random_documents(rng, 12):
            everywhere.insert(document)
        for _ in range(12):
            documents = everywhere.check()
            condition = random_filter(rng, near=documents)
            if "'_id'" in repr(condition):  # where an index decides which one is the first
                condition = {"_id": rng.choice(documents)["_id"]}
            result = everywhere.update(condition, random_change(rng, documents), many=rng.random() < 0.5)
            changed += result[1]
    assert changed > 30


KEPT: list[Record] = [{"_id": 1, "a": 1, "b": [1], "10": 1}, {"_id": 1.5, "a": 1}]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"$set": {"a": 1}}, (2, 0)), ({"$set": {"a": 1.0}}, (2, 2)), ({"$set": {"a": Int64(1)}}, (2, 2)),
        ({"$unset": {"x": 1}}, (2, 0)), ({"$set": {}}, (2, 0)), ({"$unset": {}}, (2, 0)),
        ({"$set": {"9": 1, "z": 1, "10": 2, "é": 1, "b": 2, "1": 0, "0": 1}}, (2, 2)),
        ({"$unset": {"a": 1}, "$set": {"c": 1}}, (2, 2)), ({"$set": {"a": {"$x": 1, "": [{"a.b": 1}]}}}, (2, 2)),
        ({"$set": {"_id": 2}}, 66), ({"$unset": {"_id": 1}}, 66), ({"$set": {"c": 1, "_id": 2}}, 66),
        ({"$set": {"a": 1}, "$unset": {"a": 1}}, 40), ({"$unset": {"a": 1, "b": 1}, "$set": {"c": 1, "b": 1}}, 40),
        ({"$set": {"": 1}}, 56), ({"$unset": {"": 1}}, 56), ({"$set": 5}, 9), ({"$set": [1]}, 9),
        ({"$unset": "a"}, 9), ({"$foo": {"a": 1}}, 9), ({"$set": {"a": 1}, "b": 1}, 9),
        ({"$set": {"a": 1}, "$foo": {}}, 9), ({"$set": {"$a": 1}}, 52), ({"$set": {"a": nested(179)}}, (2, 2)),
    ],
    ids=lambda part: ascii(part)[:50],
)  # fmt: skip
def test_what_an_update_may_be(everywhere: Agreement, change: Record, expected: Any) -> None:
    for document in KEPT:
        everywhere.insert(document)
    assert everywhere.update({"a": 1}, change) == expected
    if not isinstance(expected, tuple):
        assert everywhere.check() == KEPT


def test_the_key_in_an_update(everywhere: Agreement) -> None:
    everywhere.insert({"_id": 1, "a": 1})
    assert everywhere.update({"_id": 1}, {"$set": {"_id": 1, "a": 2}}) == (1, 1)
    assert everywhere.update({"_id": 7}, {"$set": {"_id": 9}}) == (0, 0)
    assert everywhere.update({"_id": 1}, {"$set": {"_id": True}}, many=False) == 66


RULES: dict[str, tuple[Record, Record]] = {
    "names that begin with 1 to 9 go by length": (
        {},
        {"$set": dict.fromkeys(("z", "1a", "2", "10", "-1", "0a", "00"), 1)},
    ),
    "an equal key of another type is another key": ({}, {"$set": {"_id": 1.0}}),
    "a document may nest 180 levels after an update too": ({}, {"$set": {"a": nested(180)}}),
    "a field with a $ may be removed": ({}, {"$unset": {"$a": 1}}),
    "a field with a $ is refused where a document matches": ({"_id": 7}, {"$set": {"$a": 1}}),
    "conflicts are found on the way": ({}, {"$set": {"a": 1}, "$unset": {"a": 1, "": 1}}),
    "an empty name comes before a $": ({}, {"$set": {"$a": 1, "": 1}}),
    "an unknown operator comes before a wrong filter": ({"a": {"$foo": 1}}, {"$foo": {"a": 1}}),
    "a conflict comes before a wrong filter": ({"$or": []}, {"$set": {"a": 1}, "$unset": {"a": 1}}),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules_of_updates(all_stores: Agreement, rule: str) -> None:
    all_stores.clear()
    try:
        all_stores.insert({"_id": 1})
        all_stores.update(*RULES[rule])
        all_stores.check()
    finally:
        all_stores.clear()


def test_an_update_that_one_document_refuses_changes_none(tasks: mongoglot.Collection) -> None:
    tasks.insert_many([{"_id": n, "a": n} for n in range(5)])
    with pytest.raises(WriteError):
        tasks.update_many({"a": {"$gte": 1}}, {"$set": {"_id": 1, "b": 1}})
    assert list(tasks.find()) == [{"_id": n, "a": n} for n in range(5)]


# ---- the order of errors -------------------------------------------------------------------------


class Untouchable:
    """A backend that nobody may ask anything."""

    name = "untouchable"

    def __getattr__(self, name: str) -> Any:
        return partial(pytest.fail, f"{name} was called")


def test_wrong_questions_do_not_reach_the_store() -> None:
    backend: Any = Untouchable()
    tasks = mongoglot.Store(backend)["tasks"]
    wrong: Record = {"a": {"$foo": 1}}
    calls: list[Callable[[], Any]] = [
        lambda: tasks.find(wrong), lambda: tasks.find_one(wrong), lambda: tasks.count_documents(wrong),
        lambda: tasks.delete_one(wrong), lambda: tasks.delete_many(wrong), lambda: tasks.explain(wrong),
        lambda: tasks.update_one(wrong, {"$set": {"a": 1}}), lambda: tasks.update_many({}, {"$foo": {}}),
        lambda: tasks.find({}, {"a": 1, "b": 0}), lambda: tasks.find({}, sort={"a": 5}),
        lambda: tasks.find({}, skip=-1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(FilterError):
            call()
    documents: tuple[Any, ...] = ({"_id": [1]}, {"a": {1}}, 5, nested(200))
    for document in documents:
        with pytest.raises((EncodingError, WriteError)):
            tasks.insert_one(document)
        with pytest.raises((EncodingError, WriteError)):
            tasks.insert_many([{}, document])


@pytest.mark.parametrize("engine", ["memory:", "sqlite::memory:", "null:"])
def test_the_first_of_several_errors(engine: str) -> None:
    """Skip and limit, the filter, the projection, the sort (semantics 4.6); then only the store."""
    wrong: list[tuple[str, Any, int]] = [
        ("limit", -1, 51024), ("filter", {"a": {"$foo": 1}}, 2), ("projection", {"a": 1, "b": 0}, 31254),
        ("sort", {"a": 5}, 15975),
    ]  # fmt: skip
    tasks = mongoglot.connect(engine)["tasks"]
    for first in range(len(wrong)):
        options = {name: value for name, value, _ in wrong[first:]}
        with pytest.raises(FilterError) as caught:
            tasks.find(options.pop("filter", {}), **options)
        assert caught.value.code == wrong[first][2]


# ---- files ---------------------------------------------------------------------------------------


def url(tmp_path: Path, name: str = "store.db") -> str:
    return f"sqlite:{tmp_path / name}"


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    documents = random_documents(random.Random(SEED), 150)
    with mongoglot.connect(url(tmp_path)) as store:
        store["tasks"].insert_many(documents)
        store["others"].insert_one({"_id": 1})
        expected = encoded(store["tasks"].find())
    with mongoglot.connect(url(tmp_path)) as store:
        assert store.collection_names() == ["others", "tasks"]
        assert encoded(store["tasks"].find()) == expected
        store["tasks"].delete_many({})
        store["others"].drop()
    with mongoglot.connect(url(tmp_path)) as store:
        assert list(store["tasks"].find()) == list(store["others"].find()) == []
        assert "others" not in store.collection_names()


def test_what_was_acknowledged_survives_the_process(tmp_path: Path) -> None:
    script = (
        "import os, sys, mongoglot\n"
        "tasks = mongoglot.connect(sys.argv[1])['tasks']\n"
        "for number in range(10_000):\n"
        "    tasks.insert_one({'_id': number})\n"
        "    print(number, flush=True)\n"
        "    if number == 40: os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, url(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    acknowledged = list(map(int, done.stdout.split()))
    assert acknowledged[-1] == 40
    with mongoglot.connect(url(tmp_path)) as store:
        assert ids(store["tasks"].find()) == acknowledged


def test_two_stores_on_one_file(tmp_path: Path) -> None:
    with mongoglot.connect(url(tmp_path)) as one, mongoglot.connect(url(tmp_path)) as two:
        assert list(two["tasks"].find()) == []
        one["tasks"].insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
        assert ids(two["tasks"].find({"a": 2})) == [2]
        two["tasks"].update_one({"_id": 1}, {"$set": {"a": 2}})
        assert one["tasks"].count_documents({"a": 2}) == 2
        with pytest.raises(mongoglot.DuplicateKeyError):
            two["tasks"].insert_one({"_id": 2.0})
        started = one["tasks"].find({"a": 2})
        assert next(started)["_id"] == 1
        two["tasks"].delete_many({})
        assert ids(started) in ([2], [])


def test_a_collection_that_another_store_drops(tmp_path: Path) -> None:
    with mongoglot.connect(url(tmp_path)) as one, mongoglot.connect(url(tmp_path)) as two:
        two["tasks"].insert_one({"_id": 1})
        one["tasks"].drop()
        assert list(two["tasks"].find()) == []
        two["tasks"].insert_one({"_id": 2})
        assert ids(one["tasks"].find()) == [2]


def test_columns_that_another_store_declares(tmp_path: Path) -> None:
    tables = [Table("tasks", (Column("a", "number"),))]
    with mongoglot.connect(url(tmp_path)) as one:
        one["tasks"].insert_one({"_id": 1, "a": 5})
        with mongoglot.connect(url(tmp_path), tables=tables) as two:
            assert ids(two["tasks"].find({"a": 5})) == [1]
            one["tasks"].insert_one({"_id": 2, "a": 5})
            one["tasks"].update_one({"_id": 1}, {"$set": {"a": 6}})
            assert (ids(two["tasks"].find({"a": 5})), ids(two["tasks"].find({"a": 6}))) == ([2], [1])


def test_files_that_are_no_stores(tmp_path: Path) -> None:
    foreign = apsw.Connection(str(tmp_path / "foreign.db"))
    foreign.execute("CREATE TABLE tasks (a); INSERT INTO tasks VALUES (1)")
    foreign.close()
    newer = apsw.Connection(str(tmp_path / "newer.db"))
    mongoglot.connect(url(tmp_path, "model.db")).close()
    identity = apsw.Connection(str(tmp_path / "model.db")).pragma("application_id")
    newer.execute(f"PRAGMA application_id = {identity}; PRAGMA user_version = 99; CREATE TABLE x (a)")
    newer.close()
    (tmp_path / "text.db").write_bytes(b"this is no database at all\n" * 100)
    (tmp_path / "short.db").write_bytes(b"hello")
    for name, words in (
        ("foreign.db", "is an SQLite database, but not a mongoglot store; it was left untouched"),
        (
            "newer.db",
            r"was written by a newer mongoglot \(format 99, this one knows \d+\); it was left untouched",
        ),
        ("text.db", "is not an SQLite database; it was left untouched"),
        ("short.db", "is not an SQLite database; it was left untouched"),
    ):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreError, match=words):
            mongoglot.connect(url(tmp_path, name))
        assert (tmp_path / name).read_bytes() == before, name
        assert not list(tmp_path.glob(f"{name}-*")), name


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened: is .*nowhere a folder that can be written to\?"):
        mongoglot.connect(url(tmp_path, "nowhere/store.db"))
    with pytest.raises(StoreError, match="cannot be opened"):
        mongoglot.connect(f"sqlite:{tmp_path}")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with mongoglot.connect(url(tmp_path, "empty.db")) as store:
        store["tasks"].insert_one({"_id": 1})


def test_a_closed_store(tmp_path: Path) -> None:
    store = mongoglot.connect(url(tmp_path))
    tasks = store["tasks"]
    tasks.insert_one({"_id": 1})
    store.close()
    store.close()
    calls: list[Callable[[], Any]] = [
        lambda: list(tasks.find()), lambda: tasks.count_documents({}), lambda: tasks.insert_one({}), tasks.drop,
        lambda: tasks.update_many({}, {"$set": {"a": 1}}), lambda: tasks.delete_many({}), store.collection_names,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(StoreError, match=r"the store in .*store\.db is closed"):
            call()
    with pytest.raises(FilterError):
        tasks.find({"a": {"$foo": 1}})


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_threads_share_a_store(engine: str, tmp_path: Path) -> None:
    start = threading.Barrier(8)
    with mongoglot.connect(url(tmp_path) if engine == "sqlite" else "memory:") as store:
        tasks = store["tasks"]

        def work(worker: int) -> int:
            start.wait()
            for number in range(30):
                tasks.insert_one({"_id": [worker, number][0] * 1000 + number, "worker": worker, "n": number})
                if number % 5 == 0:
                    tasks.update_many({"worker": worker}, {"$set": {"seen": number}})
                    assert tasks.count_documents({"worker": worker, "seen": number}) == number + 1
                assert [task["n"] for task in tasks.find({"worker": worker})] == list(range(number + 1))
            return tasks.delete_many({"worker": worker, "n": {"$lt": 10}}).deleted_count

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == [10] * 8
        assert tasks.count_documents({}) == 160
        assert tasks.count_documents({"seen": 25}) == 128


def test_threads_open_one_new_file(tmp_path: Path) -> None:
    for attempt in range(40):
        start = threading.Barrier(6)

        def work(worker: int, start: threading.Barrier = start, name: str = f"{attempt}.db") -> None:
            start.wait()
            with mongoglot.connect(url(tmp_path, name)) as store:
                store["tasks"].insert_one({"_id": worker})

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
        with mongoglot.connect(url(tmp_path, f"{attempt}.db")) as store:
            assert sorted(ids(store["tasks"].find())) == list(range(6))


# ---- engines -------------------------------------------------------------------------------------


def test_the_store_that_keeps_nothing() -> None:
    with mongoglot.connect("null:") as store:
        tasks = store["tasks"]
        assert tasks.insert_one({"_id": 1}).inserted_id == 1
        assert tasks.insert_many([{"_id": 1}, {"_id": 1}]).inserted_ids == [1, 1]
        assert tasks.update_many({}, {"$set": {"a": 1}}).matched_count == 0
        assert tasks.delete_many({}).deleted_count == 0
        tasks.drop()
        assert store.collection_names() == []
        with pytest.raises(EncodingError):
            tasks.insert_one({"a": {1}})
        reads: list[Callable[[], Any]] = [tasks.find, tasks.find_one, lambda: tasks.count_documents({})]
        for read in reads:
            with pytest.raises(KeyError) as caught:
                read()
            assert str(caught.value).startswith(
                "nothing can be read from 'tasks': the store is 'null:', which keeps"
            )
        store.close()


@pytest.mark.parametrize("name", ["", "a\0b", "$cmd", "a$b"])
def test_names_that_no_collection_may_have(name: str) -> None:
    with pytest.raises(UnsupportedError, match="cannot name a collection"):
        mongoglot.connect("memory:")[name]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "is no store: write memory:, sqlite:PATH, duckdb:PATH, postgresql://host/database, .* or null:$"),
        ("tasks.db", "the store in a file of this name is 'sqlite:tasks.db'"),
        ("a/tasks.duckdb", "is 'duckdb:a/tasks.duckdb'"),
        ("redis://localhost", r"no engine for 'redis://localhost': the scheme is one of .*memory, .*sqlite"),
        ("Memory:", "no engine for"), ("memory:x", "answers to 'memory:'"), ("null:x", "answers to 'null:'"),
        ("sqlite:", "write sqlite:PATH"), ("./tasks.db", "is no store"),
    ],
)  # fmt: skip
def test_addresses_that_no_engine_answers_to(address: str, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        mongoglot.connect(address)


def answer_of_a_dead_server() -> tuple[str, list[warnings.WarningMessage]]:
    """The text of the error, and what was warned of when all was collected."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(StoreError) as caught:
            mongoglot.connect("mongodb://someone:secret@127.0.0.1:1/x", timeout=0.1)
        text = str(caught.value)
        del caught
        gc.collect()
    return text, seen


def test_a_server_that_does_not_answer() -> None:
    text, _ = answer_of_a_dead_server()
    assert text.startswith("no MongoDB server answers at mongodb://127.0.0.1:1/x: ")
    assert "secret" not in text


def test_nothing_is_left_open_where_no_server_answers() -> None:
    _, seen = answer_of_a_dead_server()
    assert [warning.message for warning in seen if warning.category is ResourceWarning] == []


TINY = """
from mongoglot.engines.memory import MemoryBackend

class TinyBackend(MemoryBackend):
    name = "tiny"

    def __init__(self, url, size):
        super().__init__()
        self.url, self.size = url, size

def open_backend(url, *, size=1):
    return TinyBackend(url, size)
"""


def test_an_engine_of_another_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny_engine.py").write_text(TINY)
    information = tmp_path / "tiny_engine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-engine\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[mongoglot.engines]\ntiny = tiny_engine:open_backend\n")
    with pytest.raises(UnsupportedError, match="no engine for 'tiny:x'"):
        mongoglot.connect("tiny:x")
    monkeypatch.syspath_prepend(tmp_path)
    with mongoglot.connect("tiny:x", size=3) as store:
        backend: Any = store.backend
        assert (backend.name, backend.url, backend.size) == ("tiny", "tiny:x", 3)
        store["tasks"].insert_one({"_id": 1, "a": [1, 2]})
        assert ids(store["tasks"].find({"a": 2})) == [1]
        assert repr(store) == "<mongoglot store on tiny>"
    with pytest.raises(
        UnsupportedError, match=r"'tiny' cannot be opened so: .*unexpected keyword argument 'colour'"
    ):
        mongoglot.connect("tiny:x", colour="red")


def test_a_backend_of_ones_own() -> None:
    backend: Backend = mongoglot.connect("memory:").backend
    assert mongoglot.Store(backend)["tasks"].insert_one({"_id": 1}).inserted_id == 1


def test_references_in_large_documents(stores: dict[str, mongoglot.Store]) -> None:
    """Of a large reply the driver gives views of bytes, in which a search finds nothing."""
    document = {"_id": 1, "place": {"$ref": "x", "$id": 1}, "data": b"x" * 12 * 2**20}
    for store in stores.values():
        store["large references"].insert_one(document)
        assert store["large references"].find_one({}) == document
        store["large references"].drop()
