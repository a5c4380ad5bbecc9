"""Where old records come from: ipyparallel's SQLite file, or its collection on a MongoDB server."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from typing import Any, Final, TypeAlias, final
from urllib.parse import urlsplit, urlunsplit

from mongoglot.engines.sqlite.foreign import ForeignFile
from mongoglot.errors import StoreError
from mongoglot.store import connect
from mongoglot.taskdb.import_report import Skipped
from mongoglot.taskdb.old_values import DamagedRecordError, from_row, with_dates
from mongoglot.taskdb.records import record_of

DATABASE: Final = "ipython-tasks"
COLLECTION: Final = "task_records"
"""Where ipyparallel's MongoDB backend keeps its records if it is not told otherwise."""

PAGE_ROWS: Final = 500
PAGE_BYTES: Final = 8_000_000
"""A page ends after so many rows, or with the row that fills so many bytes."""

_TASK_COLUMNS: Final = frozenset({"msg_id", "header", "content", "buffers", "submitted", "result_buffers"})
"""A table that has these is one of tasks, whatever its name."""


@final
@dataclass(frozen=True, slots=True)
class OldRecord:
    """A record that can be imported.

    Attributes:
        place: the table or collection, and where in it.
        msg_id: of the task.
        record: its values, as the task database has them.
        notes: what values were converted to.
    """

    place: str
    msg_id: str
    record: dict[str, Any]
    notes: tuple[str, ...]


Page: TypeAlias = list[OldRecord | Skipped]


class OldRecords(ABC):
    """A source of old records; a context manager that closes it."""

    name: str

    @abstractmethod
    def tables(self) -> tuple[tuple[str, int], ...]:
        """The tables or collections, with the number of their records."""

    @abstractmethod
    def pages(self, zone: tzinfo | None) -> Iterator[Page]:
        """All records, in pages of bounded size; between two of them the source is not locked."""

    @abstractmethod
    def close(self) -> None:
        """Release the source."""

    def __enter__(self) -> OldRecords:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_old(source: str, collection: str = COLLECTION, **options: Any) -> OldRecords:
    """Open a source: the path of a file, or the address of a server.

    Raises:
        StoreError: it cannot be opened, or holds no old records.
    """
    if re.match(r"mongodb(\+srv)?://", source):
        return OldCollection(source, collection, **options)
    return OldFile(source.removeprefix("sqlite:"))


