# ruff: noqa: S608 - the statements are the attack
"""Stores that someone has tampered with: nothing of theirs runs, and the file is refused with its reason."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import mongoglot
from mongoglot import Column, Table
from mongoglot.errors import StoreError
from tests.faults import children

TABLE = '("_row" INTEGER PRIMARY KEY, "_key" TEXT NOT NULL UNIQUE{}, "_doc" BLOB NOT NULL{})'
INSTEAD = "DROP TABLE tasks; CREATE TABLE tasks "
NOT_OURS = "its table 'tasks' is not as mongoglot makes it"
LISTED = '"mongoglot collections"'

HOSTILE = {
    "a trigger that deletes": (
        "CREATE TRIGGER thief AFTER INSERT ON tasks BEGIN DELETE FROM tasks; END",
        "it has the trigger 'thief', and a store of mongoglot has none",
    ),
    "a trigger on a table of others": (
        "CREATE TABLE x (a); CREATE TRIGGER y BEFORE UPDATE ON x BEGIN SELECT 1; END", "it has the trigger 'y'",
    ),
    "a view": ("CREATE VIEW spy AS SELECT * FROM tasks", "it has the view 'spy'"),
    "a view in the place of a collection": (
        "ALTER TABLE tasks RENAME TO hidden; CREATE VIEW tasks AS SELECT * FROM hidden LIMIT 1",
        "it has the view 'tasks'",
    ),
    "a view in the place of the catalogue": (
        f"DROP TABLE {LISTED}; CREATE VIEW {LISTED} AS SELECT 'tasks' AS collection, 'sqlite_schema' AS name",
        "it has the view 'mongoglot collections'",
    ),
    "a trigger on a view in the place of a collection": (
        ("ALTER TABLE tasks RENAME TO h; CREATE VIEW tasks AS SELECT * FROM h; "
        "CREATE TRIGGER t INSTEAD OF INSERT ON tasks BEGIN DELETE FROM h; END"), "it has the (view|trigger)",
    ),
    "a virtual table": ("CREATE VIRTUAL TABLE v USING fts5(a)", "it has the virtual table 'v'"),
    "a column too many": ("ALTER TABLE tasks ADD COLUMN more DEFAULT 'x'", NOT_OURS),
    "a computed column": ("ALTER TABLE tasks ADD COLUMN evil AS (zeroblob(1000000000))", NOT_OURS),
    "a key that replaces": (INSTEAD + TABLE.format(" ON CONFLICT REPLACE", ""), NOT_OURS),
    "a key of another order": (INSTEAD + TABLE.format(" COLLATE NOCASE", ""), NOT_OURS),
    "a check": (INSTEAD + TABLE.format("", ", CHECK (length(_doc) > 1)"), NOT_OURS),
    "no key": (INSTEAD + '("_row" INTEGER PRIMARY KEY, "_key" TEXT, "_doc" BLOB)', NOT_OURS),
    "no table": ("DROP TABLE tasks", NOT_OURS),
    "an index on an expression": ("CREATE INDEX i ON tasks (upper(_key))", "its index 'i' is not"),
    "a unique index": ('CREATE UNIQUE INDEX "i" ON "tasks" ("_doc")', "its index 'i' is not"),
    "a partial index": ('CREATE INDEX "i" ON "tasks" ("_key") WHERE 1', "its index 'i' is not"),
    "keys that are documents": ("UPDATE \"mongoglot indexes\" SET entries = 'tasks'", "its table 'tasks' is not"),
    "keys that replace": (
        ('DROP TABLE "index group_1 of tasks"; '
        'CREATE TABLE "index group_1 of tasks" (_entry PRIMARY KEY ON CONFLICT REPLACE, _of)'),
        "its table 'index group_1 of tasks' is not",
    ),
    "a table of SQLite": (f"UPDATE {LISTED} SET name = 'sqlite_schema'", "its table 'sqlite_schema' is not"),
    "the catalogue as a collection": (
        f"UPDATE {LISTED} SET name = 'mongoglot collections'", "its table 'mongoglot collections' is not",
    ),
    "two collections in a table": (
        f"INSERT INTO {LISTED} VALUES ('twin', 'tasks', '[]')", r"its catalogue cannot be read \(StoreError\)",
    ),
    "columns that are not JSON": (f"UPDATE {LISTED} SET columns = '['", "its catalogue cannot be read"),
    "columns that are no columns": (f"UPDATE {LISTED} SET columns = '[1]'", "its catalogue cannot be read"),
    "columns without end": (f"UPDATE {LISTED} SET columns = '{'[' * 200_000}'", "its catalogue cannot be read"),
    "columns of another type": (
        f"UPDATE {LISTED} SET columns = '[{{\"name\": \"a\", \"type\": \"blob\"}}]'",
        "its catalogue cannot be read",
    ),
    "an odd catalogue": (f"ALTER TABLE {LISTED} ADD COLUMN more TEXT", "its table 'mongoglot collections' is not"),
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good store."""
    path = tmp_path / "store.db"
    with mongoglot.connect(f"sqlite:{path}") as store:
        store["tasks"].create_index("group")
        store["tasks"].insert_many([{"_id": 1, "group": 1}, {"_id": 2, "group": 2}])
    return path


