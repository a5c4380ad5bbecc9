"""The task database on a server that is not alone, whose connections break, that is away, or that has too much."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest
from bson import DBRef, Int64

import mongoglot
from mongoglot.errors import DuplicateKeyError, StoreError, UnknownTaskError, WriteError
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.mongodb_reading import CODEC
from tests import mongod
from tests.conftest import with_database
from tests.proxy import Proxy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEBIBYTE = 2**20
BOUND = 30
"""Seconds that a driver has to see that a server is back."""

BROKEN = r"no MongoDB server answers|the connection .* broke.*; a write that was under way may have been done"


@pytest.fixture
def place(mongod_url: str) -> Iterator[str]:
    """The URL of a database that is gone afterwards."""
    name = f"tasks_{uuid.uuid4().hex[:12]}"
    yield with_database(mongod_url, name)
    with pymongo.MongoClient[dict[str, Any]](mongod_url) as client:
        client.drop_database(name)


def check_all_calls(database: TaskDatabase) -> None:
    """That each way to a record does what it does on any engine."""
    odd = {"mongoglot:int": 2**70, "a": [{"b": NOON}], "ref": DBRef("x", 1), "long": Int64(5)}
    for number in range(5, 0, -1):
        at = NOON + timedelta(seconds=number)
        database.add_record(
            f"t{number}", {"submitted": at, "engine_uuid": f"e{number}", "content": {"at": at}}
        )
    with pytest.raises(DuplicateKeyError, match="t1"):
        database.add_record("t1", {})
    database.update_record("t2", {"completed": NOON, "result_buffers": [memoryview(b"x")], "header": odd})
    with pytest.raises(UnknownTaskError):
        database.update_record("t9", {"stdout": "x"})
    with pytest.raises(UnknownTaskError):
        database.get_record("t9")
    found = database.get_record("t2")
    assert found["header"] == {**odd, "ref": {"$ref": "x", "$id": 1}}
    assert type(found["header"]["long"]) is int
    assert (found["completed"], found["result_buffers"]) == (NOON, [b"x"])
    assert found["content"] == {"at": NOON + timedelta(seconds=2)}
    engines = {"engine_uuid": {"$in": ["e1", "e2", "e5"]}}
    assert [each["msg_id"] for each in database.find_records(engines)] == ["t5", "t2", "t1"]
    assert [each["msg_id"] for each in database.find_records({"stdout": None}, "msg_id")] == [
        "t5", "t4", "t3", "t2", "t1",
    ]  # fmt: skip
    several = {"msg_id": {"$in": ["t3", "t9", "t1", "t3"]}}
    assert database.find_records(several, ["content"]) == [
        {"msg_id": name, "content": {"at": NOON + timedelta(seconds=int(name[1]))}} for name in ("t1", "t3")
    ]
    assert database.find_records({"msg_id": {"$in": []}}) == []
    assert database.get_history() == ["t1", "t2", "t3", "t4", "t5"]
    database.drop_record("t4")
    database.drop_matching_records({"completed": {"$ne": None}})
    assert database.get_history() == ["t1", "t3", "t5"]
    with pytest.raises(WriteError) as caught:
        database.add_record("large", {"buffers": [b"x" * (17 * MEBIBYTE)]})
    assert caught.value.code in (2, 10334)


@pytest.mark.parametrize("options", ["", "?w=1"])
def test_a_server_alone_and_with_the_drivers_own_methods(place: str, options: str) -> None:
    """A write concern is left to the driver's methods, as everything is on servers that are several."""
    with TaskDatabase(place + options) as database:
        assert database.store.backend._is_alone == (not options)  # type: ignore[attr-defined]  # a server's
        check_all_calls(database)


