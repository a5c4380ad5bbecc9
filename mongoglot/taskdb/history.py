"""History from before: the records of ipyparallel's own SQLite or MongoDB backend, imported into a task database.

`mongoglot tasks import OLD` does it from a shell.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import tzinfo
from typing import Any, TextIO, final

from mongoglot.errors import DuplicateKeyError, StoreError, WriteError
from mongoglot.taskdb.database import TaskDatabase, TaskRecord
from mongoglot.taskdb.import_report import EXAMPLES, Conversion, ImportReport, Skipped
from mongoglot.taskdb.old_records import COLLECTION, OldRecord, Page, open_old
from mongoglot.taskdb.schema import BUFFERS

__all__ = ["Conversion", "ImportReport", "Progress", "Skipped", "import_history", "progress_bar"]

Progress = Callable[[int, int], object]
"""Is called with how many old records have been looked at, and how many there are."""


def import_history(
    source: str | os.PathLike[str],
    target: str | TaskDatabase,
    *,
    progress: Progress | None = None,
    zone: tzinfo | None = None,
    collection: str = COLLECTION,
) -> ImportReport:
    """Import the records of ipyparallel's own backend.

    The source is only read, and a pickle in it is never run: buffers are lists of bytes, or their record is
    skipped. Where the target, or another table of the source, has a record of a task already, the one that knows
    more wins: one with `completed`, or else the one with more keys that say something. So the same import can run
    again: it takes what is new, and changes nothing else. Batches are written one by one, and others may write
    between them.

    Args:
        source: the path of a `tasks.db`, of which all tables of tasks are read; or a `mongodb://` address, whose
            database is `ipython-tasks` if it names none.
        target: the URL of a task database, or an open one.
        progress: is told how far it is, after each batch.
        zone: of dates that have none, as those of old versions; None for local time.
        collection: of the source, where that is a server.

    Raises:
        StoreError: the source cannot be read or holds no old records, or the target cannot be opened or written.
    """
    with ExitStack() as stack:
        old = stack.enter_context(open_old(os.fspath(source), collection))
        database = stack.enter_context(TaskDatabase(target)) if isinstance(target, str) else target
        tables = old.tables()
        total = sum(count for _, count in tables)
        importer = _Importer(database)
        for page in old.pages(zone):
            importer.take(page)
            if progress is not None:
                progress(importer.seen, max(total, importer.seen))
    return ImportReport(
        old.name,
        tables,
        importer.kept,
        importer.completed,
        importer.known,
        importer.conversions(),
        tuple(importer.skipped),
    )


@final
class _Importer:
    """Writes pages of old records to a task database, and counts."""

    def __init__(self, database: TaskDatabase) -> None:
        self.database = database
        self.seen = self.kept = self.completed = self.known = 0
        self.skipped: list[Skipped] = []
        self._checked = False
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, dict[str, None]] = {}

    def take(self, page: Page) -> None:
        """Write what is new in a page, and what knows more than what is there."""
        self.seen += len(page)
        self.skipped += [item for item in page if isinstance(item, Skipped)]
        records = [item for item in page if isinstance(item, OldRecord)]
        ids = [item.msg_id for item in records]
        self._check_target(ids)
        there = (
            {found["msg_id"]: found for found in self.database.db_query({"msg_id": {"$in": ids}})}
            if ids
            else {}
        )
        fresh: dict[str, OldRecord] = {}
        for item in records:
            if item.msg_id in fresh:  # a second table has it, too: one at a time
                self._add([*fresh.values()])
                there |= {msg_id: each.record for msg_id, each in fresh.items()}
                fresh = {}
            if item.msg_id not in there:
                fresh[item.msg_id] = item
            else:
                there[item.msg_id] = self._completed(item, there[item.msg_id])
        self._add([*fresh.values()])

    def _check_target(self, ids: list[str]) -> None:
        """Refuse to import a collection into itself: it has the records, but under other `_id`s."""
        if self._checked or not ids:
            return
        foreign = {"msg_id": {"$in": ids}, "_id": {"$nin": ids}}
        if self.database.collection.find_one(foreign, ["_id"]) is not None:
            raise StoreError(
                "the target is the collection of the old records itself: name another database, or open the "
                "target as TaskDatabase(url, collection=…)"
            )
        self._checked = True

    def _completed(self, item: OldRecord, known: TaskRecord) -> TaskRecord:
        """The record that is there now: left alone, or with the values of one that knows more."""
        if _knowledge(item.record) <= _knowledge(known):
            self.known += 1
            return known
        said = {name: value for name, value in item.record.items() if _says(value)}
        try:
            self.database.update_record(item.msg_id, said)
        except WriteError as error:
            self.skipped.append(Skipped(item.place, item.msg_id, str(error)))
            return known
        self.completed += 1
        self._note(item)
        return {**known, **said}

    def _add(self, items: list[OldRecord]) -> None:
        """Add records; where one is refused, one by one."""
        if not items:
            return
        try:
            self.database.add_records(item.record for item in items)
        except WriteError:
            there = {each["msg_id"] for each in self.database.find_records(_named(items), keys=["msg_id"])}
            for item in items:
                if item.msg_id in there or self._is_added(item):
                    self._count(item)
        else:
            for item in items:
                self._count(item)

    def _is_added(self, item: OldRecord) -> bool:
        try:
            self.database.add_record(item.msg_id, item.record)
        except DuplicateKeyError:
            self.known += 1  # another process recorded it just now
            return False
        except WriteError as error:
            self.skipped.append(Skipped(item.place, item.msg_id, str(error)))
            return False
        return True

    def _count(self, item: OldRecord) -> None:
        self.kept += 1
        self._note(item)

    def _note(self, item: OldRecord) -> None:
        self._counts.update(item.notes)
        for what in item.notes:
            examples = self._examples.setdefault(what, {})
            if len(examples) < EXAMPLES:
                examples[item.msg_id] = None

    def conversions(self) -> tuple[Conversion, ...]:
        """What was converted, the most frequent first."""
        return tuple(
            Conversion(what, count, tuple(self._examples[what])) for what, count in self._counts.most_common()
        )


def _named(items: Iterable[OldRecord]) -> dict[str, Any]:
    return {"msg_id": {"$in": [item.msg_id for item in items]}}


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _knowledge(record: Mapping[str, Any]) -> tuple[bool, int]:
    """How much a record knows; buffers, which may be large and are not fetched for this, do not count."""
    said = [name for name, value in record.items() if name not in BUFFERS and _says(value)]
    return "completed" in said, len(said)


def progress_bar(stream: TextIO | None = None, width: int = 40) -> Progress:
    """A progress callback that draws a bar, where the stream is a terminal; anywhere else it writes nothing.

    Args:
        stream: to draw on, stderr if not given.
        width: of the bar, in characters.
    """
    out = sys.stderr if stream is None else stream
    if out is None or not out.isatty():
        return lambda done, total: None  # noqa: ARG005 - nobody sees a bar that is no terminal

    def draw(done: int, total: int) -> None:
        filled = width * done // max(total, 1)
        end = "\n" if done >= total else ""
        out.write(f"\r[{'#' * filled}{'.' * (width - filled)}] {done:,} of {total:,}{end}")
        out.flush()

    return draw
