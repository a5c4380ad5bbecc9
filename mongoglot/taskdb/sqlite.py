"""Records in SQLite: each is written in one statement, with large buffers beside the row.

What most records are made of is written as JSON at once; whatever is odd takes the way of all engines. Buffers of
more than `LARGE` bytes are parts, and the record says which: `{"mongoglot:part": 5}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple, final

from mongoglot.compiler.normalise import normalise
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Column
from mongoglot.engines.sql.tags import identity
from mongoglot.engines.sqlite.encoding import NAMES
from mongoglot.engines.sqlite.failures import ConflictError
from mongoglot.engines.sqlite.parts import PART, new_part
from mongoglot.engines.sqlite.plain import bytes_json, date_json, json_of, plain_json
from mongoglot.engines.sqlite.tables import DOCUMENT, KEY, MARK, ROW, Layout, column_value
from mongoglot.errors import DuplicateKeyError
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.records import SIZES, size_of, stored, stored_field
from mongoglot.taskdb.schema import BUFFERS, KEYS
from mongoglot.taskdb.sqlite_reading import ReadingRecordStore

LARGE: Final = 2048
"""Bytes of buffers that still stand in the record, which is rewritten whole when any key of it changes."""

_MOST_CHANGES: Final = 40
_USUAL: Final = frozenset({"_id", *(key.name for key in KEYS)})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONLY_BYTES: Final = frozenset({bytes})
_OWN: Final = frozenset({"_id", "msg_id"})


class _Written(NamedTuple):
    """A record, or keys of one, as they are written.

    Attributes:
        texts: the JSON of the fields.
        columns: the values of columns.
        parts: lists of bytes that stand beside the row, with their numbers.
    """

    texts: dict[str, str]
    columns: dict[str, Any]
    parts: list[tuple[int, list[bytes]]]

    def size(self) -> int:
        """Of the buffers, where it is noted."""
        return sum([int(self.texts.get(name, 0)) for name in SIZES.values()])


@final
class SqliteRecordStore(ReadingRecordStore):
    """The records in a table of a file."""

    def add(self, msg_id: Any, rec: Mapping[Any, Any]) -> int:
        """Add a record, in one statement; see `RecordStore`."""
        if not _is_usual(rec):
            return super().add(msg_id, rec)
        key, written = stored(msg_id), self._written(rec)
        try:
            if written.parts or not self._alone(self._insert, self._row(key, written)):
                with self.file.transaction():
                    layout = self._known_layout()
                    if layout.indexes:
                        return super().add(msg_id, rec)
                    written = self._written(rec)
                    self.file.write(self._insert, self._row(key, written))
                    self._add_parts(layout, self.file.last_row(), written)
        except ConflictError:
            raise DuplicateKeyError(self.collection.name, key) from None
        return written.size() if self.sized else 0

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record, in one statement: what stays is neither read nor encoded; see `RecordStore`."""
        if not _is_usual(rec) or len(rec) > _MOST_CHANGES or _OWN.issuperset(rec):
            return super().update(msg_id, rec)
        key, written = identity(stored(msg_id)), self._written(rec)
        size = written.size() if self.sized else 0
        buffers = tuple([name for name in BUFFERS if name in rec])
        if not written.parts and self._alone(*self._change(key, written, buffers)):
            return size
        with self.file.transaction():
            layout = self._known_layout()
            if layout.indexes:
                return super().update(msg_id, rec)
            if buffers:
                row = self._without_parts(layout, key, buffers)
                if row is None:
                    return None
                written = self._written(rec)
                self._add_parts(layout, row, written)
            self.file.write(*self._change(key, self._written(rec) if not buffers else written, ()))
            return size if self.file.changes() else None

    def _alone(self, statement: str, parameters: tuple[Any, ...]) -> bool:
        """Run a statement by itself; whether it could be, and has changed a row."""
        if self._layout is None or self._layout.indexes:
            return False
        return bool(self.file.write_alone(self._version, statement, parameters))

    def _row(self, key: Any, written: _Written) -> tuple[Any, ...]:
        """The parameters for the statement that inserts a record."""
        text = json_of(key)
        fields = [NAMES[name] + text for name, text in written.texts.items()]
        start = f'{{"_id":{text},"msg_id":{text}'
        document = ",".join([start, *fields]) + "}"
        values = {**written.columns, "msg_id": key if key.__class__ is str else MARK}
        return (identity(key), document, *map(values.get, self.columns))

    def _change(self, key: str, written: _Written, buffers: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
        """The statement, and its parameters, that changes a record whose buffers of some names are no parts."""
        changes: list[str] = []
        for name in sorted(written.texts):  # new fields stand in this order, as on a server
            changes += [f'$."{name}"', written.texts[name]]
        table = self._layout.table.name if self._layout is not None else ""
        statement = _update(table, len(written.texts), tuple(written.columns), buffers)
        return statement, (*changes, *written.columns.values(), key)

    def _known_layout(self) -> Layout:
        """The layout of the collection, which is made, and the statement for it; inside a transaction."""
        tables, name = self.backend.tables, self.collection.name
        layout = tables.found(name) or tables.created(name)
        self._version = self.file.schema_version()
        if layout is not self._layout:
            self._layout = layout
            self.columns = {column.name: column.type for column in layout.table.columns}
            names = ", ".join(map(quoted, [KEY, DOCUMENT, *self.columns]))
            places = ", ".join(["?", "jsonb(?)", *("?" for _ in self.columns)])
            self._insert = f"INSERT INTO {quoted(layout.table.name)} ({names}) VALUES ({places})"  # noqa: S608 - quoted names
        return layout

    def _written(self, rec: Mapping[str, Any]) -> _Written:
        """What is written of a record: most values in one step."""
        written = _Written({}, {}, [])
        texts, values, columns = written.texts, written.columns, self.columns
        for name, value in rec.items():
            kind = value.__class__
            if value is None:
                texts[name] = "null"
                if name in columns:
                    values[name] = None
            elif kind is str and value.isascii():
                texts[name] = encode_basestring(value)
                if name in columns:
                    values[name] = value if columns[name] == "string" else MARK
            elif kind is dict and (text := _document_text(value)) is not None:
                texts[name] = text
                if name in columns:
                    values[name] = MARK
            elif kind is datetime and (instant := _in_utc(value)) is not None:
                texts[name] = date_json(instant)
                if name in columns:
                    values[name] = _milliseconds(instant) if columns[name] == "date" else MARK
            elif name in BUFFERS:
                self._write_buffers(name, stored_field(name, value), written)
            else:
                self._write_field(name, normalise(stored(value)), written)
        for name in _OWN:
            texts.pop(name, None)
            values.pop(name, None)
        for name in BUFFERS if self.sized else ():
            if name in rec:
                self._write_field(SIZES[name], size_of(stored_field(name, rec[name])), written)
        return written

    def _write_field(self, name: str, value: Any, written: _Written) -> None:
        written.texts[name] = json_of(value)
        if name in self.columns:
            written.columns[name] = column_value({name: value}, Column(name, self.columns[name]))

    def _write_buffers(self, name: str, value: Any, written: _Written) -> None:
        if value.__class__ is not list or not _ONLY_BYTES.issuperset(map(type, value)):
            self._write_field(name, normalise(value), written)
            return
        if sum(map(len, value)) > LARGE:
            written.parts.append((new_part(), value))
            value = {PART: written.parts[-1][0]}
            written.texts[name] = json_of(value)
        else:
            written.texts[name] = bytes_json(value)

    def _add_parts(self, layout: Layout, row: int, written: _Written) -> None:
        for part, items in written.parts:
            self.parts.add(layout.table, row, part, items)

    def _without_parts(self, layout: Layout, key: str, names: tuple[str, ...]) -> int | None:
        """The row of a record, whose parts of some fields are dropped; None where there is no record."""
        paths = [f'$."{name}"."{PART}"' for name in names]
        former = ", ".join(f"{quoted(DOCUMENT)} ->> ?" for _ in names)
        text = f"SELECT {quoted(ROW)}, {former} FROM {quoted(layout.table.name)} WHERE {quoted(KEY)} = ?"  # noqa: S608 - quoted names
        for row, *parts in self.file.rows(text, (*paths, key)):
            for part in parts:
                if part is not None:
                    self.parts.drop(part)
            return int(row)
        return None


def _is_usual(rec: Any) -> bool:
    """Whether the names of a record need no escape, and can stand in a path."""
    return isinstance(rec, Mapping) and (
        _USUAL.issuperset(rec)
        or all(name.__class__ is str and name.isascii() and name.isidentifier() for name in rec)
    )


def _document_text(value: dict[Any, Any]) -> str | None:
    """The JSON of a document that needs no escape; None where it may need one."""
    if not value:
        return "{}"
    text = plain_json(value)
    return None if text is None or PREFIX in text else text


def _in_utc(value: datetime) -> datetime | None:
    """An aware date in UTC; None for others, and where the calendar ends."""
    if value.tzinfo is UTC:
        return value
    try:
        return None if value.utcoffset() is None else value.astimezone(UTC)
    except OverflowError:
        return None


def _milliseconds(value: datetime) -> int:
    """Since 1970, of a date in UTC."""
    since = value - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


@lru_cache(maxsize=256)
def _update(table: str, count: int, columns: tuple[str, ...], buffers: tuple[str, ...]) -> str:
    """The statement that gives so many fields, and some columns, new values, where some buffers are no parts."""
    changes = ", ".join(["?, jsonb(?)"] * count)
    parts = [f"{quoted(DOCUMENT)} = jsonb_set({quoted(DOCUMENT)}, {changes})"]
    parts += [f"{quoted(name)} = ?" for name in columns]
    conditions = [f"{quoted(KEY)} = ?"]
    conditions += [f"""json_type({quoted(DOCUMENT)}, '$."{name}"."{PART}"') IS NULL""" for name in buffers]
    return f"UPDATE {quoted(table)} SET {', '.join(parts)} WHERE {' AND '.join(conditions)}"  # noqa: S608 - quoted names
