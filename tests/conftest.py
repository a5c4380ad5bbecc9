"""Fixtures that all tests share: a real server, and stores of the engines."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest

import mongoglot
from tests import mongod, postgres
from tests.commands import people  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pymongo.database import Database

collect_ignore = ["shelf"]  # a distribution of its own: `test_new_engine.py` installs it

ENGINES = ("memory", "sqlite", "duckdb", "postgresql", "mongodb")

CULLING = ("memory", "sqlite", "mongodb")
"""The engines that a task database can enforce a retention on."""

INDEXED = ("memory", "sqlite", "postgresql", "mongodb")
"""The engines that keep indexes."""

StoreOpener: TypeAlias = Callable[[str], mongoglot.Store]
"""Opens an empty store of the engine named."""


@pytest.fixture(scope="session")
def mongod_url() -> Iterator[str]:
    """The URL of a real server: the one of the environment, or one that is started for the tests."""
    given = os.environ.get(mongod.ENVIRONMENT)
    if given:
        yield given
    elif mongod.find_binary() is None:
        pytest.skip(mongod.NOT_FOUND)
    else:
        with mongod.running_server() as url:
            yield url


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one of the environment, or one that is started for the tests."""
    given = os.environ.get(postgres.ENVIRONMENT)
    if given:
        yield given
    elif not postgres.is_installed():
        pytest.skip(postgres.NOT_FOUND)
    else:
        with postgres.running_server() as url:
            yield url


@pytest.fixture(scope="module")
def postgresql(postgresql_url: str) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server."""
    with postgres.new_database(postgresql_url) as url:
        yield url


@pytest.fixture(scope="module")
def server(mongod_url: str) -> Iterator[Database[dict[str, Any]]]:
    """A database on the real server, asked through the driver alone: the oracle."""
    with pymongo.MongoClient[dict[str, Any]](mongod_url) as client:
        name = f"oracle_{uuid.uuid4().hex[:12]}"
        yield client.get_database(name, codec_options=mongod.CODEC_OPTIONS)
        client.drop_database(name)


@pytest.fixture(scope="module")
def open_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreOpener]:
    """Opens empty stores, which are closed and removed after the module."""
    opened: list[mongoglot.Store] = []
    databases: list[str] = []

    def connected(engine: str) -> mongoglot.Store:
        match engine:
            case "sqlite":
                return mongoglot.connect(f"sqlite:{tmp_path_factory.mktemp('sqlite') / 'store.db'}")
            case "postgresql":
                url = request.getfixturevalue("postgresql")
                return mongoglot.connect(url, schema=f"store_{uuid.uuid4().hex[:12]}")
            case "mongodb":
                server_url = request.getfixturevalue("mongod_url")
                databases.append(f"store_{uuid.uuid4().hex[:12]}")
                return mongoglot.connect(with_database(server_url, databases[-1]))
            case _:
                return mongoglot.connect(f"{engine}:")

    def open_store(engine: str) -> mongoglot.Store:
        opened.append(connected(engine))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()
    if databases:
        with pymongo.MongoClient[dict[str, Any]](request.getfixturevalue("mongod_url")) as client:
            for name in databases:
                client.drop_database(name)


@pytest.fixture(scope="module")
def stores(open_store: StoreOpener) -> dict[str, mongoglot.Store]:
    """An empty store of every engine, by its name."""
    return {engine: open_store(engine) for engine in ENGINES}


def with_database(url: str, name: str) -> str:
    """The URL of a database on the server of another URL."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