@final
class OldFile(OldRecords):
    """The tables of tasks in a file of ipyparallel's SQLite backend, all that its sessions left."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._file = ForeignFile(path)
        try:
            found = self._file.tables()
        except BaseException:
            self.close()
            raise
        self._columns = {
            name: found[name] for name in sorted(found, key=_in_order) if {*found[name]} >= _TASK_COLUMNS
        }
        if not self._columns:
            self.close()
            there = f"it has {', '.join(map(repr, found))}" if found else "it has no tables"
            raise StoreError(f"{path} has no table of IPython's tasks; {there}")

    def tables(self) -> tuple[tuple[str, int], ...]:
        """The tables in the order of the sessions."""
        return tuple((name, self._file.count(name)) for name in self._columns)

    def pages(self, zone: tzinfo | None) -> Iterator[Page]:
        """All rows, table by table; a row that cannot be read is skipped."""
        for table in self._columns:
            last = -(2**63)
            try:
                while rows := self._next(table, last):
                    yield [self._read(table, row, zone) for row in rows]
                    last = rows[-1][0]
            except StoreError as error:
                yield from self._around_damage(table, last, str(error), zone)

    def _next(self, table: str, last: int) -> list[tuple[Any, ...]]:
        """The rows of the next page; those before a damaged one are a page, too."""
        rows, size = [], 0
        with closing(self._file.rows(table, self._columns[table], last)) as found:  # type: ignore[type-var]
            try:
                for row in islice(found, PAGE_ROWS):
                    rows.append(row)
                    size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
                    if size > PAGE_BYTES:
                        break
            except StoreError:
                if not rows:
                    raise
        return rows

    def _around_damage(self, table: str, last: int, reason: str, zone: tzinfo | None) -> Iterator[Page]:
        """The rows behind a damaged one, each by itself."""
        try:
            numbers = self._file.numbers(table, "msg_id", last)
        except StoreError:
            yield [Skipped(f"{table}, all behind row {last}", None, reason)]
            return
        for number, msg_id in numbers:
            try:
                row = self._file.row(table, self._columns[table], number)
            except StoreError as error:
                yield [Skipped(f"{table}, row {number}", _id(msg_id), str(error))]
            else:
                if row is not None:
                    yield [self._read(table, row, zone)]

    def _read(self, table: str, row: tuple[Any, ...], zone: tzinfo | None) -> OldRecord | Skipped:
        number, *values = row
        columns = self._columns[table]
        place, msg_id = f"{table}, row {number}", values[columns.index("msg_id")]
        if not isinstance(msg_id, str):
            return Skipped(place, None, f"its msg_id is {msg_id!r:.100}")
        notes: list[str] = []
        try:
            record = from_row(columns, tuple(values), notes.append, zone)
        except DamagedRecordError as error:
            return Skipped(place, msg_id, str(error))
        return OldRecord(place, msg_id, record, tuple(notes))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@final
class OldCollection(OldRecords):
    """The records of ipyparallel's MongoDB backend."""

    def __init__(self, url: str, collection: str, **options: Any) -> None:
        parts = urlsplit(url)
        if not parts.path.strip("/"):
            parts = parts._replace(path=f"/{DATABASE}")
        database = parts.path.strip("/")
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{database}"
        self._store = connect(urlunsplit(parts), **options)
        try:
            self._documents = self._store[collection]
            self._ids = [found["_id"] for found in self._documents.find({}, ["_id"])]
            if not self._ids:
                raise StoreError(f"{self.name} has no records in a collection {collection!r}")
            (first,) = self._documents.find({"_id": {"$eq": self._ids[0]}}, ["msg_id"], limit=1)
            if first.get("msg_id") == first["_id"]:
                raise StoreError(
                    f"the collection {collection!r} of {self.name} is a task database of mongoglot already: "
                    "open it with TaskDatabase"
                )
        except BaseException:
            self.close()
            raise

    def tables(self) -> tuple[tuple[str, int], ...]:
        """The collection."""
        return ((self._documents.name, len(self._ids)),)

    def pages(self, zone: tzinfo | None) -> Iterator[Page]:
        """All documents; one that cannot be decoded is skipped."""
        ids = iter(self._ids)
        while chunk := list(islice(ids, PAGE_ROWS)):
            page: Page = []
            size = 0
            for document in self._found(chunk):
                page.append(document if isinstance(document, Skipped) else self._read(document, zone))
                size += 0 if isinstance(document, Skipped) else _size(document)
                if size > PAGE_BYTES:
                    yield page
                    page, size = [], 0
            yield page

    def _found(self, ids: list[Any]) -> Iterator[dict[str, Any] | Skipped]:
        """Documents by `_id`; where one of them cannot be decoded, each by itself."""
        seen: set[str] = set()
        try:
            for document in self._documents.find({"_id": {"$in": ids}}):
                seen.add(repr(document["_id"]))
                yield document
            return
        except StoreError:
            self._documents.count_documents({})  # if the server is gone, this fails, too
        for key in ids:
            if repr(key) not in seen:
                try:
                    yield from self._documents.find({"_id": {"$eq": key}})
                except StoreError as error:
                    yield Skipped(f"{self._documents.name}, _id {key}", None, str(error))

    def _read(self, document: dict[str, Any], zone: tzinfo | None) -> OldRecord | Skipped:
        place, msg_id = f"{self._documents.name}, _id {document['_id']}", document.get("msg_id")
        if not isinstance(msg_id, str):
            return Skipped(
                place, None, f"its msg_id is {msg_id!r:.100}" if msg_id is not None else "it has no msg_id"
            )
        notes: list[str] = []
        return OldRecord(place, msg_id, with_dates(record_of(document), notes.append, zone), tuple(notes))

    def close(self) -> None:
        """Close the connection."""
        self._store.close()


def _in_order(name: str) -> tuple[Any, ...]:
    """The key by which `ipython-tasks_10` comes behind `ipython-tasks_9`."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _size(document: dict[str, Any]) -> int:
    """About how many bytes its buffers and texts have, which are what can be large."""
    items = [item for value in document.values() for item in (value if isinstance(value, list) else [value])]
    return sum(len(item) for item in items if isinstance(item, (str, bytes)))
