"""Tables that mongoglot did not make, in three databases, and the documents that their rows are read as."""

from __future__ import annotations

import datetime
import math
import random
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from bson import Binary, Decimal128
from bson.datetime_ms import DatetimeMS

from mongoglot import Column, Table
from mongoglot.compiler.instants import instant
from mongoglot.engines.sql.instants import DAY, Calendar, day_text, instant_text
from mongoglot.testing import random_filter

EPOCH = datetime.datetime(1970, 1, 1)

INSTANTS: tuple[int, ...] = (
    0, 1, 999, 1000, 1999, -1, -1000, -1001, 1_577_881_800_000_000, 1_577_881_800_000_999, -617_760_000_000_001,
    -86_400_000_000, 86_400_000_000, 253_402_300_799_999_999, -62_135_596_800_000_000,
)  # fmt: skip
"""Microseconds since 1970."""

VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("a", "b", "A", "", "1", "9", "10", "é", "Z", "ä", "aa", "a\x01", "\uffff", "\U0010ffff", "a "),
    "int": (0, 1, 2, -1, 5, -7, 2**31, -(2**31), 2**31 - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)),
    "int32": (0, 1, 2, -1, 5, -7, 2**31 - 1, -(2**31)),
    "double": (
        0.0, -0.0, 1.0, 0.5, -0.5, 2.0**31, 2.0**53, 2.0**63, -(2.0**63), 0.1, 1e308, math.inf, -math.inf,
        math.nan, 4.9, -4.9, 5.0,
    ),
    "decimal": tuple(map(Decimal, ("0.00", "1.00", "0.50", "-0.50", "0.10", "1.25", "99999999.99", "5.00"))),
    "numeric": tuple(map(Decimal, (
        "0", "1", "0.5", "0.1", "1.50", "9007199254740993", "9223372036854775807", "9223372036854775808", "1E+400",
        "-9223372036854775808.5", "NaN", "Infinity", "-Infinity", "5", "2.5",
    ))),
    "bool": (True, False),
    "timestamp": INSTANTS,
    "timestamptz": INSTANTS,
    "millis": tuple(micros // 1000 * 1000 for micros in INSTANTS),
    "day": (0, 1, -1, 18_262, -7_150, -719_162, 2_932_896),
    "date": (0, 1, -1, 1_577_881_800_000, -617_760_000_000),
    "uuid": tuple(uuid.UUID(int=number) for number in (0, 1, 2**127, 2**128 - 1, 0x1234)),
    "ints": ([], [1], [1, None, 5], [2, 2], [None], [5, -7, 2**31 - 1], [0, 1, 2]),
    "deep ints": ([], [1], [1, None, 5], [2, 2], [[1, 2], [5, 5]], [[1], [None]]),
    "texts": ([], ["a"], ["a", "b", None], ["", "é"], ["1", "9", "aa"]),
    "struct": tuple(
        {"x": number, "y z": texts}
        for number in (1.0, 5.0, None, 0.5)
        for texts in ([], ["a"], ["b", None], None)
    ),
    "structs": (
        [], [{"b": 1, "c": "a"}], [{"b": None, "c": "b"}, None], [{"b": 5, "c": None}, {"b": 1, "c": "a"}],
        [{"b": 5, "c": "b"}, {"b": -1, "c": "a"}], [None],
    ),
    "lists": ([], [[1]], [[1, 5], []], [None, [2]], [[None]], [[1], [1]]),
    "binary": (b"", b"a", b"aa", b"\0", b"\xff", b"a\0", bytes(16)),
}  # fmt: skip
"""What columns hold, instants as microseconds, days as days since 1970."""


class Typed(NamedTuple):
    """A column of a test's table.

    Attributes:
        column: as it is told to mongoglot.
        declared: its type in the database.
        values: the key of what it holds.
    """

    column: Column
    declared: str
    values: str


