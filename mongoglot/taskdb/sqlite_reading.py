"""Reading records from SQLite: whole ones as they are decoded, a choice of keys alone, a history from its index.

A query that may look at buffers is answered from whole records, as parts of them stand beside the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from mongoglot.compiler.projection_spec import read_projection
from mongoglot.engines.base import FindRequest, finished
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import ColumnType
from mongoglot.engines.sql.tags import identity
from mongoglot.engines.sqlite.backend import SqliteBackend
from mongoglot.engines.sqlite.encoding import decode
from mongoglot.engines.sqlite.parts import PART, Parts
from mongoglot.engines.sqlite.plain import decoded_plain, is_plain, value_of
from mongoglot.engines.sqlite.tables import DOCUMENT, KEY, Layout
from mongoglot.projections import IN_PROJECTION
from mongoglot.query import Query, compile
from mongoglot.store import Collection
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.queries import may_ask_about, stored_query
from mongoglot.taskdb.records import record_of, restored, stored
from mongoglot.taskdb.schema import BUFFERS, KEYS
from mongoglot.taskdb.stores import Record, RecordStore, named

"""The key that says which part a list of buffers is."""

_DOCUMENT: Final = quoted(DOCUMENT)
_WHOLE: Final = f"json({_DOCUMENT})"
_WITHOUT_BUFFERS: Final = (
    f"json(jsonb_remove({_DOCUMENT}, {', '.join(repr(f'$.{name}') for name in BUFFERS)}))"
)
_EACH: Final = {key.name: f"""{_DOCUMENT} -> '$."{key.name}"'""" for key in KEYS}
_EACH["msg_id"] = "msg_id"
"""What is selected: words of ours. The column has the id of nearly every record, and says where it does not."""


class ReadingRecordStore(RecordStore):
    """The part of a store in a file that reads."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        super().__init__(collection, sized=sized)
        self.backend = cast("SqliteBackend", collection.store.backend)
        self.file = self.backend.file
        self.parts = Parts(self.file)
        self.columns: dict[str, ColumnType] = {}
        self._version = -1
        self._layout: Layout | None = None
        self._insert = ""
        with self.backend.tables.reading(collection.name):
            pass  # a table of an earlier version has the columns and indexes of this one now

    def get(self, msg_id: Any) -> Record | None:
        """A record, found by its key alone."""
        with self.backend.tables.reading(self.collection.name) as layout:
            if layout is None:
                return None
            text = f"SELECT {_WHOLE} FROM {quoted(layout.table.name)} WHERE {quoted(KEY)} = ?"  # noqa: S608 - quoted names
            for (found,) in self.file.rows(text, (identity(stored(msg_id)),)):
                return self._record(found)
        return None

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them; see `RecordStore`."""
        with self.file.reading():
            inside = [name for name in fields if name.partition(".")[0] in BUFFERS and "." in name]
            if (inside or may_ask_about(check, BUFFERS)) and self._has_parts():
                return [record_of(document) for document in self._found_whole(check, fields)]
            selection, names = _selected(fields)
            query = self._compiled(check)
            rows = None
            if selection and query.plan.server_only is None:
                rows = self.backend.selected(self.collection.name, query, selection)
            if names is not None and rows and b"" in [row[0] for row in rows]:
                rows = None
            if rows is None:
                return self._found_by_all(check, fields)
            if names is None:
                return [self._record(text) for (text,) in rows]
            return [self._chosen(names, row) for row in rows]

    def history(self) -> list[Any]:
        """The ids by `submitted`, from the index on it alone; see `RecordStore`."""
        with self.backend.tables.reading(self.collection.name) as layout:
            if layout is None:
                return []
            table = quoted(layout.table.name)
            odd = f"SELECT 1 FROM {table} WHERE submitted = x'' LIMIT 1"  # noqa: S608 - quoted names
            if not self.file.rows(odd):
                ordered = f"SELECT msg_id FROM {table} ORDER BY submitted, _row"  # noqa: S608 - quoted names
                joined = f"SELECT count(*), group_concat(msg_id, char(0)) FROM ({ordered})"  # noqa: S608 - quoted names
                ((count, text),) = self.file.rows(joined)  # one long text is faster than many rows
                ids: list[Any] = [] if text is None else text.split("\0")
                if len(ids) == count and "" not in ids:  # neither an id with NUL, nor one that is no text
                    return ids
        return super().history()

    def drop(self, msg_id: Any) -> bool:
        """Drop a record and its parts; whether there was one."""
        return self.collection.delete_many(named(msg_id)).deleted_count > 0

    def drop_matching(self, check: Any) -> None:
        """Drop the records that match, and their parts."""
        if not may_ask_about(check, BUFFERS):
            super().drop_matching(check)
            return
        with self.file.transaction():
            keys = [document["_id"] for document in self._found_whole(check, {"_id": 1})]
            self.collection.delete_many({"_id": {"$in": keys}})
        self.file.give_back()

    def _compiled(self, check: Any) -> Query:
        query = stored_query(check)
        compiled = query if isinstance(query, Query) else compile(query, dialect="taskdb")
        return compiled.started()

    def _has_parts(self) -> bool:
        with self.backend.tables.reading(self.collection.name) as layout:
            return layout is not None and self.parts.any_of(layout.table)

    def _found_whole(self, check: Any, fields: dict[str, int]) -> Iterator[Record]:
        """The documents that match once their parts are in them."""
        query = self._compiled(check)
        whole = map(self._with_parts, self.collection.find_in_order({}))
        request = FindRequest(query, read_projection(fields, IN_PROJECTION, schema=False))
        return finished(query.filter(whole), request)

    def _found_by_all(self, check: Any, fields: dict[str, int]) -> list[Record]:
        found = self.collection.find_in_order(stored_query(check), fields)
        return [record_of(self._with_parts(document)) for document in found]

    def _record(self, text: str) -> Record:
        """The record of a stored text."""
        document = decoded_plain(text)
        if document is None:
            return record_of(self._with_parts(decode(text)))
        if PREFIX in text:
            document = self._with_parts(document)
            if text.count(PREFIX) != text.count(PART):
                return record_of(document)
        del document["_id"]
        return document

    def _chosen(self, names: list[str], row: tuple[Any, ...]) -> Record:
        """A record of some keys, each in its place; what it lacks is left out."""
        record = {"msg_id": row[0]}
        for name, text in zip(names, row[1:], strict=True):
            if text == "null":
                record[name] = None
            elif text is not None:
                record[name] = (
                    value_of(text) if is_plain(text) and PREFIX not in text else self._odd(name, text)
                )
        return record

    def _odd(self, name: str, text: str) -> Any:
        value = decode(f'{{"{name}":{text},"_id":0}}')
        return restored(self._with_parts(value)[name])

    def _with_parts(self, document: Record) -> Record:
        """The document with its parts in their places."""
        for name in BUFFERS:
            value = document.get(name)
            if value.__class__ is dict and PART in value:
                document[name] = self.parts.read(int(value[PART]))
        return document


def _selected(fields: dict[str, int]) -> tuple[str, list[str] | None]:
    """What is selected for a projection, "" where it needs more, and the names that it chooses."""
    wanted = {name for name, way in fields.items() if way}
    if not wanted:
        return (_WHOLE if fields.keys() == {"_id"} else _WITHOUT_BUFFERS), None
    if not wanted <= _EACH.keys():
        return "", None
    names = [name for name in _EACH if name in wanted and name != "msg_id"]
    return ", ".join([_EACH["msg_id"], *map(_EACH.__getitem__, names)]), names
