"""Comparisons with a typed column as bounds: the operator and the parameter that say on the column what is asked.

A value of a query is changed to one of the column's own type that compares in the same way with everything that
the column can hold. Where nothing can compare so the parameter is None: NULL, with which no condition is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, assert_never, final
from uuid import UUID

from bson import Binary

from mongoglot.compiler.ast import Comparison
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT64_MAX, INT64_MIN, ValueClass
from mongoglot.engines.sql.condition import Binder
from mongoglot.engines.sql.instants import DAY, Calendar, day_text, instant_text
from mongoglot.engines.sql.numbers import clamped, double_bound, exact, unit_bound, unit_operator
from mongoglot.engines.sql.table import EDGES, Column, ColumnType

KINDS: Final[dict[ColumnType, frozenset[ValueClass]]] = {
    "string": frozenset({"string"}),
    **dict.fromkeys(("number", "int", "double", "decimal"), frozenset[ValueClass]({"int", "double", "decimal"})),
    **dict.fromkeys(("date", "timestamp", "timestamptz", "day"), frozenset[ValueClass]({"date"})),
    "bool": frozenset({"bool"}),
    **dict.fromkeys(("uuid", "binary"), frozenset[ValueClass]({"binary"})),
    **dict.fromkeys(("json", "list", "struct", "map", "any"), frozenset[ValueClass]()),
}  # fmt: skip
"""The classes of operands that values of a column can compare with, but for NaN, which equals itself only."""

_UUID_LENGTH: Final = 16
_UUID_SUBTYPE: Final = 4
_LAST_UUID: Final = 2**128 - 1


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """What values a database has.

    Attributes:
        holds_nul: whether a text may hold U+0000.
        calendar: which instants there are.
    """

    holds_nul: bool
    calendar: Calendar


COMMON: Final = Limits(holds_nul=True, calendar="common")


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison of a column with a parameter.

    Attributes:
        op: the comparison.
        bind: from the operand to the parameter.
        total: whether the parameter is never None.
    """

    op: Comparison
    bind: Binder
    total: bool = False


def bounds_of(op: Comparison, kind: ValueClass, column: Column, limits: Limits) -> tuple[Bound, ...]:
    """The comparisons, all of which have to hold, that say `op` of a column and an operand of class `kind`.

    Args:
        op: of the query.
        kind: one of `KINDS[column.type]`.
        column: that is compared; not of bytes, whose order needs their length too.
        limits: of the database.
    """
    match column.type:
        case "string":
            if limits.holds_nul:
                return (Bound(op, str, total=True),)
            return (Bound(op, partial(_without_nul, op), total=op != "$eq"),)
        case "bool":
            return (Bound(op, bool, total=True),)
        case "int" if column.is_wide:
            return (Bound(unit_operator(op), partial(_wide, op, column)),)
        case "int":
            if kind == "int":
                return (Bound(op, int, total=True),)
            return (Bound(unit_operator(op), partial(_whole, op)),)
        case "double":
            return (Bound(op, partial(double_bound, op), total=op != "$eq"),)
        case "decimal" | "number":
            if column.precision is None:
                return (Bound(op, exact, total=True),)
            return (Bound(unit_operator(op), partial(_decimal, op, column.precision, column.scale or 0)),)
        case "date":
            return (Bound(op, milliseconds, total=True),)
        case "timestamp" | "timestamptz":
            return _instants(op, column, limits.calendar)
        case "day":
            return (Bound(unit_operator(op), partial(_day, op, limits.calendar)),)
        case "uuid":
            return (Bound(unit_operator(op), partial(_uuid, op)),)
        case "binary" | "json" | "list" | "struct" | "map" | "any":
            raise AssertionError(column)
        case _:
            assert_never(column.type)


def equal_to(column: Column, limits: Limits) -> Callable[[Any, ValueClass], Any]:
    """From a member of a list and its class to the value of the column that equals it, or None."""
    if column.type == "binary":
        return lambda value, _: equal_bytes(value)

    def bound(value: Any, kind: ValueClass) -> Any:
        return bounds_of("$eq", kind, column, limits)[0].bind(value)

    return bound


def is_finer(column: Column) -> bool:
    """Whether a column of instants keeps more than milliseconds, so that several of its values are one date."""
    return column.type in ("timestamp", "timestamptz") and (column.scale is None or column.scale > 3)


def _without_nul(op: Comparison, value: str) -> str | None:
    """The bound of text without U+0000, which comes after what is before a U+0000 and before all else."""
    head, nul, _ = str(value).partition("\0")
    if not nul:
        return head
    match op:
        case "$eq":
            return None
        case "$gt" | "$lte":
            return head
        case "$gte" | "$lt":
            return head + "\x01"


def _whole(op: Comparison, value: Any) -> int | None:
    return unit_bound(op, value, 0, INT64_MIN, INT64_MAX)


def _wide(op: Comparison, column: Column, value: Any) -> str | None:
    """The bound of whole numbers beyond an int64; as text, which drivers bind whatever its size."""
    units = unit_bound(op, value, 0, *EDGES[column.width])
    return None if units is None else str(units)


def _decimal(op: Comparison, precision: int, scale: int, value: Any) -> Any:
    limit = 10**precision - 1
    units = unit_bound(op, value, scale, -limit, limit)
    return None if units is None else Decimal(f"{units}E-{scale}")  # whatever digits a context keeps


def _instants(op: Comparison, column: Column, calendar: Calendar) -> tuple[Bound, ...]:
    """Instants; of finer ones as many as a thousand are one date, which is the one that they are cut to."""
    this = partial(instant_text, calendar=calendar, zone=column.type == "timestamptz")
    if not is_finer(column):
        return (Bound(op, this, total=True),)
    following = partial(this, later=1)
    match op:
        case "$eq":
            return (Bound("$gte", this, total=True), Bound("$lt", following, total=True))
        case "$gt":
            return (Bound("$gte", following, total=True),)
        case "$lte":
            return (Bound("$lt", following, total=True),)
        case "$gte" | "$lt":
            return (Bound(op, this, total=True),)


def _day(op: Comparison, calendar: Calendar, value: Any) -> str | None:
    """The bound of a calendar day, which is the instant at which it begins."""
    millis = milliseconds(value)
    floor, ceiling = millis // DAY, -(-millis // DAY)
    day = clamped(op, floor, ceiling, INT64_MIN, INT64_MAX)
    return None if day is None else day_text(day, calendar)


def _uuid(op: Comparison, value: Any) -> str | None:
    """The bound of a UUID, binary of subtype 4; shorter values and lower subtypes are below all of them."""
    data, subtype = bytes(value), value.subtype if isinstance(value, Binary) else 0
    length = len(data) + 4 if subtype == 2 else len(data)
    if (length, subtype) == (_UUID_LENGTH, _UUID_SUBTYPE):
        number = int.from_bytes(data, "big")
        bound = clamped(op, number, number, 0, _LAST_UUID)
    elif (length, subtype) < (_UUID_LENGTH, _UUID_SUBTYPE):
        bound = clamped(op, -1, 0, 0, _LAST_UUID)
    else:
        bound = clamped(op, _LAST_UUID, _LAST_UUID + 1, 0, _LAST_UUID)
    return None if bound is None else str(UUID(int=bound))


def equal_bytes(value: Any) -> bytes | None:
    """The bytes of a binary value without a subtype; a column has no others."""
    subtype = value.subtype if isinstance(value, Binary) else 0
    return None if subtype else bytes(value)