TEXT = Column("element", "string")
STRUCT = Column(
    "st",
    "struct",
    fields=(Column("x", "double"), Column("y z", "list", element=TEXT)),
)
STRUCTS = Column(
    "value of",
    "list",
    "sts",
    element=Column("element", "struct", fields=(Column("b", "int"), Column("c", "string"))),
)
LISTS = Column("ll", "list", element=Column("element", "list", element=Column("element", "int")))

POSTGRESQL = (
    Typed(Column("s", "string"), "text", "string"),
    Typed(Column("value", "string", collation="bytes"), 'text COLLATE "C"', "string"),
    Typed(Column("i", "int"), "bigint", "int"),
    Typed(Column("small", "int", nullable=False), "integer NOT NULL", "int32"),
    Typed(Column("d", "double"), "double precision", "double"),
    Typed(Column("n", "decimal", precision=10, scale=2), "numeric(10, 2)", "decimal"),
    Typed(Column("any % number", "decimal", "e.n"), "numeric", "numeric"),
    Typed(Column("t", "bool"), "boolean", "bool"),
    Typed(Column("at", "timestamp"), "timestamp", "timestamp"),
    Typed(Column("zone", "timestamptz", "e.at"), "timestamptz", "timestamptz"),
    Typed(Column("ms", "timestamp", scale=3), "timestamp(3)", "millis"),
    Typed(Column("day", "day"), "date", "day"),
    Typed(Column("date", "date"), "bigint", "date"),
    Typed(Column("u", "uuid"), "uuid", "uuid"),
    Typed(Column("b", "binary"), "bytea", "binary"),
    Typed(Column("ints", "list", element=Column("element", "int")), "integer[]", "deep ints"),
    Typed(Column("texts", "list", element=TEXT), "text[]", "texts"),
)

DUCKDB = (
    Typed(Column("s", "string"), "VARCHAR", "string"),
    Typed(Column("value", "string", collation="other"), "VARCHAR COLLATE NOCASE", "string"),
    Typed(Column("i", "int"), "BIGINT", "int"),
    Typed(Column("small", "int", nullable=False), "INTEGER NOT NULL", "int32"),
    Typed(Column("d", "double"), "DOUBLE", "double"),
    Typed(Column("n", "decimal", "e.n", precision=10, scale=2), "DECIMAL(10, 2)", "decimal"),
    Typed(Column("t", "bool"), "BOOLEAN", "bool"),
    Typed(Column("at", "timestamp"), "TIMESTAMP", "timestamp"),
    Typed(Column("zone", "timestamptz", "e.at"), "TIMESTAMPTZ", "timestamptz"),
    Typed(Column("ms", "timestamp", scale=3), "TIMESTAMP_MS", "millis"),
    Typed(Column("day", "day"), "DATE", "day"),
    Typed(Column("date", "date"), "BIGINT", "date"),
    Typed(Column("u", "uuid"), "UUID", "uuid"),
    Typed(Column("b", "binary"), "BLOB", "binary"),
    Typed(Column("ints", "list", element=Column("element", "int")), "INTEGER[]", "ints"),
    Typed(STRUCT, 'STRUCT(x DOUBLE, "y z" VARCHAR[])', "struct"),
    Typed(STRUCTS, "STRUCT(b BIGINT, c VARCHAR)[]", "structs"),
    Typed(LISTS, "INTEGER[][]", "lists"),
)

SQLITE = (
    Typed(Column("s", "string"), "TEXT", "string"),
    Typed(Column("value", "string", collation="other"), "TEXT COLLATE NOCASE", "string"),
    Typed(Column("i", "int"), "INTEGER", "int"),
    Typed(Column("small", "int", nullable=False), "INTEGER NOT NULL", "int32"),
    Typed(Column("d", "double"), "REAL", "double"),
    Typed(Column("t", "bool"), "INTEGER", "bool"),
    Typed(Column("date", "date", "e.at"), "INTEGER", "date"),
    Typed(Column("b", "binary", "e.n"), "BLOB", "binary"),
)


