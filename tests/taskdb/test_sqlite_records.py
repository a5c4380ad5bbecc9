"""Records in a file, written in one statement and read in one: also where others change what it is for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from mongoglot.errors import DuplicateKeyError, StoreError
from mongoglot.taskdb import Retention, TaskDatabase
from mongoglot.taskdb.sqlite import LARGE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LARGE_BUFFER = b"x" * (LARGE + 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tasks.db"


def columns_of(path: Path, msg_id: str) -> dict[str, Any]:
    """The row of a task as it stands in the table."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    cursor = connection.execute("SELECT * FROM task_records WHERE msg_id = ?", (msg_id,))
    names = [name for name, _ in cursor.get_description()]
    row = dict(zip(names, next(cursor), strict=True))
    connection.close()
    return row


def test_columns_that_another_one_adds_are_filled(path: Path) -> None:
    """The statement that is known is for the columns of before."""
    with TaskDatabase(f"sqlite:{path}") as first:
        first.add_record("before", {"submitted": NOON, "buffers": [b"ab"]})
        sized = Retention(max_bytes=10**6)
        with TaskDatabase(f"sqlite:{path}", retention=sized) as second:
            second.add_record("other", {"submitted": NOON, "buffers": [b"abc"]})
            first.add_record("after", {"submitted": NOON, "mongoglot:bytes:buffers": 7, "label": "x"})
            first.update_record("before", {"label": "y"})
            assert columns_of(path, "other")["mongoglot:bytes:buffers"] == 3
            assert columns_of(path, "after")["label"] == "x"
            assert columns_of(path, "before")["label"] == "y"
            assert second.store.verify().ok
        assert first.store.verify().ok


@pytest.mark.parametrize("maker", [0, 1])
def test_an_index_is_kept_up_whoever_makes_it(path: Path, maker: int) -> None:
    with TaskDatabase(f"sqlite:{path}") as first, TaskDatabase(f"sqlite:{path}") as other:
        second = (first, other)[maker]
        first.add_record("a", {"submitted": NOON, "content": {"n": 1}})
        second.collection.create_index("content.n")
        first.add_record("b", {"submitted": NOON, "content": {"n": 2}})
        first.update_record("a", {"content": {"n": 3}})
        for number, found in ((1, []), (2, ["b"]), (3, ["a"])):
            assert [each["msg_id"] for each in second.find_records({"content.n": number})] == found
        assert first.store.verify().ok
        second.collection.drop_index("content.n_1")
        first.update_record("a", {"content": {"n": 4}})
        assert [each["msg_id"] for each in second.find_records({"content.n": 4})] == ["a"]
        assert first.store.verify().ok


def test_a_change_of_tables_that_was_taken_back(path: Path) -> None:
    """The schema has the version of before, then that of another change: what was known in between is wrong."""
    with TaskDatabase(f"sqlite:{path}") as first, TaskDatabase(f"sqlite:{path}") as second:
        first.add_record("a", {"submitted": NOON, "content": {"n": 1}})
        first.collection.create_index("content.n")
        first.update_record("a", {"content": {"n": 1}})
        with suppress(ZeroDivisionError), first.store.backend.file.transaction():  # type: ignore[attr-defined]  # SQLite's has one
            first.collection.drop_index("content.n_1")
            first.update_record("a", {"queue": "task"})
            versions = [first.store.backend.file.schema_version()]  # type: ignore[attr-defined]
            raise ZeroDivisionError
        second.collection.create_index("label")
        versions.append(second.store.backend.file.schema_version())  # type: ignore[attr-defined]
        assert versions[0] == versions[1]  # or there is nothing to confuse
        first.add_record("b", {"submitted": NOON, "content": {"n": 2}})
        first.update_record("a", {"content": {"n": 3}})
        assert [each["msg_id"] for each in second.find_records({"content.n": 3})] == ["a"]
        assert first.get_record("a")["content"] == {"n": 3}
        assert "queue" not in first.get_record("a")
        assert first.store.verify().ok


def test_a_table_that_is_dropped_is_made_again(path: Path) -> None:
    with TaskDatabase(f"sqlite:{path}") as first, TaskDatabase(f"sqlite:{path}") as second:
        first.add_record("a", {"submitted": NOON})
        second.store.backend.drop("task_records")
        assert first.get_history() == []
        assert first.find_records({"completed": None}, ["submitted"]) == []
        with pytest.raises(KeyError):
            first.update_record("a", {"label": "x"})
        first.add_record("a", {"submitted": NOON})
        assert second.get_history() == ["a"]
        assert second.find_records({"completed": None}, ["submitted"]) == [{"msg_id": "a", "submitted": NOON}]


