"""DuckDB's types, and the values of BSON that a value of each is read as."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

from bson import Binary, Decimal128, Int64

from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN
from mongoglot.engines.sql.nodes import quoted
from mongoglot.errors import UnsupportedError

Kind: TypeAlias = Literal[
    "bool", "int", "float", "decimal", "string", "date", "uuid", "blob", "null", "json", "refused"
]


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
    "boolean": "bool", "float": "float", "double": "float", "varchar": "string", "enum": "string",
    "date": "date", "timestamp": "date", "timestamp_s": "date", "timestamp_ms": "date", "timestamp_ns": "date",
    "timestamp with time zone": "date", "uuid": "uuid", "blob": "blob", "null": "null",
}  # fmt: skip
"""What else can be read; every other type is refused by name where it is asked for."""

NANOSECONDS: Final = "TIMESTAMP_NS"

AS_TIMESTAMP: Final = frozenset({"TIMESTAMP WITH TIME ZONE", NANOSECONDS})
"""Types that are read as TIMESTAMP: for zones the driver needs another package, and DuckDB rounds nanoseconds."""


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
        case _:
            return Scalar(_KINDS.get(name, "refused"), text)


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


def has(kind: Type, holds: Callable[[Scalar], bool]) -> bool:
    """Whether a condition holds for a scalar type somewhere in a type."""
    return holds(kind) if isinstance(kind, Scalar) else any(has(part, holds) for part in parts(kind))


def plain_sql(kind: Type) -> str:
    """The SQL of a type, with TIMESTAMP for the types that are read so."""
    match kind:
        case Scalar(_, sql):
            return "TIMESTAMP" if sql in AS_TIMESTAMP else "VARCHAR" if sql == "ENUM" else sql
        case ListOf(item, length):
            return f"{plain_sql(item)}[{'' if length is None else length}]"
        case Struct(fields):
            return f"STRUCT({', '.join(f'{quoted(name)} {plain_sql(inner)}' for name, inner in fields)})"
        case MapOf(value):
            return f"MAP(VARCHAR, {plain_sql(value)})"
        case Entries(Struct(((_, key), (_, value)))):
            return f"MAP({plain_sql(key)}, {plain_sql(value)})"
        case _:
            raise AssertionError(kind)


# ---- values ---------------------------------------------------------------------------------------

Convert: TypeAlias = Callable[[Any], Any]
"""From a value as the driver gives it, and not None, to the value of BSON."""


def converter(kind: Type, place: str) -> Convert | None:
    """What makes values of BSON of a type's values; None where they are that already.

    Raises:
        UnsupportedError: BSON has no such values; `place` names the column.
    """
    match kind:
        case Scalar():
            return _of_scalar(kind, place)
        case ListOf(item, length):
            inner = converter(item, place)
            return _of_list(inner) if inner is not None else None if length is None else list
        case Struct(fields):
            made = [(name, converter(inner, f"{place}.{name}")) for name, inner in fields]
            steps = [(name, step) for name, step in made if step is not None]
            return _of_struct(steps) if steps else None
        case MapOf(value):
            inner = converter(value, place)
            return None if inner is None else _of_map(inner)
        case Entries(entry):
            return _of_entries(converter(entry, place) or _same)


def _of_list(inner: Convert) -> Convert:
    return lambda values: [None if value is None else inner(value) for value in values]


def _of_map(inner: Convert) -> Convert:
    return lambda found: {name: None if value is None else inner(value) for name, value in found.items()}


def _of_entries(inner: Convert) -> Convert:
    return lambda found: [inner({"key": key, "value": value}) for key, value in found.items()]


def _of_struct(steps: list[tuple[str, Convert]]) -> Convert:
    def convert(found: dict[str, Any]) -> dict[str, Any]:
        for name, step in steps:
            value = found[name]
            if value is not None:
                found[name] = step(value)
        return found

    return convert


def _of_scalar(kind: Scalar, place: str) -> Convert | None:
    match kind.kind:
        case "refused":
            raise UnsupportedError(
                f"column {place!r} is {kind.sql}, of which BSON has no values; leave it out with a projection, or "
                "write the file with another type"
            )
        case "int":
            if kind.low >= INT32_MIN and kind.high <= INT32_MAX:
                return None
            return whole if kind.high <= INT64_MAX else lambda value: _large(value, place)
        case "decimal":
            return lambda value: _decimal(value, place)
        case "date":
            return _date
        case "uuid":
            return Binary.from_uuid
        case "json":
            return lambda text: _json(text, place)
        case "bool" | "float" | "string" | "blob" | "null":
            return None


def _same(value: Any) -> Any:
    return value


def mark_long(documents: list[dict[str, Any]], name: str) -> None:
    """`whole` for one field of many documents, of which few have a long number."""
    for document in documents:
        value = document[name]
        if value is not None and not INT32_MIN <= value <= INT32_MAX:
            document[name] = Int64(value)


def whole(value: int) -> int:
    """An int or a long, whichever holds the number."""
    return value if INT32_MIN <= value <= INT32_MAX else Int64(value)


def _large(value: int, place: str) -> int | Decimal128:
    return whole(value) if INT64_MIN <= value <= INT64_MAX else _decimal(value, place)


def _decimal(value: Any, place: str) -> Decimal128:
    try:
        return Decimal128(str(value))
    except ArithmeticError:
        raise UnsupportedError(
            f"{value} in column {place!r} has more than the 34 digits of BSON's decimals"
        ) from None


def _date(value: datetime.date | datetime.datetime) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000) if value.microsecond else value
    return datetime.datetime(value.year, value.month, value.day)


def _json(text: str, place: str) -> Any:
    try:
        return _sized(json.loads(text))
    except ValueError:
        raise UnsupportedError(f"column {place!r} has a text that is not JSON") from None


def _sized(value: Any) -> Any:
    if value.__class__ is int:
        return whole(value) if INT64_MIN <= value <= INT64_MAX else float(value)
    if value.__class__ is list:
        return [_sized(item) for item in value]
    if value.__class__ is dict:
        return {name: _sized(item) for name, item in value.items()}
    return value
