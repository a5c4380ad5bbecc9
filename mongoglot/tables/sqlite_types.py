"""The columns of a table in SQLite, whose types bind values only in STRICT tables."""

from __future__ import annotations

from mongoglot.engines.sql.table import Affinity, Column, Table
from mongoglot.tables.drivers import Database

_COLUMNS = """
    SELECT name, upper(type), "notnull", pk FROM pragma_table_xinfo(:name, :schema)
    WHERE hidden <> 1 ORDER BY cid
"""
_STRICT = "SELECT strict FROM pragma_table_list WHERE name = :name COLLATE NOCASE AND schema = :schema"


def reflected(database: Database, name: str, schema: str | None) -> Table:
    """The table; one without columns where there is none."""
    place = {"name": name, "schema": schema or "main"}
    rows = list(database.asked(_COLUMNS, place))
    strict = any(flag for (flag,) in database.asked(_STRICT, place))
    keys = sorted((position, column) for column, _, _, position in rows if position)
    single = len(keys) == 1
    columns = tuple(
        column_of(column, declared, strict=strict, nullable=not required, rowid=bool(position) and single)
        for column, declared, required, position in rows
    )
    return Table(name, columns, None, schema=schema, key=tuple(column for _, column in keys))


def column_of(name: str, declared: str, *, strict: bool, nullable: bool, rowid: bool) -> Column:
    """The column of a declared type.

    Text is compared by its bytes, whatever collation was declared. In a table that is not STRICT a column holds
    values of any type, but for a single `INTEGER PRIMARY KEY`; booleans and JSON are told by their declared types.
    """
    if declared == "INTEGER" and rowid:
        return Column(name, "int", nullable=False)
    if "JSON" in declared:
        return Column(name, "json", nullable=nullable)
    if declared in ("BOOL", "BOOLEAN"):
        return Column(name, "bool", nullable=nullable)
    if strict:
        match declared:
            case "INT" | "INTEGER":
                return Column(name, "int", nullable=nullable)
            case "REAL":
                return Column(name, "double", nullable=nullable)
            case "TEXT":
                return Column(name, "string", nullable=nullable, collation="other")
            case "BLOB":
                return Column(name, "binary", nullable=nullable)
            case _:
                return Column(name, "any", nullable=nullable)
    return Column(name, "any", nullable=nullable, affinity=_affinity(declared))


def _affinity(declared: str) -> Affinity:
    """What SQLite makes of values that are written to a column, by its rules."""
    if "INT" in declared:
        return "number"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    return "none" if "BLOB" in declared or not declared else "number"
