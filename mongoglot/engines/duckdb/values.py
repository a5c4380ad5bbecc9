"""Columns of Arrow as lists of values of BSON: all of a column at once, as far as its type allows that.

What Arrow has no plain type for, or each version of DuckDB another one, is read as text (`types.read_as`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeAlias
from uuid import UUID

from bson import Binary, Decimal128, Int64

from mongoglot.compiler.ast import Path
from mongoglot.compiler.instants import instant
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN
from mongoglot.engines.duckdb.types import Entries, ListOf, MapOf, Scalar, Struct, Type
from mongoglot.engines.sql.instants import DAY
from mongoglot.errors import UnsupportedError

Decode: TypeAlias = Callable[[Any], list[Any]]
"""From an array of Arrow to the list of its values, None for NULL."""


def decoder(kind: Type, place: str) -> Decode:
    """What makes values of BSON of a type's values.

    Raises:
        UnsupportedError: (when it is called) BSON has no such value; `place` names the column.
    """
    match kind:
        case Scalar():
            return _of_scalar(kind, place)
        case ListOf(item):
            return partial(lists, decoder(item, place))
        case Struct(fields):
            return partial(
                structs,
                [name for name, _ in fields],
                [decoder(k, f"{place}.{name}") for name, k in fields],
            )
        case MapOf(value):
            return partial(maps, decoder(value, place))
        case Entries(Struct(((_, key), (_, value)))):
            return partial(entries, decoder(key, place), decoder(value, place))
        case _:
            raise AssertionError(kind)


def documents(names: list[str], columns: list[list[Any]], count: int) -> list[dict[str, Any]]:
    """Documents of the values of their fields."""
    match names:
        case []:
            return [{} for _ in range(count)]
        case [name]:
            return [{name: value} for value in columns[0]]
        case _:
            return [dict(zip(names, row)) for row in zip(*columns)]  # noqa: B905 - to look at lengths takes time


def placed(paths: list[Path], columns: list[list[Any]], into: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents, with the values of columns at their paths."""
    for (*parents, last), values in zip(paths, columns, strict=True):
        for document, value in zip(into, values, strict=True):
            target = document
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = value
    return into


def in_turn(decode: Callable[[Any], list[Any]], batch: Any) -> Iterator[Any]:
    """What is made of the rows of a batch; those before one that cannot be read come first, and then its error."""
    try:
        found = decode(batch)
    except UnsupportedError:
        if batch.num_rows == 1:
            raise
        for number in range(batch.num_rows):
            yield from decode(batch.take([number]))
        raise
    yield from found


BATCH: Final = 2048
"""Rows that are fetched at once: as many as DuckDB makes at once."""


def batches(cursor: Any, text: str, parameters: Any) -> Iterator[Any]:
    """The rows of a query as batches of Arrow, made as they are read."""
    try:
        import pyarrow  # noqa: F401 - DuckDB makes its batches
    except ModuleNotFoundError:
        reason = "rows of DuckDB are read by the package pyarrow: pip install 'mongoglot[duckdb]'"
        raise UnsupportedError(reason) from None
    found: Iterator[Any]
    if hasattr(cursor, "fetch_record_batch"):
        found = cursor.execute(text, parameters or None).fetch_record_batch(BATCH)
    else:  # DuckDB 2
        found = cursor.sql(text, params=parameters or None).to_arrow_reader(BATCH)
    return found


def _unless_null(array: Any, values: list[Any]) -> list[Any]:
    if not array.null_count:
        return values
    return [
        value if there else None for value, there in zip(values, array.is_valid().to_pylist(), strict=True)
    ]


def structs(names: list[str], decoders: list[Decode], array: Any) -> list[Any]:
    """Values of a STRUCT."""
    columns = [decode(array.field(number)) for number, decode in enumerate(decoders)]
    return _unless_null(array, documents(names, columns, len(array)))


def lists(item: Decode, array: Any) -> list[Any]:
    """Values of a LIST."""
    values = item(array.values)
    return _unless_null(array, [values[start:end] for start, end in _bounds(array)])


