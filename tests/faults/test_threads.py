"""One store in eight threads, and a store that is closed while others use it."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mongoglot
from mongoglot.errors import StoreError
from tests.conftest import ENGINES, INDEXED, StoreOpener

THREADS = 8


@pytest.mark.parametrize("engine", ENGINES)
def test_eight_threads_share_a_store(engine: str, open_store: StoreOpener) -> None:
    store, start = open_store(engine), threading.Barrier(THREADS)
    tasks = store["shared"]
    if engine in INDEXED:
        tasks.create_index("worker")
        tasks.create_index("unique", unique=True)

    def work(worker: int) -> int:
        rng, mine = random.Random(worker), 0
        start.wait()
        for number in range(40):
            match rng.randrange(5):
                case 0:
                    tasks.insert_one({"worker": worker, "n": number, "unique": f"{worker}-{number}"})
                    mine += 1
                case 1:
                    tasks.insert_many(
                        {"worker": worker, "n": number, "unique": f"{worker}-{number}-{each}"}
                        for each in range(3)
                    )
                    mine += 3
                case 2:
                    tasks.update_many({"worker": worker}, {"$set": {"seen": number}})
                    assert tasks.count_documents({"worker": worker, "seen": number}) == mine
                case 3:
                    mine -= tasks.delete_one({"worker": worker}).deleted_count
                case _:
                    assert tasks.count_documents({"n": {"$gte": 0}}) >= mine
            assert len(list(tasks.find({"worker": worker}))) == mine
        return mine

    with ThreadPoolExecutor(THREADS) as pool:
        expected = sum(pool.map(work, range(THREADS)))
    assert tasks.count_documents({}) == len(list(tasks.find())) == expected
    assert engine == "mongodb" or store.verify().ok


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_is_closed_in_the_middle(engine: str, open_store: StoreOpener) -> None:
    store, start = open_store(engine), threading.Barrier(THREADS)
    tasks = store["closed"]
    tasks.insert_one({"_id": "first"})

    def work(worker: int) -> str:
        start.wait()
        try:
            for number in range(10_000):
                if worker < 2 and number == 3:
                    store.close()
                tasks.insert_one({"_id": f"{worker}:{number}"})
                tasks.count_documents({"_id": "first"})
        except StoreError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(THREADS) as pool:
        said = list(pool.map(work, range(THREADS)))
    assert all("closed" in text or "after close" in text for text in said), said
    store.close()
    for call in (
        lambda: tasks.find_one({}), lambda: tasks.insert_one({}), lambda: tasks.delete_many({}),
        lambda: tasks.update_one({}, {"$set": {"a": 1}}), lambda: tasks.create_index("a"),
        store.collection_names, lambda: tasks.insert_many([{}]), tasks.drop, lambda: tasks.count_documents({}),
    ):  # fmt: skip
        with pytest.raises(StoreError):
            call()


def test_the_store_that_keeps_nothing_may_be_closed_twice() -> None:
    store = mongoglot.connect("null:")
    store.close()
    store.close()
