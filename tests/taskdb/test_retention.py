"""What a task database keeps: age, number and bytes, enforced alike on every engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

import mongoglot
from mongoglot.taskdb import Retention, TaskDatabase, UnknownTaskError
from tests.conftest import CULLING, with_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.taskdb.history import Record

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

Open = Callable[..., TaskDatabase]


@pytest.fixture(params=CULLING)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens task databases with options; on the same store each time, but in memory."""
    engine: str = request.param
    url = f"{engine}:"
    if engine == "sqlite":
        url += str(tmp_path / "tasks.db")
    if engine == "mongodb":
        name = f"retention_{time.time_ns()}"
        server: str = request.getfixturevalue("mongod_url")
        url = with_database(server, name)
    databases: list[TaskDatabase] = []

    def open_database(**options: Any) -> TaskDatabase:
        databases.append(TaskDatabase(url, **options))
        return databases[-1]

    yield open_database
    for database in databases:
        database.close()
    if engine == "mongodb":
        with pymongo.MongoClient[Any](server) as client:
            client.drop_database(name)


def finished(number: int, **more: Any) -> Record:
    at = NOON + timedelta(seconds=number)
    return {"submitted": at, "completed": at, **more}


def add(database: TaskDatabase, numbers: range, **more: Any) -> None:
    for number in numbers:
        database.add_record(f"t{number}", finished(number, **more))


