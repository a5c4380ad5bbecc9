"""A server that is killed, hangs, comes back, is not there, or refuses: bounded, clear errors."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mongoglot
from mongoglot.errors import StoreError, UnsupportedError
from tests import mongod

BOUND = 30
"""Seconds after which a call has failed on any machine, with the timeout of half a second that the tests set."""


class Server:
    """A mongod that is started, killed and started again on its port and its data."""

    def __init__(self, folder: Path) -> None:
        binary = mongod.find_binary()
        if binary is None:
            pytest.skip(mongod.NOT_FOUND)
        self.url = f"mongodb://127.0.0.1:{mongod._free_port()}"
        (folder / "data").mkdir()
        self._command = [
            str(mongod._executable(binary, folder)), "--quiet", "--nounixsocket", "--bind_ip", "127.0.0.1",
            "--dbpath", str(folder / "data"), "--logpath", str(folder / "log"),
            "--port", self.url.rpartition(":")[2],
            "--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=mongod._die_with_parent(),
        )
        assert mongod._answers(self.process, self.url)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.kill()


def calls(tasks: mongoglot.Collection) -> list[Callable[[], Any]]:
    return [
        lambda: tasks.insert_one({"_id": "lost"}), lambda: tasks.find_one({"_id": 1}),
        lambda: tasks.update_one({"_id": 1}, {"$set": {"a": 2}}), lambda: tasks.delete_one({"_id": 1}),
        lambda: tasks.insert_many([{"_id": "lost"}]), lambda: tasks.count_documents({}),
        lambda: tasks.create_index("a"), lambda: list(tasks.list_indexes()), tasks.store.collection_names,
        lambda: tasks.explain({}), tasks.drop,
    ]  # fmt: skip


def test_a_server_is_killed_and_comes_back(server: Server) -> None:
    # a server acknowledges a write before it is safe from a kill, unless it is asked to wait for its journal
    with mongoglot.connect(f"{server.url}/faults?journal=true", timeout=0.5) as store:
        tasks = store["tasks"]
        tasks.insert_many([{"_id": number} for number in range(500)])
        reading = tasks.find()
        assert next(reading)["_id"] == 0
        server.kill()
        with pytest.raises(
            StoreError, match=r"^(no MongoDB server answers|the connection to the MongoDB server broke)"
        ):
            list(reading)
        for call in calls(tasks):
            start = time.monotonic()
            with pytest.raises(
                StoreError, match=r"^(no MongoDB server|the connection .* broke).*127\.0\.0\.1"
            ):
                call()
            assert time.monotonic() - start < BOUND
        server.start()
        assert [each["_id"] for each in tasks.find()] == list(range(500))
        tasks.insert_one({"_id": "back"})
        tasks.delete_one({"_id": 0})
        assert tasks.count_documents({}) == 500


def test_a_server_hangs_and_goes_on(server: Server) -> None:
    with mongoglot.connect(f"{server.url}/faults", timeout=0.5) as store:
        tasks = store["tasks"]
        tasks.insert_one({"_id": 1})
        os.kill(server.process.pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(StoreError):
            tasks.find_one({"_id": 1})
        passed = time.monotonic() - start
        os.kill(server.process.pid, signal.SIGCONT)
        print(f"a server that hangs is an error after {passed:.1f} s")
        assert passed < BOUND
        assert tasks.find_one({"_id": 1}) == {"_id": 1}


def test_wrong_credentials(server: Server) -> None:
    address = server.url.removeprefix("mongodb://")
    with pytest.raises(StoreError) as caught:
        mongoglot.connect(f"mongodb://ada:secret@{address}/faults", timeout=1)
    assert (
        str(caught.value)
        == f"the MongoDB server at mongodb://{address}/faults refuses: Authentication failed."
    )


def test_no_server_is_there() -> None:
    port = mongod._free_port()
    start = time.monotonic()
    with pytest.raises(
        StoreError, match=rf"^no MongoDB server answers at mongodb://127.0.0.1:{port}/x: .*refused"
    ):
        mongoglot.connect(f"mongodb://127.0.0.1:{port}/x", timeout=0.5)
    assert time.monotonic() - start < BOUND


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://", "mongodb://a:b:c@host", "mongodb://host:port/x", "mongodb://host/?w=1&w",
        "mongodb://host/a b",
        "mongodb+srv://a,b/", "mongodb://[::1/x", "mongodb://host:99999/x",
    ],
)  # fmt: skip
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(StoreError, match="is not valid for a MongoDB server"):
        mongoglot.connect(url, timeout=0.1)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True, None, 10**9])
def test_timeouts_that_are_none(timeout: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"^timeout is a number of seconds"):
        mongoglot.connect("mongodb://127.0.0.1:1/x", timeout=timeout)
