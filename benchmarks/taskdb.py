"""The task database beside ipyparallel's own backends: the same records, the same calls, in turns, in one process.

python benchmarks/taskdb.py [engine …] [records …]
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ipyparallel.controller.dictdb import DictDB
from ipyparallel.controller.mongodb import MongoDB
from ipyparallel.controller.sqlitedb import SQLiteDB
from timing import Row

from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.schema import empty_record

SIZES = (10_000, 100_000)
ENGINES = 16
OPEN = 100
"""One task in so many is not finished."""

TURN = 1000
"""Writes in a row of one side, before the other one has its turn."""

LONG_ENOUGH = 0.02
"""Seconds of a turn of reads, at least: the first of short ones is mostly a wait for memory."""

START = datetime(2026, 3, 1, tzinfo=UTC)
CLIENT = "5b4a1c0e-1f2d3c4b5a69788796a5b4c3"

Record = dict[str, Any]
Call = Callable[[Any], Any]

AIMS: dict[str, dict[str, float]] = {
    "sqlite": {
        "add": 0.5, "update": 0.5, "get": 5, "engine $in": 8, "completed = None, keys": 20, "100 ids": 10,
        "get_history": 3, "stdout, request of 1 MB": 10,
    },
    "memory": {"add": 0.4, "completed = None, keys": 20, "100 ids": 100, "get_history": 20, "purge all": 10},
    "mongodb": {},
}  # fmt: skip
"""How many times as fast as the old backend we want to be; at least as fast as a server's elsewhere."""


def msg_id(number: int) -> str:
    return f"{CLIENT}_4242_{number}"


def request(number: int) -> Record:
    """The record of a task as a Hub adds it."""
    at = START + timedelta(milliseconds=number * 10)
    header = {
        "msg_id": msg_id(number), "msg_type": "apply_request", "username": "ada", "session": CLIENT, "date": at,
        "version": "5.3",
    }  # fmt: skip
    return {
        **empty_record(), "msg_id": msg_id(number), "header": header, "content": {}, "submitted": at,
        "metadata": {"dependencies": [], "follow": [], "is_function": True, "label": f"job{number % 100}"},
        "buffers": [memoryview(number.to_bytes(100, "big"))], "client_uuid": CLIENT, "queue": "task",
        "label": f"job{number % 100}",
    }  # fmt: skip


def result(number: int) -> Record:
    """What a Hub updates when the result is there."""
    at = START + timedelta(milliseconds=number * 10)
    engine = f"engine-{number % ENGINES:02d}-0f1e2d3c4b5a"
    header = {
        "msg_id": f"{engine}_{number}", "msg_type": "apply_reply", "username": "ada", "session": engine,
        "date": at, "version": "5.3",
    }  # fmt: skip
    return {
        "result_header": header,
        "result_metadata": {"engine": engine, "status": "ok", "started": at.isoformat(), "is_broadcast": False},
        "result_content": {"status": "ok"}, "started": at + timedelta(milliseconds=3),
        "completed": at + timedelta(milliseconds=7), "received": at + timedelta(milliseconds=9),
        "engine_uuid": engine, "result_buffers": [memoryview(number.to_bytes(100, "big"))],
    }  # fmt: skip


