"""A table for `compile --table`: one that is there, or one that is described in a line or a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final, cast

from mongoglot.cli.sources import SCHEMES, url_of
from mongoglot.engines.sql.table import COLUMN_TYPES, Column, ColumnType, Table
from mongoglot.errors import UnsupportedError
from mongoglot.tables import reflect

EXAMPLE: Final = "'users(name text, age int)'"

_SYNONYMS: Final[dict[str, ColumnType]] = {
    "text": "string", "varchar": "string", "char": "string",
    "integer": "int", "bigint": "int", "smallint": "int", "int4": "int", "int8": "int",
    "real": "double", "float": "double", "float8": "double", "double precision": "double",
    "boolean": "bool", "bytea": "binary", "blob": "binary", "jsonb": "json",
    "timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp",
}  # fmt: skip
"""What SQL calls the types of columns."""

_DECIMAL: Final = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_BETWEEN: Final = re.compile(r",(?![^()]*\))")
"""A comma between columns, and none in the brackets of a type."""


def read_table(text: str) -> Table:
    """A table from `URL#table`, from `name(column type, …)`, or from a JSON file with the latter.

    Raises:
        UnsupportedError: it cannot be read so.
        StoreError: the database has no such table, or cannot be opened.
    """
    if text.endswith(".json"):
        return _of_file(Path(text))
    name, bracket, rest = text.partition("(")
    if bracket and rest.rstrip().endswith(")"):
        return Table(
            name.strip(), tuple(_column(part) for part in _BETWEEN.split(rest.rstrip()[:-1])), document=None
        )
    source, mark, table = text.rpartition("#")
    if mark and source and table:
        _check_file(url_of(source))
        return reflect(url_of(source), table)
    raise UnsupportedError(
        f"{text!r} is no table: write {EXAMPLE}, or a database and a table in it, 'shop.db#users'"
    )


def _check_file(url: str) -> None:
    scheme, _, path = url.partition(":")
    if scheme in SCHEMES.values() and not Path(path).exists():
        raise UnsupportedError(f"there is no file {path!r}")


def _column(text: str) -> Column:
    """A column from `name type`; the name may stand in double quotes."""
    parts = re.fullmatch(r'\s*(?:"((?:[^"]|"")+)"|(\S+))\s+(\S.*?)\s*', text)
    if parts is None:
        raise UnsupportedError(
            f"{text.strip()!r} is no column: write a name and one of {', '.join(COLUMN_TYPES)}"
        )
    name = parts[1].replace('""', '"') if parts[1] else parts[2]
    kind = " ".join(parts[3].lower().split())
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None:
        return Column(name, "decimal", precision=int(decimal[1]), scale=int(decimal[2] or 0))
    kind = re.sub(r"^(varchar|char)\s*\(\d+\)$", r"\1", kind)
    return Column(name, _SYNONYMS.get(kind, cast("ColumnType", kind)))  # which checks it


def _of_file(path: Path) -> Table:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        columns = tuple(Column(**column) for column in said["columns"])
        return Table(said["name"], columns, document=said.get("document"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        example = '{"name": "users", "columns": [{"name": "age", "type": "int"}]}'
        raise UnsupportedError(f"{str(path)!r} is no table: {_words(error)}; write {example}") from None


def _words(error: Exception) -> str:
    """What is wrong with a file of a table, in words."""
    match error:
        case OSError():
            return str(error.strerror)
        case KeyError():
            return f"{error.args[0]!r} is missing"
        case TypeError():
            return "it is made otherwise"
        case _:
            return str(error)
