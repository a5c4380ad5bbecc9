"""Defects of ipyparallel's task databases that a Hub meets, D10 to D12."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


import mongoglot
from tests.taskdb.backends import NEW, OLD, Opener, host_and_port
from tests.taskdb.clusters import eventually
from tests.taskdb.defects import record_of
from tests.taskdb.fake_hub import DONE, FakeHub
from tests.taskdb.history import ids
from tests.taskdb.proxy import Proxy

BOTH = pytest.mark.parametrize(("kinds", "is_right"), [(OLD, False), (NEW, True)], ids=["old", "ours"])
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])


def test_d10_a_server_that_is_gone_is_not_waited_for(
    hub_opener: Opener, mongod_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = Proxy(*host_and_port(mongod_url))
    place: dict[str, Any] = {"connection_args": ["127.0.0.1", proxy.port]}
    old = hub_opener.open(OLD["M"], "M", **place)
    assert old._connection.options.server_selection_timeout == 30  # seconds, at each call
    ours = hub_opener.open(NEW["M"], "M", timeout=0.5, **place)
    ours.add_record("a", record_of("a"))
    proxy.close()
    try:
        with pytest.raises(mongoglot.StoreError):
            ours.get_record("a")
        calls: list[Callable[[], Any]] = [
            lambda: ours.get_record("a"),
            lambda: ours.add_record("b", record_of("b")),
            lambda: ours.update_record("a", {"stdout": "x"}),
            lambda: ours.find_records({}),
            lambda: ours.drop_matching_records({}),
            ours.get_history,
        ]
        for call in calls:
            with pytest.raises(mongoglot.StoreError, match="it is not waited for"):
                call()
        assert caplog.text.count("the task database is gone") == 1
    finally:
        proxy.open()
    try:
        assert eventually(lambda: answered(ours.get_history)) == ["a"]
        assert caplog.text.count("the task database is back") == 1
        ours.update_record("a", {"stdout": "x"})
        assert ours.get_record("a")["stdout"] == "x"
    finally:
        for database in (old, ours):
            database.close()
        old._connection.close()
        proxy.close()


def answered(call: Callable[[], Any]) -> Any:
    """An answer, or None where there is none."""
    with contextlib.suppress(mongoglot.StoreError):
        return call()


@LETTERS
@BOTH
def test_d11_an_open_task_is_no_completed_one(
    hub_opener: Opener, kinds: Any, is_right: bool, letter: str
) -> None:
    database = hub_opener.open(kinds[letter], letter)
    database.add_record("1 open", record_of("1 open"))
    database.add_record("2 done", record_of("2 done", **DONE))
    content = FakeHub(database).results("1 open", "2 done")["content"]
    assert ("1 open" in content["pending"]) == is_right
    database.update_record("1 open", DONE)
    assert FakeHub(database).results("1 open", "2 done")["content"]["completed"] == ["1 open", "2 done"]


@LETTERS
@BOTH
def test_d12_output_after_a_purge_is_no_record(
    hub_opener: Opener, kinds: Any, is_right: bool, letter: str
) -> None:
    database = hub_opener.open(kinds[letter], letter)
    hub = FakeHub(database)
    database.add_record("a", record_of("a", engine_uuid="e1"))
    database.update_record("a", DONE)
    database.drop_matching_records({"completed": {"$ne": None}})
    hub.print("a", "late")
    hub.print("b", "early")
    assert ids(database.find_records({"msg_id": {"$ne": ""}})) == ("b" if is_right else "ab")
    database.drop_matching_records({"completed": {"$ne": None}})
    assert ids(database.find_records({"msg_id": {"$ne": ""}})) == ("" if is_right else "ab")
