"""The physical side of a collection: which fields are columns, and which column holds the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final, get_args

from mongoglot.compiler.ast import Path
from mongoglot.compiler.trees import dotted
from mongoglot.compiler.values import is_sayable
from mongoglot.errors import UnsupportedError

ColumnType: TypeAlias = Literal[
    "string", "number", "date", "bool",
    "int", "double", "decimal", "timestamp", "timestamptz", "day", "uuid", "binary",
    "json", "list", "struct", "map", "any",
]  # fmt: skip
"""What a column holds.

The first four are what a store of mongoglot declares: text, int64 and double, milliseconds since 1970 UTC, 0 and
1 or true and false. The others are those of tables that something else made: whole numbers, doubles, exact
decimals, instants without and with a time zone, calendar days, UUIDs, bytes, JSON, values of values (in DuckDB's
maps by keys that each row has for itself), and, in SQLite, whatever there is.
"""

STORED_TYPES: Final[tuple[ColumnType, ...]] = ("string", "number", "date", "bool")

COLUMN_TYPES: Final[tuple[ColumnType, ...]] = get_args(ColumnType)

_USUAL_TYPES: Final[Mapping[str, ColumnType]] = {
    "text": "string", "str": "string", "varchar": "string", "char": "string",
    "integer": "int", "bigint": "int", "long": "int", "float": "double", "real": "double",
    "numeric": "decimal", "boolean": "bool", "datetime": "timestamp", "bytes": "binary", "blob": "binary",
    "jsonb": "json", "array": "list", "object": "struct",
}  # fmt: skip
"""What other languages and databases call the types."""

Collation: TypeAlias = Literal["default", "bytes", "other"]
"""How a column of text compares: as the database does by default, by the bytes of UTF-8, or otherwise."""

Affinity: TypeAlias = Literal["none", "text", "number"]
"""What SQLite makes of a value that is written to a column of any type, and of one that is compared with it."""

Width: TypeAlias = Literal["int64", "uint64", "int128", "uint128"]
"""What a column of whole numbers can hold. Those beyond an int64 are decimals in a document."""

EDGES: Final[dict[Width, tuple[int, int]]] = {
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
    "int128": (-(2**127), 2**127 - 1),
    "uint128": (0, 2**128 - 1),
}
"""The least and the greatest number of each."""

Encoding: TypeAlias = Literal["mongoglot", "plain", "milliseconds", "extended"]
"""How JSON holds what JSON lacks: as a store of mongoglot writes it; dates as ISO 8601 text, or as milliseconds
since 1970, and nothing else; as MongoDB's Extended JSON."""

ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)


