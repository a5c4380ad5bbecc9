"""What a Hub asks, and what the documentation shows, is found by indexes on every engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from mongoglot.engines.sql.table import Column, Table
from mongoglot.store import connect
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.schema import KEYS
from tests.conftest import CULLING

if TYPE_CHECKING:
    from tests.taskdb.history import Opener

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNT = 2000
OPEN = 20

QUERIES: dict[str, tuple[dict[str, Any], int]] = {
    "a result": ({"msg_id": "t7"}, 1),
    "results, resubmission, purge of jobs": ({"msg_id": {"$in": [f"t{n}" for n in range(100)]}}, 100),
    "purge of no jobs": ({"msg_id": {"$in": []}}, 0),
    "purge of an engine": ({"engine_uuid": "e3", "completed": {"$ne": None}}, 125),
    "headers of engines": ({"engine_uuid": {"$in": ["e3", "e4"]}}, 250),
    "what is not completed": ({"completed": None}, OPEN),
    "what I started in the last hour": (
        {"started": {"$gte": NOON + timedelta(seconds=COUNT - 50)}, "client_uuid": "me"}, 50,
    ),
    "what others started before": (
        {"started": {"$le": NOON + timedelta(seconds=30)}, "client_uuid": {"$ne": "me"}}, 60,
    ),
    "what was completed of late": ({"completed": {"$gte": NOON + timedelta(seconds=COUNT - 100)}}, 200),
    "completed of late, with None": (
        {"completed": {"$ne": None, "$gte": NOON + timedelta(seconds=COUNT - 100)}}, 200,
    ),
    "submitted since": ({"submitted": {"$gt": NOON + timedelta(seconds=COUNT - 100)}}, 200),
}  # fmt: skip
"""Each with a bound of the records that may be looked at."""


def fill(database: TaskDatabase) -> None:
    for number in range(COUNT):
        at = NOON + timedelta(seconds=number)
        is_open = number % (COUNT // OPEN) == 0
        record = {"submitted": at, "started": at, "completed": None if is_open else at}
        database.add_record(f"t{number}", {**record, "engine_uuid": f"e{number % 16}", "client_uuid": "me"})


@pytest.fixture(scope="module", params=CULLING)
def filled(request: pytest.FixtureRequest, opener: Opener) -> TaskDatabase:
    database = opener(request.param)
    fill(database)
    return database


def check_served(explained: dict[str, Any], most: int) -> None:
    """That a plan has no look at all records, and no more candidates than it may; nothing where none can match."""
    if not most:
        return
    match explained["engine"]:
        case "memory":
            assert explained["candidates"] <= most
        case "sqlite":
            steps = explained["plan"]
            assert any("SEARCH" in step and "USING" in step for step in steps)
            assert not [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
        case _:
            plan = json.dumps(explained["plan"])
            assert "COLLSCAN" not in plan
            assert any(stage in plan for stage in ("IXSCAN", "IDHACK", "EOF"))


@pytest.mark.parametrize("name", QUERIES)
def test_what_is_asked(filled: TaskDatabase, name: str) -> None:
    query, most = QUERIES[name]
    check_served(filled.explain(query), most)
    assert len(filled.find_records(query)) <= most


def test_the_purge_of_all_keeps_the_few(filled: TaskDatabase) -> None:
    """It finds nearly all, so that a look at all is no mistake; what is left is found by the index."""
    check_served(filled.explain({"completed": None}), OPEN)
    assert len(filled.find_records({"completed": {"$ne": None}}, "msg_id")) == COUNT - OPEN


def test_the_history(filled: TaskDatabase) -> None:
    assert filled.get_history() == [f"t{number}" for number in range(COUNT)]
    explained = filled.explain({})
    if explained["engine"] == "sqlite":
        file = filled._records.collection.store.backend.file  # type: ignore[attr-defined]  # SQLite's has one
        table = f'"{filled._records.collection.name}"'
        rows = file.rows(f"EXPLAIN QUERY PLAN SELECT msg_id FROM {table} ORDER BY submitted, _row")  # noqa: S608 - a name of ours
        assert len(rows) == 1  # nothing is sorted
        assert "USING COVERING INDEX" in rows[0][3]
        assert "submitted" in rows[0][3]
    if explained["engine"] == "mongodb":
        plan = filled._records.collection.explain({}, ["_id"], sort="submitted")["plan"]
        assert "IXSCAN" in json.dumps(plan)


def test_files_of_an_earlier_version_get_the_indexes(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    earlier = ("msg_id", "submitted", "engine_uuid", "started", "completed")
    columns = tuple(
        Column(key.name, key.type, indexed=key.name in earlier)
        for key in KEYS
        if key.type in ("date", "string")
    )
    with connect(f"sqlite:{path}", tables=[Table("task_records", columns[:6])]) as store:
        for number in range(COUNT):
            at = (NOON + timedelta(seconds=number)).replace(tzinfo=None)
            done = None if number % (COUNT // OPEN) == 0 else at
            document = {"submitted": at, "started": at, "completed": done, "engine_uuid": f"e{number % 16}"}
            document |= {"_id": f"t{number}", "msg_id": f"t{number}", "client_uuid": "me"}
            store["task_records"].insert_one(document)
    connection = apsw.Connection(str(path))
    connection.execute('DROP TABLE "mongoglot parts"')
    connection.pragma("user_version", 2)
    connection.close()
    with TaskDatabase(f"sqlite:{path}") as database:
        for query, most in QUERIES.values():
            check_served(database.explain(query), most)
        assert database.get_history() == [f"t{number}" for number in range(COUNT)]
        database.update_record("t0", {"completed": NOON, "result_buffers": [b"x" * 5000]})
        assert len(database.find_records({"completed": None})) == OPEN - 1
        database.add_record("new", {"received": NOON, "label": "x"})
        assert database.find_records({"received": NOON}, "label") == [{"msg_id": "new", "label": "x"}]
        assert database._records.collection.store.verify().ok
    rows = apsw.Connection(str(path)).execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL"
    )
    indexes = sorted(sql.partition(" ON ")[2] for (sql,) in rows)
    assert [sql.partition("(")[2] for sql in indexes] == [
        '"completed")',
        '"engine_uuid") WHERE "engine_uuid" IS NOT NULL',
        '"started") WHERE "started" IS NOT NULL',
        '"submitted", "_row", "msg_id")',
    ]
