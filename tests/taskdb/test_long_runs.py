"""A task database over weeks: space, several controllers, network shares, files of earlier versions."""

from __future__ import annotations

import errno
import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

import mongoglot
from mongoglot.engines.sqlite import filesystems
from mongoglot.engines.sqlite.backend import SqliteBackend
from mongoglot.taskdb import TaskDatabase
from tests.faults import children

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
45 22 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
46 45 8:2 / /home/local rw,relatime - xfs /dev/sdb rw
47 22 0:41 / /mnt/with\\040space rw - lustre mds@tcp:/scratch rw
48 22 0:42 / /mnt/user rw - fuse.sshfs me@host: rw
49 22 0:43 / /mnt/plain rw - fuse.ntfs-3g /dev/sdc rw
50 22 0:44 / /mnt/twice rw - ext4 /dev/sdd rw
51 22 0:45 / /mnt/twice rw - cifs //server/share rw
a line that makes no sense
"""


@pytest.mark.parametrize(
    ("folder", "system", "network"),
    [
        ("/", "ext4", False),
        ("/homestead", "ext4", False),
        ("/home/ada/.ipython/profile_default", "nfs4", True),
        ("/home/local/x", "xfs", False),
        ("/mnt/with space/x", "lustre", True),
        ("/mnt/user", "fuse.sshfs", True),
        ("/mnt/plain/x", "fuse.ntfs-3g", False),
        ("/mnt/twice/x", "cifs", True),
        ("\\\\server\\share\\x", "cifs", True),
    ],
)
def test_file_systems(folder: str, system: str, *, network: bool, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(MOUNTS, encoding="utf-8")
    found = filesystems.filesystem_of(Path(folder), str(tmp_path / "mounts"))
    assert found == system
    assert filesystems.is_network(system) is network
    assert filesystems.filesystem_of(Path(folder), str(tmp_path / "nothing")) in (None, "cifs")


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the system says is on a share."""
    line = f"60 22 0:50 / {tmp_path.resolve()} rw - nfs server:/home rw\n"
    (tmp_path / "mounts").write_text(MOUNTS + line, encoding="utf-8")
    monkeypatch.setattr(filesystems, "MOUNTS", str(tmp_path / "mounts"))
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


def journal_of(database: TaskDatabase) -> str:
    backend = database._records.collection.store.backend
    assert isinstance(backend, SqliteBackend)
    return str(backend.file.rows("PRAGMA journal_mode")[0][0])


def test_a_share_needs_another_journal(share: Path) -> None:
    with TaskDatabase(f"sqlite:{share / 'tasks.db'}") as database:
        database.add_record("a", {"submitted": NOON})
        assert journal_of(database) == "truncate"
        assert not [path for path in share.iterdir() if path.name.endswith(("-wal", "-shm"))]
    with TaskDatabase(f"sqlite:{share / 'tasks.db'}", journal="wal") as database:  # the user knows better
        assert database.get_history() == ["a"]


def test_a_file_that_was_moved_to_a_share(share: Path) -> None:
    path = share / "tasks.db"
    with TaskDatabase(f"sqlite:{path}", journal="wal") as database:
        database.add_record("a", {"submitted": NOON})
        assert journal_of(database) == "wal"
    for _ in range(2):
        with TaskDatabase(f"sqlite:{path}") as database, TaskDatabase(f"sqlite:{path}") as other:
            assert journal_of(database) == "truncate"
            assert database.get_history() == ["a"] == other.get_history()
            database.add_record("b", {"submitted": NOON})
            other.drop_record("b")


