"""What each database decides of each type of column: asked of `to_sql`, for the table of docs/tables.md.

`python -m tests.column_support` prints the table.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any, Final

from bson import Binary

import mongoglot
from mongoglot import Column, Table
from mongoglot.errors import UnsupportedError

_DAY: Final = datetime.datetime(2026, 1, 1)

_INT: Final = Column("element", "int")

COLUMNS: Final[dict[str, tuple[Column, tuple[Any, ...]]]] = {
    "`string`": (Column("a", "string"), ("x",)),
    "text that a cast makes": (Column("a", "string", as_text=True), ("x",)),
    "`int`": (Column("a", "int"), (5,)),
    "`double`": (Column("a", "double"), (5,)),
    "`decimal`": (Column("a", "decimal", precision=9, scale=2), (5,)),
    "`bool`": (Column("a", "bool"), (True,)),
    "`timestamp`, `timestamptz`": (Column("a", "timestamp"), (_DAY,)),
    "`day`": (Column("a", "day"), (_DAY,)),
    "`date`": (Column("a", "date"), (_DAY,)),
    "`uuid`": (Column("a", "uuid"), (Binary(uuid.UUID(int=5).bytes, 4),)),
    "`binary`": (Column("a", "binary"), (b"x",)),
    "`list` of scalars": (Column("a", "list", element=_INT), (5,)),
    "`struct`, at its fields": (Column("b", "struct", "a", fields=(Column("b", "int"),)), (5,)),
    "`json`, `plain` or `milliseconds`": (Column("a", "json"), ("x", 5, _DAY)),
    "`json` of PostgreSQL that is no jsonb": (Column("a", "json", affinity="text"), ("x", 5, _DAY)),
    "`any`": (Column("a", "any"), ("x", 5)),
}  # fmt: skip
"""For each row of the table a column, and operands that it may equal."""

ABSENT: Final = {
    "sqlite": {
        "text that a cast makes", "`decimal`", "`timestamp`, `timestamptz`", "`day`", "`uuid`",
        "`json` of PostgreSQL that is no jsonb",
    },
    "postgresql": {"`any`"},
    "duckdb": {"`json` of PostgreSQL that is no jsonb", "`any`"},
}  # fmt: skip
"""Rows that a database has no such columns for."""

DATABASES: Final = ("sqlite", "postgresql", "duckdb")


def samples(column: Column, operands: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """The filters of a row, each with a name."""
    path = "a.b" if column.is_nested and column.type != "list" else "a"
    for operand in operands:
        kind = {str: "strings", int: "numbers", datetime.datetime: "dates"}.get(type(operand), "")
        of = f" of {kind}" if len(operands) > 1 else ""
        yield f"`$eq`, `$in`{of}", {path: operand}
        yield f"`$eq`, `$in`{of}", {path: {"$in": [operand, operand]}}
        yield f"ranges{of}", {path: {"$gt": operand}}
        yield f"`$ne`, `$nin`{of}", {path: {"$ne": operand}}
    yield "null", {path: None}
    yield "`$exists`", {path: {"$exists": False}}
    yield "`$type`", {path: {"$type": "string"}}
    yield "`$type` of one type of numbers", {path: {"$type": "int"}}
    yield "`$mod`, bits", {path: {"$mod": [4, 1]}}
    yield "`$mod`, bits", {path: {"$bitsAllSet": 5}}
    yield "`$regex`", {path: {"$regex": "^b"}}
    yield "negated `$regex`", {path: {"$not": {"$regex": "^b"}}}
    if column.is_nested:
        yield "`$size`", {path: {"$size": 3}}
        yield "`$elemMatch` of values", {path: {"$elemMatch": {"$gt": 1, "$lt": 5}}}
        yield "`$elemMatch` of documents", {path: {"$elemMatch": {"b": "x", "c": None}}}
        yield "documents and arrays", {path: {"b": 1}}
        yield "documents and arrays", {path: [1]}


def cell(column: Column, operands: tuple[Any, ...], database: str) -> str:
    """What a database does not decide alone, of what may be asked of a column."""
    table = Table("t", (column,), document=None)
    narrowed, left = dict[str, None](), dict[str, None]()
    for name, condition in samples(column, operands):
        try:
            sql = mongoglot.compile(condition).to_sql(database, table=table)
        except UnsupportedError:
            return "–"
        if sql.residual is not None:
            (left if sql.text in ("TRUE", "1") else narrowed)[name] = None
    if len(left) == len(dict(samples(column, operands))):
        return "Python"
    parts = [f"narrowed: {', '.join(narrowed)}"] if narrowed else []
    parts += [f"Python: {', '.join(left)}"] if left else []
    return "; ".join(parts) or "SQL"


def table_of_columns() -> str:
    """The table, in Markdown."""
    lines = [f"| | {' | '.join(DATABASES)} |", "|---" * (len(DATABASES) + 1) + "|"]
    for name, (column, operands) in COLUMNS.items():
        cells = [
            "–" if name in ABSENT[database] else cell(column, operands, database) for database in DATABASES
        ]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table_of_columns())
