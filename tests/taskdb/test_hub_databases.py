"""Our task databases for the Hub: options, copies, forks, what is not kept, what is too large, what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from ipyparallel.controller.dictdb import BaseDB
from ipyparallel.serialize import deserialize_object, serialize_object
from traitlets.config import Config

import mongoglot
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.ipyparallel import MemoryDB, MongoDB, NoDB, SQLiteDB, limits
from mongoglot.taskdb.ipyparallel.addresses import address
from tests.conftest import with_database
from tests.taskdb.backends import NEW, Opener, opener_in
from tests.taskdb.defects import NOON, record_of
from tests.taskdb.test_old_defects_structure import DONE, FakeHub

ROOT = Path(__file__).parent.parent.parent
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])
MEBIBYTE = 2**20


@pytest.fixture
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    with opener_in(tmp_path, lambda: request.getfixturevalue("mongod_url")) as opened:
        yield opened


# ---- options -------------------------------------------------------------------------------------------


def test_they_are_what_a_controller_takes() -> None:
    for kind, options in {
        SQLiteDB: {"filename", "location", "table", "synchronous"},
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
    config.SQLiteDB.max_age = "30d"
    database = SQLiteDB(config=config, session="abc-def")
    database.add_record("a", record_of("a"))
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
def test_retention(opener: Opener, letter: str) -> None:
    database = opener.open(NEW[letter], letter, max_records=10, max_age="365000d")
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
def test_retention_by_age_and_by_bytes(opener: Opener, letter: str) -> None:
    options = opener.options(letter)
    if letter != "D":
        before = opener.open(NEW[letter], letter, **options)
    else:
        before = opener.open(NEW[letter], letter, max_age="1d", max_bytes=1000)
    now = datetime.now(UTC)
    before.add_record("old", record_of("old", completed=now - timedelta(days=2)))
    for number in range(10):
        name, ended = f"new {number}", now - timedelta(seconds=60 - number)
        before.add_record(name, record_of(name, submitted=ended, completed=ended, buffers=[b"x" * 200]))
    if letter != "D":
        before.close()
        before = opener.open(NEW[letter], letter, max_age="1d", max_bytes=1000, **options)
    history = before.get_history()
    assert "old" not in history or letter == "D"  # in memory it is looked for now and then
    assert [name for name in history if name != "old"][-1] == "new 9"
    assert 4 <= len(history) <= 6


# ---- what goes in and comes out ----------------------------------------------------------------------------


@LETTERS
def test_the_callers_things_are_left_alone(opener: Opener, letter: str) -> None:
    database = opener.open(NEW[letter], letter)
    record = record_of("a", buffers=[memoryview(b"x")], submitted=NOON, own=[1])
    given = {**record, "header": dict(record["header"]), "buffers": list(record["buffers"])}
    database.add_record("a", record)
    assert record == given
    record["header"]["changed"] = record["own"].append(2)
    keys, query = ["label", "buffers"], {"msg_id": {"$in": ["a"]}}
    (found,) = database.find_records(query, keys)
    assert (keys, query) == (["label", "buffers"], {"msg_id": {"$in": ["a"]}})
    found["buffers"].clear()
    for whole in (database.get_record("a"), database.find_records({}, iter([]))[0]):
        assert whole["buffers"] == [b"x"]
        assert "changed" not in whole["header"]
        assert whole["own"] == [1]
        whole["header"].clear()
    assert database.get_record("a")["header"] == given["header"]


@LETTERS
def test_what_the_hub_reads_without_asking_is_there(opener: Opener, letter: str) -> None:
    database = opener.open(NEW[letter], letter)
    database.add_record("a", {"submitted": NOON, "header": {"msg_type": "x"}})
    assert database.get_record("a") == {**record_of("a"), "header": {"msg_type": "x"}, "content": None}
    assert database.find_records({}, ["label", "stdout", "nothing"]) == [
        {"msg_id": "a", "label": None, "stdout": ""}
    ]
    hub = FakeHub(database)
    hub.print("a", "one ")
    hub.print("a", "two")
    hub.print("unknown yet", "early")
    assert database.get_record("a")["stdout"] == "one two"
    database.update_record("unknown yet", record_of("unknown yet", stdout="early"))
    assert database.get_record("unknown yet")["stdout"] == "early"
    with pytest.raises(KeyError):
        database.get_record("nobody")


@LETTERS
def test_junk_dates_are_told(opener: Opener, letter: str, caplog: pytest.LogCaptureFixture) -> None:
    database = opener.open(NEW[letter], letter)
    junk = {"started": "yesterday", "completed": "today", "received": 5}
    database.add_record("a", record_of("a", **junk))
    found = database.get_record("a")
    assert (found["started"], found["received"]) == (None, None)
    assert datetime.now(UTC) - found["completed"] < timedelta(minutes=5)
    for key, value in junk.items():
        assert f"task 'a': {key!r} is {value!r}, which is no date" in caplog.text
    assert "Give it a datetime, or ISO 8601 as text" in caplog.text


@LETTERS
def test_without_buffers(opener: Opener, letter: str) -> None:
    database = opener.open(NEW[letter], letter, keep_buffers=False)
    kept = opener.open(NEW[letter], letter)
    for each in (database, kept):
        for name in "abc":
            each.add_record(name, record_of(name, buffers=[b"request"], completed=None))
            each.update_record(name, {**DONE, "result_buffers": serialize_object(name)})
    (found,) = database.find_records(
        {"msg_id": "a", "result_content.status": "ok"}, ["result_buffers", "buffers"]
    )
    assert (found["buffers"], found["result_buffers"]) == (None, None)
    for each in (database, kept):
        buffers = FakeHub(each).results("a", "b", "c")["buffers"]
        for name in "abc":  # each result takes its own from the front
            result, buffers = deserialize_object(buffers)
            if each is kept:
                assert result == name
            else:
                assert isinstance(result, LookupError)
                assert f"the result of task '{name}' was not kept" in str(result)
    again: dict[str, Any] = {"msg_id": {"$in": ["a", "b"]}}
    assert len(kept.find_records(again, ["header", "content", "buffers"])) == 2
    with pytest.raises(LookupError, match="2 of 2 tasks cannot be submitted again, 'a' among them"):
        database.find_records(again, ["header", "content", "buffers"])


# ---- records that are too large for a server ------------------------------------------------------------------


def test_large_buffers_on_a_server(opener: Opener, mongod_url: str) -> None:
    options = opener.options("M")
    database = opener.open(MongoDB, "M", **options)
    request = [b"a" * (17 * MEBIBYTE), b"", b"bc"]
    result = [b"x" * MEBIBYTE, b"y" * (16 * MEBIBYTE)]
    database.add_record("a", record_of("a", buffers=request))
    database.update_record("a", {**DONE, "result_buffers": result})
    database.add_record("b", record_of("b", buffers=[b"z" * (9 * MEBIBYTE)]))
    database.update_record("b", {**DONE, "result_buffers": [b"w" * (9 * MEBIBYTE)]})
    (record,) = database.find_records({"msg_id": {"$in": ["a"]}})
    assert (record["buffers"], record["result_buffers"], record["completed"]) == (request, result, NOON)
    (found,) = database.find_records({"msg_id": "b"}, ["buffers", "result_buffers"])
    assert [len(found[key][0]) for key in ("buffers", "result_buffers")] == [9 * MEBIBYTE] * 2
    database.update_record("a", {"result_buffers": [b"v" * (17 * MEBIBYTE)]})
    assert database.get_record("a")["result_buffers"] == [b"v" * (17 * MEBIBYTE)]
    with mongoglot.connect(with_database(mongod_url, options["database"])) as store:
        parts = store["task_records.parts"]
        assert parts.count_documents({"msg_id": "a"}) == 2 + 2  # what was replaced is gone
        database.drop_matching_records({"msg_id": "a"})
        assert parts.count_documents({"msg_id": "a"}) == 0
        assert parts.count_documents({"msg_id": "b"}) > 0
        database.drop_record("b")
        assert parts.count_documents({}) == 0


def test_lost_parts_are_told(opener: Opener, mongod_url: str, caplog: pytest.LogCaptureFixture) -> None:
    options = opener.options("M")
    database = opener.open(MongoDB, "M", **options)
    database.add_record("a", record_of("a", **{**DONE, "result_buffers": [b"x" * (17 * MEBIBYTE)]}))
    with mongoglot.connect(with_database(mongod_url, options["database"])) as store:
        store["task_records.parts"].delete_one({})
    assert database.get_record("a")["result_buffers"] is None
    assert "task 'a': 'result_buffers' cannot be read, 1 of 2 parts are there" in caplog.text


def test_large_texts_on_a_server(opener: Opener, caplog: pytest.LogCaptureFixture) -> None:
    database = opener.open(MongoDB, "M")
    database.add_record("a", record_of("a", buffers=[b"r"]))
    database.update_record("a", {**DONE, "stdout": "é" * (9 * MEBIBYTE) + "the end"})
    found = database.get_record("a")
    assert (found["completed"], found["result_buffers"], found["buffers"]) == (NOON, [b"x"], [b"r"])
    assert found["stdout"].startswith("[mongoglot: the beginning is left out, a record")
    assert found["stdout"].endswith("éthe end")
    assert "task 'a': 'stdout' is cut" in caplog.text
    FakeHub(database).print("a", " and more")
    assert database.get_record("a")["stdout"].endswith("the end and more")
    traceback = {"ename": "E", "evalue": "x" * (17 * MEBIBYTE), "traceback": ["t"]}
    database.update_record("a", {"error": traceback, "result_content": {"status": "error", **traceback}})
    found = database.get_record("a")
    assert (found["result_content"]["status"], found["error"]["traceback"]) == ("error", ["t"])
    database.update_record("a", {"display_data": [["x" * 1000] * 1000] * 20})
    assert database.get_record("a")["display_data"] is None
    assert "task 'a': 'display_data' is left out" in caplog.text


# ---- processes ----------------------------------------------------------------------------------------------

PARENT = """
import gc, multiprocessing, os, subprocess, sys
from tests.taskdb.backends import NEW
import mongoglot
letter, url, *place = sys.argv[1:]
options = {"S": lambda: {"location": place[0]}, "M": lambda: {"connection_args": [place[0]], "database": place[1]}}
database = NEW[letter](**options[letter]())

