"""Keys and ids may be anything: they are names, never SQL, paths or operators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

import mongoglot
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.names import restored_name, stored_name, stored_path
from mongoglot.taskdb.queries import stored_query
from tests.taskdb.history import ids

UUID_1 = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("label", 0, "label"),
        ("stdout='pwned' WHERE ?=1 OR 1 OR ? -- ", 0, "stdout='pwned' WHERE ?=1 OR 1 OR ? -- "),
        ("a.b", 0, r"mongoglot:str:a\u002eb"),
        ("a.b", 1, "a.b"),
        ("$set", 0, "mongoglot:str:$set"),
        ("$set", 1, "$set"),
        ("", 0, "mongoglot:str:"),
        ("", 1, ""),
        ("a\0\\.", 1, r"mongoglot:str:a\u0000\u005c\u002e"),
        ("\ud800", 1, r"mongoglot:str:\ud800"),
        ("mongoglot:x", 1, "mongoglot:str:mongoglot:x"),
        (5, 0, "mongoglot:key:5"),
        (1.5, 1, r"mongoglot:key:1\u002e5"),
    ],
)
def test_names(name: Any, level: int, expected: str) -> None:
    assert stored_name(name, level) == expected
    assert restored_name(expected) == name


def test_paths() -> None:
    assert stored_path("header.date") == "header.date"
    assert stored_path("a\0.b") == r"mongoglot:str:a\u0000.b"
    assert stored_path("") == "mongoglot:str:"
    assert [restored_name(name) for name in ("mongoglot:key:[1]", "mongoglot:key:f()")] == ["[1]", "f()"]


def test_names_and_values_anywhere_in_a_query() -> None:
    big, stored_big = 2**70, {"mongoglot:int": hex(2**70)}
    query: dict[str, Any] = {
        "$or": [{"a\0": big}, {"$nor": [{"b": {"$not": {"$in": [big]}}}]}],
        "c": {"$elemMatch": {"d\0": big}},
        "e": {"$elemMatch": {"$eq": big, "$gt": 5}},
        "$comment": {"a\0": big},
    }
    assert stored_query(query) == {
        "$or": [{r"mongoglot:str:a\u0000": stored_big}, {"$nor": [{"b": {"$not": {"$in": [stored_big]}}}]}],
        "c": {"$elemMatch": {r"mongoglot:str:d\u0000": stored_big}},
        "e": {"$elemMatch": {"$eq": stored_big, "$gt": 5}},
        "$comment": {"a\0": big},
    }


HOSTILE_NAMES = [
    "stdout='pwned' WHERE ?=1 --", 'x" = 1; DROP TABLE "task_records"; --', "x') --", "$.a", "$where", "a.b.c",
    ".", "_row", "_doc", "_key", "_ID", "__class__", "%s", ":p0", "?", "\0", "\udc80", "'", '"', "`", "[0]", "#-1",
    "0", "é", "mongoglot:int",
]  # fmt: skip


def test_hostile_names_are_names(database: TaskDatabase) -> None:
    record = {name: f"value of {name!r}" for name in HOSTILE_NAMES}
    database.add_record("a", record)
    database.add_record("b", {})
    database.update_record("b", record)
    database.add_record("c", {"stdout": "fine"})
    for msg_id in "ab":
        assert database.get_record(msg_id) == {"msg_id": msg_id, **record}
    for name, value in record.items():
        assert database.find_records({"msg_id": "a"}, name) == [{"msg_id": "a", name: value}]
        if not name.startswith("$") and "." not in name:
            assert ids(database.find_records({name: value})) == "ab"
            assert ids(database.find_records({name: {"$exists": False}})) == "c"
    assert database.get_record("c") == {"msg_id": "c", "stdout": "fine"}


def test_odd_ids(database: TaskDatabase) -> None:
    odd: list[Any] = ["", "'; --", "\udc80", "a.b", "$a", b"bytes", 2**70, 5, UUID_1]
    for msg_id in odd:
        database.add_record(msg_id, {"label": repr(msg_id)})
    for msg_id in odd:
        assert database.get_record(msg_id) == {"msg_id": msg_id, "label": repr(msg_id)}
        assert database.find_records({"msg_id": msg_id}, "label") == [database.get_record(msg_id)]
    assert database.get_history() == odd
    with pytest.raises(mongoglot.DuplicateKeyError):
        database.add_record("\udc80", {})