def test_what_others_write_is_seen(path: Path) -> None:
    with TaskDatabase(f"sqlite:{path}") as first, TaskDatabase(f"sqlite:{path}") as second:
        for number in range(20):
            writer, reader = (first, second) if number % 2 else (second, first)
            writer.add_record(
                f"t{number}", {"submitted": NOON + timedelta(seconds=number), "completed": None}
            )
            with pytest.raises(DuplicateKeyError):
                reader.add_record(f"t{number}", {"submitted": NOON})
            assert reader.get_record(f"t{number}")["completed"] is None
            assert len(reader.find_records({"completed": None}, ["submitted"])) == number + 1
            assert len(reader.get_history()) == number + 1
            writer.update_record(f"t{number}", {"label": "x"})
            assert reader.get_record(f"t{number}")["label"] == "x"


def test_a_part_that_is_replaced_between_two_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record and its large buffers are those of one moment, though they are read one after the other."""
    with TaskDatabase(f"sqlite:{path}") as first, TaskDatabase(f"sqlite:{path}") as second:
        second.add_record("a", {"submitted": NOON, "label": "old", "buffers": [LARGE_BUFFER]})
        records = first._records
        read = records._record  # type: ignore[attr-defined]  # SQLite's has it

        def interrupted(text: str) -> Any:
            monkeypatch.undo()
            second.update_record("a", {"label": "new", "buffers": [LARGE_BUFFER * 2]})
            return read(text)

        monkeypatch.setattr(records, "_record", interrupted)
        found = first.get_record("a")
        assert (found["label"], found["buffers"]) == ("new", [LARGE_BUFFER * 2])


def test_a_part_that_is_missing_is_told(path: Path) -> None:
    with TaskDatabase(f"sqlite:{path}") as database:
        database.add_record("a", {"submitted": NOON, "buffers": [LARGE_BUFFER]})
    with apsw.Connection(str(path)) as connection:
        connection.execute('DELETE FROM "mongoglot parts"')
    with (
        TaskDatabase(f"sqlite:{path}") as database,
        pytest.raises(StoreError, match=r"part .* cannot be read"),
    ):
        database.get_record("a")


def test_tasks_of_one_moment_stay_in_their_order(path: Path) -> None:
    names = ["z", "a", "m", "b"]
    with TaskDatabase(f"sqlite:{path}") as database:
        for name in names:
            database.add_record(name, {"submitted": NOON})
        database.add_record("first", {"submitted": NOON - timedelta(milliseconds=1)})
        database.add_record("none", {"submitted": None})
        assert database.get_history() == ["none", "first", *names]


def test_an_index_without_that_order(path: Path) -> None:
    """Files of before have it; the history is in order by them, too."""
    with TaskDatabase(f"sqlite:{path}") as database:
        for name in ("z", "a", "m"):
            database.add_record(name, {"submitted": NOON})
    name = '"index of task_records on submitted"'
    with apsw.Connection(str(path)) as connection:
        connection.execute(f"DROP INDEX {name}")
        connection.execute(f'CREATE INDEX {name} ON "task_records" ("submitted", "msg_id")')
    with TaskDatabase(f"sqlite:{path}") as database:
        assert database.get_history() == ["z", "a", "m"]
        assert database.store.verify().ok


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\0b",
        "\n\t\x01\x1f\x7f",
        '"\\/',
        "é\U0010ffff",
        "\U0010ffffK2026",
        "mongoglot:part",
        "\ud800",
        "null",
    ],
)
def test_texts_are_changed_to_what_they_are(path: Path, text: str) -> None:
    """A change binds texts as they are; a whole record is one text of JSON. Both are found, and are the same."""
    with TaskDatabase(f"sqlite:{path}") as database:
        database.add_record(
            "added", {"submitted": NOON, "stdout": text, "label": text, "content": {"x": text}}
        )
        database.add_record("changed", {"submitted": NOON})
        database.update_record("changed", {"stdout": text, "label": text, "content": {"x": text}})
        added, changed = database.find_records({"submitted": NOON})
        assert added["stdout"] == added["label"] == added["content"]["x"] == text
        assert {**added, "msg_id": "changed"} == changed
        for name in ("stdout", "label", "content.x"):
            assert len(database.find_records({name: text}, "msg_id")) == 2
        assert database.store.verify().ok


def test_values_are_changed_to_what_they_are(path: Path) -> None:
    values = {
        "content": {"n": 2**40, "small": 5, "f": 1e300, "list": [1, None, {"a": []}], "at": NOON},
        "label": None, "queue": 2**70, "execute_input": 1.5, "error": {}, "completed": "no date", "started": NOON,
        "result_buffers": [b"", b"ab"], "own_key": [1, 2],
    }  # fmt: skip
    with TaskDatabase(f"sqlite:{path}") as database:
        database.add_record("added", {"submitted": NOON, **values})
        database.add_record("changed", {"submitted": NOON})
        database.update_record("changed", values)
        for record in database.find_records({"submitted": NOON}):
            assert {name: record[name] for name in values} == values
        names = [name for name in values if name != "own_key"]
        for record in database.find_records({"submitted": NOON}, names):
            assert {name: record[name] for name in names} == {name: values[name] for name in names}
        assert database.store.verify().ok
