"""What processes do that meet a full disk, or files and folders that they must not write."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Callable

import mongoglot
from mongoglot.errors import StoreError


def fill(url: str, free: Callable[[], object]) -> None:
    """Write until the disk is full, then free some of it and go on; print what the error said."""
    with mongoglot.connect(url) as store:
        tasks = store["tasks"]
        if not tasks.index_information():
            tasks.create_index("tags")
        done, said = tasks.count_documents({}), ""
        for size in (50, 5, 1):  # until there is no place for a single one
            with contextlib.suppress(StopIteration):
                while True:
                    batch = [
                        {"_id": done + n, "tags": ["red", n], "padding": "x" * 1000} for n in range(size)
                    ]
                    try:
                        tasks.insert_many(batch)
                    except StoreError as error:
                        said = str(error)
                        break
                    done += size
        check(store, done)
        for write in (
            lambda: tasks.create_index("padding"),
            lambda: store["other"].insert_one({"x": "y" * 9000}),
        ):
            with contextlib.suppress(StoreError):
                write()
        check(store, done)
        free()
        tasks.insert_many({"_id": done + n, "tags": ["late"]} for n in range(100))
        check(store, done + 100)
        tasks.delete_many({"tags": "late"})
        check(store, done)
    with mongoglot.connect(url) as store:
        check(store, done)
    print(done, said)


def check(store: mongoglot.Store, count: int) -> None:
    tasks = store["tasks"]
    assert [each["_id"] for each in tasks.find()] == list(range(tasks.count_documents({})))
    assert tasks.count_documents({"tags": {"$in": ["red", "late"]}}) == count
    verified = store.verify()
    assert verified.ok, verified.problems


def fill_to_a_limit(url: str, limit: str) -> None:
    """Fill a store under a limit of the size of files, which stands for a disk that fails to write."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), before[1]))
    fill(url, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))


def use(url: str) -> None:
    """Read and write a store that may be read-only; print what each of the two gives."""
    try:
        store = mongoglot.connect(url)
    except StoreError as error:
        print(error)
        return
    with store:
        print(store["tasks"].count_documents({}))
        try:
            store["tasks"].insert_one({"_id": "new"})
        except StoreError as error:
            print(error)
        else:
            print("written")
        print(store["tasks"].count_documents({}))
