"""The check of parts: each is of a document that names it, and each that is named can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import bson

from mongoglot.engines.base import Record
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.file_format import PARTS
from mongoglot.engines.sqlite.parts import PART
from mongoglot.errors import StoreError


@final
class NamedParts:
    """The parts that the documents of a file name."""

    def __init__(self) -> None:
        self._named: dict[tuple[int, str, int], str] = {}
        self._unread: set[tuple[str, int]] = set()
        self._is_whole = True

    def note(self, table: str, row: int, document: Record, place: str) -> None:
        """Note the parts of a document, which is told as a place."""
        for value in document.values():
            if value.__class__ is dict and len(value) == 1 and isinstance(value.get(PART), int):
                self._named[int(value[PART]), table, row] = place

    def skip(self, table: str, row: int) -> None:
        """Note that a document cannot be read: nobody knows which parts it names."""
        self._unread.add((table, row))

    def skip_collection(self) -> None:
        """Note that the documents of a collection cannot be read at all."""
        self._is_whole = False

    def problems(self, file: File) -> Iterator[str]:
        """What is wrong with the parts of a file, when all its documents are noted."""
        last = -(2**63)
        try:
            while rows := file.rows(
                f"SELECT part, name, row, value FROM {quoted(PARTS)} WHERE part > ? ORDER BY part LIMIT 1",
                (last,),
            ):
                ((last, table, row, value),) = rows
                is_named = self._named.pop((last, table, row), None) is not None
                if is_named and not _is_readable(value):
                    yield f"part {last} of row {row} of {table!r} cannot be read"
                if not is_named and self._is_whole and (table, row) not in self._unread:
                    yield f"part {last} is of row {row} of {table!r}, which does not name it"
        except StoreError as error:
            yield f"the parts cannot be read: {error}"
        else:
            for (part, _, _), place in self._named.items():
                yield f"{place} names part {part}, which is not there"


def _is_readable(value: bytes) -> bool:
    try:
        return isinstance(bson.decode(value)[""], list)
    except (KeyError, bson.errors.BSONError):
        return False
