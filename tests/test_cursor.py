"""The documents of a find as lists and tables."""

from __future__ import annotations

import builtins
import os
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex

import mongoglot
from mongoglot import TimeLimitError, UnsupportedError
from tests.conftest import ENGINES, StoreOpener

if TYPE_CHECKING:
    from mongoglot import Collection

AT = datetime(2026, 1, 1, 12)
OID = ObjectId("0" * 24)

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "n": 1, "text": "a", "at": AT, "inner": {"oid": OID, "xs": [Int64(2)]}},
    {"_id": 2, "n": 2.5, "price": Decimal128("1.50"), "data": Binary(b"x", 5)},
    {"_id": 3, "text": None, "pattern": Regex("a")},
]


@pytest.fixture(scope="module", params=ENGINES)
def documents(request: pytest.FixtureRequest, open_store: StoreOpener) -> Collection:
    collection = open_store(request.param)["tables"]
    collection.insert_many(DOCUMENTS)
    return collection


def test_a_cursor_is_read_as_it_is_asked(documents: Collection) -> None:
    cursor = documents.find({}, sort="_id")
    assert iter(cursor) is cursor
    assert next(cursor) == DOCUMENTS[0]
    assert cursor.to_list(1) == DOCUMENTS[1:2]
    assert cursor.to_list() == DOCUMENTS[2:]
    assert cursor.to_list() == []
    assert next(cursor, None) is None


def test_pandas(documents: Collection) -> None:
    pytest.importorskip("pandas", reason="pandas makes the frame")
    frame = documents.find({}, sort="_id").to_pandas()
    assert list(frame.columns) == ["_id", "n", "text", "at", "inner", "price", "data", "pattern"]
    assert frame["n"].sum() == 3.5
    assert frame["at"][0] == AT
    assert frame["inner"][0] == {"oid": str(OID), "xs": [2]}
    assert (frame["price"][1], frame["data"][1], frame["pattern"][2]) == ("1.50", b"x", "a")


def test_arrow_and_polars(documents: Collection) -> None:
    table = documents.find({}, sort="_id").to_arrow()
    assert table.num_rows == 3
    assert table.column("at").to_pylist() == [AT, None, None]
    assert table.column("inner").to_pylist()[0] == {"oid": str(OID), "xs": [2]}
    pytest.importorskip("polars", reason="polars makes the frame")
    frame = documents.find({"n": {"$gte": 1}}, ["n"], sort="_id").to_polars()
    assert frame.to_dict(as_series=False) == {"_id": [1, 2], "n": [1.0, 2.5]}


def test_a_field_of_several_types(documents: Collection) -> None:
    documents.insert_many([{"_id": 10, "mixed": 1}, {"_id": 11, "mixed": "a"}])
    try:
        with pytest.raises(UnsupportedError, match="the field 'mixed' has values of types"):
            documents.find({"_id": {"$gte": 10}}).to_arrow()
        pytest.importorskip("pandas", reason="pandas makes the frame")
        assert documents.find({"_id": {"$gte": 10}}, sort="_id").to_pandas()["mixed"].tolist() == [1, "a"]
    finally:
        documents.delete_many({"_id": {"$gte": 10}})