def use():
    try:
        database.add_record("of a child", {})
    except mongoglot.StoreError as error:
        assert "before this process was forked" in str(error)
    else:
        os._exit(3)

def elsewhere(msg_id):
    code = (
        "from mongoglot.taskdb import TaskDatabase;"
        f"database = TaskDatabase({url!r}); database.add_record({msg_id!r}, {{}}); database.close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

for way in ("exit", "close", "collected", "multiprocessing"):
    if way == "multiprocessing":
        child = multiprocessing.get_context("fork").Process(target=use)
        child.start()
        child.join()
        assert child.exitcode == 0, child.exitcode
    else:
        pid = os.fork()
        if pid == 0:
            use()
            if way == "close":
                database.close()
                os._exit(0)
            if way == "collected":
                del database
                gc.collect()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    database.add_record(f"{way} 1", {})
    elsewhere(f"{way} 2")  # opens, and closes, which removes a log that seems to be nobody's
    database.add_record(f"{way} 3", {})
    database.update_record(f"{way} 2", {"stdout": "x"})
print(*sorted(database.get_history()), sep=",")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("letter", ["S", "M"])
def test_forks(opener: Opener, tmp_path: Path, letter: str) -> None:
    options = opener.options(letter)
    if letter == "S":
        options = {"location": str(tmp_path), "filename": "mongoglot-tasks.db"}
        url, place = f"sqlite:{tmp_path / options['filename']}", [str(tmp_path)]
    else:
        place = [options["connection_args"][0], options["database"]]
        url = with_database(*place)
    command = [sys.executable, "-W", "ignore", "-c", PARENT, letter, url, *place]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    ways = ("close", "collected", "exit", "multiprocessing")
    names = [f"{way} {number}" for way in ways for number in "123"]
    assert (done.returncode, done.stdout.strip().split(","), done.stderr) == (0, names, "")
    assert sorted(opener.open(NEW[letter], letter, **options).get_history()) == names


def test_without_ipyparallel() -> None:
    code = """
import sys
sys.modules["ipyparallel"] = None  # as if it were not installed
from mongoglot.taskdb import TaskDatabase
TaskDatabase("memory:").add_record("a", {})
import mongoglot.taskdb.ipyparallel
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'mongoglot[ipyparallel]'" in done.stderr.splitlines()[-1]


# ---- what is refused -------------------------------------------------------------------------------------------


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