@pytest.mark.long
def test_a_replica_set(tmp_path: Path) -> None:
    binary = mongod.find_binary()
    if binary is None:
        pytest.skip(mongod.NOT_FOUND)
    port = mongod._free_port()
    (tmp_path / "data").mkdir()
    command = [
        str(mongod._executable(binary, tmp_path)), "--quiet", "--nounixsocket", "--bind_ip", "127.0.0.1",
        "--replSet", "tests", "--dbpath", str(tmp_path / "data"), "--logpath", str(tmp_path / "log"),
        "--port", str(port), "--wiredTigerCacheSizeGB", "0.25",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=mongod._die_with_parent()
    )
    try:
        address = f"127.0.0.1:{port}"
        assert mongod._answers(process, f"mongodb://{address}/?directConnection=true")
        with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/?directConnection=true") as client:
            members = [{"_id": 0, "host": address}]
            client.admin.command("replSetInitiate", {"_id": "tests", "members": members})
            deadline = time.monotonic() + mongod.START_SECONDS
            while not client.admin.command("hello")["isWritablePrimary"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with TaskDatabase(f"mongodb://{address}/tasks?replicaSet=tests") as database:
            assert not database.store.backend._is_alone  # type: ignore[attr-defined]  # a server's
            check_all_calls(database)
    finally:
        mongod._stop(process)


@pytest.fixture
def proxy(place: str) -> Iterator[Proxy]:
    """A network that may fail."""
    parts = urlsplit(place)
    between = Proxy((parts.hostname or "", parts.port or 0))
    yield between
    between.cut()


def behind(proxy: Proxy, place: str, timeout: float) -> TaskDatabase:
    """A task database with three large records, behind a network."""
    database = TaskDatabase(f"mongodb://127.0.0.1:{proxy.port}{urlsplit(place).path}", timeout=timeout)
    for number in range(3):
        database.add_record(f"t{number}", {"submitted": NOON, "buffers": [b"x" * (9 * MEBIBYTE)]})
    return database


def test_a_connection_that_broke_is_made_again_by_whoever_reads(proxy: Proxy, place: str) -> None:
    with behind(proxy, place, timeout=BOUND) as database:
        reads: list[Callable[[], Any]] = [
            lambda: database.get_record("t1")["msg_id"],
            lambda: database.find_records({"msg_id": {"$in": ["t1"]}}, "submitted")[0]["msg_id"],
            lambda: database.find_records({"submitted": {"$gte": NOON}}, "label")[1]["msg_id"],
            lambda: database.get_history()[1],
        ]
        for read in reads:
            proxy.cut()
            proxy.open()
            assert read() == "t1"


def test_a_write_without_a_connection_is_told(proxy: Proxy, place: str) -> None:
    with behind(proxy, place, timeout=0.5) as database:
        writes: list[Callable[[], Any]] = [
            lambda: database.add_record("t7", {}),
            lambda: database.update_record("t1", {"stdout": "x"}),
            lambda: database.drop_matching_records({}),
        ]
        proxy.cut()
        for write in writes:
            with pytest.raises(StoreError, match=BROKEN):
                write()
        proxy.open()
        assert eventually(database.get_history) == ["t0", "t1", "t2"]
        database.update_record("t1", {"stdout": "y"})
        assert database.get_record("t1")["stdout"] == "y"


def eventually(ask: Callable[[], Any]) -> Any:
    """The answer, when the driver has seen that the server is back."""
    deadline = time.monotonic() + BOUND
    while True:
        try:
            return ask()
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_connection_that_breaks_between_two_replies(proxy: Proxy, place: str) -> None:
    with behind(proxy, place, timeout=0.5) as database:
        whole = [len(each["buffers"][0]) for each in database.find_records({})]
        assert whole == [9 * MEBIBYTE] * 3
        backend: Any = database.store.backend
        replies = backend.replies(database.collection.name, {}, None, CODEC, places=True)
        assert [each["_id"] for each in next(replies)[1]] == ["t0"]
        proxy.cut()
        with pytest.raises(StoreError, match=BROKEN):
            next(replies)
        proxy.open()
        assert len(eventually(lambda: database.find_records({}, "msg_id"))) == 3


def test_a_server_that_is_away_at_the_start(proxy: Proxy, place: str) -> None:
    url = f"mongodb://127.0.0.1:{proxy.port}{urlsplit(place).path}"
    proxy.cut()
    with pytest.raises(StoreError, match=rf"^no MongoDB server answers at {url}: .*refused"):
        TaskDatabase(url, timeout=0.5)
    proxy.open()
    with TaskDatabase(url, timeout=BOUND) as database:
        database.add_record("a", {"submitted": NOON})
        assert database.get_history() == ["a"]


def test_a_history_that_is_larger_than_a_document(place: str) -> None:
    with TaskDatabase(place) as database:
        wanted = [f"{number:05}{'x' * 1000}" for number in range(17_000)]
        at = {msg_id: NOON + timedelta(milliseconds=number) for number, msg_id in enumerate(wanted)}
        database.add_records({"msg_id": each, "submitted": at[each]} for each in reversed(wanted))
        assert database.get_history() == wanted


def test_what_looks_at_all_of_many_large_records(place: str) -> None:
    """Three replies of 16 MiB, and the order of insertion over all of them."""
    with TaskDatabase(place) as database:
        for number in range(5):
            at = NOON - timedelta(seconds=number)
            database.add_record(f"t{number}", {"started": at, "buffers": [b"x" * (7 * MEBIBYTE)]})
        found = database.find_records({"started": {"$lte": NOON}})
        assert [each["msg_id"] for each in found] == [f"t{number}" for number in range(5)]
        by_ids = database.find_records({"msg_id": {"$in": [f"t{number}" for number in range(9)]}})
        assert by_ids == found


def test_a_large_record_with_the_drivers_own_methods(place: str, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")
    from mongoglot.taskdb.ipyparallel import MongoDB

    parts = urlsplit(place)
    where = {"connection_args": [parts.hostname, parts.port], "connection_kwargs": {"w": 1}}
    database = MongoDB(**where, database=parts.path[1:])
    buffers = [b"x" * (17 * MEBIBYTE), b"y"]
    database.add_record("a", {"submitted": NOON, "header": {}, "buffers": buffers})
    database.update_record("a", {"completed": NOON, "result_buffers": buffers})
    found = database.get_record("a")
    assert (found["completed"], found["buffers"], found["result_buffers"]) == (NOON, buffers, buffers)
    database.close()
    with mongoglot.connect(place) as store:
        assert store["task_records.parts"].count_documents({}) == 4
