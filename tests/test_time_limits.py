"""Reads that take too long end in time, on every engine, and those that do not are what they were."""

from __future__ import annotations

import pickle
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mongoglot
from mongoglot import Allow, TimeLimitError, UnsupportedError
from mongoglot.compiler import deadline
from mongoglot.testing import random_documents, random_filter
from tests.conftest import ENGINES, StoreOpener

SLOW = {"text": {"$regex": "^(?:a|b|ab)*d$"}}
"""Takes some 100,000 steps of the search for each document."""

DOCUMENTS = [{"_id": number, "text": "ab" * 14 + "dx", "n": number} for number in range(3000)]


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, open_store: StoreOpener) -> mongoglot.Store:
    opened = open_store(request.param)
    opened["slow"].insert_many(DOCUMENTS)
    return opened


@pytest.mark.parametrize(
    "read",
    [
        lambda slow: list(slow.find(SLOW, max_time_ms=1)),
        lambda slow: slow.count_documents(SLOW, max_time_ms=1),
        lambda slow: slow.find(SLOW, sort="n", max_time_ms=1).to_list(),
    ],
    ids=["find", "count", "sort"],
)
def test_a_slow_read_ends(store: mongoglot.Store, read: Callable[[mongoglot.Collection], Any]) -> None:
    with pytest.raises(TimeLimitError, match="longer than max_time_ms") as caught:
        read(store["slow"])
    assert (caught.value.code, caught.value.code_name) == (50, "MaxTimeMSExpired")


def test_the_store_goes_on_after_it(store: mongoglot.Store) -> None:
    with pytest.raises(TimeLimitError):
        store["slow"].count_documents(SLOW, max_time_ms=1)
    assert store["slow"].count_documents({"n": {"$lt": 10}}) == 10
    assert store["slow"].delete_many({"n": {"$gte": 2990}}).deleted_count == 10
    store["slow"].insert_many(DOCUMENTS[2990:])


def test_the_time_between_two_documents_counts(store: mongoglot.Store) -> None:
    if store.backend.name == "mongodb":
        pytest.skip("a server counts its own time")
    found = store["slow"].find({}, max_time_ms=200)
    assert next(found)["_id"] == 0
    time.sleep(0.25)
    with pytest.raises(TimeLimitError):
        next(found)


def test_a_limit_that_is_not_reached_changes_nothing(store: mongoglot.Store) -> None:
    rng = random.Random(4)
    documents = random_documents(rng, 100)
    store["some"].insert_many(documents)
    for _ in range(50):
        query = random_filter(rng, near=documents)
        limited = store["some"].find(query, sort="_id", max_time_ms=60_000).to_list()
        assert limited == store["some"].find(query, sort="_id").to_list()
        assert store["some"].count_documents(query, max_time_ms=60_000) == len(limited)


def test_a_query_of_a_stranger_has_a_limit(store: mongoglot.Store) -> None:
    query = mongoglot.compile(
        {"n": {"$gte": 0}, "text": {"$regex": "a.*b.*a.*b.*a.*c$"}}, allow=Allow(max_time_ms=1)
    )
    assert query.max_time_ms == 1
    for each in (query, pickle.loads(pickle.dumps(query))):  # noqa: S301 - made here
        with pytest.raises(TimeLimitError):
            list(store["slow"].find(each, max_time_ms=60_000))
    assert mongoglot.compile({"a": 1}, allow=["a"]).max_time_ms == 5000
    assert mongoglot.compile({"a": 1}).max_time_ms is None


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "1"])
def test_what_is_no_limit(wrong: Any) -> None:
    with mongoglot.connect("memory:") as store:
        with pytest.raises(UnsupportedError, match="max_time_ms is a number of milliseconds"):
            store["c"].find({}, max_time_ms=wrong)
        with pytest.raises(UnsupportedError, match="max_time_ms is a number"):
            store["c"].count_documents({}, max_time_ms=wrong)


def test_limits_nest() -> None:
    assert deadline.remaining() is None
    with deadline.until(time.monotonic() - 1):
        assert deadline.is_over()
        with deadline.until(time.monotonic() + 60):
            assert not deadline.is_over()
        with pytest.raises(TimeLimitError):
            list(deadline.in_time([1]))
    assert list(deadline.in_time(range(200))) == list(range(200))


@pytest.mark.parametrize("suffix", ["db", "duckdb"])
def test_a_slow_find_in_a_table_of_others_ends(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"others.{suffix}"
    connection: Any = sqlite3.connect(path) if suffix == "db" else pytest.importorskip("duckdb").connect(path)
    connection.execute("CREATE TABLE slow (n INTEGER PRIMARY KEY, text TEXT)")
    rows = [(each["n"], each["text"]) for each in DOCUMENTS]
    connection.executemany("INSERT INTO slow VALUES (?, ?)", rows)
    connection.commit()
    connection.close()
    url = f"{'sqlite' if suffix == 'db' else 'duckdb'}:{path}"
    with pytest.raises(TimeLimitError):
        list(mongoglot.find(url, "slow", SLOW, max_time_ms=1))
    assert len(list(mongoglot.find(url, "slow", {"n": {"$lt": 10}}, max_time_ms=60_000))) == 10
