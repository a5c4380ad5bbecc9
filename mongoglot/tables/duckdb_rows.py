"""Rows of DuckDB as documents: columns are read as Arrow has them, all values of one at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Final

from mongoglot.compiler.instants import instant
from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.base import Record
from mongoglot.engines.duckdb import values
from mongoglot.engines.duckdb.types import Scalar
from mongoglot.engines.duckdb.values import Decode
from mongoglot.engines.sql.selection import INSTANTS
from mongoglot.engines.sql.table import EDGES, Column, ColumnType, Table
from mongoglot.errors import StoreError, UnsupportedError
from mongoglot.tables.drivers import DuckdbDatabase
from mongoglot.tables.encodings import decoder

_SCALARS: Final[dict[ColumnType, Scalar]] = {
    "int": Scalar("int", "BIGINT", INT64_MIN, INT64_MAX), "decimal": Scalar("decimal", "DECIMAL"),
    "timestamp": Scalar("date", "TIMESTAMP"), "timestamptz": Scalar("date", "TIMESTAMP WITH TIME ZONE"),
    "day": Scalar("date", "DATE"), "uuid": Scalar("uuid", "UUID"),
}  # fmt: skip
"""What values of columns are read as; those of the others are as they are."""


def documents(
    database: DuckdbDatabase, table: Table, text: str, parameters: dict[str, Any]
) -> Generator[Record, None, None]:
    """The documents of the rows that a query gives, as they are asked for.

    Args:
        database: that is asked.
        table: whose columns the query selects, as `engines.sql.selection` says.
        text: of the query.
        parameters: of the query.

    Raises:
        StoreError: the database refuses the query, or a row holds what no document can.
    """
    decode = _row_decoder(table)
    for batch in database.batches(text, parameters):
        try:
            yield from values.in_turn(decode, batch)
        except UnsupportedError as error:
            raise StoreError(f"{error}; a projection that leaves the column out reads the others") from error


def _row_decoder(table: Table) -> Callable[[Any], list[Record]]:
    decoders = [_top(column) for column in table.columns]
    paths = [column.field for column in table.columns]
    names = [path[0] for path in paths]
    whole = partial(values.each, decoder(table.encoding))
    nested = table.document is not None or any(len(path) > 1 for path in paths)

    def decode(batch: Any) -> list[Record]:
        columns = [
            _read(column, one, array)
            for column, one, array in zip(table.columns, decoders, batch.columns, strict=False)
        ]
        if not nested:
            return values.documents(names, columns, batch.num_rows)
        found: list[Any] = [{}] * batch.num_rows if table.document is None else whole(batch.columns[-1])
        rows = [dict(row) if isinstance(row, dict) else {} for row in found]
        return values.placed(paths, columns, rows)

    return decode


def _read(column: Column, decode: Decode, array: Any) -> list[Any]:
    try:
        return decode(array)
    except UnsupportedError as error:
        raise UnsupportedError(
            f"column {column.name!r} holds a value that no document can: {error}"
        ) from error


def _top(column: Column) -> Decode:
    """The decoder of a column; instants are selected as microseconds."""
    kind = "timestamp" if column.type in INSTANTS else column.type
    return (
        values.decoder(_SCALARS[kind], column.name) if kind == "timestamp" else _decoder(column, column.name)
    )


def _decoder(column: Column, place: str) -> Decode:
    match column.type:
        case "list":
            assert column.element is not None  # noqa: S101 - a Column sees to it
            return partial(values.lists, _decoder(column.element, place))
        case "struct":
            names = [field.name for field in column.fields]
            decoders = [_decoder(field, f"{place}.{field.name}") for field in column.fields]
            return partial(values.structs, names, decoders)
        case "map":
            key, value = column.fields
            if key.type == "string":
                return partial(values.maps, _decoder(value, place))
            return partial(values.entries, _decoder(key, place), _decoder(value, place))
        case "json":
            return partial(values.each, _json(column, place))
        case "date":
            return partial(values.each, instant)
        case "bool":
            return partial(values.each, partial(_boolean, place))
        case "int" if column.is_wide:
            return values.decoder(Scalar("int", "HUGEINT", *EDGES[column.width]), place)
        case kind:
            return values.decoder(_SCALARS.get(kind, Scalar("string", "VARCHAR")), place)


def _json(column: Column, place: str) -> Callable[[str], Any]:
    decode = decoder(column.encoding)

    def decoded(text: str) -> Any:
        try:
            return decode(text)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise UnsupportedError(f"column {place!r} holds JSON that is no document's: {error}") from error

    return decoded


def _boolean(place: str, value: Any) -> bool:
    if value not in (0, 1):
        raise UnsupportedError(f"column {place!r} holds {value!r}, which is no boolean")
    return bool(value)