def maps(value: Decode, array: Any) -> list[Any]:
    """Values of a MAP with texts as keys."""
    names, values = array.keys.to_pylist(), value(array.items)
    found = [dict(zip(names[start:end], values[start:end], strict=True)) for start, end in _bounds(array)]
    return _unless_null(array, found)


def entries(key: Decode, value: Decode, array: Any) -> list[Any]:
    """Values of a MAP with other keys."""
    pairs = documents(["key", "value"], [key(array.keys), value(array.items)], 0)
    return _unless_null(array, [pairs[start:end] for start, end in _bounds(array)])


def _bounds(array: Any) -> pairwise[tuple[int, int]]:
    """Where the elements of each list begin and end."""
    return pairwise(array.offsets.to_pylist())


# ---- scalars ------------------------------------------------------------------------------------


def _of_scalar(kind: Scalar, place: str) -> Decode:
    match kind.kind:
        case "int" if kind.low >= INT32_MIN and kind.high <= INT32_MAX:
            return _as_they_are
        case "int":
            return _integers if kind.high <= INT64_MAX else partial(each, partial(_large, place))
        case "decimal":
            return partial(each, partial(_decimal, place))
        case "date":
            if kind.sql == "DATE":
                return lambda array: each(partial(_day, place), array.view("int32"))
            return lambda array: each(partial(_instant, place), array.view("int64"))
        case "uuid":
            return partial(each, lambda text: Binary.from_uuid(UUID(text)))
        case "json":
            return partial(each, partial(_json, place))
        case "bool" | "float" | "string" | "blob" | "null":
            return _as_they_are


def _as_they_are(array: Any) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def each(convert: Callable[[Any], Any], array: Any) -> list[Any]:
    """Values that are made one by one."""
    return [None if value is None else convert(value) for value in array.to_pylist()]


def _integers(array: Any) -> list[Any]:
    """Whole numbers, of which few are beyond 32 bits."""
    values = _as_they_are(array)
    there = [value for value in values if value is not None] if array.null_count else values
    if not there or (max(there) <= INT32_MAX and min(there) >= INT32_MIN):
        return values
    return [None if value is None else _whole(value) for value in values]


def _whole(value: int) -> int:
    """An int or a long, whichever holds the number."""
    return value if INT32_MIN <= value <= INT32_MAX else Int64(value)


def _large(place: str, text: str) -> int | Decimal128:
    value = int(text)
    return _whole(value) if INT64_MIN <= value <= INT64_MAX else _decimal(place, text)


def _decimal(place: str, text: str) -> Decimal128:
    try:
        return Decimal128(text)
    except ArithmeticError:
        raise UnsupportedError(
            f"{text} in column {place!r} has more than the 34 digits of BSON's decimals"
        ) from None


def _day(place: str, days: int) -> Any:
    return _finite(place, days * DAY, infinite=abs(days) == 2**31 - 1)


def _instant(place: str, micros: int) -> Any:
    return _finite(place, micros // 1000, infinite=abs(micros) == 2**63 - 1)


def _finite(place: str, millis: int, *, infinite: bool) -> Any:
    if infinite:
        raise UnsupportedError(
            f"column {place!r} has an instant that is infinite, and BSON has none; leave it out with a projection"
        )
    return instant(millis)


def _json(place: str, text: str) -> Any:
    try:
        return _JSON.decode(text)
    except ValueError:  # DuckDB takes more for JSON, such as a comma before a bracket
        reason = "a text that is not JSON"
    except RecursionError:
        reason = "JSON that nests too deeply to be read"
    raise UnsupportedError(f"column {place!r} has {reason}; leave it out with a projection")


def _integer(digits: str) -> Any:
    """An int, a long or a double, whichever holds the number; Python reads no integer of thousands of digits."""
    value = int(digits) if len(digits) <= len(str(INT64_MIN)) else INT64_MAX + 1
    return _whole(value) if INT64_MIN <= value <= INT64_MAX else float(digits)


_JSON: Final = json.JSONDecoder(parse_int=_integer)
