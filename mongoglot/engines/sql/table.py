"""The physical side of a collection: which fields are columns, and which column holds the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.values import is_sayable
from mongoglot.errors import UnsupportedError

ColumnType: TypeAlias = Literal["string", "number", "date", "bool"]
"""What a column holds: text, int64 and double, milliseconds since 1970 UTC, 0 and 1."""

COLUMN_TYPES: tuple[ColumnType, ...] = ("string", "number", "date", "bool")


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

    def __post_init__(self) -> None:
        if self.type not in COLUMN_TYPES:
            raise UnsupportedError(f"no column type {self.type!r}; there are {', '.join(COLUMN_TYPES)}")
        if not is_sayable(self.name):
            raise UnsupportedError(f"{self.name!r} cannot name a column: it needs characters, but no NUL")
        if not self.path:
            object.__setattr__(self, "path", self.name)

    @property
    def field(self) -> Path:
        """The path, split."""
        return tuple(self.path.split("."))


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
    """

    name: str
    columns: tuple[Column, ...] = ()
    document: str | None = "doc"
    identity: str | None = None

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
        object.__setattr__(self, "columns", tuple(columns))

    def column(self, path: Path) -> Column | None:
        """The column of a path, or None."""
        return next((column for column in self.columns if column.field == path), None)

    def scalar_prefix(self, path: Path) -> Column | None:
        """A column whose field the path goes into, though it holds scalars only."""
        return next((c for c in self.columns if path[: len(c.field)] == c.field and path != c.field), None)
