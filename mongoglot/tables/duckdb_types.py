"""The columns of a table or a file in DuckDB, nested ones included."""

from __future__ import annotations

from typing import Any, Final

from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Collation, Column, ColumnType, Table
from mongoglot.errors import StoreError
from mongoglot.tables.drivers import DuckdbDatabase

_DECLARED: Final = """
    SELECT column_name, is_nullable FROM duckdb_columns()
    WHERE table_name = $name AND schema_name = coalesce($schema, current_schema())
        AND database_name = current_database()
"""

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

_TYPES: Final[dict[str, ColumnType]] = {
    **dict.fromkeys(
        ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"), "int"
    ),
    **dict.fromkeys(("float", "double"), "double"),
    **dict.fromkeys(("timestamp", "timestamp_ms", "timestamp_s"), "timestamp"),
    "timestamp with time zone": "timestamptz", "boolean": "bool", "varchar": "string", "date": "day",
    "uuid": "uuid", "blob": "binary",
}  # fmt: skip

_SCALES: Final = {"timestamp_s": 0, "timestamp_ms": 3}

_MOST_DIGITS: Final = 38


def reflected(database: DuckdbDatabase, name: str, schema: str | None) -> Table:
    """The table; one without columns where there is none."""
    place = {"name": name, "schema": schema}
    full = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
    try:
        types = database.types(f"SELECT * FROM {full} LIMIT 0")  # noqa: S608 - a quoted name
    except Exception as error:
        if database.has(error):
            raise StoreError(f"there is no table {name!r}: {error}") from error
        raise
    nullable = dict(database.asked(_DECLARED, place))
    collated = any(count for (count,) in database.asked(_COLLATED, {"name": name}))
    columns = tuple(
        column_of(column, kind, "other" if collated else "bytes", nullable=nullable.get(column, True))
        for column, kind in types
    )
    return Table(
        name, columns, None, schema=schema, key=tuple(column for (column,) in database.asked(_KEY, place))
    )


def column_of(name: str, kind: Any, collation: Collation, *, nullable: bool = True) -> Column:
    """A column of a type of the driver; of one that is not known, as the text that DuckDB makes of it."""
    match kind.id:
        case "list" | "array":
            element = column_of("element", kind.children[0][1], collation)
            return Column(name, "list", nullable=nullable, element=element)
        case "struct" if all(field for field, _ in kind.children):
            fields = tuple(column_of(field, inner, collation) for field, inner in kind.children)
            return Column(name, "struct", nullable=nullable, fields=fields)
        case "decimal":
            digits = dict(kind.children)
            return Column(
                name, "decimal", nullable=nullable, precision=digits["precision"], scale=digits["scale"]
            )
        case "ubigint" | "hugeint" | "uhugeint":
            return Column(name, "decimal", nullable=nullable, precision=_MOST_DIGITS, scale=0)
        case "varchar" if str(kind) == "JSON":
            return Column(name, "json", nullable=nullable)
        case other if other in _TYPES:
            scale = _SCALES.get(other)
            how: Collation = collation if other == "varchar" else "default"
            return Column(name, _TYPES[other], nullable=nullable, collation=how, scale=scale)
        case _:
            return Column(name, "string", nullable=nullable, collation=collation, as_text=True)
