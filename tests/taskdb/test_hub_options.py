"""Options of our task databases for the Hub: places, addresses, limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from ipyparallel.controller.dictdb import BaseDB
from traitlets.config import Config

import mongoglot
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.ipyparallel import MemoryDB, MongoDB, NoDB, SQLiteDB, limits
from mongoglot.taskdb.ipyparallel.addresses import address
from tests.taskdb.backends import NEW, Opener
from tests.taskdb.defects import record_of
from tests.taskdb.fake_hub import DONE

ROOT = Path(__file__).parent.parent.parent
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])
MEBIBYTE = 2**20


def test_they_are_what_a_controller_takes() -> None:
    for kind, options in {
        SQLiteDB: {"filename", "location", "table", "synchronous", "journal"},
        MemoryDB: {"record_limit", "size_limit"},
        MongoDB: {"connection_args", "connection_kwargs", "database", "timeout"},
        NoDB: set(),
    }.items():
        assert issubclass(kind, BaseDB)
        common = {"keep_buffers", "max_age", "max_records", "max_bytes", "cull_fraction"}
        assert {*options, *common} <= set(kind.class_trait_names(config=True))


def test_options_come_from_a_config(tmp_path: Path) -> None:
    config = Config()
    config.SQLiteDB.location = str(tmp_path)
    config.SQLiteDB.filename = "other.db"
    config.SQLiteDB.table = ""
    config.SQLiteDB.synchronous = "full"
    config.SQLiteDB.journal = "truncate"
    config.SQLiteDB.max_age = "30d"
    database = SQLiteDB(config=config, session="abc-def")
    database.add_record("a", record_of("a"))
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith("-wal")] == []
    database.close()
    with TaskDatabase(f"sqlite:{tmp_path / 'other.db'}", collection="_abc_def") as opened:
        assert opened.get_history() == ["a"]


class Profile:
    """An application of IPython that has a profile."""

    def __init__(self, folder: Path) -> None:
        self.profile_dir = type("ProfileDir", (), {"location": str(folder)})


def test_the_file_is_in_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.application import BaseIPythonApplication

    (tmp_path / "profile").mkdir()
    monkeypatch.chdir(tmp_path)
    SQLiteDB().close()
    assert (tmp_path / "mongoglot-tasks.db").exists()
    monkeypatch.setattr(BaseIPythonApplication, "initialized", lambda: True)
    monkeypatch.setattr(BaseIPythonApplication, "instance", lambda: Profile(tmp_path / "profile"))
    SQLiteDB().close()
    assert (tmp_path / "profile" / "mongoglot-tasks.db").exists()


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ([], {}, ("mongodb://localhost/db", {})),
        (["there"], {}, ("mongodb://there/db", {})),
        (["there", 27018], {"tls": True}, ("mongodb://there:27018/db", {"tls": True})),
        (["there:1", 2], {}, ("mongodb://there:1/db", {})),
        (["::1", 2], {}, ("mongodb://[::1]:2/db", {})),
        (["[::1]:3", 2], {}, ("mongodb://[::1]:3/db", {})),
        ([["a:1", "b"], 2], {}, ("mongodb://a:1,b:2/db", {})),
        ([], {"host": "there", "port": 5}, ("mongodb://there:5/db", {})),
        (["mongodb://u:p@h:1"], {}, ("mongodb://u:p@h:1/db", {"authSource": "admin"})),
        (["mongodb://u:p@h:1/own"], {}, ("mongodb://u:p@h:1/db", {"authSource": "own"})),
        (["mongodb://u@h/?authSource=x&a=b"], {}, ("mongodb://u@h/db?authSource=x&a=b", {})),
        (["mongodb+srv://h/own"], {}, ("mongodb+srv://h/db", {})),
        ([], {"username": "u"}, ("mongodb://localhost/db", {"username": "u", "authSource": "admin"})),
        ([], {"username": "u", "authsource": "x"}, ("mongodb://localhost/db", {"username": "u", "authsource": "x"})),  # noqa: E501 - a row
        (
            ["mongodb://h/?authMechanism=MONGODB-X509"],
            {},
            ("mongodb://h/db?authMechanism=MONGODB-X509", {"authSource": "$external"}),
        ),
    ],
)  # fmt: skip
def test_addresses_of_servers(arguments: Any, options: Any, expected: Any) -> None:
    assert address(arguments, options, "db") == expected


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["h", 1, dict], {}, "connection_args is a host and a port"),
        (["h"], {"host": "x"}, "both say the host"),
        ([5], {}, "a name, or a list of names"),
        ([[]], {}, "a name, or a list of names"),
    ],
)
def test_what_is_no_address(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(mongoglot.UnsupportedError, match=message):
        address(arguments, options, "db")


def test_ages() -> None:
    assert [limits.age(value) for value in ("30d", "1.5h", 90, "90", "2 w", 0, "0d")] == [
        timedelta(days=30), timedelta(minutes=90), timedelta(seconds=90), timedelta(seconds=90),
        timedelta(weeks=2), None, None,
    ]  # fmt: skip
    for wrong in ("month", "-1d", -1, "1e9d", "99999999999w"):
        with pytest.raises(mongoglot.UnsupportedError, match="as '30d'; not"):
            limits.age(wrong)


@LETTERS
def test_retention(hub_opener: Opener, letter: str) -> None:
    database = hub_opener.open(NEW[letter], letter, max_records=10, max_age="365000d")
    database.add_record("open", record_of("open"))
    for number in range(30):
        submitted = datetime.now(UTC) + timedelta(seconds=number)
        database.add_record(str(number), record_of(str(number), submitted=submitted))
        database.update_record(str(number), {**DONE, "completed": submitted})
    left = database.get_history()
    assert "open" in left
    assert 9 <= len(left) <= 10
    assert left[-1] == "29"


@LETTERS
def test_retention_by_age_and_by_bytes(hub_opener: Opener, letter: str) -> None:
    options = hub_opener.options(letter)
    if letter != "D":
        before = hub_opener.open(NEW[letter], letter, **options)
    else:
        before = hub_opener.open(NEW[letter], letter, max_age="1d", max_bytes=1000)
    now = datetime.now(UTC)
    before.add_record("old", record_of("old", completed=now - timedelta(days=2)))
    for number in range(10):
        name, ended = f"new {number}", now - timedelta(seconds=60 - number)
        before.add_record(name, record_of(name, submitted=ended, completed=ended, buffers=[b"x" * 200]))
    if letter != "D":
        before.close()
        before = hub_opener.open(NEW[letter], letter, max_age="1d", max_bytes=1000, **options)
    history = before.get_history()
    assert "old" not in history or letter == "D"  # in memory it is looked for now and then
    assert [name for name in history if name != "old"][-1] == "new 9"
    assert 4 <= len(history) <= 6
