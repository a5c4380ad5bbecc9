"""Queries that are asked again are compiled once: what is known of one is never taken for another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mongoglot.errors import FilterError
from mongoglot.taskdb import TaskDatabase, queries
from tests.conftest import CULLING
from tests.taskdb.history import Opener

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS: dict[str, Any] = {
    "one": 1, "true": True, "text": "1", "none": None, "double": 1.0, "zero": 0, "false": False, "empty": "",
}  # fmt: skip


FORMS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "value": lambda value: {"label": value},
    "$eq": lambda value: {"label": {"$eq": value}},
    "$not": lambda value: {"label": {"$not": {"$ne": value}}},
}


def found(database: TaskDatabase, query: dict[str, Any]) -> list[str]:
    return [record["msg_id"] for record in database.find_records(query)]


@pytest.fixture(scope="module", params=CULLING)
def labelled(request: pytest.FixtureRequest, opener: Opener) -> TaskDatabase:
    """Records whose labels Python takes for each other."""
    database = opener(request.param)
    for number, (name, label) in enumerate(LABELS.items()):
        at = NOON + timedelta(seconds=number)
        database.add_record(name, {"label": label, "submitted": at, "content": {"n": label}})
    database.add_record("lacks", {"submitted": NOON + timedelta(minutes=1)})
    return database


ALIKE: list[tuple[Any, set[str]]] = [
    (1, {"one", "double"}),
    (True, {"true"}),
    ("1", {"text"}),
    (None, {"none", "lacks"}),
    (1.0, {"one", "double"}),
    (0, {"zero"}),
    (False, {"false"}),
    ("", {"empty"}),
]


@pytest.mark.parametrize("form", FORMS)
def test_values_that_python_takes_for_each_other(labelled: TaskDatabase, form: str) -> None:
    for _ in range(2):
        for value, names in ALIKE:
            query = FORMS[form](value)
            assert set(found(labelled, query)) == names, query


def test_names_and_values_stay_apart(labelled: TaskDatabase) -> None:
    """Of two queries with the same words in other places, neither is the other."""
    for _ in range(2):
        assert found(labelled, {"label": "1", "msg_id": "text"}) == ["text"]
        assert found(labelled, {"label": "text", "msg_id": "1"}) == []
        assert found(labelled, {"content": {"n": "1"}}) == ["text"]
        assert found(labelled, {"content.n": "1"}) == ["text"]
        assert found(labelled, {"content": {"$eq": {"n": True}}}) == ["true"]
        assert found(labelled, {"content": {"$eq": {"n": "1"}}}) == ["text"]


def test_a_query_that_is_changed_later(labelled: TaskDatabase) -> None:
    query: dict[str, Any] = {"label": {"$eq": "1"}}
    assert found(labelled, query) == ["text"]
    query["label"]["$eq"] = True
    assert found(labelled, query) == ["true"]
    query["label"] = None
    query["msg_id"] = "lacks"
    assert found(labelled, query) == ["lacks"]


def test_a_wrong_query_is_wrong_each_time(labelled: TaskDatabase) -> None:
    for _ in range(3):
        with pytest.raises(FilterError, match=r"\$foo"):
            labelled.find_records({"label": {"$foo": 1}})


def test_dates_are_those_of_each_call(labelled: TaskDatabase) -> None:
    for seconds in (3, 1, 5):
        query = {"submitted": {"$lt": NOON + timedelta(seconds=seconds)}}
        assert len(found(labelled, query)) == seconds


def test_what_is_known_has_an_end(labelled: TaskDatabase) -> None:
    for number in range(600):
        assert labelled.find_records({"label": {"$eq": f"no {number}"}}, "msg_id") == []
    assert len(queries._ASKED) <= 256
    assert found(labelled, {"label": "1"}) == ["text"]


def test_the_choice_of_keys_is_that_of_each_call(labelled: TaskDatabase) -> None:
    keys = ["label"]
    assert labelled.find_records({"msg_id": "text"}, keys) == [{"msg_id": "text", "label": "1"}]
    keys.append("content")
    expected = {"msg_id": "text", "label": "1", "content": {"n": "1"}}
    assert labelled.find_records({"msg_id": "text"}, keys) == [expected]
    assert labelled.find_records({"msg_id": "text"}, "msg_id") == [{"msg_id": "text"}]
    assert keys == ["label", "content"]


def test_keys_that_some_records_lack(labelled: TaskDatabase) -> None:
    records = labelled.find_records({"label": {"$in": ["1", None]}}, ["label", "content", "queue"])
    assert {record["msg_id"]: record for record in records} == {
        "text": {"msg_id": "text", "label": "1", "content": {"n": "1"}},
        "none": {"msg_id": "none", "label": None, "content": {"n": None}},
        "lacks": {"msg_id": "lacks"},
    }


def test_values_of_keys_are_the_callers_own(labelled: TaskDatabase) -> None:
    for _ in range(2):
        (record,) = labelled.find_records({"msg_id": "text"}, ["content"])
        assert record["content"] == {"n": "1"}
        record["content"]["n"] = "changed"
