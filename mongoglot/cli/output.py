"""Documents as text: a table for people, JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Final, Literal, TextIO, TypeAlias

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from mongoglot.cli.cells import cell, csv_cell, names_of, table_cell, value_at, without_formula
from mongoglot.cli.extended_json import json_line
from mongoglot.cli.terminal import printable

Format: TypeAlias = Literal["table", "json", "ndjson", "csv"]

FORMATS: Final = ("table", "json", "ndjson", "csv")

MAX_COLUMNS: Final = 12
TABLE_ROWS: Final = 1000
"""Rows that a table measures at once: the columns of later ones are those of the first."""

_CODEC: Final[CodecOptions[Mapping[str, Any]]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

_IN_MEMORY: Final = 32 * 1024 * 1024
"""Bytes of documents that are kept in memory while the names of all columns are collected."""


def default_format() -> Format:
    """A table at a terminal, JSON lines in a pipe."""
    return "table" if sys.stdout.isatty() else "ndjson"


def write(
    documents: Iterable[Mapping[str, Any]],
    form: Format,
    keys: Sequence[str],
    out: TextIO,
    *,
    formulas: bool = False,
) -> int:
    """Write documents; how many there were.

    Args:
        documents: what is written, as it is read.
        form: how.
        keys: the columns of a table and of CSV, dotted paths; none for those that the documents have.
        out: where to.
        formulas: whether CSV has texts as they are that a spreadsheet would run as formulas.
    """
    match form:
        case "ndjson":
            return sum(bool(out.write(json_line(document) + "\n")) for document in documents)
        case "json":
            return _write_array(documents, out)
        case "csv":
            return _write_csv(documents, keys, out, formulas)
        case "table":
            return _write_table(documents, keys, out)


def _write_array(documents: Iterable[Mapping[str, Any]], out: TextIO) -> int:
    count = 0
    for document in documents:
        out.write("[\n " if not count else ",\n ")
        out.write(json_line(document))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def _write_csv(
    documents: Iterable[Mapping[str, Any]], keys: Sequence[str], out: TextIO, formulas: bool
) -> int:
    if not keys:  # the names of the columns stand before the first row
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
            names: dict[str, None] = {}
            for document in documents:
                kept.write(bson.encode(document))
                names.update(dict.fromkeys(document))
            kept.seek(0)
            return (
                _write_rows(bson.decode_file_iter(kept, _CODEC), list(names), out, formulas) if names else 0
            )
    return _write_rows(documents, keys, out, formulas)


def _write_rows(
    documents: Iterable[Mapping[str, Any]], columns: Sequence[str], out: TextIO, formulas: bool
) -> int:
    writer = csv.writer(_Shown(out) if out.isatty() else out, lineterminator="\n")
    writer.writerow(columns if formulas else map(without_formula, columns))
    count = 0
    for document in documents:
        writer.writerow([csv_cell(value_at(document, name), formulas=formulas) for name in columns])
        count += 1
    return count


class _Shown:
    """A terminal that rows of CSV are written to."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write a row."""
        return self._out.write(printable(text))


def _write_table(documents: Iterable[Mapping[str, Any]], keys: Sequence[str], out: TextIO) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found, count = iter(documents), 0
    console = Console(file=out, soft_wrap=False)
    for rows in _chunks(found):
        columns = list(keys or names_of(rows))
        left_out = columns[MAX_COLUMNS:]
        table = Table(row_styles=["", "dim"], header_style="bold cyan")
        for name in columns[:MAX_COLUMNS]:
            table.add_column(Text(cell(name)))
        for document in rows:
            table.add_row(*(Text(table_cell(value_at(document, name))) for name in columns[:MAX_COLUMNS]))
        console.print(table)
        if left_out:
            console.print(Text(f"not shown: {', '.join(map(cell, left_out))}", "dim"))
        count += len(rows)
    return count


def _chunks(found: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    while rows := list(islice(found, TABLE_ROWS)):
        yield rows