def kept(database: TaskDatabase) -> list[int]:
    return [int(msg_id[1:]) for msg_id in database.get_history()]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"max_age": 5}, "max_age is a timedelta above 0, not 5"),
        ({"max_age": timedelta(0)}, "max_age is a timedelta above 0"),
        ({"max_records": 0}, "max_records is a number from 1 on, not 0"),
        ({"max_records": True}, "max_records is a number from 1 on, not True"),
        ({"max_bytes": 1.5}, "max_bytes is a number from 1 on, not 1.5"),
        ({"cull_fraction": 1}, "cull_fraction is a number from 0 to below 1, not 1"),
        ({"cull_fraction": "0.1"}, "cull_fraction is a number from 0 to below 1, not '0.1'"),
    ],
)
def test_what_is_no_retention(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(mongoglot.UnsupportedError, match=reason):
        Retention(**wrong)


def test_a_number_of_records(opened: Open) -> None:
    database = opened(retention=Retention(max_records=20, cull_fraction=0.2))
    add(database, range(20))
    assert kept(database) == list(range(20))
    add(database, range(20, 21))
    assert kept(database) == list(range(4, 21))  # a fifth of the limit goes at a time
    for number in range(21, 60):
        add(database, range(number, number + 1))
        assert 17 <= len(kept(database)) <= 20
    assert kept(database)[-1] == 59


def test_a_small_number_of_records(opened: Open) -> None:
    database = opened(retention=Retention(max_records=3))
    add(database, range(10))
    assert kept(database) == [7, 8, 9]


def test_those_that_finished_first_go_first(opened: Open) -> None:
    database = opened(retention=Retention(max_records=3))
    for number, second in enumerate([5, 1, 4, 2]):
        database.add_record(f"t{number}", {"submitted": NOON, "completed": NOON + timedelta(seconds=second)})
    assert kept(database) == [0, 2, 3]
    database.add_record(
        "t4", {"completed": NOON + timedelta(seconds=9)}
    )  # nobody knows when it was submitted
    assert kept(database) == [4, 0, 2]


def test_unfinished_tasks_stay(opened: Open) -> None:
    database = opened(retention=Retention(max_records=5, max_bytes=100, max_age=timedelta(milliseconds=1)))
    for number in range(20):
        database.add_record(f"t{number}", {"submitted": NOON, "buffers": [b"x" * 50], "completed": None})
    for number in range(20, 25):
        database.add_record(f"t{number}", {"buffers": [b"x" * 50]})
    assert sorted(kept(database)) == list(range(25))
    for number in range(25):
        database.update_record(f"t{number}", {"completed": NOON})
    time.sleep(0.01)
    add(database, range(25, 27))
    assert len(kept(database)) <= 2


def test_bytes(opened: Open) -> None:
    database = opened(retention=Retention(max_bytes=1000, cull_fraction=0.2))
    add(database, range(50), buffers=[b"x" * 10], result_buffers=[b"y" * 5, b"z" * 5])
    assert len(kept(database)) == 50
    add(database, range(50, 51), buffers=[])
    assert len(kept(database)) == 51
    add(database, range(51, 52), buffers=[memoryview(b"x")])
    assert kept(database) == list(range(11, 52))  # 801 bytes are more than 800
    database.update_record("t51", {"result_buffers": [b"x" * 200]})
    assert sum(map(len, _buffers(database))) == 981
    database.update_record("t51", {"result_buffers": [b"x" * 220]})
    assert 780 < sum(map(len, _buffers(database))) <= 800


def _buffers(database: TaskDatabase) -> list[bytes]:
    return [
        buffer
        for record in database.find_records({})
        for name in ("buffers", "result_buffers")
        for buffer in record.get(name) or []
    ]


def test_dropped_records_count_no_more(opened: Open) -> None:
    database = opened(retention=Retention(max_bytes=1000, max_records=100))
    add(database, range(100), buffers=[b"x" * 10])
    database.drop_record("t99")
    add(database, range(99, 100), buffers=[b"x" * 10])
    assert kept(database) == list(range(100))
    database.drop_matching_records({"msg_id": {"$in": [f"t{number}" for number in range(50)]}})
    add(database, range(50), buffers=[b"x" * 10])
    assert len(kept(database)) == 100


def test_a_record_greater_than_the_limit(opened: Open) -> None:
    database = opened(retention=Retention(max_bytes=100))
    add(database, range(3), buffers=[b"x" * 10])
    database.add_record("t3", {"submitted": NOON, "buffers": [b"x" * 1000]})
    assert kept(database) == [3]  # it is not finished
    database.update_record("t3", {"completed": NOON})
    add(database, range(4, 6), buffers=[b"x" * 10])
    assert kept(database) == [4, 5]


def test_age(opened: Open) -> None:
    database = opened(retention=Retention(max_age=timedelta(hours=1)))
    now = datetime.now(UTC)
    for number, hours in enumerate((0.1, 2)):
        then = now - timedelta(hours=hours)
        database.add_record(f"t{number}", {"submitted": then, "completed": then})
    database.add_record("t2", {"submitted": NOON})
    database.add_record("t3", {"submitted": now, "completed": "a long time ago"})
    assert kept(database) == [2, 1, 0, 3]  # it was looked for the old ones a moment ago
    with opened(retention=Retention(max_age=timedelta(seconds=0.05))) as other:
        other.add_record("t10", {"submitted": now, "completed": datetime.now(UTC)})
        time.sleep(0.06)
        other.add_record("t11", {"submitted": now})
        assert other.db_query({"completed": {"$type": "date"}}) == []
        assert kept(other)[-1] == 11


@pytest.mark.parametrize("opened", ["sqlite", "mongodb"], indirect=True)
def test_a_database_is_culled_when_it_is_opened(opened: Open) -> None:
    with opened() as database:
        add(database, range(1000), buffers=[b"12345"])
        database.add_record("t1000", {"submitted": datetime.now(UTC), "buffers": [b"x" * 50]})
    with opened(retention=Retention(max_records=900)) as database:
        assert kept(database) == list(range(190, 1001)) == kept(database)
        add(database, range(1001, 1090))
        assert len(kept(database)) == 900
        add(database, range(1090, 1091))
        assert len(kept(database)) == 811
    with opened(retention=Retention(max_bytes=500, cull_fraction=0)) as database:
        assert sum(map(len, _buffers(database))) == 500
    with opened(retention=Retention(max_age=timedelta(hours=1))) as database:
        assert kept(database) == [1000]


def test_what_arrives_of_a_culled_task(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mongoglot.taskdb")
    database = opened(retention=Retention(max_records=2))
    add(database, range(3))
    assert "culled the records of 1 finished tasks: there is more than the limits allow" in caplog.text
    with pytest.raises(UnknownTaskError):
        database.get_record("t0")
    database.update_record("t0", {"stdout": "late"})
    database.add_record("t0", {"stdout": "late"})  # what a Hub does where it finds no record
    assert kept(database) == [1, 2]
    assert caplog.text.count("ignored what arrived of task 't0' after its record was culled") == 2
    with pytest.raises(UnknownTaskError):
        database.update_record("nobody", {"stdout": "late"})
    database.add_record("t0", finished(9))  # a new task, though its id is an old one
    assert kept(database) == [2, 0]


def test_nothing_is_kept_by_null() -> None:
    with TaskDatabase("null:", retention=Retention(max_records=1)) as database:
        add(database, range(3))
