"""Records in SQLite: each is written in one statement, with large buffers beside the row.

What most records are made of is written as JSON at once; whatever is odd takes the way of all engines. Buffers of
more than `LARGE` bytes are parts, and the record says which: `{"mongoglot:part": 5}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, final

from mongoglot.compiler.normalise import normalise
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Column, ColumnType
from mongoglot.engines.sqlite.column_values import MARK, column_value
from mongoglot.engines.sqlite.failures import ConflictError
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout
from mongoglot.engines.sqlite.parts import PART, new_part
from mongoglot.engines.sqlite.plain import Text, bytes_json, date_text, document_json, json_of, plain_json
from mongoglot.errors import DuplicateKeyError
from mongoglot.store import Collection
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.records import EPOCH, SIZES, instant_of, size_of, stored, stored_field
from mongoglot.taskdb.schema import BUFFERS, KEYS
from mongoglot.taskdb.sqlite_reading import ReadingRecordStore, key_of

LARGE: Final = 2048
"""Bytes of buffers that still stand in the record, which is rewritten whole when any key of it changes."""

_CACHE: Final = 16_000
"""KiB of pages that are kept in memory: what is read again and again of some thousand records, as by a monitor."""

_MOST_CHANGES: Final = 40
_MOST_SHAPES: Final = 256
_USUAL: Final = frozenset({"_id", *(key.name for key in KEYS)})
_ONLY_BYTES: Final = frozenset({bytes})
_OWN: Final = frozenset({"_id", "msg_id"})
_PREFIX: Final = PREFIX.encode()


class _Written(NamedTuple):
    """A record, or keys of one, as they are written.

    Attributes:
        fields: the values.
        columns: the values of columns; NULL where there is none.
        parts: lists of bytes that stand beside the row, with their numbers.
    """

    fields: dict[str, Text]
    columns: dict[str, Any]
    parts: list[tuple[int, list[bytes]]]

    def size(self) -> int:
        """Of the buffers, where it is noted."""
        return sum([int(self.fields.get(name) or 0) for name in SIZES.values()])


class _Shape(NamedTuple):
    """What all changes of the same keys share.

    Attributes:
        names: of the keys; new ones stand in this order, as on a server.
        paths: of the keys in a document.
        columns: those of the keys that are columns.
        buffers: those that are buffers.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    columns: tuple[str, ...]
    buffers: tuple[str, ...]


