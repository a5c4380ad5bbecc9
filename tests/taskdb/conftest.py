"""Fixtures of the task database's tests: databases on every engine, the recorded history, time zones."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pymongo
import pytest

from mongoglot.taskdb import TaskDatabase, record
from mongoglot.taskdb.recording import RecordingExecutor
from tests.conftest import INDEXED, with_database
from tests.taskdb.history import History, Opener, Record
from tests.taskdb.old_backends import write_sqlite
from tests.taskdb.old_histories import FILES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.taskdb.backends import Opener as HubOpener


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
            case "sqlite" | "share":
                return f"sqlite:{tmp_path_factory.mktemp('tasks') / 'tasks.db'}"
            case "postgresql":
                return str(request.getfixturevalue("postgresql"))
            case "mongodb":
                urls.append(request.getfixturevalue("mongod_url"))
                return with_database(urls[-1], name)
            case _:
                return f"{engine}:"

    def open_database(engine: str) -> TaskDatabase:
        options: Record = {"journal": "truncate"} if engine == "share" else {}
        name = f"records_{uuid.uuid4().hex[:8]}"
        opened.append(TaskDatabase(url(engine), collection=name, **options))
        return opened[-1]

    yield open_database
    for database in opened:
        database.close()
    if urls:
        with pymongo.MongoClient[Record](urls[0]) as client:
            client.drop_database(name)


@pytest.fixture
def hub_opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubOpener]:
    """Opens task databases for the Hub, ours and ipyparallel's own."""
    from tests.taskdb.backends import opener_in

    with opener_in(tmp_path, lambda: request.getfixturevalue("mongod_url")) as opened:
        yield opened


@pytest.fixture(params=(*INDEXED, "share"))
def database(request: pytest.FixtureRequest, opener: Opener) -> TaskDatabase:
    """An empty task database on each engine, and in a file as it has to be on a network share."""
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


@pytest.fixture(scope="session")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of old files, `NAME.db`; to be copied."""
    folder = tmp_path_factory.mktemp("profile ä#?")
    write_sqlite({folder / f"{name}.db": sessions for name, sessions in FILES.items()})
    return folder


@pytest.fixture
def old_file(old_files: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies an old file."""
    folder = tmp_path / "profile ä#?"
    folder.mkdir()
    return lambda name: Path(shutil.copy(old_files / f"{name}.db", folder / "tasks.db"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'tasks.db'}"


@pytest.fixture
def threads(url: str) -> Iterator[RecordingExecutor]:
    with record(ThreadPoolExecutor(2), url, label="here") as recorder:
        yield recorder
