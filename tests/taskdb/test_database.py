"""The task database does what its methods promise, on every engine alike."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import mongoglot
from mongoglot.taskdb import TaskDatabase, UnknownTaskError
from mongoglot.taskdb.schema import BUFFERS, DATES, KEYS, TABLE, empty_record
from tests.taskdb.history import ids

if TYPE_CHECKING:
    from pathlib import Path

    from tests.taskdb.history import History, Opener, Record

NOON = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
RECORD = {
    **empty_record(),
    "header": {"msg_type": "apply_request", "date": NOON},
    "buffers": [b"request"],
    "submitted": NOON,
    "queue": "task",
    "result_buffers": [],
}


def test_schema() -> None:
    newer = [key.name for key in KEYS if "newer" in key.generations]
    older = [key.name for key in KEYS if "older" in key.generations]
    assert set(newer) - set(older) == {"execute_input", "execute_result", "error"}
    assert set(older) - set(newer) == {"pyin", "pyout", "pyerr"}
    assert (len(older), len(newer), len(empty_record())) == (19, 19, 23)
    assert BUFFERS == ("buffers", "result_buffers")
    assert DATES == ("submitted", "started", "completed", "received")
    assert {key for key, value in empty_record().items() if value is not None} == {"stdout", "stderr"}
    indexed = [column.name for column in TABLE.columns if column.indexed]
    assert indexed == ["submitted", "engine_uuid", "started", "completed"]  # a msg_id is the _id, too


def test_a_record_comes_back(database: TaskDatabase) -> None:
    database.add_record("a", RECORD)
    expected = {**RECORD, "msg_id": "a"}
    assert database.get_record("a") == expected
    assert database.get_result("a") == expected
    assert database.find_records({"msg_id": "a"}) == [expected]
    assert database.find_records({}, []) == [expected]
    without = {key: value for key, value in expected.items() if key not in BUFFERS}
    assert database.db_query({}) == database.db_query({}, []) == [without]


def test_the_recorded_history_comes_back(cluster: TaskDatabase, history: History) -> None:
    assert cluster.find_records({}) == history.records
    assert cluster.get_history() == [record["msg_id"] for record in history.records]


def test_a_record_is_stored_under_the_id_given(database: TaskDatabase) -> None:
    database.add_record("a", {"msg_id": "b", "_id": "c", "label": 1})
    assert database.find_records({}) == [{"msg_id": "a", "label": 1}]
    database.update_record("a", {"msg_id": "b", "_id": "c", "label": 2})
    assert database.get_record("a") == {"msg_id": "a", "label": 2}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["label"], {"label"}),
        (("label", "stdout"), {"label", "stdout"}),
        ("label", {"label"}),
        ({"label": 1}.keys(), {"label"}),
        (["buffers"], {"buffers"}),
        (["msg_id"], set()),
        (["_id"], set()),
        (["nothing"], set()),
        (["label", "label", "nothing"], {"label"}),
        (["header.msg_type"], {"header"}),
        (["header", "header.msg_type", "msg_id.x"], {"header"}),
        (["own.key", "$own", ""], {"own.key", "$own", ""}),
        (["own..key", "a.$b", "."], set()),
    ],
)
def test_keys(database: TaskDatabase, keys: Any, expected: set[str]) -> None:
    database.add_record("a", {**RECORD, "label": "x", "own.key": 1, "$own": 2, "": 3})
    for find in (database.db_query, database.find_records):
        (found,) = find({}, keys)
        assert set(found) == {"msg_id", *expected}
        assert found["msg_id"] == "a"
    if keys == ["header.msg_type"]:
        assert found["header"] == {"msg_type": "apply_request"}


@pytest.mark.parametrize("keys", [5, b"label", {"label": 1}, [5], [None]])
def test_what_is_no_choice_of_keys(database: TaskDatabase, keys: Any) -> None:
    with pytest.raises(mongoglot.FilterError, match="keys are a name or a list of names, not ") as caught:
        database.db_query({}, keys)
    assert (caught.value.code, caught.value.path) == (14, "keys")


def test_what_the_caller_gave_is_left_alone(database: TaskDatabase) -> None:
    record: Record = {
        "label": "x",
        "header": {"a": [1]},
        "buffers": [b"x"],
        "submitted": datetime(2026, 1, 1),
    }
    query: Record = {"label": {"$in": ["x"]}, "submitted": {"$le": datetime(2027, 1, 1)}}
    keys = ["label"]
    database.add_record("a", record)
    database.update_record("a", record)
    assert database.find_records(query, keys) == [{"msg_id": "a", "label": "x"}]
    assert record == {
        "label": "x", "header": {"a": [1]}, "buffers": [b"x"], "submitted": datetime(2026, 1, 1),
    }  # fmt: skip
    assert query == {"label": {"$in": ["x"]}, "submitted": {"$le": datetime(2027, 1, 1)}}
    assert keys == ["label"]


def test_results_are_copies(database: TaskDatabase) -> None:
    record: Record = {"header": {"a": [1]}, "buffers": [b"x"]}
    database.add_record("a", record)
    record["header"]["a"].append(2)
    expected = {"msg_id": "a", "header": {"a": [1]}, "buffers": [b"x"]}
    for found in (
        database.get_record("a"),
        database.find_records({})[0],
        database.find_records({}, "header")[0],
    ):
        found["header"]["a"].append(3)
        found.clear()
    assert database.get_record("a") == expected


def test_an_id_is_recorded_once(database: TaskDatabase) -> None:
    database.add_record("a", {"label": 1})
    with pytest.raises(mongoglot.DuplicateKeyError, match="'a'"):
        database.add_record("a", {"label": 2})
    assert database.get_record("a")["label"] == 1


@pytest.mark.parametrize("rec", [{}, {"label": "x"}, {"msg_id": "nobody"}])
def test_unknown_ids(database: TaskDatabase, rec: Record) -> None:
    for call in (
        lambda: database.get_record("nobody"),
        lambda: database.get_result("nobody"),
        lambda: database.update_record("nobody", rec),
        lambda: database.drop_record("nobody"),
    ):
        with pytest.raises(KeyError) as caught:
            call()
        assert isinstance(caught.value, UnknownTaskError)
        assert str(caught.value) == "there is no record of task 'nobody'"
    assert database.find_records({}) == []


def test_an_id_is_never_a_query(database: TaskDatabase) -> None:
    database.add_record("a", {})
    for hostile in ({"$ne": None}, {"$exists": True}, {"$gt": ""}, ["a"]):
        with pytest.raises(UnknownTaskError):
            database.get_record(hostile)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(UnknownTaskError):
            database.drop_record(hostile)  # type: ignore[arg-type]  # that is the point
    assert database.get_history() == ["a"]


def test_update_replaces_keys_and_keeps_the_others(database: TaskDatabase) -> None:
    database.add_record("a", {"label": "x", "own": 1, "header": {"a": 1}})
    database.update_record("a", {})
    news = {"header": {"b": 2}, "display_data": {"text/plain": "1"}, "stdout": ""}
    database.update_record("a", news)
    assert database.get_record("a") == {"msg_id": "a", "label": "x", "own": 1, **news}
    record = database.get_record("a")
    database.update_record("a", record)
    assert database.get_record("a") == record


def test_drop(database: TaskDatabase) -> None:
    for msg_id in "abcd":
        database.add_record(msg_id, {"label": f"group/{msg_id}"})
    database.drop_record("a")
    database.drop_matching_records({"label": {"$glob": "group/[bx]"}})
    database.drop_matching_records({"msg_id": {"$in": []}})
    assert ids(database.find_records({})) == "cd"
    with pytest.raises(mongoglot.FilterError):
        database.drop_matching_records({"label": {"$foo": 1}})
    database.drop_matching_records({})
    assert database.get_history() == []


def test_history_is_in_the_order_of_submission(database: TaskDatabase) -> None:
    hours = {"d": 3, "b": 1, "n": None, "c": 2, "x": 2}
    for msg_id, hour in hours.items():
        submitted = None if hour is None else NOON + timedelta(hours=hour)
        database.add_record(msg_id, {"submitted": submitted})
    database.add_record("m", {})
    assert database.get_history() == [
        "n",
        "m",
        "b",
        "c",
        "x",
        "d",
    ]  # those without it first, as a server sorts


def test_odd_ids_stand_in_the_history(database: TaskDatabase) -> None:
    ids: list[Any] = ["b", "", "a\0b", 5, "é", "a"]
    for number, msg_id in enumerate(ids):
        database.add_record(msg_id, {"submitted": NOON + timedelta(seconds=number)})
        assert database.get_history() == ids[: number + 1]
        assert database.find_records({"msg_id": msg_id}, "label") == [{"msg_id": msg_id}]
    database.add_record("first", {"submitted": "a text"})
    assert database.get_history() == ["first", *ids]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], []),
        (None, None),
        ((), []),
        ([b"a", bytearray(b"b"), memoryview(b"c"), b""], [b"a", b"b", b"c", b""]),
        ((b"a", memoryview(b"abcdef")[::2]), [b"a", b"ace"]),
        ([array("B", b"xy")], [b"xy"]),
        (["text", None], ["text", None]),
        (b"one", b"one"),
    ],
)
@pytest.mark.parametrize("key", BUFFERS)
def test_buffers(database: TaskDatabase, key: str, given: Any, kept: Any) -> None:
    database.add_record("a", {key: given})
    assert database.get_record("a")[key] == kept
    database.update_record("a", {key: given})
    assert database.find_records({}, key) == [{"msg_id": "a", key: kept}]


def test_dates_are_instants_in_milliseconds(database: TaskDatabase) -> None:
    eastern = timezone(timedelta(hours=-5))
    noon = datetime(2026, 3, 1, 7, 0, 0, 123999, tzinfo=eastern)
    database.add_record("a", {"submitted": noon, "header": {"date": noon}, "label": "2026-03-01T12:00:00Z"})
    found = database.get_record("a")
    assert found == {
        "msg_id": "a", "submitted": NOON, "header": {"date": NOON}, "label": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    assert found["submitted"].utcoffset() == found["header"]["date"].utcoffset() == timedelta(0)
    for query in ({"submitted": noon}, {"header.date": NOON}, {"label": "2026-03-01T12:00:00Z"}):
        assert ids(database.find_records(query)) == "a"
    assert database.find_records({"label": NOON}) == []


def test_no_record_but_a_mapping(database: TaskDatabase) -> None:
    for wrong in (None, 5, "label", [("label", 1)]):
        with pytest.raises(TypeError, match="a record is a mapping, not "):
            database.add_record("a", wrong)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(TypeError, match="a record is a mapping, not "):
            database.update_record("a", wrong)  # type: ignore[arg-type]  # that is the point


def test_a_file_outlives_the_process(tmp_path: Path, history: History) -> None:
    url = f"sqlite:{tmp_path / 'tasks.db'}"
    with TaskDatabase(url) as first:
        history.load(first)
        first.update_record(history.records[0]["msg_id"], {"stdout": "late"})
        first.drop_record(history.records[1]["msg_id"])
        with TaskDatabase(url) as second:  # while the first is open
            assert len(second.get_history()) == 427
    with TaskDatabase(url) as again:
        expected = [{**history.records[0], "stdout": "late"}, *history.records[2:]]
        assert again.find_records({}) == expected
        assert len(again.db_query({"completed": None})) == 9
        with TaskDatabase(url, collection="others") as other:
            assert other.get_history() == []


def test_null_keeps_nothing_and_says_so() -> None:
    with TaskDatabase("null:") as database:
        database.add_record("a", RECORD)
        database.add_record("a", RECORD)
        database.update_record("a", {"stdout": "x"})
        database.update_record("a", {})
        database.drop_record("a")
        database.drop_matching_records({"completed": {"$ne": None}})
        for read in (
            lambda: database.get_record("a"),
            lambda: database.get_result("a"),
            lambda: database.find_records({}),
            lambda: database.db_query({}, ["label"]),
            database.get_history,
        ):
            with pytest.raises(KeyError, match="which keeps nothing; open a 'memory:'") as caught:
                read()
            assert isinstance(caught.value, mongoglot.NoDataError)
        with pytest.raises(mongoglot.FilterError):
            database.drop_matching_records({"a": {"$foo": 1}})


def test_close_twice(opener: Opener, tmp_path: Path) -> None:
    for engine in ("memory", "sqlite", "null", "mongodb"):
        database = opener(engine)
        database.close()
        database.close()
    closed = TaskDatabase(f"sqlite:{tmp_path / 'tasks.db'}")
    closed.close()
    with pytest.raises(mongoglot.StoreError, match="is closed"):
        closed.get_record("a")


def test_a_record_too_large_for_a_server(opener: Opener) -> None:
    record = {"buffers": [b"x" * (17 * 2**20)]}
    for engine in ("memory", "sqlite"):
        database = opener(engine)
        database.add_record("a", record)
        assert database.get_record("a")["buffers"] == record["buffers"]
    server = opener("mongodb")
    told = "^the document is larger than a server stores: "
    with pytest.raises(mongoglot.WriteError, match=told):
        server.add_record("a", record)
    server.add_record("a", {})
    with pytest.raises(mongoglot.WriteError, match=told):
        server.update_record("a", record)
    assert server.get_record("a") == {"msg_id": "a"}
