"""Rows as documents: what the value of each column is in a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from bson import Binary, Decimal128

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.engines.base import Record
from mongoglot.engines.sql.instants import DAY
from mongoglot.engines.sql.selection import INFINITE, INSTANTS
from mongoglot.engines.sql.table import Column, Table
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.tables.encodings import decoder

Decoder: TypeAlias = Callable[[Any], Any]


def check_columns(table: Table) -> None:
    """Refuse a table with a field inside another, or with two columns for one: no document has both.

    Raises:
        UnsupportedError: there are such columns, as `a` and `a.b` are.
    """
    paths = {column.field: column.name for column in table.columns}
    for column in table.columns:
        above = (paths.get(column.field[:end]) for end in range(1, len(column.field)))
        other = next((name for name in above if name is not None), paths[column.field])
        if other != column.name:
            raise UnsupportedError(
                f"columns {other!r} and {column.name!r} of table {table.name!r} cannot both be read: a dotted "
                "name is a path, and one field would be inside the other; leave one out of the Table that "
                f"reflect() gives, or say where it belongs: Column({column.name!r}, …, path='…')"
            )


def row_decoder(table: Table) -> Callable[[Sequence[Any]], Record]:
    """From a row of what `engines.sql.selection` selects to its document.

    Raises:
        StoreError: (when it is called) a value that no document can hold.
    """
    if table.document is None and all(len(column.field) == 1 for column in table.columns):
        return _flat_decoder(table)
    fields = [(column.name, column.field, _decoder(column)) for column in table.columns]
    rest = decoder(table.encoding)

    def document(row: Sequence[Any]) -> Record:
        result: Record = {}
        if table.document is not None and row[-1] is not None:
            whole = rest(row[-1])
            result = whole if isinstance(whole, dict) else {}
        for (name, path, decode), value in zip(fields, row, strict=False):
            try:
                found = None if value is None else decode(value)
            except (ValueError, TypeError, ArithmeticError) as error:
                raise _unreadable(name, error) from error
            target = result
            for part in path[:-1]:
                target = target.setdefault(part, {})
            target[path[-1]] = found
        return result

    return document


def _flat_decoder(table: Table) -> Callable[[Sequence[Any]], Record]:
    """The same for a table whose columns are fields of the document itself."""
    names = tuple(column.field[0] for column in table.columns)
    changed = [
        (column.name, field, _decoder(column))
        for column, field in zip(table.columns, names, strict=True)
        if column.type not in ("int", "number")  # which drivers give as they are
    ]

    def document(row: Sequence[Any]) -> Record:
        result: Record = dict(zip(names, row, strict=False))
        for name, field, decode in changed:
            value = result[field]
            if value is not None:
                try:
                    result[field] = decode(value)
                except (ValueError, TypeError, ArithmeticError) as error:
                    raise _unreadable(name, error) from error
        return result

    return document


def _decoder(column: Column) -> Decoder:
    match column.type:
        case "timestamp" | "timestamptz" | "day":
            return _instant
        case "date":
            return instant
        case "bool":
            return _boolean
        case "decimal":
            return _decimal
        case "double":
            return float
        case "uuid":
            return lambda value: Binary(value.bytes if isinstance(value, UUID) else UUID(value).bytes, 4)
        case "binary":
            return bytes
        case "json":
            decode = decoder(column.encoding)
            # SQLite makes a number of JSON text that is one, in a column whose type it does not know
            return lambda text: decode(text) if isinstance(text, str) else text
        case "list":
            assert column.element is not None  # noqa: S101 - a Column sees to it
            return _list_decoder(column.element)
        case "string" | "number" | "int" | "any" | "struct" | "map":  # DuckDB's are read elsewhere
            return _as_it_is


def _nested(column: Column) -> Decoder:
    """The decoder of a value inside another one, which the driver gives as its own type."""
    if column.type in INSTANTS:
        return _nested_instant
    return _decoder(column)


def _nested_instant(value: Any) -> Any:
    """PostgreSQL's are counted there, too; DuckDB gives those of Python."""
    return _instant(value) if isinstance(value, int) else instant(_from_calendar(value))


def _from_calendar(value: Any) -> int:
    """Milliseconds of a date or a datetime of Python."""
    return milliseconds(value) if hasattr(value, "hour") else (value.toordinal() - _EPOCH) * DAY


_EPOCH: Final = 719_163
"""The ordinal of 1970-01-01."""


def _as_it_is(value: Any) -> Any:
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


def _instant(micros: Any) -> Any:
    if micros == INFINITE:
        raise ValueError("an instant that is infinite")
    return instant(micros // 1000)


def _unreadable(name: str, error: Exception) -> StoreError:
    return StoreError(
        f"column {name!r} holds a value that no document can: {error}; a projection that leaves the column out "
        "reads the others"
    )


def _decimal(value: Any) -> Decimal128:
    try:
        return Decimal128(Decimal(value))
    except ArithmeticError:
        raise ValueError(f"{value} has more than the 34 digits of BSON's decimals") from None


def _boolean(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{value!r} is no boolean")
    return bool(value)


def _list_decoder(element: Column) -> Decoder:
    decode = _nested(element)
    if element.type == "list":
        return lambda value: [None if item is None else decode(item) for item in value]

    def decoded(value: Any) -> Any:
        if isinstance(value, list):  # an array of PostgreSQL may hold arrays of its own type
            return [None if item is None else decoded(item) for item in value]
        return decode(value)

    return decoded
