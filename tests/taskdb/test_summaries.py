"""Calls, results, output and reports, in the small."""

from __future__ import annotations

import functools
import io
import json
import operator
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId

from mongoglot.taskdb.live_reports import Listener, send
from mongoglot.taskdb.summaries import (
    MAX_SUMMARY,
    NotKeptError,
    arguments_summary,
    error_document,
    function_name,
    kept,
    summary,
)
from mongoglot.taskdb.task_output import caught


class Table:
    """A large thing, whose text would take long."""

    shape = (3, 4)

    def __len__(self) -> int:
        raise AssertionError("never asked")

    def __repr__(self) -> str:
        raise AssertionError("never asked")


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Named({self.name})"


def test_summaries() -> None:
    assert summary(5) == "5"
    assert summary([1, "two", None, {"b": 1, "a": (2,)}]) == "[1, 'two', None, {'b': 1, 'a': (2,)}]"
    assert summary(Named("ada")) == "Named(ada)"
    assert summary([Table()]) == f"[<{__name__}.Table of shape (3, 4)>]"
    assert summary(b"x" * 10**6) == repr(b"x" * 200) + "…"
    assert summary(range(10**12)) == "range(0, 1000000000000)"
    assert summary(time.sleep) == "time.sleep"
    assert summary(Named) == f"{__name__}.Named"
    for value in (
        ["x" * 10**5] * 10**5,
        {n: [n] * 100 for n in range(1000)},
        "y" * 10**6,
        Named("z" * 10**6),
    ):
        assert len(summary(value)) <= MAX_SUMMARY + 1
    assert summary(10**5000) == "<int>"


class Unsorted:
    """Must not be compared: a large set of them would take long."""

    def __lt__(self, other: object) -> bool:
        raise KeyboardInterrupt

    def __repr__(self) -> str:
        return "u"


def test_sets() -> None:
    assert summary({Unsorted(), Unsorted()}) == "{u, u}"
    assert summary(frozenset({Unsorted() for _ in range(20)})) == "{" + "u, " * 10 + "…}"
    assert summary([set(), [[[set()], {5}]]]) == "[set(), [[[…], set(…)]]]"


def test_calls() -> None:
    assert function_name(functools.partial(time.sleep, 5)) == "functools.partial(time.sleep)"
    assert function_name(Named("x").__repr__) == f"{__name__}.Named.__repr__"
    assert arguments_summary([1] * 25, {"key": b"x"}) == ", ".join(["1"] * 20 + ["…", "key=b'x'"])
    assert len(arguments_summary(["x" * 500] * 20, {})) <= MAX_SUMMARY + 1


def test_values_that_are_kept() -> None:
    moment, unique, key = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1), ObjectId()
    value = {"a": [1, 2.5, None, True, "x", b"y"], "b": (moment, unique, Decimal("1.5"), key)}
    copied = kept(value)
    assert copied == {"a": value["a"], "b": [moment, unique, Decimal("1.5"), key]}
    assert copied["a"] is not value["a"]
    loop: list[Any] = []
    loop.append(loop)
    for wrong in (
        2**63,
        {1: 2},
        {1, 2},
        object(),
        [object()],
        "x" * 200_000,
        [0] * 100_000,
        ["ab" * 30_000] * 2,
        loop,
    ):
        with pytest.raises(NotKeptError):
            kept(wrong)


class Mute(Exception):  # noqa: N818 - it is not raised anywhere
    def __str__(self) -> str:
        raise RuntimeError


def test_errors() -> None:
    assert error_document(Mute())["evalue"] == "<no text>"
    assert error_document(Mute())["ename"] == "Mute"
    assert len(error_document(ValueError("x" * 10**6))["evalue"]) == 10_000


def test_output_inside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)
    with caught() as outer:
        print("one")
        with caught() as inner:
            print("two")
        assert operator.methodcaller("getvalue")(sys.stdout) == "one\ntwo\n"
    print("three")
    assert sys.stdout is stream
    assert (outer.text("stdout"), inner.text("stdout")) == ("one\n", "two\n")
    assert stream.getvalue() == "one\ntwo\nthree\n"


def test_a_stream_that_somebody_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", first)
    with caught() as output:
        sys.stdout = second
        print("elsewhere")
    assert sys.stdout is second
    assert (output.text("stdout"), second.getvalue()) == ("", "elsewhere\n")


def test_reports_of_strangers() -> None:
    told: list[Any] = []
    arrived = threading.Event()

    def tell(msg_id: str, fields: dict[str, Any]) -> None:
        told.append((msg_id, fields))
        arrived.set()

    listener = Listener(tell)
    listener.start()
    now = datetime.now(UTC)
    good = {"token": listener.address.token, "msg_id": "a", "started": now.isoformat(), "worker": "w"}
    wrong: list[Any] = [
        [], 5, {},
        {**good, "token": "guess"}, {**good, "token": 5}, {**good, "token": "ä"}, {**good, "started": "now"},
        {**good, "started": 5},
    ]  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        for data in [b"", b"\xff", b"{", b"[" * 5000, *(json.dumps(report).encode() for report in wrong)]:
            channel.sendto(data, ("127.0.0.1", listener.address.port))
    send(listener.address._replace(node="another"), "b", now, "w")
    send(listener.address, "a", now, "w")
    assert arrived.wait(10)
    listener.close()
    assert told == [("a", {"started": now, "engine_uuid": "w"})]