@pytest.mark.parametrize("library", ["pandas", "pyarrow", "polars"])
def test_a_library_that_is_not_there(
    documents: Collection, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == library:
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    method = {"pandas": "to_pandas", "pyarrow": "to_arrow", "polars": "to_polars"}[library]
    with pytest.raises(UnsupportedError, match=f"pip install {library}"):
        getattr(documents.find({}), method)()


# ---- what is read only as it is asked for ----------------------------------------------------------------

LAZY = ("memory", "sqlite", "mongodb")
"""The engines that have a part of the matches in memory at a time; the others have all rows of an answer."""

SIZE, COUNT = 10_000, 12_000
"""Characters of a document, and so many documents are more than any engine has in memory at once."""


@pytest.fixture(scope="module", params=LAZY)
def many(request: pytest.FixtureRequest, open_store: StoreOpener) -> Iterator[Collection]:
    collection = open_store(request.param)["many"]
    collection.insert_many({"_id": number, "text": "x" * SIZE} for number in range(COUNT))
    yield collection
    collection.drop()


def test_the_memory_that_a_cursor_takes(many: Collection) -> None:
    filter = {"$jsonSchema": {"required": ["text"]}}  # which SQLite leaves to Python
    many.find_one(filter)  # what is loaded once is loaded
    tracemalloc.start()
    try:
        assert sum(1 for _ in many.find(filter)) == COUNT
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.75 * SIZE * COUNT


def test_many_documents_are_those_of_the_moment_of_the_find(many: Collection) -> None:
    """A server reads on; an embedded store has a view of the moment."""
    cursor = many.find({}, ["_id"] if many.store.backend.name == "mongodb" else None)
    first = next(cursor)
    many.update_one({"_id": COUNT - 1}, {"$set": {"text": "changed"}})
    many.insert_one({"_id": COUNT})
    many.delete_one({"_id": COUNT - 2})
    rest = list(cursor)
    try:
        assert first["_id"] == 0
        if many.store.backend.name != "mongodb":
            assert [each["_id"] for each in rest] == list(range(1, COUNT))
            assert rest[-1]["text"] == "x" * SIZE
        assert many.count_documents({"_id": {"$gte": COUNT - 2}}) == 2
    finally:
        many.delete_many({"_id": {"$gte": COUNT - 2}})
        many.insert_many({"_id": number, "text": "x" * SIZE} for number in (COUNT - 2, COUNT - 1))


def test_a_cursor_that_is_left_holds_nothing(many: Collection) -> None:
    with many.find({}) as cursor:
        assert next(cursor)["_id"] == 0
    assert cursor.to_list() == []
    for _ in range(5):
        for _ in many.find({}):
            break
    backend: Any = many.store.backend
    match backend.name:
        case "mongodb":  # the driver tells the server of it in a second
            end = time.monotonic() + 60
            while open_cursors(backend._database, many.name):
                assert time.monotonic() < end
                time.sleep(0.1)
        case "sqlite" if os.path.isdir("/proc/self/fd"):
            path = backend.file.full_path
            held = [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")]
            assert (
                held.count(path) <= 2
            )  # of the store itself, and one that SQLite keeps for the next connection
        case _:
            pass


def open_cursors(database: Any, collection: str) -> int:
    """How many cursors on a collection a server keeps."""
    stages = [
        {"$currentOp": {"idleCursors": True}},
        {"$match": {"type": "idleCursor", "ns": f"{database.name}.{collection}"}},
    ]
    return len(list(database.client.admin.aggregate(stages)))


def test_a_store_that_moves_on_while_many_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many are read on a connection of their own: to the same file, whatever the folder is now."""
    monkeypatch.chdir(tmp_path)
    with mongoglot.connect("sqlite:store.db") as store:
        store["c"].insert_many({"_id": number, "text": "x" * 10_000} for number in range(2000))
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        found = store["c"].find({})
        assert next(found)["_id"] == 0
        store["c"].drop()
        assert [each["_id"] for each in found] == list(range(1, 2000))
        assert store["c"].find({}).to_list() == []
    assert not (tmp_path / "elsewhere" / "store.db").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "store.db"]


def test_many_documents_of_a_file_without_a_log(tmp_path: Path) -> None:
    """A reader would keep writers out there, so all are read at once."""
    with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}", journal="truncate") as store:
        store["c"].insert_many({"_id": number, "text": "x" * 10_000} for number in range(2000))
        found = store["c"].find({})
        assert next(found)["_id"] == 0
        store["c"].delete_many({})
        assert len(list(found)) == 1999


def test_an_insert_reads_what_it_has_written_itself(tmp_path: Path) -> None:
    with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}") as store:

        def documents() -> Iterator[dict[str, Any]]:
            for number in range(2500):
                if number == 2000:
                    counts.append(len(list(store["c"].find({}))))
                yield {"_id": number, "text": "x" * 10_000}

        counts: list[int] = []
        store["c"].insert_many(documents())
        assert counts == [2000]


def test_a_limit_of_time_for_many_documents(tmp_path: Path) -> None:
    with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}") as store:
        store["c"].insert_many({"_id": number, "text": "x" * 10_000} for number in range(2000))
        found = store["c"].find({}, max_time_ms=60_000)
        assert len(list(found)) == 2000
        found = store["c"].find({}, max_time_ms=2000)
        next(found)
        time.sleep(2.1)
        with pytest.raises(TimeLimitError):
            list(found)
