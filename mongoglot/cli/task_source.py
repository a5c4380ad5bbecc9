"""The task database that is asked, and how it is asked for the newest of some tasks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, final

from mongoglot.cli.sources import url_of
from mongoglot.cli.terminal import remark, say
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.grammar.text import from_text
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.queries import stored_query

FILE: Final = "mongoglot-tasks.db"
"""What `mongoglot.taskdb.ipyparallel.SQLiteDB` calls its file."""

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEW: Final = 100
_STEPS: Final = 45
"""Halvings of the time since 1970 until milliseconds are left."""

FAILED: Final[dict[str, Any]] = {"$or": [{"error": {"$ne": None}}, {"result_content.status": "error"}]}

RUNNING: Final[dict[str, Any]] = {"started": {"$ne": None}, "completed": None, "$nor": [FAILED]}

WAITING: Final[dict[str, Any]] = {"started": None, "completed": None, "$nor": [FAILED]}
"""A task may fail without having started: its dependencies were impossible."""


@final
@dataclass(frozen=True, slots=True)
class TaskSource:
    """Where tasks are.

    Attributes:
        source: a file or a URL.
        collection: in the store.
    """

    source: str
    collection: str


def usual_database() -> str:
    """The file that a cluster of the default profile writes, or one of its name in the working directory."""
    folder = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython") / "profile_default"
    return next((str(path) for path in (Path(FILE), folder / FILE) if path.exists()), FILE)


def opened_tasks(tasks: TaskSource, *, create: bool = False) -> TaskDatabase:
    """A task database.

    Raises:
        UnsupportedError: there is no such file, and it is not to be made.
    """
    url = url_of(tasks.source)
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and not create and not Path(path).exists():
        raise UnsupportedError(f"there is no task database {path!r}: say which with --db or MONGOGLOT_TASKS")
    return TaskDatabase(url, collection=tasks.collection)


def note_none(database: TaskDatabase, what: str) -> None:
    """Say why no task was found: there are no records at all, or, at a terminal, none that is `what`."""
    name = database.collection.name
    first = database.collection.find_one({}, ["msg_id"])
    if first is not None and first.get("msg_id") == first["_id"]:
        remark(f"no {what}")
        return
    if first is not None:
        say(f"{name!r} holds no task records: their _id is their msg_id; TaskDatabase.add_records makes them")
        return
    try:
        others = [other for other in database.store.collection_names() if other != name]
    except StoreError:  # who may read a collection of a server may not list them all
        others = []
    choice = f"; there are the collections {', '.join(others)}: tasks --collection NAME" if others else ""
    say(f"there are no task records in {name!r}{choice}")


def checked_filter(text: str, *others: Mapping[str, Any]) -> dict[str, Any]:
    """A query of tasks that was typed, and other conditions.

    Raises:
        FilterError: with the place in the text.
    """
    stored_query(text)  # compiles it
    return {"$and": [from_text(text), *others]} if others else dict(from_text(text))


def newest(
    database: TaskDatabase, query: Mapping[str, Any], keys: Sequence[str], key: str, limit: int
) -> list[dict[str, Any]]:
    """The records with the latest instants at a key, the latest first; the database reads those and few others.

    Args:
        database: that is asked.
        query: of tasks.
        keys: that are read of each.
        key: `submitted` or `completed`; records without it come last.
        limit: how many at most.
    """
    since = _since(database, query, key, limit)
    recent = query if since is None else {"$and": [query, {key: {"$gte": since}}]}
    found = database.collection.find(stored_query(recent), {"_id": 1}, sort=[(key, -1)], limit=limit)
    ids = [each["_id"] for each in found]
    records = {record["msg_id"]: record for record in _read(database, ids, keys)}
    return [records[name] for name in ids if name in records]


def _since(database: TaskDatabase, query: Mapping[str, Any], key: str, limit: int) -> datetime | None:
    """An instant since which there are enough records and not many more; None where all are to be sorted.

    A server sorts by its index. The other stores sort what they have read, but count by their index.
    """
    most = 2 * limit + _FEW
    if getattr(database.store.backend, "on_server", False) or count_of(database, query) <= most:
        return None
    early, late = _BEGINNING, datetime.now(UTC) + timedelta(days=1)
    for _ in range(_STEPS):
        middle = early + (late - early) / 2
        count = count_of(database, {"$and": [query, {key: {"$gte": middle}}]})
        if limit <= count <= most:
            return middle
        early, late = (middle, late) if count > most else (early, middle)
    return early if early > _BEGINNING else None


def _read(database: TaskDatabase, ids: list[Any], keys: Sequence[str]) -> Iterable[dict[str, Any]]:
    return database.db_query({"msg_id": {"$in": ids}}, keys) if ids else []


def count_of(database: TaskDatabase, query: Mapping[str, Any]) -> int:
    """How many tasks match; the database counts."""
    return database.collection.count_documents(stored_query(query))
