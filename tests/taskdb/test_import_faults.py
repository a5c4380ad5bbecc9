"""Damaged, hostile and foreign files are no trouble for an import, and say what is wrong with them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from mongoglot import StoreError, WriteError
from mongoglot.errors import NoDataError
from mongoglot.taskdb import TaskDatabase, import_history
from tests.taskdb.history import Opener
from tests.taskdb.old_backends import statement, write_sqlite
from tests.taskdb.old_histories import PAGES, finished

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]' brings the old backends")


class Thief:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "stolen")


def test_rows_that_cannot_be_imported(
    tmp_path: Path, opener: Opener, old_file: Callable[[str], Path]
) -> None:
    old, loot = old_file("letters"), tmp_path / "loot"
    whole = pickle.dumps([b"one", b"two"])
    for msg_id, column, value in (
        ("a", "buffers", pickle.dumps([b"x", Thief(loot)])),
        ("b", "result_buffers", whole[:-4]),
        ("c", "header", '{"half": '),
        ("d", "msg_id", None),
        ("e", "msg_id", 5),
        ("f", "result_content", "[" * 100_000),
        ("g", "stdout", "text"),
    ):
        statement(old, f'UPDATE t SET "{column}" = ? WHERE msg_id = ?', value, msg_id)  # noqa: S608 - words of this test
    statement(old, "UPDATE t SET stdout = CAST(x'ff41' AS TEXT) WHERE msg_id = 'g'")
    report = import_history(old, database := opener("sqlite"))
    assert not loot.exists()
    pickle.loads(pickle.dumps(Thief(loot)))  # noqa: S301 - it would have run
    assert loot.exists()
    reasons = {skipped.place: (skipped.msg_id, skipped.reason) for skipped in report.skipped}
    assert {place: msg_id for place, (msg_id, _) in reasons.items()} == {
        "t, row 1": "a", "t, row 2": "b", "t, row 3": "c", "t, row 4": None, "t, row 6": "f", "t, row 7": "g",
    }  # fmt: skip
    assert reasons["t, row 1"][1].startswith("the pickle in buffers is refused, and was not run: it names ")
    assert reasons["t, row 2"][1].endswith("it is cut off")
    assert reasons["t, row 3"][1].startswith("header is no JSON: ")
    assert "is not UTF-8" in reasons["t, row 7"][1]
    assert database.get_history() == ["5", "h"]
    assert "task 'g' (t, row 7): " in str(report)


def test_a_damaged_page(opener: Opener, old_file: Callable[[str], Path]) -> None:
    old = old_file("pages")
    connection = apsw.Connection(str(old))
    leaves = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' ORDER BY pageno"
    )
    place = [number for (number,) in leaves][40]
    connection.close()
    data = bytearray(old.read_bytes())
    data[(place - 1) * 4096 : place * 4096] = b"\xee" * 4096
    old.write_bytes(data)
    report = import_history(old, database := opener("sqlite"))
    lost = {skipped.msg_id for skipped in report.skipped}
    assert 0 < len(lost) < 10
    assert "is damaged" in report.skipped[0].reason
    assert {*database.get_history()} == {record["msg_id"] for record in PAGES} - lost | {"other"}


def test_a_damaged_beginning(opener: Opener, old_file: Callable[[str], Path]) -> None:
    old = old_file("begun")
    data = bytearray(old.read_bytes())
    data[100:4096] = b"\xee" * 3996
    old.write_bytes(data)
    with pytest.raises(StoreError, match=r"tasks\.db is damaged: "):
        import_history(old, opener("memory"))


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writer_that_was_killed(mode: str, tmp_path: Path, opener: Opener) -> None:
    old = tmp_path / "tasks.db"
    if mode == "wal":
        statement(old, "PRAGMA journal_mode = wal")
    write_sqlite({old: [("ipython-tasks", [finished(f"{n}") for n in range(50)])]}, kill=True)
    for shared in tmp_path.glob("*-shm"):
        shared.unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    report = import_history(old, database := opener("memory"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert (report.kept, report.skipped) == (50, ())
    assert {record["stdout"] for record in database.find_records({})} == {"printed\n"}


def test_what_is_no_old_history(tmp_path: Path, opener: Opener) -> None:
    database = opener("memory")
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("no database\n" * 20)
    (tmp_path / "short.db").write_bytes(b"SQLite format 3\0")
    statement(tmp_path / "foreign.db", "CREATE TABLE shop (a, b)")
    statement(tmp_path / "none.db", "PRAGMA user_version = 1")
    TaskDatabase(f"sqlite:{tmp_path / 'ours.db'}").close()
    statement(tmp_path / "view.db", "CREATE VIEW v AS SELECT 1 msg_id, 2 header, 3 content, 4 buffers")
    for name, words in {
        "empty.db": "is empty",
        "text.db": "is not an SQLite database",
        "short.db": "is not an SQLite database",
        "foreign.db": "has no table of IPython's tasks; it has 'shop'",
        "none.db": "has no table of IPython's tasks; it has no tables",
        "view.db": "has no table of IPython's tasks; it has no tables",
        "ours.db": f"is a store of mongoglot already: open it as sqlite:{tmp_path / 'ours.db'}",
        "": "is a folder: name the file in it",
        "gone.db": "there is no file ",
    }.items():
        with pytest.raises(StoreError) as caught:
            import_history(tmp_path / name, database)
        assert words in str(caught.value)
        assert str(tmp_path) in str(caught.value)
    assert not (tmp_path / "gone.db").exists()


def test_a_target_that_keeps_nothing(old_file: Callable[[str], Path]) -> None:
    with pytest.raises(NoDataError, match="keeps nothing"):
        import_history(old_file("all"), "null:")


def test_records_that_the_target_refuses(
    opener: Opener, old_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server refuses one of more than 16 MiB: the others of its page are imported."""
    whole, one, change = TaskDatabase.add_records, TaskDatabase.add_record, TaskDatabase.update_record

    def add_records(self: TaskDatabase, records: Any) -> None:
        whole(self, [record for record in records if record["msg_id"] < "c"])
        raise WriteError(10334, "too large")

    def add_record(self: TaskDatabase, msg_id: str, record: Any) -> None:
        if msg_id == "d":
            raise WriteError(10334, "too large")
        one(self, msg_id, record)
        if msg_id == "e":  # another process was faster
            one(self, msg_id, record)

    def update_record(self: TaskDatabase, msg_id: str, record: Any) -> None:
        if msg_id == "g":
            raise WriteError(10334, "too large by now")
        change(self, msg_id, record)

    database = opener("sqlite")
    one(database, "f", {"label": "less"})
    one(database, "g", {"label": "less"})
    monkeypatch.setattr(TaskDatabase, "add_records", add_records)
    monkeypatch.setattr(TaskDatabase, "add_record", add_record)
    monkeypatch.setattr(TaskDatabase, "update_record", update_record)
    report = import_history(old_file("letters"), database)
    assert (report.kept, report.completed, report.known) == (4, 1, 1)
    assert [(skipped.msg_id, skipped.reason) for skipped in report.skipped] == [
        ("g", "too large by now"), ("d", "too large"),
    ]  # fmt: skip
    assert sorted(database.get_history()) == [*"abcefgh"]