def test_a_share_without_locks_is_refused(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(mongoglot.StoreError) as caught:
        TaskDatabase(f"sqlite:{share / 'tasks.db'}")
    assert str(caught.value) == (
        f"{share} is on a share (nfs) that grants no locks, and two processes would destroy a file there: "
        "mount it with locks (Lustre: -o flock, CIFS: without nobrl), or put the file on a disk of this machine"
    )
    assert list(share.iterdir()) == []


def test_what_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(mongoglot.UnsupportedError, match="journal is 'auto', 'wal' or 'truncate', not 'off'"):
        TaskDatabase(f"sqlite:{tmp_path / 'tasks.db'}", journal="off")


@pytest.mark.parametrize("journal", ["wal", "truncate"])
@pytest.mark.parametrize("kept", [0, 100])
def test_two_controllers_at_once(tmp_path: Path, journal: str, kept: int) -> None:
    path, count = tmp_path / "tasks.db", 120 if journal == "wal" else 40
    kept = min(kept, count)
    both = [children.start("taskdb.run_tasks", path, journal, name, count, kept) for name in "ab"]
    said = [children.output(process).split() for process in both]
    assert said == [[f"{name}{number}" for number in range(count)] for name in "ab"]
    with TaskDatabase(f"sqlite:{path}", journal=journal) as database:
        history = database.get_history()
        if kept:
            assert kept * 0.8 <= len(history) <= kept * 1.2  # each counts after a tenth of what it has seen
            newest = [f"a{count - 1}", f"b{count - 1}"]
            assert any(msg_id in history for msg_id in newest)
        else:
            assert sorted(history) == sorted(said[0] + said[1])
        for record in database.find_records({}):
            name, number = record["msg_id"][0], record["msg_id"][1:]
            assert record["stdout"] == f"{name} {number}"
            assert (record["buffers"], record["result_buffers"]) == ([b"x" * 3000], [b"y" * 3000])
        file = database._records.collection.store.backend.file  # type: ignore[attr-defined]  # SQLite's has one
        assert file.rows('SELECT count(*) FROM "mongoglot parts"') == [(2 * len(history),)]
        assert database._records.collection.store.verify().ok


def fill(database: TaskDatabase, count: int) -> None:
    for number in range(count):
        at = NOON + timedelta(seconds=number)
        done = at if number else None
        record = {"submitted": at, "completed": done, "stdout": "x" * 2000, "buffers": [b"x" * 5000]}
        database.add_record(f"t{number}", record)


def test_space_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with TaskDatabase(f"sqlite:{path}") as database:
        fill(database, 1500)
        reader = children.start("taskdb.read_slowly", path, 1)
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        before = path.stat().st_size + Path(f"{path}-wal").stat().st_size
        database.drop_matching_records({"completed": {"$ne": None}})
        longest = float(children.output(reader))
        assert longest < 5  # a reader that is locked out waits for ten seconds and fails
        database.add_record("last", {})
        assert database.get_history() == ["last", "t0"]
    assert path.stat().st_size < before / 10


def test_space_of_files_of_earlier_versions_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with TaskDatabase(f"sqlite:{path}") as database:
        fill(database, 1)
    connection = apsw.Connection(str(path))
    for name, value in (("journal_mode", "truncate"), ("auto_vacuum", "none")):
        connection.pragma(name, value)
    connection.execute("VACUUM")
    connection.pragma("journal_mode", "wal")
    assert connection.pragma("auto_vacuum") == 0
    connection.close()
    with TaskDatabase(f"sqlite:{path}") as database:
        database.drop_record("t0")
        fill(database, 1000)
        database.drop_matching_records({"completed": {"$ne": None}})
        assert database.get_record("t0")["buffers"] == [b"x" * 5000]
    assert path.stat().st_size < 200_000
    assert apsw.Connection(str(path)).pragma("auto_vacuum") == 2


def test_large_buffers_stand_beside_the_records(tmp_path: Path) -> None:
    large, small = [b"x" * 5000, b""], [b"y" * 10]
    with TaskDatabase(f"sqlite:{tmp_path / 'tasks.db'}") as database:
        file = database._records.collection.store.backend.file  # type: ignore[attr-defined]  # SQLite's has one

        def parts() -> int:
            return int(file.rows('SELECT count(*) FROM "mongoglot parts"')[0][0])

        database.add_record("a", {"buffers": large, "submitted": NOON})
        database.add_record("b", {"buffers": small, "submitted": NOON})
        assert parts() == 1
        queries: list[tuple[dict[str, Any], list[str]]] = [
            ({"buffers": b"x" * 5000}, ["a"]),
            ({"buffers": {"$size": 2}}, ["a"]),
            ({"buffers": {"$ne": small}}, ["a"]),
            ({"buffers.0": {"$type": "binData"}}, ["a", "b"]),
            ({"$or": [{"buffers": {"$size": 2}}, {"msg_id": "b"}]}, ["a", "b"]),
            ({"$expr": {"$eq": [{"$size": "$buffers"}, 2]}}, ["a"]),
            ({"$nor": [{"buffers": {"$size": 2}}]}, ["b"]),
            ({"buffers": {"$type": "object"}}, []),
        ]
        for query, expected in queries:
            assert [found["msg_id"] for found in database.db_query(query)] == expected
            assert [found["msg_id"] for found in database.find_records(query, "label")] == expected
        assert database.find_records('{"buffers": {$size: 2}}', "buffers") == [
            {"msg_id": "a", "buffers": large}
        ]
        assert database.find_records({"label": None}, ["buffers.x"])[0] == {"msg_id": "a", "buffers": []}
        found = database.get_record("a")["buffers"]
        found.append(b"mine")
        database.update_record("a", {"stdout": "x", "own": {"mongoglot:part": 1}})
        assert database.get_record("a")["buffers"] == large
        assert database.get_record("a")["own"] == {"mongoglot:part": 1}
        database.update_record("a", {"buffers": large[:1], "result_buffers": large})
        assert parts() == 2
        database.update_record("a", {"buffers": small})
        assert (parts(), database.get_record("a")["buffers"]) == (1, small)
        database.update_record("b", {"buffers": large})
        database.drop_matching_records({"result_buffers": {"$size": 2}})
        assert (parts(), database.get_history()) == (1, ["b"])
        database.drop_record("b")
        assert parts() == 0