@final
class SqliteRecordStore(ReadingRecordStore):
    """The records in a table of a file."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        super().__init__(collection, sized=sized)
        self.columns: dict[str, ColumnType] = {}
        self._version = -1, -1
        self._layout: Layout | None = None
        self._insert = ""
        self.file.keep_in_memory(_CACHE)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def add(self, msg_id: Any, rec: Mapping[Any, Any]) -> int:
        """Add a record, in one statement; see `RecordStore`."""
        if not _is_usual(rec):
            return super().add(msg_id, rec)
        written = self._written(rec)
        try:
            if written.parts or not self._alone(self._insert, self._row(msg_id, written)):
                with self.file.transaction():
                    layout = self._known_layout()
                    if layout.indexes:
                        return super().add(msg_id, rec)
                    written = self._written(rec)
                    self.file.write(self._insert, self._row(msg_id, written))
                    self._add_parts(layout, self.file.last_row(), written)
        except ConflictError:
            raise DuplicateKeyError(self.collection.name, stored(msg_id)) from None
        return written.size() if self.sized else 0

    def update(self, msg_id: Any, rec: Mapping[Any, Any]) -> int | None:
        """Change a record, in one statement: what stays is neither read nor encoded; see `RecordStore`."""
        if not _is_usual(rec) or len(rec) > _MOST_CHANGES or _OWN.issuperset(rec):
            return super().update(msg_id, rec)
        key, written = key_of(msg_id), self._written(rec)
        size = written.size() if self.sized else 0
        if not written.parts and self._alone(*self._change(key, written)):
            return size
        with self.file.transaction():
            layout = self._known_layout()
            if layout.indexes:
                return super().update(msg_id, rec)
            written = self._written(rec)
            buffers = self._shape(written).buffers
            if buffers:
                row = self._without_parts(layout, key, buffers)
                if row is None:
                    return None
                self._add_parts(layout, row, written)
            self.file.write(*self._change(key, written, among_parts=True))
            return size if self.file.changes() else None

    def _alone(self, statement: str, parameters: tuple[Any, ...]) -> bool:
        """Run a statement by itself; whether it could be, and has changed a row."""
        if self._layout is None or self._layout.indexes:
            return False
        return bool(self.file.write_alone(self._version, statement, parameters))

    def _row(self, msg_id: Any, written: _Written) -> tuple[Any, ...]:
        """The parameters for the statement that inserts a record."""
        is_plain = msg_id.__class__ is str and msg_id.isascii()
        key = msg_id if is_plain else json_of(stored(msg_id)).encode()
        columns = written.columns
        columns["msg_id"] = msg_id if is_plain else _column(msg_id)
        document = document_json({"_id": key, "msg_id": key, **written.fields})
        return (key_of(msg_id), document, *map(columns.get, self.columns))

    def _change(
        self, key: str, written: _Written, *, among_parts: bool = False
    ) -> tuple[str, tuple[Any, ...]]:
        """The statement that changes a record, and its parameters.

        Args:
            key: of the record.
            written: what is new.
            among_parts: whether buffers that are changed may be parts, which are gone then; otherwise a record
                where they are is not changed.
        """
        fields, columns, shape = written.fields, written.columns, self._shape(written)
        values = [fields[name] for name in shape.names]
        forms = tuple([value.__class__ is bytes for value in values])
        table = self._layout.table.name if self._layout is not None else ""
        statement = _update(table, forms, shape.columns, () if among_parts else shape.buffers)
        changes: list[Any] = []
        for path, value in zip(shape.paths, values, strict=True):
            changes += (path, value)
        return statement, (*changes, *map(columns.get, shape.columns), key)

    def _shape(self, written: _Written) -> _Shape:
        names = tuple(written.fields)
        known = self._shapes.get(names)
        if known is None:
            order = tuple(sorted(names))
            paths = tuple([f'$."{name}"' for name in order])
            columns = tuple([name for name in order if name in self.columns])
            known = _Shape(order, paths, columns, tuple([name for name in BUFFERS if name in order]))
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[names] = known
        return known

    def _known_layout(self) -> Layout:
        """The layout of the collection, which is made, and the statement for it; inside a transaction."""
        tables, name = self.backend.tables, self.collection.name
        layout = tables.found(name) or tables.created(name)
        self._version = self.file.schema_version(), self.file.undone
        if layout is not self._layout:
            self._layout = layout
            self.columns = {column.name: column.type for column in layout.table.columns}
            self._shapes.clear()
            names = ", ".join(map(quoted, [KEY, DOCUMENT, *self.columns]))
            # the document comes as bytes, which SQLite would take for JSONB
            places = ", ".join(["?", "jsonb(CAST(? AS TEXT))", *("?" for _ in self.columns)])
            self._insert = f"INSERT INTO {quoted(layout.table.name)} ({names}) VALUES ({places})"  # noqa: S608 - quoted names
        return layout

    def _written(self, rec: Mapping[str, Any]) -> _Written:
        """What is written of a record: most values in one step."""
        written = _Written({}, {}, [])
        fields, values, columns = written.fields, written.columns, self.columns
        for name, value in rec.items():
            kind = value.__class__
            if value is None:
                fields[name] = None
            elif kind is str and value.isascii() and "\0" not in value:
                fields[name] = value
                if name in columns:
                    values[name] = value if columns[name] == "string" else MARK
            elif kind is datetime and (at := instant_of(value)) is not None:
                fields[name] = date_text(at)
                if name in columns:
                    values[name] = _milliseconds(at) if columns[name] == "date" else MARK
            elif kind is dict and (json := plain_json(value)) is not None and _PREFIX not in json:
                fields[name] = json
                if name in columns:
                    values[name] = MARK
            elif name in BUFFERS:
                self._write_buffers(name, stored_field(name, value), written)
            else:
                self._write_field(name, normalise(stored(value)), written)
        for name in _OWN if "msg_id" in fields or "_id" in fields else ():
            fields.pop(name, None)
            values.pop(name, None)
        for name in BUFFERS if self.sized else ():
            if name in rec:
                self._write_field(SIZES[name], size_of(stored_field(name, rec[name])), written)
        return written

    def _write_field(self, name: str, value: Any, written: _Written) -> None:
        written.fields[name] = json_of(value).encode()
        if name in self.columns:
            written.columns[name] = column_value({name: value}, Column(name, self.columns[name]))

    def _write_buffers(self, name: str, value: Any, written: _Written) -> None:
        if value.__class__ is not list or not _ONLY_BYTES.issuperset(map(type, value)):
            self._write_field(name, normalise(value), written)
            return
        if sum(map(len, value)) > LARGE:
            written.parts.append((new_part(), value))
            written.fields[name] = json_of({PART: written.parts[-1][0]}).encode()
        else:
            written.fields[name] = bytes_json(value)

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


def _column(msg_id: Any) -> Any:
    """The value of the column for an id that is not plain."""
    key = stored(msg_id)
    return key if key.__class__ is str else MARK


def _milliseconds(value: datetime) -> int:
    """Since 1970, of a naive date in UTC."""
    since = value - EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


@lru_cache(maxsize=256)
def _update(table: str, forms: tuple[bool, ...], columns: tuple[str, ...], buffers: tuple[str, ...]) -> str:
    """The statement that gives fields, some of them JSON, and columns new values, where buffers are no parts."""
    # JSON may come as bytes, which SQLite would take for JSONB
    changes = ", ".join(["?, jsonb(CAST(? AS TEXT))" if is_json else "?, ?" for is_json in forms])
    parts = [f"{quoted(DOCUMENT)} = jsonb_set({quoted(DOCUMENT)}, {changes})"]
    parts += [f"{quoted(name)} = ?" for name in columns]
    conditions = [f"{quoted(KEY)} = ?"]
    conditions += [f"""json_type({quoted(DOCUMENT)}, '$."{name}"."{PART}"') IS NULL""" for name in buffers]
    return f"UPDATE {quoted(table)} SET {', '.join(parts)} WHERE {' AND '.join(conditions)}"  # noqa: S608 - quoted names
