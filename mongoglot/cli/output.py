"""Documents as text: a table for people, JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal, TextIO, TypeAlias

import bson
from bson import json_util
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError

from mongoglot.errors import UnsupportedError
from mongoglot.grammar.text import to_text

Format: TypeAlias = Literal["table", "json", "ndjson", "csv"]

FORMATS: Final = ("table", "json", "ndjson", "csv")

MAX_COLUMNS: Final = 12
MAX_CELL: Final = 60
TABLE_ROWS: Final = 1000
"""Rows that a table measures at once: the columns of later ones are those of the first."""

_READ: Final = json_util.JSONOptions(tz_aware=False, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_RELAXED: Final = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=False)
_CANONICAL: Final = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, tz_aware=False)


def default_format() -> Format:
    """A table at a terminal, JSON lines in a pipe."""
    return "table" if sys.stdout.isatty() else "ndjson"


def json_line(document: Mapping[str, Any], *, exact: bool = False) -> str:
    """A document as Extended JSON: readable numbers and dates, or `exact` with the types of all of them.

    Raises:
        UnsupportedError: exact, and it holds a name that Extended JSON reads as a type.
    """
    options = _CANONICAL if exact else _RELAXED
    text = json_util.dumps(document, json_options=options, ensure_ascii=False)
    if exact and _has_type_name(document):
        try:
            same = bson.encode(from_json(text)) == bson.encode(document)
        except (ValueError, TypeError, OverflowError, BSONError):
            same = False
        if not same:
            which = f"the document with _id {document.get('_id')!r}"
            raise UnsupportedError(f"{which} has names that Extended JSON reads as types: {text[:200]}")
    return text


def from_json(text: str) -> Any:
    """What Extended JSON stands for."""
    return json_util.loads(text, json_options=_READ)


def _has_type_name(value: Any) -> bool:
    """Whether a name in it could be read as a type."""
    if isinstance(value, Mapping):
        return any(name.startswith("$") or _has_type_name(item) for name, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_type_name, value))


def write(documents: Iterable[Mapping[str, Any]], form: Format, keys: Sequence[str], out: TextIO) -> int:
    """Write documents; how many there were.

    Args:
        documents: what is written, as it is read.
        form: how.
        keys: the columns of a table and of CSV, dotted paths; none for those that the documents have.
        out: where to.
    """
    match form:
        case "ndjson":
            return sum(bool(out.write(json_line(document) + "\n")) for document in documents)
        case "json":
            return _write_array(documents, out)
        case "csv":
            return _write_csv(documents, keys, out)
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


def _write_csv(documents: Iterable[Mapping[str, Any]], keys: Sequence[str], out: TextIO) -> int:
    rows = documents if keys else list(documents)  # the names of the columns stand before the first row
    columns = keys or names_of(rows)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for document in rows:
        writer.writerow([csv_cell(value_at(document, name)) for name in columns])
        count += 1
    return count


def _write_table(documents: Iterable[Mapping[str, Any]], keys: Sequence[str], out: TextIO) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found, count = iter(documents), 0
    console = Console(file=out, soft_wrap=False)
    while rows := list(islice(found, TABLE_ROWS)):
        columns = list(keys or names_of(rows))
        left_out = columns[MAX_COLUMNS:]
        table = Table(*columns[:MAX_COLUMNS], row_styles=["", "dim"], header_style="bold cyan")
        for document in rows:
            table.add_row(*(Text(cell(value_at(document, name))) for name in columns[:MAX_COLUMNS]))
        console.print(table)
        if left_out:
            console.print(Text(f"not shown: {', '.join(left_out)}", "dim"))
        count += len(rows)
    return count


def names_of(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the fields, in the order in which they come."""
    return list(dict.fromkeys(name for document in documents for name in document))


def value_at(document: Any, path: str) -> Any:
    """What is at a dotted path, through documents only; an empty text where there is nothing."""
    if isinstance(document, Mapping) and path in document:
        return document[path]
    name, _, rest = path.partition(".")
    if not rest or not isinstance(document, Mapping) or name not in document:
        return ""
    return value_at(document[name], rest)


def cell(value: Any) -> str:
    """A value in a table, in one line and not too long."""
    text = value if isinstance(value, str) else to_text(value)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def csv_cell(value: Any) -> str:
    """A value in CSV: text and numbers as they are, the rest as Extended JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    text = json_util.dumps(value, json_options=_RELAXED, ensure_ascii=False)
    plain = json.loads(text)
    if isinstance(plain, dict) and len(plain) == 1 and isinstance(next(iter(plain.values())), str):
        return str(next(iter(plain.values())))  # a date, an id, a decimal
    return text
