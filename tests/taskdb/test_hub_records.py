"""What the Hub hands over and gets back: copies, dates, buffers that are not kept, records that are too large."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from ipyparallel.serialize import deserialize_object, serialize_object

import mongoglot
from mongoglot.taskdb.ipyparallel import MongoDB
from tests.conftest import with_database
from tests.taskdb.backends import NEW, Opener
from tests.taskdb.defects import NOON, record_of
from tests.taskdb.fake_hub import DONE, FakeHub

ROOT = Path(__file__).parent.parent.parent
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])
MEBIBYTE = 2**20


@LETTERS
def test_the_callers_things_are_left_alone(hub_opener: Opener, letter: str) -> None:
    database = hub_opener.open(NEW[letter], letter)
    record = record_of("a", buffers=[memoryview(b"x")], submitted=NOON, own=[1])
    given = {**record, "header": dict(record["header"]), "buffers": list(record["buffers"])}
    database.add_record("a", record)
    assert record == given
    record["header"]["changed"] = record["own"].append(2)
    keys, query = ["label", "buffers"], {"msg_id": {"$in": ["a"]}}
    (found,) = database.find_records(query, keys)
    assert (keys, query) == (["label", "buffers"], {"msg_id": {"$in": ["a"]}})
    found["buffers"].clear()
    for whole in (database.get_record("a"), database.find_records({}, iter([]))[0]):
        assert whole["buffers"] == [b"x"]
        assert "changed" not in whole["header"]
        assert whole["own"] == [1]
        whole["header"].clear()
    assert database.get_record("a")["header"] == given["header"]


@LETTERS
def test_what_the_hub_reads_without_asking_is_there(hub_opener: Opener, letter: str) -> None:
    database = hub_opener.open(NEW[letter], letter)
    database.add_record("a", {"submitted": NOON, "header": {"msg_type": "x"}})
    assert database.get_record("a") == {**record_of("a"), "header": {"msg_type": "x"}, "content": None}
    assert database.find_records({}, ["label", "stdout", "nothing"]) == [
        {"msg_id": "a", "label": None, "stdout": ""}
    ]
    hub = FakeHub(database)
    hub.print("a", "one ")
    hub.print("a", "two")
    hub.print("unknown yet", "early")
    assert database.get_record("a")["stdout"] == "one two"
    database.update_record("unknown yet", record_of("unknown yet", stdout="early"))
    assert database.get_record("unknown yet")["stdout"] == "early"
    with pytest.raises(KeyError):
        database.get_record("nobody")


@LETTERS
def test_junk_dates_are_told(hub_opener: Opener, letter: str, caplog: pytest.LogCaptureFixture) -> None:
    database = hub_opener.open(NEW[letter], letter)
    junk = {"started": "yesterday", "completed": "today", "received": 5}
    database.add_record("a", record_of("a", **junk))
    found = database.get_record("a")
    assert (found["started"], found["received"]) == (None, None)
    assert datetime.now(UTC) - found["completed"] < timedelta(minutes=5)
    for key, value in junk.items():
        assert f"task 'a': {key!r} is {value!r}, which is no date" in caplog.text
    assert "Give it a datetime, or ISO 8601 as text" in caplog.text


@LETTERS
def test_without_buffers(hub_opener: Opener, letter: str) -> None:
    database = hub_opener.open(NEW[letter], letter, keep_buffers=False)
    kept = hub_opener.open(NEW[letter], letter)
    for each in (database, kept):
        for name in "abc":
            each.add_record(name, record_of(name, buffers=[b"request"], completed=None))
            each.update_record(name, {**DONE, "result_buffers": serialize_object(name)})
    (found,) = database.find_records(
        {"msg_id": "a", "result_content.status": "ok"}, ["result_buffers", "buffers"]
    )
    assert (found["buffers"], found["result_buffers"]) == (None, None)
    for each in (database, kept):
        buffers = FakeHub(each).results("a", "b", "c")["buffers"]
        for name in "abc":  # each result takes its own from the front
            result, buffers = deserialize_object(buffers)
            if each is kept:
                assert result == name
            else:
                assert isinstance(result, LookupError)
                assert f"the result of task '{name}' was not kept" in str(result)
    again: dict[str, Any] = {"msg_id": {"$in": ["a", "b"]}}
    assert len(kept.find_records(again, ["header", "content", "buffers"])) == 2
    with pytest.raises(LookupError, match="2 of 2 tasks cannot be submitted again, 'a' among them"):
        database.find_records(again, ["header", "content", "buffers"])


def test_large_buffers_on_a_server(hub_opener: Opener, mongod_url: str) -> None:
    options = hub_opener.options("M")
    database = hub_opener.open(MongoDB, "M", **options)
    request = [b"a" * (17 * MEBIBYTE), b"", b"bc"]
    result = [b"x" * MEBIBYTE, b"y" * (16 * MEBIBYTE)]
    database.add_record("a", record_of("a", buffers=request))
    database.update_record("a", {**DONE, "result_buffers": result})
    database.add_record("b", record_of("b", buffers=[b"z" * (9 * MEBIBYTE)]))
    database.update_record("b", {**DONE, "result_buffers": [b"w" * (9 * MEBIBYTE)]})
    (record,) = database.find_records({"msg_id": {"$in": ["a"]}})
    assert (record["buffers"], record["result_buffers"], record["completed"]) == (request, result, NOON)
    (found,) = database.find_records({"msg_id": "b"}, ["buffers", "result_buffers"])
    assert [len(found[key][0]) for key in ("buffers", "result_buffers")] == [9 * MEBIBYTE] * 2
    database.update_record("a", {"result_buffers": [b"v" * (17 * MEBIBYTE)]})
    assert database.get_record("a")["result_buffers"] == [b"v" * (17 * MEBIBYTE)]
    with mongoglot.connect(with_database(mongod_url, options["database"])) as store:
        parts = store["task_records.parts"]
        assert parts.count_documents({"msg_id": "a"}) == 2 + 2  # what was replaced is gone
        database.drop_matching_records({"msg_id": "a"})
        assert parts.count_documents({"msg_id": "a"}) == 0
        assert parts.count_documents({"msg_id": "b"}) > 0
        database.drop_record("b")
        assert parts.count_documents({}) == 0


def test_lost_parts_are_told(hub_opener: Opener, mongod_url: str, caplog: pytest.LogCaptureFixture) -> None:
    options = hub_opener.options("M")
    database = hub_opener.open(MongoDB, "M", **options)
    database.add_record("a", record_of("a", **{**DONE, "result_buffers": [b"x" * (17 * MEBIBYTE)]}))
    with mongoglot.connect(with_database(mongod_url, options["database"])) as store:
        store["task_records.parts"].delete_one({})
    assert database.get_record("a")["result_buffers"] is None
    assert "task 'a': 'result_buffers' cannot be read, 1 of 2 parts are there" in caplog.text


def test_large_texts_on_a_server(hub_opener: Opener, caplog: pytest.LogCaptureFixture) -> None:
    database = hub_opener.open(MongoDB, "M")
    database.add_record("a", record_of("a", buffers=[b"r"]))
    database.update_record("a", {**DONE, "stdout": "é" * (9 * MEBIBYTE) + "the end"})
    found = database.get_record("a")
    assert (found["completed"], found["result_buffers"], found["buffers"]) == (NOON, [b"x"], [b"r"])
    assert found["stdout"].startswith("[mongoglot: the beginning is left out, a record")
    assert found["stdout"].endswith("éthe end")
    assert "task 'a': 'stdout' is cut" in caplog.text
    FakeHub(database).print("a", " and more")
    assert database.get_record("a")["stdout"].endswith("the end and more")
    traceback = {"ename": "E", "evalue": "x" * (17 * MEBIBYTE), "traceback": ["t"]}
    database.update_record("a", {"error": traceback, "result_content": {"status": "error", **traceback}})
    found = database.get_record("a")
    assert (found["result_content"]["status"], found["error"]["traceback"]) == ("error", ["t"])
    database.update_record("a", {"display_data": [["x" * 1000] * 1000] * 20})
    assert database.get_record("a")["display_data"] is None
    assert "task 'a': 'display_data' is left out" in caplog.text
