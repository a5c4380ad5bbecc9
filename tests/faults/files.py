"""Store files that are made by hand, and what processes do with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import apsw

import mongoglot
from mongoglot.engines.sqlite.file_format import APPLICATION_ID

FORMAT_1 = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
    (
        'CREATE TABLE "mongoglot collections" '
        "(collection TEXT PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL) STRICT"
    ),
    (
        'CREATE TABLE "tasks" ("_row" INTEGER PRIMARY KEY, "_key" TEXT NOT NULL UNIQUE, "level", '
        '"_doc" BLOB NOT NULL)'
    ),
    'CREATE INDEX "index of tasks on level" ON "tasks" ("level")',
    (
        "INSERT INTO \"mongoglot collections\" VALUES ('tasks', 'tasks', "
        '\'[{"name": "level", "type": "number", "path": "level", "mixed": true, "indexed": true}]\')'
    ),
)
"""What the first version wrote, before there were indexes."""

FORMAT_1_DOCUMENTS: list[dict[str, Any]] = [{"_id": number, "level": number % 7} for number in range(1, 200)]


def write_format_1(path: Path) -> None:
    """Make a file of format 1 with some documents, in write-ahead mode as that version did."""
    database = apsw.Connection(str(path))
    database.pragma("journal_mode", "wal")
    with mongoglot.connect("sqlite::memory:") as store:  # the keys of documents are the same in all formats
        tasks: Any = store["tasks"]
        tasks.insert_many(FORMAT_1_DOCUMENTS)
        rows = store.backend.file.rows('SELECT "_row", "_key", json("_doc") FROM tasks')  # type: ignore[attr-defined]  # of this engine
    with database:
        for statement in FORMAT_1:
            database.execute(statement)
        for (row, key, text), document in zip(rows, FORMAT_1_DOCUMENTS, strict=True):
            database.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, jsonb(?))", (row, key, document["level"], text)
            )
    database.close()


def format_of(path: Path) -> int:
    """The format of a file."""
    database = apsw.Connection(str(path))
    version: int = database.pragma("user_version")
    database.close()
    return version


def upgrade_until(path: str, statement: str) -> None:
    """Open a store, and be killed just before a statement that begins so."""

    class Connection(apsw.Connection):
        def execute(self, statements: str, *arguments: Any, **options: Any) -> Any:
            if statements.strip().startswith(statement):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().execute(statements, *arguments, **options)

    setattr(apsw, "Connection", Connection)  # noqa: B010 - a type that is not to be assigned
    mongoglot.connect(f"sqlite:{path}")


def open_when_told(path: str) -> None:
    """Open a store when a line comes in; print how many documents of a level there are."""
    with mongoglot.connect("sqlite::memory:") as store:
        store["tasks"].insert_one({})
    print("ready", flush=True)
    input()
    with mongoglot.connect(f"sqlite:{path}") as store:
        print(store["tasks"].count_documents({"level": 3}))
