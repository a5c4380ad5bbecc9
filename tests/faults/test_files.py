"""Files that are no stores, damaged stores, and stores of other versions."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

import mongoglot
from mongoglot.engines.sqlite.file_format import APPLICATION_ID, FORMAT
from mongoglot.errors import MongoglotError, StoreError
from tests.faults import children
from tests.faults.files import FORMAT_1_DOCUMENTS, format_of, write_format_1

DOCUMENTS = [
    {"_id": number, "group": number % 10, "tags": ["red", number % 3], "padding": "x" * 200}
    for number in range(400)
]
PAGE = 4096


def write_store(path: Path) -> None:
    with mongoglot.connect(f"sqlite:{path}") as store:
        store["tasks"].create_index("group")
        store["tasks"].create_index("tags")
        store["tasks"].insert_many(DOCUMENTS)


def write_database(path: Path, *statements: str) -> None:
    database = apsw.Connection(str(path))
    for statement in statements:
        database.execute(statement)
    database.close()


def write_with_log(path: Path) -> None:
    """A database of others whose last transaction stands in its log: its writer was killed."""
    model = path.with_name("model")
    database = apsw.Connection(str(model))
    database.pragma("journal_mode", "wal")
    database.execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
    for end in ("", "-wal"):
        shutil.copy(f"{model}{end}", f"{path}{end}")
    database.close()
    model.unlink()


def write_truncated(path: Path) -> None:
    write_store(path)
    path.write_bytes(path.read_bytes()[: 7 * PAGE + 100])


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


NO_SQLITE, NO_STORE = "is not an SQLite database", "is an SQLite database, but not a mongoglot store"

REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("this is no database\n" * 500), NO_SQLITE),
    "short": (lambda path: path.write_text("hello"), NO_SQLITE),
    "random": (random_bytes, NO_SQLITE),
    "only a header": (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(5000)), NO_SQLITE),
    "of others": (
        lambda path: write_database(path, "CREATE TABLE tasks (a)", "INSERT INTO tasks VALUES (1)"), NO_STORE,
    ),
    "of others, no tables": (lambda path: write_database(path, "PRAGMA application_id = 99", "VACUUM"), NO_STORE),
    "of others, with a log": (write_with_log, NO_STORE),
    "newer": (
        lambda path: write_database(
            path, f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {FORMAT + 1}",
            "CREATE TABLE whatever (a)",
        ), f"was written by a newer mongoglot .format {FORMAT + 1}, this one knows {FORMAT}.",
    ),
    "truncated": (write_truncated, "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_refused_is_left_untouched(name: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    path = tmp_path / "file.db"
    write(path)
    before = children.hashes(tmp_path)
    with pytest.raises(StoreError, match=rf"^{path} {words}"):
        mongoglot.connect(f"sqlite:{path}")
    after = children.hashes(tmp_path)
    # SQLite makes a file of its locks beside a log; it has nothing of the data
    assert {name: value for name, value in after.items() if name != "file.db-shm"} == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with mongoglot.connect(f"sqlite:{tmp_path / 'empty.db'}") as store:
        store["tasks"].insert_one({"_id": 1})


# ---- damage ----------------------------------------------------------------------------------------


def use(path: Path) -> list[str]:
    """What is wrong with a file: the errors of reading and writing it, and what its check tells."""
    told: list[str] = []

    def attempt(call: Callable[[mongoglot.Collection], object]) -> None:
        try:
            call(store["tasks"])
        except MongoglotError as error:  # no other error comes from a damaged file
            told.append(str(error))

    try:
        store = mongoglot.connect(f"sqlite:{path}")
    except StoreError as error:
        return [str(error)]
    with store:
        attempt(lambda tasks: told.extend(tasks.store.verify().problems))
        attempt(lambda tasks: list(tasks.find()))
        attempt(lambda tasks: list(tasks.find({"group": 3})))
        attempt(lambda tasks: tasks.count_documents({"tags": "red"}))
        attempt(lambda tasks: tasks.update_many({"group": 4}, {"$set": {"tags": ["blue"]}}))
        attempt(lambda tasks: tasks.insert_one({"_id": "new", "group": 4}))
        attempt(lambda tasks: tasks.delete_many({"group": 5}))
        attempt(lambda tasks: tasks.create_index("padding"))
    return told


@pytest.mark.parametrize("rounds", [25, pytest.param(1500, marks=pytest.mark.long)])
def test_damage_is_told_and_nothing_else_happens(rounds: int, tmp_path: Path) -> None:
    write_store(tmp_path / "model.db")
    model = (tmp_path / "model.db").read_bytes()
    rng, noticed = random.Random(20261122), 0
    for number in range(rounds):
        path, data = tmp_path / f"{number}.db", bytearray(model)
        for _ in range(rng.choice((1, 1, 5, 50))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            start = rng.randrange(len(data) // PAGE) * PAGE
            data[start : start + PAGE] = rng.choice((bytes(PAGE), rng.randbytes(PAGE)))
        path.write_bytes(data)
        noticed += bool(use(path))
        for left in tmp_path.glob(f"{number}.db*"):
            left.unlink()
    print(f"{rounds} damaged files, {noticed} noticed; the others have other values, or unused bytes")
    assert noticed > rounds / 3


def test_a_damaged_page_is_found_by_the_check(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_store(path)
    assert use(path) == []
    data = bytearray(path.read_bytes())
    with_documents = data.index(b"x" * 200) // PAGE * PAGE
    data[with_documents : with_documents + PAGE] = bytes(PAGE)
    path.write_bytes(data)
    told = use(path)
    assert any("SQLite finds" in text for text in told)
    assert any("is damaged" in text for text in told)


# ---- other versions --------------------------------------------------------------------------------


def check_upgraded(path: Path) -> None:
    with mongoglot.connect(f"sqlite:{path}") as store:
        tasks = store["tasks"]
        assert list(tasks.find()) == FORMAT_1_DOCUMENTS
        assert any(
            "USING INDEX index of tasks on level" in line for line in tasks.explain({"level": 3})["plan"]
        )
        tasks.create_index("_id.a")
        tasks.insert_one({"_id": "new"})
        assert store.verify().ok
        tasks.drop_index("_id.a_1")
        tasks.delete_one({"_id": "new"})
    assert format_of(path) == FORMAT


def test_an_older_file_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_format_1(path)
    assert format_of(path) == 1
    check_upgraded(path)


@pytest.mark.parametrize(
    "statement", ["BEGIN IMMEDIATE", 'CREATE TABLE IF NOT EXISTS "mongoglot indexes"', "COMMIT"]
)
def test_an_upgrade_that_is_killed(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_format_1(path)
    process = children.start("files.upgrade_until", path, statement)
    children.output(process, ends=False)
    assert process.returncode == -9
    assert format_of(path) == 1
    check_upgraded(path)


def test_processes_that_upgrade_a_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_format_1(path)
    processes = [children.start("files.open_when_told", path) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", children.output(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    expected = sum(document["level"] == 3 for document in FORMAT_1_DOCUMENTS)
    assert [children.output(process) for process in processes] == [f"{expected}\n"] * 3
    check_upgraded(path)
