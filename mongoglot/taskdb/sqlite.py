"""Records in SQLite: each is written in one statement, with large buffers beside the row.

What most records are made of is written as JSON at once; whatever is odd takes the way of all engines. Buffers of
more than `LARGE` bytes are parts, and the record says which: `{"mongoglot:part": 5}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple, final

from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import milliseconds
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sqlite.encoding import NAMES
from mongoglot.engines.sqlite.file import ConflictError
from mongoglot.engines.sqlite.parts import new_part
from mongoglot.engines.sqlite.plain import date_json, json_of, plain_json
from mongoglot.engines.sqlite.tables import DOCUMENT, KEY, MARK, ROW, Layout, column_value
from mongoglot.engines.sqlite.tags import identity
from mongoglot.errors import DuplicateKeyError
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.records import SIZES, size_of, stored, stored_field
from mongoglot.taskdb.schema import BUFFERS, KEYS
from mongoglot.taskdb.sqlite_reading import PART, ReadingRecordStore

LARGE: Final = 2048
"""Bytes of buffers that still stand in the record, which is rewritten whole when any key of it changes."""

_MOST_CHANGES: Final = 40
_USUAL: Final = frozenset({"_id", *(key.name for key in KEYS)})
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
        with self.file.transaction():
            layout = self._known_layout()
            if layout.indexes or not _is_usual(rec):
                return super().add(msg_id, rec)
            key = stored(msg_id)
            written, text = self._written(rec), json_of(key)
            fields = [f'{{"_id":{text}', f'"msg_id":{text}']
            fields += [NAMES[name] + text for name, text in written.texts.items()]
            columns = {**written.columns, "msg_id": key if key.__class__ is str else MARK}
            values = [columns.get(name) for name in self.columns]
            try:
                self.file.write(self._insert, (identity(key), ",".join(fields) + "}", *values))
            except ConflictError:
                raise DuplicateKeyError(self.collection.name, key) from None
            if written.parts:
                self._add_parts(layout, self.file.last_row(), written)
        return written.size() if self.sized else 0

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record, in one statement: what stays is neither read nor encoded; see `RecordStore`."""
        with self.file.transaction():
            layout = self._known_layout()
            if layout.indexes or not _is_usual(rec) or len(rec) > _MOST_CHANGES or _OWN.issuperset(rec):
                return super().update(msg_id, rec)
            key, written = identity(stored(msg_id)), self._written(rec)
            buffers = [name for name in BUFFERS if name in rec]
            if buffers:
                row = self._without_parts(layout, key, buffers)
                if row is None:
                    return None
                self._add_parts(layout, row, written)
            changes = []
            for name in sorted(written.texts):  # new fields stand in this order, as on a server
                changes += [f'$."{name}"', written.texts[name]]
            statement = _update(layout.table.name, len(written.texts), tuple(written.columns))
            self.file.write(statement, (*changes, *written.columns.values(), key))
            found = self.file.changes() > 0
        return (written.size() if self.sized else 0) if found else None

    def _known_layout(self) -> Layout:
        """The layout of the collection, which is made, and the statement for it; inside a transaction."""
        tables, name = self.backend.tables, self.collection.name
        layout = tables.found(name) or tables.created(name)
        if layout is not self._layout:
            self._layout = layout
            self.columns = {column.name: column for column in layout.table.columns}
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
            if name in _OWN:
                continue
            if value is None:
                texts[name] = "null"
                if name in columns:
                    values[name] = None
            elif kind is str and value.isascii():
                texts[name] = encode_basestring(value)
                if name in columns:
                    values[name] = value if columns[name].type == "string" else MARK
            elif name in BUFFERS:
                self._write_buffers(name, stored_field(name, value), written)
                continue
            elif (text := _usual_text(value)) is not None:
                texts[name] = text
                if name in columns:
                    is_date = kind is datetime and columns[name].type == "date"
                    values[name] = milliseconds(value.astimezone()) if is_date else MARK
            else:
                self._write_field(name, normalise(stored(value)), written)
            if self.sized and name in BUFFERS:
                self._write_field(SIZES[name], 0, written)
        return written

    def _write_field(self, name: str, value: Any, written: _Written) -> None:
        written.texts[name] = json_of(value)
        if name in self.columns:
            written.columns[name] = column_value({name: value}, self.columns[name])

    def _write_buffers(self, name: str, value: Any, written: _Written) -> None:
        if self.sized:
            self._write_field(SIZES[name], size_of(value), written)
        if (
            value.__class__ is list
            and all(item.__class__ is bytes for item in value)
            and size_of(value) > LARGE
        ):
            written.parts.append((new_part(), value))
            value = {PART: written.parts[-1][0]}
        written.texts[name] = json_of(value)

    def _add_parts(self, layout: Layout, row: int, written: _Written) -> None:
        for part, items in written.parts:
            self.parts.add(layout.table, row, part, items)

    def _without_parts(self, layout: Layout, key: str, names: list[str]) -> int | None:
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


def _usual_text(value: Any) -> str | None:
    """The JSON of a value that needs no escape; None where it may need one."""
    kind = value.__class__
    if kind is datetime:
        try:
            return date_json(value)
        except (OverflowError, ValueError, OSError):
            return None
    if kind is not dict and kind is not list:
        return None
    text = plain_json(value)
    return None if text is None or PREFIX in text else text


@lru_cache(maxsize=256)
def _update(table: str, count: int, columns: tuple[str, ...]) -> str:
    """The statement that gives so many fields, and some columns, new values."""
    changes = ", ".join(["?, jsonb(?)"] * count)
    parts = [f"{quoted(DOCUMENT)} = jsonb_set({quoted(DOCUMENT)}, {changes})"]
    parts += [f"{quoted(name)} = ?" for name in columns]
    return f"UPDATE {quoted(table)} SET {', '.join(parts)} WHERE {quoted(KEY)} = ?"  # noqa: S608 - quoted names