def tamper(path: Path, statements: str) -> None:
    """Change a file; not through another SQLite in this process, which would not see the locks of ours."""
    database = apsw.Connection(str(path))
    for _ in database.execute(statements):
        pass
    database.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_left_untouched(name: str, path: Path) -> None:
    statements, words = HOSTILE[name]
    tamper(path, statements)
    before = children.hashes(path.parent)
    with pytest.raises(StoreError, match=words) as caught:
        mongoglot.connect(f"sqlite:{path}")
    assert str(caught.value).startswith(f"{path} is refused: ")
    assert str(caught.value).endswith("; it was left untouched")
    assert children.hashes(path.parent) == before


def test_an_older_hostile_file_is_not_upgraded(path: Path) -> None:
    tamper(
        path,
        'DROP TABLE "mongoglot indexes"; PRAGMA user_version = 1; CREATE VIEW "mongoglot indexes" AS SELECT 1',
    )
    before = children.hashes(path.parent)
    with pytest.raises(StoreError, match="it has the view 'mongoglot indexes'"):
        mongoglot.connect(f"sqlite:{path}")
    assert children.hashes(path.parent) == before


def test_tables_of_others_are_left_alone(path: Path) -> None:
    tamper(path, "CREATE TABLE notes (a CHECK (a > 0), b AS (a + 1)); INSERT INTO notes VALUES (1); ANALYZE")
    with mongoglot.connect(f"sqlite:{path}") as store:
        assert store.collection_names() == ["tasks"]
        store["notes"].insert_one({"_id": "theirs"})
        assert store["notes"].count_documents({}) == 1
        assert store.verify().ok
    assert list(apsw.Connection(str(path)).execute("SELECT * FROM notes")) == [(1, 2)]


def test_what_a_store_makes_itself_is_not_refused(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    first = Column('odd "name"', "number", "a.b", indexed=True)
    later = Column("Two  spaces\n", "string", "c", indexed=True)
    names = ["tasks", 'a "quoted" one', "mongoglot indexes", "sqlite_x", "(2) tasks", "two  spaces\n"]
    for columns in ((), (first,), (first, later)):
        with mongoglot.connect(url, tables=[Table(name, columns) for name in names[:3]]) as store:
            for name in names:
                store[name].insert_one({"a": {"b": len(columns)}, "c": "d"})
                store[name].create_index([("c", 1), ('"', -1)], name="i'\"")
    with mongoglot.connect(url) as store:
        assert [store[name].count_documents({"c": "d"}) for name in names] == [3] * len(names)
        assert store.verify().ok


def test_nothing_fires_that_was_made_after_the_file_was_opened(path: Path) -> None:
    with mongoglot.connect(f"sqlite:{path}") as store:
        tamper(path, HOSTILE["a trigger that deletes"][0])
        store["tasks"].insert_one({"_id": 3, "group": 1})
        assert store["tasks"].count_documents({}) == 3
        tamper(
            path, "DROP TRIGGER thief; ALTER TABLE tasks RENAME TO h; CREATE VIEW tasks AS SELECT * FROM h"
        )
        with pytest.raises(StoreError, match="view"):
            store["tasks"].count_documents({})


def test_a_function_in_a_check_is_not_trusted(path: Path) -> None:
    with mongoglot.connect(f"sqlite:{path}") as store:
        rows = store.backend.file.rows  # type: ignore[attr-defined]  # of this engine
        assert rows("PRAGMA trusted_schema") == [(0,)]
        with pytest.raises(StoreError):
            rows("UPDATE sqlite_schema SET sql = ''")  # the defensive mode
        with pytest.raises(StoreError, match=r"load_extension|not authorized"):
            rows("SELECT load_extension('x')")