def as_field(value: Any, kind: str) -> Any:
    """What a value of `VALUES` is in a document."""
    match value, kind:
        case None, _:
            return None
        case int(), "timestamp" | "timestamptz" | "millis":
            return instant(value // 1000)
        case int(), "day":
            return instant(value * DAY)
        case int(), "date":
            return instant(value)
        case uuid.UUID(), _:
            return Binary(value.bytes, 4)
        case Decimal(), _:
            return Decimal128(value)
        case _:
            return value


def as_stored(value: Any, kind: str, database: str) -> Any:
    """What is bound to store a value of `VALUES`."""
    calendar: Calendar = "era" if database == "postgresql" else "signed"
    match value, kind:
        case int(), "timestamp" | "timestamptz" | "millis":
            zone = kind == "timestamptz"
            text, space, era = instant_text(DatetimeMS(value // 1000), calendar, zone=False).partition(" BC")
            return f"{text}{value % 1000:03}{'+00' if zone else ''}{space}{era}"
        case int(), "day":
            return day_text(value, calendar)
        case float(), _ if database == "sqlite" and math.isnan(value):
            return None
        case uuid.UUID(), _:
            return str(value)
        case _:
            return value


class Rows(NamedTuple):
    """Random rows: what is stored, and the documents that they are."""

    stored: list[list[Any]]
    documents: list[dict[str, Any]]


def random_rows(rng: random.Random, columns: tuple[Typed, ...], database: str, count: int) -> Rows:
    """Rows with a value or NULL in each column."""
    stored, documents = [], []
    for _ in range(count):
        document: dict[str, Any] = {}
        row = []
        for typed in columns:
            null = (None,) if typed.column.nullable else ()
            value = rng.choice((*null, *VALUES[typed.values]))
            row.append(as_stored(value, typed.values, database))
            if row[-1] is None:
                value = None
            if database == "sqlite" and value == 0 and isinstance(value, float):
                value = 0.0  # which a column of SQLite's type REAL does not tell from -0.0
            *parents, last = typed.column.field
            target = document
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = as_field(value, typed.values)
        stored.append(row)
        documents.append(document)
    return Rows(stored, documents)


def table_of(columns: tuple[Typed, ...]) -> Table:
    """The table as it is told to mongoglot."""
    return Table("t", tuple(typed.column for typed in columns), document=None)


def paths_of(columns: tuple[Typed, ...]) -> tuple[str, ...]:
    """The fields that are columns, and what lies above and below some of them."""
    paths = [typed.column.path for typed in columns]
    inside = {
        "st": ("st.x", "st.y z", "st.no", "st.x.no", "st.y z.0"),
        "sts": ("sts.b", "sts.c", "sts.0.b", "sts.no"),
        "ints": ("ints.0", "ints.no"),
        "ll": ("ll.0", "ll.no"),
    }
    deeper = [path for name in paths for path in inside.get(name, ())]
    return (*paths, *paths, *deeper, *deeper, "e", "s.x", "i.0", "e.n.0")


def typed_filter(
    rng: random.Random, columns: tuple[Typed, ...], documents: list[dict[str, Any]]
) -> dict[str, Any]:
    """A random filter of the columns, with operands that are near what they hold."""
    path = rng.choice(paths_of(columns))
    near = []
    for document in rng.sample(documents, 5):
        found: Any = document
        for part in path.split("."):
            found = next((item for item in found if item), None) if isinstance(found, list) else found
            found = found.get(part) if isinstance(found, dict) else found
        near.append({"a": found, "b": [found, None]})
    return moved(rng, random_filter(rng, near=near), (path, path, path, *paths_of(columns)))


def moved(rng: random.Random, condition: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The filter, its fields replaced by some of these paths."""
    result: dict[str, Any] = {}
    for name, operand in condition.items():
        if name in ("$and", "$or", "$nor"):
            result[name] = [moved(rng, member, paths) for member in operand]
        else:
            result[name if name.startswith("$") else rng.choice(paths)] = operand
    return result
