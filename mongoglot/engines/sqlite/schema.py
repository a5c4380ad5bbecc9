"""The check of a file's schema when it is opened: nothing but what this package writes stands in its tables.

A trigger runs when documents are written, and a view, a virtual table or an index on an expression when they are
read; a column that SQLite computes or a clause such as ON CONFLICT REPLACE changes what a write does. A
file with any of these is refused, before anything is written to it. Tables that are no collections are
left alone: no statement of ours names them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mongoglot.compiler.index import Index
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Column
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.file_format import CATALOGUE, INDEXES, LAYOUT, PARTS
from mongoglot.engines.sqlite.indexes import entries_statement
from mongoglot.engines.sqlite.table_statements import collection_statement
from mongoglot.errors import MongoglotError, StoreError


class _Item(NamedTuple):
    """A row of the schema; the text is None for an index that SQLite makes itself."""

    type: str
    name: str
    table: str
    text: str | None


def check_schema(file: File) -> None:
    """Refuse a file that has more in its schema than a store of mongoglot has, and say what.

    Raises:
        StoreError: a trigger, view or virtual table; a table or index that is not as this package writes it; a
            catalogue that cannot be read. Nothing was written.
    """
    with file.reading():  # in one view: another process may be making tables
        items = [_Item(*row) for row in file.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema")]
        try:
            problem = next(_odd(file, items), None) if items else None
        except (ValueError, TypeError, AttributeError, RecursionError, MongoglotError) as error:
            problem = f"its catalogue cannot be read ({type(error).__name__})"
    if problem is not None:
        raise StoreError(f"{file.path} is refused: {problem}; it was left untouched")


def _odd(file: File, items: list[_Item]) -> Iterator[str]:
    """What is not ours, the worst first."""
    for item in items:
        if item.type not in ("table", "index") or _words(item.text).startswith("CREATE VIRTUAL"):
            kind = item.type if item.type != "table" else "virtual table"
            yield f"it has the {kind} {item.name!r}, and a store of mongoglot has none"
    tables = {item.name: _words(item.text) for item in items if item.type == "table"}
    ours = dict(_expected(file, tables))
    for name, texts in ours.items():
        if tables.get(name) not in texts:
            yield f"its table {name!r} is not as mongoglot makes it"
    for item in items:
        if item.type == "index" and item.table in ours and not _is_plain(item):
            yield f"its index {item.name!r} is not as mongoglot makes it"


def _expected(file: File, tables: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    """The tables that are ours, each with the texts it may have."""
    for name, text in zip((CATALOGUE, INDEXES, PARTS), LAYOUT, strict=True):
        if name == CATALOGUE or name in tables:
            yield name, {_words(text).replace("IF NOT EXISTS ", "")}
    seen = set()
    for collection, name, text in file.rows(f"SELECT collection, name, columns FROM {quoted(CATALOGUE)}"):
        if name in seen:
            raise StoreError(f"{collection!r} has the table of another collection")
        seen.add(name)
        columns = [Column(**column) for column in json.loads(text)]
        yield name, {_words(collection_statement(name, columns, late)) for late in range(len(columns) + 1)}
    if INDEXES in tables:
        rows = file.rows(f"SELECT name, keys, options, entries FROM {quoted(INDEXES)}")
        for index, keys, options, name in rows:
            Index(index, tuple((path, int(way)) for path, way in json.loads(keys)), **json.loads(options))
            yield name, {_words(entries_statement(name))}


def _is_plain(item: _Item) -> bool:
    """Whether an index is one that SQLite makes itself, or one on a column, of all rows or those with a value."""
    if item.text is None:
        return True
    start = f"CREATE INDEX {quoted(item.name)} ON {quoted(item.table)} "
    return item.text.startswith(start) and _ON_COLUMN.fullmatch(item.text.removeprefix(start)) is not None


_ON_COLUMN: Final = re.compile(r'\(("(?:[^"]|"")*")(?:, "(?:[^"]|"")*"){0,2}\)(?: WHERE \1 IS NOT NULL)?')


def _words(text: str | None) -> str:
    """A statement, its spaces made one."""
    return " ".join((text or "").split())
