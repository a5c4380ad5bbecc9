"""The columns of a table in PostgreSQL, from its catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.table import Affinity, Collation, Column, ColumnType, Table
from mongoglot.tables.drivers import Database

_RELATION: Final = "SELECT to_regclass(%(name)s)::oid"

_COLUMNS: Final = """
    WITH RECURSIVE resolved AS (
        SELECT a.attnum, a.attname, a.attnotnull, a.attcollation, a.atttypid AS type, a.atttypmod AS modifier
        FROM pg_attribute a WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT r.attnum, r.attname, r.attnotnull OR t.typnotnull, r.attcollation, t.typbasetype,
               CASE WHEN t.typtypmod = -1 THEN r.modifier ELSE t.typtypmod END
        FROM resolved r JOIN pg_type t ON t.oid = r.type WHERE t.typtype = 'd'
    )
    SELECT r.attname, t.typname, e.typname, r.modifier, r.attnotnull, c.collname, c.collisdeterministic
    FROM resolved r
    JOIN pg_type t ON t.oid = r.type AND t.typtype <> 'd'
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    LEFT JOIN pg_collation c ON c.oid = r.attcollation
    ORDER BY r.attnum
"""

_KEY: Final = """
    SELECT a.attname FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE i.indrelid = %(oid)s AND i.indisprimary ORDER BY k.place
"""

_ORDER: Final = """
    SELECT d.datcollate, to_jsonb(d) ->> 'datlocprovider', to_jsonb(d) ->> 'datlocale'
    FROM pg_database d WHERE d.datname = current_database()
"""
"""How text of the database compares; a version that does not tell whose order it is has libc's."""

_TYPES: Final[dict[str, ColumnType]] = {
    **dict.fromkeys(("int2", "int4", "int8"), "int"),
    **dict.fromkeys(("float4", "float8"), "double"),
    **dict.fromkeys(("text", "varchar"), "string"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "numeric": "decimal", "bool": "bool", "uuid": "uuid", "bytea": "binary", "date": "day",
    "timestamp": "timestamp", "timestamptz": "timestamptz",
}  # fmt: skip

_BY_BYTES: Final = frozenset(
    {
        "C",
        "POSIX",
        "C.UTF-8",
        "C.UTF8",
        "C.utf8",
        "ucs_basic",
        "pg_c_utf8",
        "PG_UNICODE_FAST",
        "pg_unicode_fast",
    }
)
"""Orders of code points, which are those of UTF-8's bytes."""


@final
@dataclass(frozen=True, slots=True)
class _Type:
    """A type as the catalogue has it: its name, that of an array's elements, its modifier, how text compares."""

    name: str
    element: str | None
    modifier: int
    collation: Collation


def reflected(database: Database, name: str, schema: str | None) -> Table:
    """The table; one without columns where there is none."""
    full = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
    ((oid,),) = database.asked(_RELATION, {"name": full})
    order = _order(*next(iter(list(database.asked(_ORDER, {})))))
    columns = []
    for column, kind, element, modifier, required, collation, deterministic in database.asked(
        _COLUMNS, {"oid": oid}
    ):
        named = order if collation == "default" else collation
        how: Collation = "other" if deterministic is False else "bytes" if named in _BY_BYTES else "default"
        columns.append(_column(column, _Type(kind, element, modifier, how), nullable=not required))
    key = tuple(column for (column,) in database.asked(_KEY, {"oid": oid}))
    return Table(name, tuple(columns), None, schema=schema, key=key)


def _order(collate: str, provider: str | None, locale: str | None) -> str:
    """The name of the order of text: of libc (`c`), of PostgreSQL itself (`b`) or, which says nothing, of ICU."""
    match provider:
        case "c" | None:
            return collate
        case "b":
            return locale or ""
        case _:
            return ""


def _column(name: str, kind: _Type, *, nullable: bool) -> Column:
    """A column; of a type that is not known, as the text that PostgreSQL makes of it."""
    if kind.element is not None:
        element = _column("element", _Type(kind.element, None, kind.modifier, kind.collation), nullable=True)
        return Column(name, "list", nullable=nullable, element=element)
    found = _TYPES.get(kind.name)
    if found is None:
        return Column(name, "string", nullable=nullable, collation="default", as_text=True)
    how = kind.collation if found == "string" else "default"
    as_written: Affinity = "text" if kind.name == "json" else "none"
    return Column(
        name, found, nullable=nullable, collation=how, affinity=as_written, **_digits(found, kind.modifier)
    )


def _digits(kind: ColumnType, modifier: int) -> dict[str, Any]:
    """Digits of a decimal, and of the seconds of an instant, from the modifier of its type."""
    if modifier < 0:
        return {}
    if kind == "decimal":
        precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
        return {"precision": precision, "scale": scale} if scale <= precision else {}
    return {"scale": modifier} if kind in ("timestamp", "timestamptz") else {}
