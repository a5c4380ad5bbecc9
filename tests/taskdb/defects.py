"""What ipyparallel's own task databases answer wrongly, as data: section 4 of the defects that were found.

Each row has a name, what is done with a task database, the right outcome, and the letters of the old databases
that get it wrong: D for DictDB, S for SQLiteDB, M for MongoDB.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from mongoglot.taskdb.schema import empty_record
from tests.taskdb.history import ids

Record = dict[str, Any]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))
BEYOND = [*map(str, range(1500)), "b"]
HEADER = {"msg_type": "apply_request", "session": "c1"}


def at(hour: float) -> datetime:
    return NOON + timedelta(hours=hour)


FOUR: dict[str, Record] = {
    "a": {"engine_uuid": "e1", "client_uuid": "c1", "submitted": at(0), "completed": at(1), "label": "alpha"},
    "b": {"engine_uuid": "e2", "client_uuid": "c1", "submitted": at(1), "completed": None, "label": None},
    "c": {"engine_uuid": "e1", "client_uuid": "c2", "submitted": at(2), "completed": at(3), "label": "be"},
    "d": {"engine_uuid": None, "client_uuid": "c2", "submitted": at(3), "completed": None, "label": "beta"},
}


class Defect(NamedTuple):
    """A row of the table.

    Attributes:
        name: of the row; several may share it.
        outcome: what a task database makes of it.
        expected: the right outcome; for an error, its class.
        wrong: the old databases that have another one.
        asks: whether it only reads, and a database that has the four records.
    """

    name: str
    outcome: Callable[[Any], Any]
    expected: Any
    wrong: str
    asks: bool = False


def filled(database: Any) -> Any:
    """The database with four records."""
    for msg_id, record in FOUR.items():
        database.add_record(msg_id, record_of(msg_id, **record, header={**HEADER, "n": msg_id}))
    return database


def record_of(msg_id: str, **fields: Any) -> Record:
    return {
        **empty_record(),
        "msg_id": msg_id,
        "header": dict(HEADER),
        "submitted": NOON,
        "content": {},
        **fields,
    }


def found(query: Record) -> Callable[[Any], str]:
    """The ids of the four that match."""
    return lambda database: ids(database.find_records(query, ["msg_id"]))


def _queries() -> list[Defect]:
    rows: list[tuple[str, Record, Any, str]] = [
        ("Q1", {"engine_uuid": "e1", "client_uuid": "c1"}, "a", "D"),
        ("Q2", {"client_uuid": "c1", "completed": None}, "b", "D"),
        ("Q3", {"engine_uuid": "e1", "completed": {"$ne": None}}, "ac", "D"),
        ("Q4", {"submitted": {"$gt": at(1)}}, "cd", "D"),
        ("Q4", {"submitted": {"$gt": at(9)}}, "", "D"),
        ("Q5", {"completed": {"$gte": at(1), "$lt": at(9)}}, "ac", "D"),
        ("Q6", {}, "abcd", "S"),
        ("Q7", {"engine_uuid": {"$in": []}}, "", "S"),
        ("Q7", {"engine_uuid": {"$nin": []}}, "abcd", "S"),
        ("Q8", {"engine_uuid": {"$in": ["e2", None]}}, "bd", "S"),
        ("Q8", {"engine_uuid": {"$nin": ["e2", None]}}, "ac", "S"),
        ("Q9", {"engine_uuid": {"$ne": "e2"}}, "acd", "S"),
        ("Q9", {"engine_uuid": {"$nin": ["e2"]}}, "acd", "S"),
        ("Q10", {"msg_id": {"$in": BEYOND}}, "b", "S"),
        ("Q10", {"msg_id": {"$nin": BEYOND}}, "acd", "S"),
        ("Q11", {"label": {"$in": "beta"}}, "FilterError", "DS"),
        ("Q11", {"label": {"$nin": ""}}, "FilterError", "DS"),
        ("Q12", {"$or": [{"engine_uuid": "e2"}, {"client_uuid": "c2"}]}, "bcd", "DS"),
        ("Q12", {"$and": [{"engine_uuid": "e1"}, {"client_uuid": "c2"}]}, "c", "DS"),
        ("Q13", {"engine_uuid": {"$not": {"$in": ["e1"]}}}, "bd", "DS"),
        ("Q13", {"label": {"$regex": "^b"}}, "cd", "DS"),
        ("Q13", {"label": {"$type": "string"}}, "acd", "DS"),
        ("Q14", {"completed": {"$exists": True}}, "abcd", "DS"),
        ("Q15", {"label": {"$all": ["be"]}}, "c", "DS"),
        ("Q15", {"label": {"$mod": [2, 0]}}, "", "DS"),
        ("Q16", {"label": {"$foo": 1}}, "FilterError", "DS"),
        ("Q17", {"nothing": 1}, "", "S"),
        ("Q17", {"nothing": None}, "abcd", "S"),
        ("Q18", {"header.msg_type": "apply_request"}, "abcd", "DS"),
        ("Q19", {"header": {**HEADER, "n": "a"}}, "a", "DS"),
        ("Q20", {"header": {}}, "", "DS"),
        ("Q21", {"completed": {"$gte": None}}, "bd", "DS"),
        ("Q21", {"completed": {"$lte": None}}, "bd", "DS"),
        ("Q22", {"msg_id": {"$gt": 5}}, "", "DS"),
        ("Q23", {"engine_uuid": {"$lt": ["e2"]}}, "", "DS"),
        ("Q24", {"submitted": {"$in": [at(2).astimezone().replace(tzinfo=None)]}}, "c", "D"),
        ("G4", {"label": {"$glob": "*a", "$ne": "beta"}}, "a", "M"),
        ("G5", {"label": {"$not": {"$glob": "*a"}}}, "bc", "DS"),
        ("G6", {"submitted": {"$glob": "2026*"}}, "", "DS"),
        ("G6", {"label": {"$glob": None}}, "FilterError", "DSM"),
        ("T1", {"submitted": at(2).astimezone(TOKYO)}, "c", "S"),
        ("T2", {"submitted": {"$lt": at(2).astimezone(TOKYO)}}, "ab", "S"),
        ("T2", {"submitted": {"$gte": at(2).astimezone(TOKYO)}}, "cd", "S"),
        ("D13", {"submitted": {"$le": at(1)}}, "a", "DSM"),
        ("D13", {"submitted": {"$ge": at(1)}}, "cd", "DSM"),
    ]
    return [Defect(name, found(query), expected, wrong, asks=True) for name, query, expected, wrong in rows]


LABELS = ["ab", "^b", "a[b", "a]b", "axb", "x\nz", "éa", "AB", "", "["]


def globbed(pattern: str) -> Callable[[Any], list[str]]:
    def labels(database: Any) -> list[str]:
        for number, label in enumerate(LABELS):
            database.add_record(str(number), record_of(str(number), label=label))
        records = database.find_records({"label": {"$glob": pattern}}, ["label"])
        return sorted(record["label"] for record in records)

    return labels


def _globs() -> list[Defect]:
    rows: list[tuple[str, str, list[str], str]] = [
        ("G1", "[!a]*", ["AB", "[", "^b", "x\nz", "éa"], "S"),
        ("G2", "[^a]*", ["^b", "a[b", "a]b", "ab", "axb"], "S"),
        ("G3", "a[!]]b", ["a[b", "axb"], "S"),
        ("G3", "a[b", ["a[b"], "S"),
        ("G7", "AB", ["AB"], ""),
        ("G7", "é?", ["éa"], ""),
        ("G7", "x?z", ["x\nz"], ""),
        ("G7", "", [""], ""),
    ]
    return [Defect(name, globbed(pattern), expected, wrong) for name, pattern, expected, wrong in rows]


def kept(key: str, value: Any) -> Callable[[Any], Any]:
    """What comes back of a value that is added, and of the same value in an update."""

    def both(database: Any) -> Any:
        database.add_record("a", record_of("a", **{key: value}))
        database.add_record("b", record_of("b"))
        database.update_record("b", {key: value})
        first, second = database.get_record("a")[key], database.get_record("b")[key]
        assert first == second
        return first

    return both


def _values() -> list[Defect]:
    error = {"ename": "ZeroDivisionError", "evalue": "", "traceback": []}
    rows: list[tuple[str, str, Any, Any, str]] = [
        ("T6", "submitted", "2026-03-01T12:00:00+00:00", NOON, "DM"),
        ("T6", "submitted", "yesterday", None, "DSM"),
        ("V1", "buffers", [], [], "S"),
        ("V2", "buffers", [bytearray(b"x")], [b"x"], "S"),
        ("V2", "buffers", (memoryview(b"x"),), [b"x"], "DS"),
        ("V3", "error", error, error, "S"),
        ("V3", "execute_result", {"data": {"text/plain": "42"}}, {"data": {"text/plain": "42"}}, "S"),
        ("V4", "content", {"code": "2024-01-01T00:00:00Z"}, {"code": "2024-01-01T00:00:00Z"}, "S"),
        ("V5", "label", 7, 7, "S"),
        ("V5", "label", {"a": 1}, {"a": 1}, "S"),
        ("V5", "label", ["x", "y"], ["x", "y"], "S"),
        ("V6", "own_key", "kept", "kept", "S"),
        ("V7", "content", {"data": b"\0\xff"}, {"data": b"\0\xff"}, "S"),
        ("V7", "content", {"big": 2**70}, {"big": 2**70}, "M"),
        ("V7", "stdout", "half a pair: \ud83d", "half a pair: \ud83d", "SM"),
        ("stdout", "stdout", "", "", ""),
    ]
    return [Defect(name, kept(key, value), expected, wrong) for name, key, value, expected, wrong in rows]


def history_of(*times: datetime | None) -> Callable[[Any], list[str]]:
    def history(database: Any) -> list[str]:
        for number, submitted in enumerate(times):
            database.add_record(str(number), record_of(str(number), submitted=submitted))
        found: list[str] = database.get_history()
        return found

    return history


def size_of_large(database: Any) -> int:
    database.add_record("a", record_of("a", buffers=[b"x" * LARGE]))
    return sum(map(len, database.get_record("a")["buffers"]))


def dropped_by_glob(database: Any) -> str:
    filled(database).drop_matching_records({"label": {"$glob": "be*"}})
    return ids(database.find_records({"msg_id": {"$ne": ""}}))


def updated(msg_id: str, rec: Record) -> Callable[[Any], Any]:
    def stdout_of_all(database: Any) -> Any:
        filled(database).update_record(msg_id, rec)
        return [database.get_record(each)["stdout"] for each in "abcd"]

    return stdout_of_all


def added_twice(database: Any) -> None:
    database.add_record("a", record_of("a"))
    database.add_record("a", record_of("a"))


def added_as(rec: Record) -> Callable[[Any], Any]:
    def own_id(database: Any) -> Any:
        database.add_record("a", dict(rec))
        return database.get_record("a")["msg_id"]

    return own_id


def chosen(keys: Any) -> Callable[[Any], Any]:
    def labels(database: Any) -> Any:
        given = copy(keys)
        (record,) = database.find_records({"msg_id": "a"}, given)
        return record["label"], sorted(record), given

    return labels


def empty_choice(database: Any) -> bool:
    (record,) = database.find_records({"msg_id": "a"}, [])
    return record.get("label") == "alpha" and "buffers" in record


LARGE = 17 * 2**20

INJECTED = {"stdout='pwned' WHERE ?=1 OR 1 OR ? -- ": 1}

WITHOUT_ID = {key: value for key, value in record_of("a").items() if key != "msg_id"}

_CALLS = [
    Defect("G5", dropped_by_glob, "ab", "M"),
    Defect("T4", history_of(at(1), at(0).astimezone(TOKYO), at(2)), ["1", "0", "2"], "S"),
    Defect("H1", history_of(at(1), None, at(0)), ["1", "2", "0"], "D"),
    Defect("V8", size_of_large, LARGE, "M"),
    Defect("W1", updated("nobody", {"stdout": "x"}), "KeyError", "SM"),
    Defect("W2", updated("a", {}), ["", "", "", ""], "S"),
    Defect("W3", added_twice, "DuplicateKeyError", "DS"),
    Defect("W4", added_as(record_of("y")), "a", "DM"),
    Defect("W4", added_as(WITHOUT_ID), "a", "DM"),
    Defect("W5", updated("b", INJECTED), ["", "", "", ""], "S"),
    Defect("W6", chosen(("label",)), ("alpha", ["label", "msg_id"], ("label",)), "SM", asks=True),
    Defect("W6", chosen("label"), ("alpha", ["label", "msg_id"], "label"), "DSM", asks=True),
    Defect(
        "keys",
        chosen(["label", "msg_id"]),
        ("alpha", ["label", "msg_id"], ["label", "msg_id"]),
        "S",
        asks=True,
    ),
    Defect("keys", empty_choice, True, "S", asks=True),
]

DEFECTS = [*_queries(), *_globs(), *_values(), *_CALLS]

NAMES = {"OperationFailure": "FilterError", "UnknownTaskError": "KeyError"}
"""Errors that are as good as ours, and those that are what the Hub expects."""


def outcome(defect: Defect, database: Any) -> Any:
    """What a task database makes of a row; of an error, its class."""
    try:
        return defect.outcome(database)
    except Exception as error:
        name = type(error).__name__
        return NAMES.get(name, name)
