"""ipyparallel's own tests of a task database, run unchanged on every engine."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING

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


def test_an_empty_record_is_the_hubs() -> None:
    assert list(empty_record().items()) == list(hub.empty_record().items())