def reads(size: int) -> dict[str, Call]:
    """What is asked of a database with records; each answer is compared."""
    since = START + timedelta(milliseconds=size * 10 * 0.99)
    engines = {"engine_uuid": {"$in": [result(3)["engine_uuid"], result(4)["engine_uuid"]]}}
    late = {"started": {"$ne": None, "$gte": since}}
    ids = [msg_id(number) for number in range(7, size, size // 100)][:100]
    single = [msg_id(number) for number in range(3, size, size // 500)]
    return {
        "get": lambda db: [db.get_record(each) for each in single],
        "engine $in": lambda db: db.find_records(engines),
        "engine $in, keys": lambda db: db.find_records(engines, ["result_header"]),
        "started, last 1 %": lambda db: db.find_records(late),
        "started, last 1 %, keys": lambda db: db.find_records(late, ["msg_id"]),
        "completed = None, keys": lambda db: db.find_records({"completed": None}, ["msg_id", "started"]),
        "100 ids": lambda db: db.find_records({"msg_id": {"$in": ids}}),
        "label $glob, keys": lambda db: db.find_records({"label": {"$glob": "job1?"}}, ["msg_id"]),
        "get_history": lambda db: db.get_history(),
    }


def old_database(engine: str, folder: Path, server: str | None) -> Any:
    """ipyparallel's backend, its limits raised; it commits when it is told to."""
    log = logging.getLogger("old")
    match engine:
        case "memory":
            return DictDB(log=log, record_limit=10**9, size_limit=10**15)
        case "sqlite":
            log.setLevel(logging.CRITICAL)
            asyncio.set_event_loop(asyncio.new_event_loop())  # its timer, which never runs here
            return SQLiteDB(log=log, location=str(folder), filename=f"old{time.time_ns()}.db")
        case _:
            parts = urlsplit(server or "")
            where = {"host": parts.hostname, "port": parts.port}
            return MongoDB(log=log, connection_kwargs=where, database=f"old_{time.time_ns()}")


def new_database(engine: str, folder: Path, server: str | None) -> TaskDatabase:
    match engine:
        case "memory":
            return TaskDatabase("memory:")
        case "sqlite":
            return TaskDatabase(f"sqlite:{folder}/new{time.time_ns()}.db")
        case _:
            return TaskDatabase(f"{str(server).rstrip('/')}/new_{time.time_ns()}")


class Sides:
    """The old and the new database, which take turns.

    A server works in another process, so its answers are timed by the clock; others by the time of the processor.
    """

    def __init__(self, engine: str, old: Any, new: TaskDatabase) -> None:
        self.databases = (old, new)
        self.clock = time.perf_counter if engine == "mongodb" else time.process_time

    def writes(self, write: Callable[[Any, int], Any], count: int) -> tuple[float, float]:
        """Seconds for so many writes of each."""
        taken = [0.0, 0.0]
        for first in range(0, count, TURN):
            for side, database in enumerate(self.databases):
                prepared = [
                    partial(write, database, number) for number in range(first, min(first + TURN, count))
                ]
                calls = [call() for call in prepared]
                gc.collect()
                start = self.clock()
                for call in calls:
                    call()
                if side == 0 and isinstance(database, SQLiteDB):
                    database._db.commit()  # noqa: SLF001 - what its timer does every two seconds
                taken[side] += self.clock() - start
        return taken[0], taken[1]

    def reads(self, read: Call, repeats: int) -> tuple[float, float]:
        """The best seconds of each, of turns in which it answers again and again, as for someone who watches."""
        answers = [read(database) for database in self.databases]
        assert _shape(answers[0]) == _shape(answers[1]), read  # noqa: S101 - a benchmark checks itself
        del answers
        taken: list[list[float]] = [[], []]
        for _ in range(repeats):
            for database, times in zip(self.databases, taken, strict=True):
                gc.collect()
                start, calls = self.clock(), 0
                while self.clock() - start < LONG_ENOUGH:
                    read(database)
                    calls += 1
                times.append((self.clock() - start) / calls)
        return min(taken[0]), min(taken[1])


def _shape(answer: list[Any]) -> list[Any]:
    """What all backends say alike: the ids, in any order but for a history."""
    ids = [found if isinstance(found, str) else found["msg_id"] for found in answer]
    return ids if answer and isinstance(answer[0], str) else sorted(ids)


def _add(database: Any, number: int) -> Callable[[], Any]:
    return partial(database.add_record, msg_id(number), request(number))


def _update(database: Any, number: int) -> Callable[[], Any]:
    return partial(database.update_record, msg_id(number), result(number))


def _stream(database: Any, number: int) -> Callable[[], Any]:
    """One more print of a task with a large request: a Hub reads the record and writes all text so far."""

    def step() -> None:
        record = database.get_record("streaming")
        database.update_record("streaming", {"stdout": record["stdout"] + f"line {number}\n"})

    return step


def measured(engine: str, size: int, server: str | None) -> Iterator[tuple[str, float, float]]:
    """Each measure with the seconds of the old and of the new backend."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        old, new = old_database(engine, folder, server), new_database(engine, folder, server)
        stack.callback(new.close)
        if engine == "mongodb":
            for client, name in ((old._connection, old.database), (old._connection, _database_of(new))):  # noqa: SLF001 - there is no other way to it
                stack.callback(client.drop_database, name)
        sides = Sides(engine, old, new)
        yield "add", *sides.writes(_add, size)

        def finish(database: Any, number: int) -> Callable[[], Any]:
            return _update(database, number + number // (OPEN - 1))

        done = size - size // OPEN
        old_time, new_time = sides.writes(finish, done)
        yield "update", old_time * size / done, new_time * size / done
        for name, read in reads(size).items():
            yield name, *sides.reads(read, 3 if size > SIZES[0] else 7)
        large = {
            **request(size),
            "msg_id": "streaming",
            "buffers": [os.urandom(10**6)],
            "submitted": START + timedelta(days=9),
        }
        for database in sides.databases:
            database.add_record("streaming", deepcopy(large))
        count = 300
        old_time, new_time = sides.writes(_stream, count)
        yield "stdout, request of 1 MB", old_time / count, new_time / count
        purged = []
        for database in sides.databases:
            gc.collect()
            start = sides.clock()
            database.drop_matching_records({"completed": {"$ne": None}})
            purged.append(sides.clock() - start)
        yield "purge all", purged[0], purged[1]


def _database_of(database: TaskDatabase) -> str:
    return str(database._records.collection.store.backend._database.name)  # type: ignore[attr-defined]  # noqa: SLF001 - the same


def rows(
    server: str | None, sizes: tuple[int, ...] = SIZES, engines: tuple[str, ...] = tuple(AIMS)
) -> Iterator[Row]:
    """A row for each measure: old and new at each size, and how many times as fast the new one is."""
    for engine in engines:
        if engine == "mongodb" and server is None:
            continue
        found: dict[str, list[str]] = {}
        for size in sizes:
            for name, old, new in measured(engine, size, server):
                count = size if name in ("add", "update") else 500 if name == "get" else 1
                shown = [_seconds(old / count), _seconds(new / count), f"{old / new:.2f}"]
                found.setdefault(name, []).extend(shown)
                print(f"{engine:8} {size:7,} {name:26} {shown}", file=sys.stderr, flush=True)
        for name, cells in found.items():
            aim = 1.0 if engine == "mongodb" else AIMS[engine].get(name)
            yield engine, name, *cells, "–" if aim is None else f"{aim:g}"


def _seconds(taken: float) -> str:
    return f"{taken * 1e6:,.1f} µs" if taken < 1e-3 else f"{taken * 1e3:,.2f} ms"


if __name__ == "__main__":
    chosen = tuple(word for word in sys.argv[1:] if word in AIMS) or tuple(AIMS)
    numbers = tuple(int(word) for word in sys.argv[1:] if word not in AIMS) or SIZES
    for row in rows(os.environ.get("MONGOGLOT_TEST_MONGODB_URL"), numbers, chosen):
        print(f"| {' | '.join(row)} |")
