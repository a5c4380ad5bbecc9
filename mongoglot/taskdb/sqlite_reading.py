"""Reading records from SQLite: whole ones as they are decoded, a choice of keys alone, a history from its index.

A query that may look at buffers is answered from whole records, as parts of them stand beside the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

from mongoglot.compiler.projection_spec import read_projection
from mongoglot.engines.base import FindRequest, finished
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.tags import identity, stored_identity
from mongoglot.engines.sqlite.backend import SqliteBackend
from mongoglot.engines.sqlite.column_values import MARK
from mongoglot.engines.sqlite.encoding import decode
from mongoglot.engines.sqlite.layouts import DOCUMENT, KEY, ROW, Layout
from mongoglot.engines.sqlite.parts import PART, Parts
from mongoglot.engines.sqlite.plain import decoded_plain, is_plain, value_of
from mongoglot.errors import StoreError
from mongoglot.projections import IN_PROJECTION
from mongoglot.store import Collection
from mongoglot.taskdb.names import PREFIX
from mongoglot.taskdb.queries import Asked, asked, may_ask_about, stored_query
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
_NO_VALUES: Final = frozenset({"null", None})
"""What is selected: words of ours. The column has the id of nearly every record, and says where it does not."""


class ReadingRecordStore(RecordStore):
    """The part of a store in a file that reads."""

    def __init__(self, collection: Collection, *, sized: bool) -> None:
        super().__init__(collection, sized=sized)
        self.backend = cast("SqliteBackend", collection.store.backend)
        self.file = self.backend.file
        self.parts = Parts(self.file)
        with self.backend.tables.reading(collection.name):
            pass  # a table of an earlier version has the columns and indexes of this one now

    def get(self, msg_id: Any) -> Record | None:
        """A record, found by its key alone."""
        key = key_of(msg_id)
        found = self._asked(lambda layout: self.file.rows(_by_key(layout), (key,)))
        if not found:
            return None
        try:
            return self._record(found[0][0])
        except StoreError:  # perhaps of a part that was dropped meanwhile: now both are read in one view
            with self.backend.tables.reading(self.collection.name) as layout:
                rows = [] if layout is None else self.file.rows(_by_key(layout), (key,))
                return self._record(rows[0][0]) if rows else None

    def find(self, check: Any, fields: dict[str, int]) -> list[Record]:
        """The records that match, or what a projection takes of them; see `RecordStore`."""
        question, selection = asked(check), _selected(tuple(fields.items()))
        if selection.parts or question.about_buffers:
            with self.file.reading():  # the records and their parts in one view
                return self._found(check, fields, question, selection)
        return self._found(check, fields, question, selection)

    def _found(
        self, check: Any, fields: dict[str, int], question: Asked, selection: _Selection
    ) -> list[Record]:
        if (selection.inside or question.about_buffers) and self._has_parts():
            return [record_of(document) for document in self._found_whole(check, fields)]
        query, rows = question.query.started(), None
        if selection.text and query.plan.server_only is None:
            rows = self.backend.selected(self.collection.name, query, selection.text)
        if rows is not None and selection.names is None:
            return [self._record(text) for (text,) in rows]
        records = None if rows is None or selection.names is None else self._chosen(selection.names, rows)
        return self._found_by_all(check, fields) if records is None else records

    def history(self) -> list[Any]:
        """The ids by `submitted`, from the index on it alone; see `RecordStore`."""
        found = self._asked(lambda layout: self.file.rows(_history(layout)))
        if found is None:
            return []
        ((count, text, is_odd),) = found
        ids: list[Any] = [] if text is None else text.split("\0")
        if is_odd or len(ids) != count or "" in ids:  # an id with NUL, or one that is no text
            return super().history()
        return ids

    def _asked(self, ask: Callable[[Layout], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]] | None:
        """The rows of one statement; None where there is no collection."""
        return self.backend.tables.asked(self.collection.name, ask)

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

    def _has_parts(self) -> bool:
        with self.backend.tables.reading(self.collection.name) as layout:
            return layout is not None and self.parts.any_of(layout.table)

    def _found_whole(self, check: Any, fields: dict[str, int]) -> Iterator[Record]:
        """The documents that match once their parts are in them."""
        query = asked(check).query.started()
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

    def _chosen(self, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[Record] | None:
        """Records of some keys, each in its place; what one lacks is left out. None where a column lacks an id."""
        if not rows:
            return []
        ids, *columns = zip(*rows, strict=True)
        if MARK in ids:
            return None
        records = [{"msg_id": msg_id} for msg_id in ids]
        for name, texts in zip(names, columns, strict=True):
            for record, value, text in zip(records, self._values(name, texts), texts, strict=True):
                if text is not None:
                    record[name] = value
        return records

    def _values(self, name: str, texts: tuple[str | None, ...]) -> list[Any]:
        """The values of a key in records; all are decoded at once where they are plain."""
        if set(texts) <= _NO_VALUES:
            return [None] * len(texts)
        joined = f"[{','.join([text or 'null' for text in texts])}]"
        if is_plain(joined) and PREFIX not in joined:
            values: list[Any] = value_of(joined)
            if len(values) == len(texts):  # which they are, unless a text is no JSON
                return values
        return [None if text is None else self._value(name, text) for text in texts]

    def _value(self, name: str, text: str) -> Any:
        if is_plain(text) and PREFIX not in text:
            return value_of(text)
        value = decode(f'{{"{name}":{text},"_id":0}}')
        return restored(self._with_parts(value)[name])

    def _with_parts(self, document: Record) -> Record:
        """The document with its parts in their places."""
        for name in BUFFERS:
            value = document.get(name)
            if value.__class__ is dict and PART in value:
                document[name] = self.parts.read(int(value[PART]))
        return document


class _Selection(NamedTuple):
    """What is selected for a projection.

    Attributes:
        text: the columns; "" where it needs more.
        names: the keys that it chooses besides `msg_id`; None for all.
        parts: whether records may come with parts.
        inside: whether it looks into buffers.
    """

    text: str
    names: tuple[str, ...] | None
    parts: bool
    inside: bool


@lru_cache(maxsize=256)
def _selected(fields: tuple[tuple[str, int], ...]) -> _Selection:
    """What is selected for a projection."""
    inside = any(name.partition(".")[0] in BUFFERS and "." in name for name, _ in fields)
    wanted = {name for name, way in fields if way}
    if not wanted:
        is_whole = len(fields) == 1
        return _Selection(_WHOLE if is_whole else _WITHOUT_BUFFERS, None, is_whole, inside)
    if not wanted <= _EACH.keys():
        return _Selection("", None, True, inside)
    names = tuple(name for name in _EACH if name in wanted and name != "msg_id")
    selected = ", ".join([_EACH["msg_id"], *map(_EACH.__getitem__, names)])
    return _Selection(selected, names, not wanted.isdisjoint(BUFFERS), inside)


def key_of(msg_id: Any) -> str:
    """The text that the row of a task is found by."""
    is_plain_text = msg_id.__class__ is str and msg_id.isascii()
    return stored_identity(msg_id) if is_plain_text else identity(stored(msg_id))


@lru_cache(maxsize=256)
def _by_key(layout: Layout) -> str:
    """The statement for the record of a key."""
    return f"SELECT {_WHOLE} FROM {quoted(layout.table.name)} WHERE {quoted(KEY)} = ?"  # noqa: S608 - quoted names


@lru_cache(maxsize=256)
def _history(layout: Layout) -> str:
    """The statement for all ids by `submitted`: how many, and one long text, which is faster than many rows.

    It also says whether there is a `submitted` that the column cannot hold.
    """
    table = quoted(layout.table.name)
    ordered = f"SELECT msg_id FROM {table} ORDER BY submitted, {quoted(ROW)}"  # noqa: S608 - quoted names
    odd = f"EXISTS(SELECT 1 FROM {table} WHERE submitted = x'')"  # noqa: S608 - quoted names
    return f"SELECT count(*), group_concat(msg_id, char(0)), {odd} FROM ({ordered})"  # noqa: S608 - quoted names
