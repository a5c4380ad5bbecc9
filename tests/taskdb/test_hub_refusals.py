"""What our task databases for the Hub refuse, and what they tell the log when they start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


from traitlets import Any as TraitAny
from traitlets.config import Configurable

import mongoglot
from mongoglot.taskdb.ipyparallel import MemoryDB, MongoDB, NoDB, SQLiteDB
from tests.taskdb.backends import LOG, OLD, Opener
from tests.taskdb.clusters import local_zone
from tests.taskdb.defects import record_of
from tests.taskdb.fake_hub import DONE

ROOT = Path(__file__).parent.parent.parent
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])
MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"this is no database" * 100, "is not an SQLite database; it was left untouched"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "tasks.db"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "tasks.db").write_bytes(content)
    with pytest.raises(mongoglot.StoreError, match=message) as caught:
        SQLiteDB(location=str(tmp_path), filename="tasks.db")
    assert f"move {tmp_path / 'tasks.db'} away, or set SQLiteDB.filename" in str(caught.value)
    assert (tmp_path / "tasks.db").read_bytes() == content


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(
        mongoglot.StoreError, match=r"or set SQLiteDB\.filename or SQLiteDB\.location to another"
    ):
        SQLiteDB(location=str(tmp_path / "nowhere"))


def test_a_server_that_is_none() -> None:
    with pytest.raises(
        mongoglot.StoreError, match=r"no MongoDB server answers at .*; start the server, or say where"
    ):
        MongoDB(connection_args=["127.0.0.1", 1], timeout=0.2)


def test_no_database_says_what_to_start() -> None:
    database = NoDB()
    database.add_record("a", record=record_of("a"))
    database.update_record("a", {})
    database.drop_record("a")
    database.drop_matching_records({"completed": {"$ne": None}})
    with pytest.raises(mongoglot.FilterError):
        database.drop_matching_records({"completed": {"$foo": None}})
    for read in (lambda: database.get_record("a"), lambda: database.find_records({}), database.get_history):
        with pytest.raises(KeyError, match=r"start the controller with --IPController.db_class=\S+SQLiteDB"):
            read()
    database.close()
    database.close()


def test_the_history_of_before_is_mentioned(hub_opener: Opener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    place = {"location": str(hub_opener.folder)}
    old = hub_opener.open(OLD["S"], "S", **place, filename="tasks.db")
    old.add_record("a", record_of("a"))
    old._db.commit()
    old_file = hub_opener.folder / "tasks.db"
    for _ in range(2):  # told once
        hub_opener.open(SQLiteDB, "S", **place, filename="mongoglot-tasks.db")
        command = f"mongoglot tasks --db sqlite:{hub_opener.folder / 'mongoglot-tasks.db'} import {old_file}"
        assert caplog.text.count(command) == 1
    with pytest.raises(mongoglot.StoreError, match="If it has records of ipyparallel's own") as caught:
        hub_opener.open(SQLiteDB, "S", **place, filename="tasks.db")
    assert f" import {old_file}" in str(caught.value)


def test_records_of_before_on_a_server_are_left_alone(hub_opener: Opener) -> None:
    place = hub_opener.options("M")
    hub_opener.open(MongoDB, "M", **place)  # makes indexes, and no records
    old = hub_opener.open(OLD["M"], "M", **place)
    old.add_record("a", record_of("a", **DONE))
    with pytest.raises(mongoglot.StoreError, match="has records of ipyparallel's own MongoDB") as caught:
        hub_opener.open(MongoDB, "M", **place)
    assert f"--db mongodb://HOST/OTHER import mongodb://HOST/{place['database']}" in str(caught.value)
    assert old.get_history() == ["a"]


class Parent(Configurable):
    """A controller with a session."""

    session = TraitAny()


@pytest.mark.parametrize(("packer", "zone", "told"), [
    ("orjson", "Asia/Tokyo", 1), ("orjson", "UTC", 0), ("json", "Asia/Tokyo", 0),
])  # fmt: skip
def test_datetimes_that_will_be_misread_are_told(
    caplog: pytest.LogCaptureFixture, packer: str, zone: str, told: int
) -> None:
    caplog.set_level("INFO")
    with local_zone(zone):
        MemoryDB(parent=Parent(session=SimpleNamespace(packer=packer)), log=LOG)
    assert caplog.text.count("--Session.packer=json") == told
