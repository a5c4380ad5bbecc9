"""Fixtures of the task database's tests: databases on every engine, the recorded history, time zones."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator

import pymongo
import pytest

from mongoglot.taskdb import TaskDatabase
from tests.conftest import INDEXED, with_database
from tests.taskdb.history import History, Opener, Record


@pytest.fixture(scope="session")
def history() -> History:
    return History()


@pytest.fixture(scope="module")
def opener(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """Opens empty task databases, which are closed and removed after the module."""
    opened: list[TaskDatabase] = []
    name = f"tasks_{uuid.uuid4().hex[:12]}"
    urls: list[str] = []

    def url(engine: str) -> str:
        match engine:
            case "sqlite":
                return f"sqlite:{tmp_path_factory.mktemp('tasks') / 'tasks.db'}"
            case "postgresql":
                return str(request.getfixturevalue("postgresql"))
            case "mongodb":
                urls.append(request.getfixturevalue("mongod_url"))
                return with_database(urls[-1], name)
            case _:
                return f"{engine}:"

    def open_database(engine: str) -> TaskDatabase:
        opened.append(TaskDatabase(url(engine), collection=f"records_{uuid.uuid4().hex[:8]}"))
        return opened[-1]

    yield open_database
    for database in opened:
        database.close()
    if urls:
        with pymongo.MongoClient[Record](urls[0]) as client:
            client.drop_database(name)


@pytest.fixture(params=INDEXED)
def database(request: pytest.FixtureRequest, opener: Opener) -> TaskDatabase:
    """An empty task database on each engine."""
    return opener(request.param)


@pytest.fixture(scope="module", params=INDEXED)
def cluster(request: pytest.FixtureRequest, opener: Opener, history: History) -> TaskDatabase:
    """The history on each engine, to be read only."""
    loaded = opener(request.param)
    history.load(loaded)
    return loaded


@pytest.fixture
def in_zone() -> Iterator[Callable[[str], None]]:
    """Moves this process to another time zone, until the test ends."""
    before = os.environ.get("TZ")

    def move(zone: str | None) -> None:
        if zone is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = zone
        time.tzset()

    yield move
    move(before)