@final
@dataclass(frozen=True, slots=True)
class Column:
    """A field that is a column.

    Attributes:
        name: of the column.
        type: of the values in it.
        path: of the field, dotted; the column's name if not given.
        mixed: whether the column may hold an empty BLOB, which says that the field has a value that the column
            cannot hold and that the document has the truth. Stores of mongoglot write such columns.
        indexed: whether a store keeps an index on it.
        nullable: whether it may hold NULL.
        collation: of text.
        as_text: whether it is read as text by a cast, as are enumerations and `char(n)`.
        precision: how many digits a decimal has; None for no limit.
        scale: how many digits it has behind the point; of instants, behind the point of the seconds (None: six).
        element: what a list holds; its name says nothing.
        fields: what a struct holds; the key and the value of a map. A map whose keys are texts is a document,
            another one an array of documents with both.
        encoding: of JSON.
        affinity: of a column of any type in SQLite; `text` of JSON in PostgreSQL that is kept as it was written.
        width: of whole numbers.
        sparse: whether that index leaves out NULL, which costs nothing then, and is not found by it.
        beside: another column whose values stand in the index too, to be read from it alone.
    """

    name: str
    type: ColumnType
    path: str = ""
    mixed: bool = False
    indexed: bool = False
    sparse: bool = False
    beside: str = ""
    nullable: bool = True
    collation: Collation = "default"
    as_text: bool = False
    precision: int | None = None
    scale: int | None = None
    element: Column | None = None
    fields: tuple[Column, ...] = ()
    encoding: Encoding = "plain"
    affinity: Affinity = "none"
    width: Width = "int64"

    def __post_init__(self) -> None:
        if self.type not in COLUMN_TYPES:
            usual = _USUAL_TYPES.get(str(self.type).lower())
            advice = f"did you mean {usual!r}? There" if usual else "there"
            raise UnsupportedError(f"no column type {self.type!r}; {advice} are {', '.join(COLUMN_TYPES)}")
        if not is_sayable(self.name):
            raise UnsupportedError(f"{self.name!r} cannot name a column: it needs characters, but no NUL")
        if (self.type == "list") != (self.element is not None):
            raise UnsupportedError(f"column {self.name!r}: a list, and nothing else, has an element")
        if (self.type in ("struct", "map")) != bool(self.fields):
            raise UnsupportedError(f"column {self.name!r}: a struct or a map, and nothing else, has fields")
        if self.type == "map" and len(self.fields) != 2:
            raise UnsupportedError(f"column {self.name!r}: a map has two fields, its key and its value")
        if self.encoding not in ENCODINGS:
            raise UnsupportedError(f"no encoding {self.encoding!r} of JSON; there are {', '.join(ENCODINGS)}")
        if not self.path:
            object.__setattr__(self, "path", self.name)

    @property
    def field(self) -> Path:
        """The path, split."""
        return tuple(self.path.split("."))

    @property
    def is_nested(self) -> bool:
        """Whether paths go on inside the column."""
        return self.type in ("json", "list", "struct", "map")

    @property
    def is_wide(self) -> bool:
        """Whether it holds whole numbers, some of them beyond an int64."""
        return self.type == "int" and self.width != "int64"


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A table to query.

    A NULL in a column reads as a field whose value is null; a field that is neither a column nor in the
    document column is an error where a query names it.

    Attributes:
        name: of the table.
        columns: the fields that are columns.
        document: the column with the rest as a JSON or JSONB document, or None.
        identity: the column with a text for `_id` that is equal for equal values, in tables of a mongoglot store.
        schema: the schema that the table is in; None for the one that the database finds it in.
        key: the names of the columns of the primary key.
        encoding: how the document column holds what JSON lacks.
    """

    name: str
    columns: tuple[Column, ...] = ()
    document: str | None = "doc"
    identity: str | None = None
    schema: str | None = None
    key: tuple[str, ...] = ()
    encoding: Encoding = "mongoglot"

    def __post_init__(self) -> None:
        columns: Any = self.columns
        if not is_sayable(self.name) or not isinstance(columns, (list, tuple)):
            raise UnsupportedError("a Table has a name and columns: Table('t', (Column('a', 'number'),))")
        for column in columns:
            if not isinstance(column, Column):
                raise UnsupportedError(f"a column of a Table is a Column, not {type(column).__name__}")
        names = [column.name.lower() for column in columns]
        for name in names:
            if names.count(name) > 1:
                raise UnsupportedError(f"table {self.name!r} has two columns {name!r}")
        if self.encoding not in ENCODINGS:
            raise UnsupportedError(f"no encoding {self.encoding!r} of JSON; there are {', '.join(ENCODINGS)}")
        object.__setattr__(self, "columns", tuple(columns))

    def column(self, path: Path) -> Column | None:
        """The column of a path, or None.

        Args:
            path: of a field, split.
        """
        return next((column for column in self.columns if column.field == path), None)

    def scalar_prefix(self, path: Path) -> Column | None:
        """A column whose field the path goes into, though it holds scalars only.

        Args:
            path: of a field, split.
        """
        found = self.prefix(path)
        return found if found is not None and not found.is_nested else None

    def prefix(self, path: Path) -> Column | None:
        """A column whose field the path goes into.

        Args:
            path: of a field, split.
        """
        return next((c for c in self.columns if path[: len(c.field)] == c.field and path != c.field), None)

    def is_split(self, path: Path) -> bool:
        """Whether fields below the path are columns of their own, and not in the document.

        Args:
            path: of a field, split.
        """
        return any(c.field[: len(path)] == path and not c.mixed for c in self.columns)

    def has(self, path: Path) -> bool:
        """Whether a path may lead to something: to a column, into or around one, or into the document.

        Args:
            path: of a field, split.
        """
        columns = self.column(path) or self.prefix(path)
        return self.document is not None or columns is not None or self.is_split(path)

    def no_field(self, path: Path, part: str = "") -> UnsupportedError:
        """The error of a query that names a field that is not there.

        Args:
            path: of a field, split.
            part: of the query, where the filter is not meant.
        """
        known = ", ".join(column.path for column in self.columns)
        place = f" (at {part}.{dotted(path)})" if part else ""
        return UnsupportedError(f"table {self.name!r} has no field {dotted(path)!r}{place}; it has {known}")


def check_table(table: object) -> None:
    """Refuse what describes no table, as its name alone.

    Raises:
        UnsupportedError: it is no `Table`.
    """
    if not isinstance(table, Table):
        name = table if isinstance(table, str) and is_sayable(table) else "t"
        raise UnsupportedError(
            f"a table is described by a Table, not by {type(table).__name__}; write Table({name!r}, "
            "(Column('a', 'number'),)), or take what reflect(connection, name) gives"
        )


def by_name(tables: Any) -> dict[str, Table]:
    """The tables that a store is opened with, by their names.

    Raises:
        UnsupportedError: one of them is no `Table`.
    """
    if isinstance(tables, str) or not isinstance(tables, Iterable):
        raise UnsupportedError("tables is a list: tables=[Table('t', (Column('a', 'number'),))]")
    found = list(tables)
    for table in found:
        check_table(table)
    return {table.name: table for table in found}
