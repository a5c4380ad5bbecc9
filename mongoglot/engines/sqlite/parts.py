"""Large values beside the rows: a row that names them is rewritten without them, and a part is never changed."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any, Final, final

import bson

from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.file_format import PARTS
from mongoglot.engines.sqlite.layouts import ROW
from mongoglot.errors import StoreError

CACHE: Final = 32 * 2**20
"""Bytes of parts that are kept in memory, so that what is read again and again is not read from the file."""


PART: Final = "mongoglot:part"
"""How a field of a document names its part: `{"mongoglot:part": 5}`."""


def drop(file: File, table: Table, condition: str, parameters: Any) -> None:
    """Drop the parts of the rows that meet a condition, which is of the table's columns; inside a transaction."""
    if file.rows(f"SELECT 1 FROM {quoted(PARTS)} WHERE name = :_table LIMIT 1", {"_table": table.name}):
        rows = f"SELECT {quoted(ROW)} FROM {quoted(table.name)} WHERE {condition}"
        bound = (
            {**parameters, "_table": table.name}
            if isinstance(parameters, dict)
            else (table.name, *parameters)
        )
        name = ":_table" if isinstance(parameters, dict) else "?"
        file.rows(f"DELETE FROM {quoted(PARTS)} WHERE name = {name} AND row IN ({rows})", bound)


@final
class Parts:
    """The parts of one file, each a list of bytes; no two ever have one number, so one in memory is never old."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._known: OrderedDict[int, list[bytes]] = OrderedDict()
        self._size = 0

    def add(self, table: Table, row: int, part: int, items: list[bytes]) -> None:
        """Write a part of a row; inside a transaction."""
        value = bson.encode({"": items})
        self._file.write(f"INSERT INTO {quoted(PARTS)} VALUES (?, ?, ?, ?)", (part, table.name, row, value))

    def drop(self, part: int) -> None:
        """Delete a part; inside a transaction."""
        self._file.rows(f"DELETE FROM {quoted(PARTS)} WHERE part = ?", (part,))

    def any_of(self, table: Table) -> bool:
        """Whether rows of a table have parts."""
        found = self._file.rows(f"SELECT 1 FROM {quoted(PARTS)} WHERE name = ? LIMIT 1", (table.name,))
        return bool(found)

    def read(self, part: int) -> list[bytes]:
        """A part, in a list of the caller's own.

        Raises:
            StoreError: it is not there.
        """
        with self._file.lock:
            known = self._known.get(part)
            if known is None:
                known = self._read(part)
                self._keep(part, known)
            return list(known)

    def _read(self, part: int) -> list[bytes]:
        rows = self._file.rows(f"SELECT value FROM {quoted(PARTS)} WHERE part = ?", (part,))
        try:
            items: list[bytes] = bson.decode(rows[0][0])[""]
        except (IndexError, KeyError, bson.errors.BSONError):
            raise StoreError(f"{self._file.path} is damaged: part {part} cannot be read") from None
        return items

    def _keep(self, part: int, items: list[bytes]) -> None:
        size = sum(map(len, items))
        if size > CACHE // 4:
            return
        self._known[part] = items
        self._size += size
        while self._size > CACHE:
            self._size -= sum(map(len, self._known.popitem(last=False)[1]))


def new_part() -> int:
    """A number that no other part has."""
    return secrets.randbits(62)
