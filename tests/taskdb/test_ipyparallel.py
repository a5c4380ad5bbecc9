"""ipyparallel's own tests of task databases, run unchanged on every engine and on every class for the Hub."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mongoglot.taskdb.schema import empty_record

if TYPE_CHECKING:
    from mongoglot.taskdb import TaskDatabase
    from tests.taskdb.history import Opener

try:
    from ipyparallel.controller import hub
    from ipyparallel.tests.test_db import TaskDBTest
except ModuleNotFoundError as error:
    pytest.skip(
        f"no {error.name}: pip install 'mongoglot[ipyparallel]' brings the tests that ipyparallel ships",
        allow_module_level=True,
    )

from tests.taskdb import backends


class OnAnEngine(TaskDBTest):  # type: ignore[misc]  # ipyparallel has no types
    engine = ""

    @pytest.fixture(autouse=True)
    def _opener(self, opener: Opener) -> None:
        self.open = opener

    def create_db(self) -> TaskDatabase:
        return self.open(self.engine)


class TestMemory(OnAnEngine, unittest.TestCase):
    engine = "memory"


class TestSqlite(OnAnEngine, unittest.TestCase):
    engine = "sqlite"


class TestMongoDB(OnAnEngine, unittest.TestCase):
    engine = "mongodb"


class ForTheHub(TaskDBTest):  # type: ignore[misc]  # ipyparallel has no types
    """All but NoDB, of which they have no test either: it keeps nothing that could be asked for."""

    letter = ""

    @pytest.fixture(autouse=True)
    def _opener(
        self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[None]:
        folder = tmp_path_factory.mktemp("hub")
        with backends.opener_in(folder, lambda: request.getfixturevalue("mongod_url")) as opened:
            self.open = opened
            yield

    def create_db(self) -> Any:
        return self.open.open(backends.NEW[self.letter], self.letter)


class TestMemoryDB(ForTheHub, unittest.TestCase):
    letter = "D"


class TestSQLiteDB(ForTheHub, unittest.TestCase):
    letter = "S"


class TestMongoDBForTheHub(ForTheHub, unittest.TestCase):
    letter = "M"


def test_an_empty_record_is_the_hubs() -> None:
    assert list(empty_record().items()) == list(hub.empty_record().items())
