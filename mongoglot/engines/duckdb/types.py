"""DuckDB's types, and what values of each are read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

from mongoglot.compiler.values import INT64_MAX
from mongoglot.engines.sql.nodes import quoted

Kind: TypeAlias = Literal["bool", "int", "float", "decimal", "string", "date", "uuid", "blob", "null", "json"]


@final
@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts.

    Attributes:
        kind: how its values compare.
        sql: its name in SQL.
        low, high: the least and the greatest unscaled value of whole numbers and decimals.
        scale: digits behind the point of decimals.
    """

    kind: Kind
    sql: str
    low: int = 0
    high: int = 0
    scale: int = 0


@final
@dataclass(frozen=True, slots=True)
class ListOf:
    """LIST, and ARRAY, which has a fixed length: an array."""

    item: Type
    length: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Struct:
    """STRUCT: a document with these fields, in order."""

    fields: tuple[tuple[str, Type], ...]


@final
@dataclass(frozen=True, slots=True)
class MapOf:
    """MAP with keys that are texts: a document with the fields that are there."""

    value: Type


@final
@dataclass(frozen=True, slots=True)
class Entries:
    """MAP with other keys: an array of documents with the fields `key` and `value`."""

    entry: Struct


Type: TypeAlias = Scalar | ListOf | Struct | MapOf | Entries


_INTEGERS: Final = {
    "tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64, "hugeint": 128,
    "utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128,
}  # fmt: skip

_KINDS: Final[dict[str, Kind]] = {
    "boolean": "bool", "float": "float", "double": "float", "varchar": "string",
    "date": "date", "timestamp": "date", "timestamp_s": "date", "timestamp_ms": "date", "timestamp_ns": "date",
    "timestamp with time zone": "date", "uuid": "uuid", "blob": "blob", "null": "null",
}  # fmt: skip
"""What else is read as what it is; every other type is read as the text that DuckDB makes of it."""

OTHER: Final = "OTHER"
"""The name of each of those other types here."""

NANOSECONDS: Final = "TIMESTAMP_NS"


def read_type(found: Any) -> Type:
    """The type that the driver describes."""
    name, text = found.id, str(found)
    match name:
        case "list":
            return ListOf(read_type(found.child))
        case "array":
            (_, item), (_, length) = found.children
            return ListOf(read_type(item), length)
        case "struct":
            return Struct(tuple((field, read_type(kind)) for field, kind in found.children))
        case "map":
            (_, key), (_, value) = found.children
            kinds = read_type(key), read_type(value)
            if isinstance(kinds[0], Scalar) and kinds[0].kind == "string":
                return MapOf(kinds[1])
            return Entries(Struct((("key", kinds[0]), ("value", kinds[1]))))
        case "decimal":
            digits = dict(found.children)
            high = 10 ** digits["precision"] - 1
            return Scalar("decimal", text, -high, high, digits["scale"])
        case _ if name in _INTEGERS:
            bits = _INTEGERS[name]
            low, high = (
                (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            )
            return Scalar("int", text, low, high)
        case "varchar" if text == "JSON":
            return Scalar("json", text)
        case "enum":
            return Scalar("string", "ENUM")
        case _ if name in _KINDS:
            return Scalar(_KINDS[name], text)
        case _:
            return Scalar("string", OTHER)


def parts(kind: Type) -> Sequence[Type]:
    """The types inside a type."""
    match kind:
        case Scalar():
            return ()
        case ListOf(item):
            return (item,)
        case Struct(fields):
            return [inner for _, inner in fields]
        case MapOf(value):
            return (value,)
        case Entries(entry):
            return (entry,)


def is_read_as_it_is(kind: Type) -> bool:
    """Whether values of a type are read as they are stored, without a cast."""
    match kind:
        case Scalar(_, sql):
            return read_as(kind) == sql
        case ListOf(item, length):
            return length is None and is_read_as_it_is(item)
        case _:
            return all(map(is_read_as_it_is, parts(kind)))


def read_as(kind: Type) -> str:
    """The SQL of the type that values of a type are read as."""
    match kind:
        case Scalar():
            return _scalar_read_as(kind)
        case ListOf(item):
            return f"{read_as(item)}[]"
        case Struct(fields):
            return f"STRUCT({', '.join(f'{quoted(name)} {read_as(inner)}' for name, inner in fields)})"
        case MapOf(value):
            return f"MAP(VARCHAR, {read_as(value)})"
        case Entries(Struct(((_, key), (_, value)))):
            return f"MAP({read_as(key)}, {read_as(value)})"
        case _:
            raise AssertionError(kind)


def _scalar_read_as(kind: Scalar) -> str:
    match kind.kind:
        case "date" if kind.sql != "DATE":
            return "TIMESTAMP"  # DuckDB rounds nanoseconds
        case "int" if kind.high > INT64_MAX:
            return "VARCHAR"
        case "decimal" | "uuid" | "string":
            return "VARCHAR"
        case _:
            return kind.sql
