"""Loading many documents: in one transaction, a batch at a time, and told of on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mongoglot
from mongoglot import DuplicateKeyError
from mongoglot.errors import EncodingError, StoreError, WriteError
from tests.conftest import ENGINES, INDEXED, StoreOpener
from tests.faults import children

EMBEDDED = [engine for engine in ENGINES if engine != "mongodb"]


class StopError(Exception):
    """Raised by a caller's own code."""


def documents(count: int, wrong: dict[int, Any] | None = None) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"_id": number, "tags": ["red", number % 5], "wrong": (wrong or {}).get(number)}


@pytest.fixture
def tasks(request: pytest.FixtureRequest, open_store: StoreOpener) -> mongoglot.Collection:
    collection = open_store(request.param)["tasks"]
    if request.param in INDEXED:
        collection.create_index("tags")
    collection.insert_one({"_id": "before"})
    return collection


def count(tasks: mongoglot.Collection) -> int:
    """How many documents there are, which the indexes know of, too."""
    assert tasks.store.backend.name == "mongodb" or tasks.store.verify().ok
    found = tasks.count_documents({})
    assert tasks.count_documents({"tags": "red"}) == found - 1
    return found


@pytest.mark.parametrize("tasks", ENGINES, indirect=True)
@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, []), (1, [1]), (999, [999]), (1000, [1000]), (2000, [1000, 2000]), (2500, [1000, 2000, 2500])],
)
def test_progress(tasks: mongoglot.Collection, number: int, expected: list[int]) -> None:
    told: list[int] = []
    result = tasks.insert_many(documents(number), progress=told.append)
    assert (told, result.inserted_ids, count(tasks)) == (expected, list(range(number)), number + 1)


@pytest.mark.parametrize("tasks", EMBEDDED, indirect=True)
@pytest.mark.parametrize("at", [1000, 2000, 2500])
def test_an_error_of_the_callback_leaves_nothing_written(tasks: mongoglot.Collection, at: int) -> None:
    def progress(number: int) -> None:
        if number == at:
            raise StopError

    with pytest.raises(StopError):
        tasks.insert_many(documents(2500), progress=progress)
    assert count(tasks) == 1
    tasks.insert_many(documents(2500))
    assert count(tasks) == 2501


@pytest.mark.parametrize("tasks", ENGINES, indirect=True)
def test_an_error_of_the_documents_leaves_nothing_written(tasks: mongoglot.Collection) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield from documents(1500)
        raise StopError

    with pytest.raises(StopError):
        tasks.insert_many(failing())
    kept = 1001 if tasks.store.backend.name == "mongodb" else 1
    assert count(tasks) == kept
    for wrong in ({1200: {1}}, {700: 2**70}):
        with pytest.raises(EncodingError):
            tasks.insert_many({**each, "_id": str(each["_id"])} for each in documents(1500, wrong))
        kept += 1000 if tasks.store.backend.name == "mongodb" and 1200 in wrong else 0
        assert count(tasks) == kept
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(WriteError):
        tasks.insert_many({**each, "_id": -1 - each["_id"]} for each in documents(1500, {1400: deep}))
    assert count(tasks) == (kept + 1000 if tasks.store.backend.name == "mongodb" else kept)


@pytest.mark.parametrize("tasks", ENGINES, indirect=True)
@pytest.mark.parametrize("at", [0, 10, 1000, 1700])
def test_what_stands_before_a_duplicate_stays(tasks: mongoglot.Collection, at: int) -> None:
    several = list(documents(2000))
    several[at]["_id"] = "before"
    with pytest.raises(
        DuplicateKeyError, match=r"^duplicate key: .* already has a document with _id 'before'; take another"
    ):
        tasks.insert_many(several)
    assert count(tasks) == at + 1


@pytest.mark.parametrize("tasks", EMBEDDED, indirect=True)
def test_a_callback_reads_what_is_written_and_writes_nothing(tasks: mongoglot.Collection) -> None:
    refused = []

    def progress(number: int) -> None:
        assert count(tasks) == number + 1
        for write in (
            lambda: tasks.insert_one({"_id": "another"}), lambda: tasks.delete_many({}), tasks.drop,
            lambda: tasks.update_many({}, {"$set": {"a": 1}}), lambda: tasks.create_index("a"),
            lambda: tasks.drop_index("tags_1"), lambda: tasks.store["new"].insert_many([{}]),
        ):  # fmt: skip
            with pytest.raises(StoreError, match="the store is being written by insert_many"):
                write()
            refused.append(write)

    tasks.insert_many(documents(1500), progress=progress)
    assert len(refused) == 14
    assert count(tasks) == 1501
    tasks.insert_many(
        {"_id": f"copy of {each['_id']}", "tags": each.get("tags", [])} for each in tasks.find()
    )
    assert tasks.count_documents({}) == 3002
    tasks.delete_many({})


def test_others_see_all_or_nothing(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    with mongoglot.connect(url) as store, mongoglot.connect(url) as other:
        store["tasks"].insert_one({"_id": "before"})
        seen: list[int] = []
        store["tasks"].insert_many(
            documents(3000), progress=lambda _: seen.append(other["tasks"].count_documents({}))
        )
        assert seen == [1, 1, 1]
        assert other["tasks"].count_documents({}) == 3001


def peak() -> int:
    """The most memory that this process had so far, in KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmHWM:\s*(\d+) kB", status, re.M)[0])


def load(path: str, number: str) -> None:
    """Load documents of a kilobyte; print by how many megabytes the memory grew at most."""
    with mongoglot.connect(f"sqlite:{path}") as store:
        tasks = store["tasks"]
        tasks.create_index("group")
        tasks.insert_many({"group": each % 7, "padding": "x" * 1000} for each in range(2000))
        before = peak()
        tasks.insert_many({"group": each % 7, "padding": f"{each:01000}"} for each in range(int(number)))
        print((peak() - before) / 1024)


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells of the memory of a process"
)
@pytest.mark.parametrize("number", [10_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_an_iterator_is_never_in_memory_as_a_whole(number: int, tmp_path: Path) -> None:
    grown = float(children.run("test_inserts.load", tmp_path / "store.db", number))
    print(f"{number:,} documents, {number / 1000:,.0f} MB of text: {grown:.0f} MB more memory")
    assert grown < number / 1000 / 3 + 10  # the ids are kept: they are the result
