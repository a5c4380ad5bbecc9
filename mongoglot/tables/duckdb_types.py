"""The columns of a table or a file in DuckDB, nested ones included."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from mongoglot.engines.duckdb.types import (
    NANOSECONDS,
    Entries,
    Kind,
    ListOf,
    MapOf,
    Scalar,
    Struct,
    Type,
    read_type,
)
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import EDGES, Collation, Column, ColumnType, Table, Width
from mongoglot.errors import StoreError
from mongoglot.tables.drivers import DuckdbDatabase

_DECLARED: Final = """
    SELECT column_name, is_nullable FROM duckdb_columns()
    WHERE table_name = $name AND schema_name = coalesce($schema, current_schema())
        AND database_name = current_database()
"""

_TABLES: Final = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = coalesce($schema, current_schema()) AND table_catalog = current_database() ORDER BY 1
"""

_SHOWN: Final = 10
"""Names that an error lists."""

_KEY: Final = """
    SELECT unnest(constraint_column_names) FROM duckdb_constraints()
    WHERE table_name = $name AND schema_name = coalesce($schema, current_schema())
        AND database_name = current_database() AND constraint_type = 'PRIMARY KEY'
"""

_COLLATED: Final = """
    SELECT count(*) FROM duckdb_tables() WHERE table_name = $name AND contains(upper(sql), 'COLLATE')
    UNION ALL SELECT count(*) FROM duckdb_settings() WHERE name = 'default_collation' AND value <> ''
"""
"""Whether text may compare otherwise than by its bytes; of which column it is not told."""

_TYPES: Final[dict[Kind, ColumnType]] = {
    "bool": "bool", "int": "int", "float": "double", "decimal": "decimal", "date": "timestamp", "uuid": "uuid",
    "blob": "binary", "json": "json",
}  # fmt: skip
"""What a column is called whose values are of a kind; those of the other kinds are texts."""

_DATES: Final[dict[str, ColumnType]] = {"DATE": "day", "TIMESTAMP WITH TIME ZONE": "timestamptz"}

_SCALES: Final = {"TIMESTAMP_S": 0, "TIMESTAMP_MS": 3, NANOSECONDS: 9}

_WIDTHS: Final[dict[int, Width]] = {high: width for width, (_, high) in EDGES.items()}


def reflected(database: DuckdbDatabase, name: str, schema: str | None) -> Table:
    """The table; one without columns where there is none."""
    place = {"name": name, "schema": schema}
    full = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
    try:
        types = database.types(f"SELECT * FROM {full} LIMIT 0")  # noqa: S608 - a quoted name
    except Exception as error:
        if database.has(error):
            raise _not_there(database, name, schema, error) from error
        raise
    nullable = dict(database.asked(_DECLARED, place))
    collated = any(count for (count,) in database.asked(_COLLATED, {"name": name}))
    columns = tuple(
        column_of(
            column, read_type(kind), "other" if collated else "bytes", nullable=nullable.get(column, True)
        )
        for column, kind in types
    )
    return Table(
        name, columns, None, schema=schema, key=tuple(column for (column,) in database.asked(_KEY, place))
    )


def _not_there(database: DuckdbDatabase, name: str, schema: str | None, error: Exception) -> StoreError:
    """The error of a table that cannot be read; DuckDB's own advice names tables of the system."""
    if type(error).__name__ != "CatalogException":
        return StoreError(f"table {name!r} cannot be read: {error}")
    there = f"there is no table {name!r}" + (f" in {schema!r}" if schema else "")
    known = [table for (table,) in database.asked(_TABLES, {"schema": schema})]
    near = get_close_matches(name, known, 1)
    if near:
        return StoreError(f"{there}; did you mean {near[0]!r}?")
    return StoreError(f"{there}; there are {', '.join(map(repr, known[:_SHOWN]))}" if known else there)


def column_of(name: str, kind: Type, collation: Collation, *, nullable: bool = True) -> Column:
    """A column of a type, as files of the type are read, too (`engines.duckdb.types`)."""
    match kind:
        case ListOf(item):
            return Column(name, "list", nullable=nullable, element=column_of("element", item, collation))
        case Struct(parts) if parts and all(field for field, _ in parts):
            fields = tuple(column_of(field, inner, collation) for field, inner in parts)
            return Column(name, "struct", nullable=nullable, fields=fields)
        case MapOf(value):
            fields = (Column("key", "string"), column_of("value", value, collation))
            return Column(name, "map", nullable=nullable, fields=fields)
        case Entries(Struct(parts)):
            fields = tuple(column_of(field, inner, collation) for field, inner in parts)
            return Column(name, "map", nullable=nullable, fields=fields)
        case Scalar("int", _, _, high):
            return Column(name, "int", nullable=nullable, width=_WIDTHS.get(high, "int64"))
        case Scalar("decimal", _, _, high, scale):
            return Column(name, "decimal", nullable=nullable, precision=len(str(high)), scale=scale)
        case Scalar("date", sql):
            found = _DATES.get(sql, "timestamp")
            return Column(name, found, nullable=nullable, scale=_SCALES.get(sql))
        case Scalar(known) if known in _TYPES:
            return Column(name, _TYPES[known], nullable=nullable)
        case _:
            as_text = not isinstance(kind, Scalar) or kind.sql != "VARCHAR"
            return Column(name, "string", nullable=nullable, collation=collation, as_text=as_text)
