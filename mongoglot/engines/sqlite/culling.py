"""What a retention asks of a file: how much there is, and the first documents in the order of a date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mongoglot.compiler.instants import milliseconds
from mongoglot.engines.culling import First, Totals
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sqlite.file import File
from mongoglot.engines.sqlite.layouts import DOCUMENT, ROW
from mongoglot.errors import UnsupportedError


def totals(file: File, table: Table, sizes: Sequence[str]) -> Totals:
    """How many rows there are, and the sum of the sizes: each is read from the smallest index that has it."""
    name = quoted(table.name)
    ((records,),) = file.rows(f"SELECT count(*) FROM {name}")
    size = 0
    for field in sizes:
        ((part,),) = file.rows(f"SELECT total({_column(table, field)}) FROM {name}")
        size += int(part)
    return Totals(records, size)


def first(
    file: File, table: Table, field: str, sizes: Sequence[str], limit: int, before: Any = None
) -> list[First]:
    """The rows with the smallest values in a column of dates, NULL apart; those with no date come first."""
    column = _column(table, field)
    size = " + ".join([f"ifnull({_column(table, each)}, 0)" for each in sizes]) or "0"
    chosen = f"SELECT {quoted(ROW)}, {quoted(DOCUMENT)} ->> '$._id', {size} FROM {quoted(table.name)} "
    found = []
    if before is None:
        found = file.rows(f"{chosen} WHERE {column} = x'' ORDER BY {quoted(ROW)} LIMIT ?", (limit,))
    if len(found) < limit:
        bound: Any = b"" if before is None else milliseconds(before)
        order = f"WHERE {column} < ? ORDER BY {column}, {quoted(ROW)} LIMIT ?"
        found += file.rows(chosen + order, (bound, limit - len(found)))
    return [First(*row) for row in found]


def _column(table: Table, field: str) -> str:
    column = table.column((field,))
    if column is None:
        raise UnsupportedError(f"{field!r} is no column of {table.name!r}: declare it")
    return quoted(column.name)
