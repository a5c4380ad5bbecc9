"""The check of a file sees parts of records that are missing, damaged, or of no record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import bson
import pytest

from mongoglot.errors import StoreError
from mongoglot.taskdb import TaskDatabase

LARGE = [b"x" * 5000]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three records; two have a part, one of them another."""
    path = tmp_path / "tasks.db"
    with TaskDatabase(f"sqlite:{path}") as database:
        database.add_record("a", {"buffers": LARGE, "result_buffers": LARGE})
        database.add_record("b", {"buffers": LARGE})
        database.add_record("c", {"buffers": [b"small"]})
        assert database.store.verify().ok
    return path


@contextmanager
def changed(path: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(path))
    yield connection
    connection.close()


def problems(path: Path) -> list[str]:
    with TaskDatabase(f"sqlite:{path}") as database:
        return list(database.store.verify().problems)


def parts(connection: apsw.Connection, row: int) -> list[int]:
    found = connection.execute('SELECT part FROM "mongoglot parts" WHERE row = ? ORDER BY part', (row,))
    return [int(part) for (part,) in found]


def test_a_part_that_is_missing(path: Path) -> None:
    with changed(path) as connection:
        (gone,) = parts(connection, 2)
        connection.execute('DELETE FROM "mongoglot parts" WHERE part = ?', (gone,))
    assert problems(path) == [
        f"the document in row 2 of 'task_records' names part {gone}, which is not there"
    ]
    with (
        TaskDatabase(f"sqlite:{path}") as database,
        pytest.raises(StoreError, match=f"part {gone} cannot be"),
    ):
        database.get_record("b")


def test_parts_of_no_record(path: Path) -> None:
    value = bson.encode({"": LARGE})
    with changed(path) as connection:
        orphans = [(5, "task_records", 99), (6, "task_records", 3), (7, "nothing", 1)]
        for orphan in orphans:
            connection.execute('INSERT INTO "mongoglot parts" VALUES (?, ?, ?, ?)', (*orphan, value))
    assert problems(path) == [
        f"part {part} is of row {row} of {table!r}, which does not name it" for part, table, row in orphans
    ]


def test_a_part_that_is_another_rows(path: Path) -> None:
    with changed(path) as connection:
        (part,) = parts(connection, 2)
        connection.execute('UPDATE "mongoglot parts" SET row = 3 WHERE part = ?', (part,))
    assert problems(path) == [
        f"part {part} is of row 3 of 'task_records', which does not name it",
        f"the document in row 2 of 'task_records' names part {part}, which is not there",
    ]


@pytest.mark.parametrize("value", [b"junk", b"", bson.encode({}), bson.encode({"": 5})])
def test_a_part_that_is_damaged(path: Path, value: bytes) -> None:
    with changed(path) as connection:
        (part,) = parts(connection, 2)
        connection.execute('UPDATE "mongoglot parts" SET value = ? WHERE part = ?', (value, part))
    assert problems(path) == [f"part {part} of row 2 of 'task_records' cannot be read"]


def test_a_record_that_is_damaged_says_nothing_of_its_parts(path: Path) -> None:
    with changed(path) as connection:
        connection.execute("UPDATE task_records SET _doc = x'ff' WHERE _row = 1")
    (problem,) = problems(path)
    assert problem.startswith("the document in row 1 of 'task_records' cannot be decoded")


def test_of_many_problems_only_some_are_told(path: Path) -> None:
    with changed(path) as connection:
        for part in range(30):
            orphan = (part, "task_records", 99, bson.encode({"": LARGE}))
            connection.execute('INSERT INTO "mongoglot parts" VALUES (?, ?, ?, ?)', orphan)
    assert problems(path)[-2:] == [
        "part 9 is of row 99 of 'task_records', which does not name it", "and 20 more of this kind",
    ]  # fmt: skip
