"""Queries: the documented ones on a real history, and those that ipyparallel's databases answer wrongly."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import mongoglot
from mongoglot.taskdb import TaskDatabase
from tests.taskdb.history import ids

if TYPE_CHECKING:
    from tests.taskdb.history import History, Opener, Record


# ---- the documented queries ----------------------------------------------------------------------------


def test_what_is_not_completed(cluster: TaskDatabase, history: History) -> None:
    found = cluster.db_query({"completed": None}, keys=["msg_id", "started"])
    assert len(found) == 9
    expected = [history.records[216], *history.records[420:]]
    assert found == [{"msg_id": record["msg_id"], "started": None} for record in expected]
    assert len(cluster.db_query({"complete": None})) == 428  # as the older documentation has it: no such key


def test_what_i_started_in_the_last_hour(cluster: TaskDatabase, history: History) -> None:
    me = history.clients["ada"]
    found = cluster.db_query({"started": {"$gte": history.hour_ago}, "client_uuid": me})
    assert len(found) == 84
    assert [record["msg_id"] for record in found] == [
        record["msg_id"] for record in history.records[217:301] if record["client_uuid"] == me
    ]
    assert all("buffers" not in record and "result_buffers" not in record for record in found)


@pytest.mark.parametrize("operator", ["$le", "$lt", "$lte"])
def test_what_others_started_before(cluster: TaskDatabase, history: History, operator: str) -> None:
    me = history.clients["ada"]
    found = cluster.db_query({"started": {operator: history.hour_ago}, "client_uuid": {"$ne": me}})
    assert len(found) == 121
    assert [record["msg_id"] for record in found] == [
        record["msg_id"] for record in history.records[95:216] if record["client_uuid"] != me
    ]


def test_result_headers_of_two_engines(cluster: TaskDatabase, history: History) -> None:
    uuids = [history.engines[number] for number in "34"]
    operands: list[Any] = [uuids, tuple(uuids), set(uuids), dict.fromkeys(uuids).keys()]
    for operand in [*operands, map(history.engines.get, "34")]:  # a map, as the documentation has it
        found = cluster.db_query({"engine_uuid": {"$in": operand}}, keys="result_header")
        assert len(found) == 228
        assert all(record.keys() == {"msg_id", "result_header"} for record in found)
        assert sum(record["result_header"] is None for record in found) == 5
    assert found == [
        {"msg_id": record["msg_id"], "result_header": record["result_header"]}
        for record in history.records
        if record["engine_uuid"] in uuids
    ]


def test_the_result_of_one_task(cluster: TaskDatabase, history: History) -> None:
    msg_id = f"{history.clients['ada']}_6244_79"
    result = cluster.get_result(msg_id)
    assert result == history.records[78]
    assert (result["label"], result["result_content"]) == ("pi/1/3", {"status": "ok"})
    with pytest.raises(KeyError):
        cluster.get_result(msg_id + "x")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"label": {"$glob": "pi/?/[0-3]"}}, 8),
        ({"label": {"$not": {"$glob": "*"}}}, 154),
        ({"label": {"$glob": "collatz/*", "$ne": "collatz/1"}}, 30),
        ({"result_content.status": "error", "queue": "mux"}, 4),
        ({"$or": [{"error": {"$ne": None}}, {"display_data": {"$exists": True}}]}, 72),
        ({"header.msg_type": "execute_request"}, 34),
        ({"stderr": {"$gt": ""}}, 12),
        ({"metadata.targets": {"$exists": True}}, 305),
    ],
    ids=repr,
)
def test_more_of_the_history(cluster: TaskDatabase, query: Record, count: int) -> None:
    assert len(cluster.db_query(query, "msg_id")) == count


# ---- small ones, whose answers are a server's ------------------------------------------------------------

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


FOUR: dict[str, Record] = {
    "a": {"engine": "e1", "client": "c1", "submitted": at(0), "completed": at(1)},
    "b": {"engine": "e2", "client": "c1", "submitted": at(1), "completed": None},
    "c": {"engine": "e1", "client": "c2", "submitted": at(2), "completed": at(3)},
    "d": {"engine": None, "client": "c2", "submitted": at(3), "completed": None},
}
HEADER = {"msg_type": "apply_request", "session": "c1"}
BEYOND = [*map(str, range(1500)), "b"]

ANSWERS: list[tuple[str, Record, str]] = [
    ("Q1", {"engine": "e1", "client": "c1"}, "a"),
    ("Q1", {"client": "c1", "engine": "e1"}, "a"),
    ("Q2", {"client": "c1", "completed": None}, "b"),
    ("Q3", {"engine": "e1", "completed": {"$ne": None}}, "ac"),
    ("Q4", {"submitted": {"$gt": at(1)}}, "cd"),
    ("Q4", {"submitted": {"$ge": at(1)}}, "cd"),
    ("Q4", {"submitted": {"$gte": at(1)}}, "bcd"),
    ("Q4", {"submitted": {"$lt": at(1)}}, "a"),
    ("Q4", {"submitted": {"$le": at(1)}}, "a"),
    ("Q4", {"submitted": {"$lte": at(1)}}, "ab"),
    ("Q5", {"completed": {"$gte": at(1), "$lt": at(9)}}, "ac"),
    ("Q5", {"completed": {"$gte": at(2), "$ne": None}}, "c"),
    ("Q5", {"completed": {"$ge": at(1)}, "submitted": {"$le": at(9)}}, "c"),
    ("Q6", {}, "abcd"),
    ("Q7", {"engine": {"$in": []}}, ""),
    ("Q7", {"engine": {"$nin": []}}, "abcd"),
    ("Q8", {"engine": {"$in": ["e2", None]}}, "bd"),
    ("Q8", {"engine": {"$nin": ["e2", None]}}, "ac"),
    ("Q9", {"engine": {"$ne": "e2"}}, "acd"),
    ("Q9", {"engine": {"$nin": ["e2"]}}, "acd"),
    ("Q10", {"msg_id": {"$in": BEYOND}}, "b"),
    ("Q10", {"msg_id": {"$nin": BEYOND}}, "acd"),
    ("Q12", {"$or": [{"engine": "e2"}, {"client": "c2"}]}, "bcd"),
    ("Q12", {"$and": [{"engine": "e1"}, {"$nor": [{"client": "c1"}]}]}, "c"),
    ("Q13", {"engine": {"$not": {"$in": ["e1"]}}}, "bd"),
    ("Q13", {"submitted": {"$not": {"$ge": at(1)}}}, "ab"),
    ("Q13", {"submitted": {"$not": {"$le": at(1), "$ne": at(3)}}}, "bcd"),
    ("Q14", {"completed": {"$exists": True}}, "abcd"),
    ("Q14", {"nothing": {"$exists": False}}, "abcd"),
    ("Q17", {"nothing": 1}, ""),
    ("Q17", {"nothing": None}, "abcd"),
    ("Q18", {"header.msg_type": "apply_request"}, "abcd"),
    ("Q19", {"header": {**HEADER, "n": "a"}}, "a"),
    ("Q20", {"header": {}}, ""),
    ("Q21", {"completed": {"$gte": None}}, "bd"),
    ("Q21", {"completed": {"$lte": None}}, "bd"),
    ("Q22", {"msg_id": {"$gt": 5}}, ""),
    ("Q23", {"engine": {"$lt": ["e2"]}}, ""),
    ("Q24", {"submitted": {"$in": [at(2).astimezone().replace(tzinfo=None)]}}, "c"),
    ("T1", {"submitted": at(2).astimezone()}, "c"),
    ("_id", {"_id": "a"}, "a"),
    ("msg_id", {"msg_id": {"$ge": "b"}}, "cd"),
    ("msg_id", {"msg_id": None}, ""),
    ("msg_id", {"msg_id": {"$glob": "[ab]"}}, "ab"),
]


@pytest.fixture(scope="module", params=["memory", "sqlite", "mongodb"])
def four(request: pytest.FixtureRequest, opener: Opener) -> TaskDatabase:
    database = opener(request.param)
    for msg_id, record in FOUR.items():
        database.add_record(msg_id, {**record, "header": {**HEADER, "n": msg_id}})
    return database


@pytest.mark.parametrize(("row", "query", "expected"), ANSWERS, ids=lambda value: str(value)[:60])
def test_answers(four: TaskDatabase, row: str, query: Record, expected: str) -> None:
    assert ids(four.db_query(query)) == ids(four.find_records(query, ["label"])) == expected, row


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"engine": {"$in": "e1"}}, 2, r"\$in needs an array .at engine.\$in"),
        ({"engine": {"$nin": b""}}, 2, r"\$nin needs an array"),
        ({"engine": {"$in": 5}}, 2, r"\$in needs an array"),
        ({"engine": {"$in": {"a": 1}}}, 2, r"\$in needs an array"),
        ({"engine": {"$foo": 1}}, 2, r"unknown operator: \$foo"),
        ({"$or": {"engine": 1}}, 2, r"\$or must be an array"),
        ({"$and": [1]}, 2, "need to be full objects"),
        ({"engine": {"$glob": ["*"]}}, 2, r"\$glob has to be a string"),
        ({"engine": {"$glob": None}}, 2, r"\$glob has to be a string"),
        ({"engine": {"$not": 5}}, 2, r"\$not needs a regex or a document"),
        ({"engine": {"$gt": 2**64}}, 2, "64 bits"),
        ({5: 1}, 2, "names are str"),
        (5, 14, "mapping"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_wrong_queries(four: TaskDatabase, query: Any, code: int, message: str) -> None:
    for call in (four.db_query, four.find_records, four.drop_matching_records):
        with pytest.raises(mongoglot.FilterError, match=message) as caught:
            call(query)
        assert caught.value.code == code
    assert len(four.get_history()) == 4


@pytest.mark.parametrize("levels", [90, 100_000])
def test_deep_queries(four: TaskDatabase, levels: int) -> None:
    literal: Any = 1
    negation: Any = {"$eq": 1}
    logical: Any = {"engine": 1}
    for _ in range(levels):
        literal, negation, logical = {"x": literal}, {"$not": negation}, {"$and": [logical]}
    for query in ({"engine": literal}, {"engine": {"$in": [literal]}}, {"engine": negation}, logical):
        if levels == 90:
            assert four.db_query(query) == []
            continue
        with pytest.raises(mongoglot.FilterError) as caught:
            four.db_query(query)
        assert caught.value.code == 15


LABELS = ["ab", "^b", "a[b", "a]b", "axb", "x\nz", "éa", "AB", "", "[", "2024-01-01"]


@pytest.mark.parametrize(
    ("row", "pattern"),
    [
        ("G1", "[!a]*"), ("G2", "[^a]*"), ("G3", "a[!]]b"), ("G3", "a[!x]b"), ("G3", "a[b"), ("G3", "[[]*"),
        ("G6", "2024*"), ("G7", "AB"), ("G7", "é?"), ("G7", "??"), ("G7", "x*z"), ("G7", "*"), ("G7", ""),
    ],
)  # fmt: skip
def test_globs_are_those_of_fnmatch(database: TaskDatabase, row: str, pattern: str) -> None:
    for number, label in enumerate([*LABELS, None, NOON, 5, {"a": "ab"}]):
        database.add_record(str(number), {"label": label})
    expected = {label for label in LABELS if fnmatch.fnmatchcase(label, pattern)}
    found = database.db_query({"label": {"$glob": pattern}}, "label")
    assert {record["label"] for record in found} == expected, row
    rest = database.db_query({"label": {"$not": {"$glob": pattern}}})
    assert len(found) + len(rest) == len(LABELS) + 4
    both = database.db_query({"label": {"$glob": pattern, "$ne": "ab", "$le": "b"}}, "label")
    assert {record["label"] for record in both} == {
        label for label in expected if label != "ab" and label < "b"
    }
    database.drop_matching_records({"label": {"$glob": pattern}})
    assert len(database.get_history()) == len(rest)


def test_plain_mongodb_has_none_of_these_words() -> None:
    for word in ("$ge", "$le", "$glob"):
        with pytest.raises(mongoglot.FilterError, match="taskdb"):
            mongoglot.compile({"a": {word: "x"}})


def test_explain(cluster: TaskDatabase) -> None:
    explained = cluster.explain({"completed": None}, "started")
    assert explained["residual"] is None
    if explained["engine"] == "sqlite":
        assert '"completed" IS NULL' in explained["sql"]
