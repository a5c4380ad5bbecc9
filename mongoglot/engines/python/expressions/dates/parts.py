"""The parts of dates: `$year` and its like, `$dateToParts` and `$dateFromParts` (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from bson import Int64

from mongoglot.compiler.instants import instant
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import value_class
from mongoglot.engines.python.expressions.dates.calendar import (
    DAY,
    MAX_SECONDS,
    LocalTime,
    day_number,
    fits,
    iso_day_number,
    required_millis,
)
from mongoglot.engines.python.expressions.dates.zones import UTC, zone_of, zone_operand
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    is_nullish,
    named_type,
    whole_number,
)
from mongoglot.errors import FilterError

Operand: TypeAlias = Callable[[], Any]
"""Evaluates an operand."""


def _part(name: str, part: Callable[[LocalTime], int]) -> Callable[[Iterator[Any]], Any]:
    """An operator that takes a part of a date, in the zone of its second operand."""

    def evaluate(operands: Iterator[Any]) -> Any:
        date = next(operands)
        if is_nullish(date):
            return None
        millis = required_millis(date)
        zone = UTC
        for value in operands:
            if is_nullish(value):
                return None
            if value_class(value) != "string":
                reason = f"{name} requires a string for the timezone argument, but was given a "
                raise FilterError(40533, f"{reason}{named_type(value)} ({rendered(value)})")
            zone = zone_of(value)
        return part(zone.local(millis))

    return evaluate


_PARTS: Final[dict[str, Callable[[LocalTime], int]]] = {
    "$year": lambda time: time.year,
    "$month": lambda time: time.month,
    "$dayOfMonth": lambda time: time.day,
    "$dayOfWeek": lambda time: time.weekday + 1,
    "$dayOfYear": lambda time: time.day_of_year,
    "$hour": lambda time: time.hour,
    "$minute": lambda time: time.minute,
    "$second": lambda time: time.second,
    "$millisecond": lambda time: time.millisecond,
    "$week": lambda time: time.week,
    "$isoWeek": lambda time: time.iso_week[1],
    "$isoWeekYear": lambda time: Int64(time.iso_week[0]),
    "$isoDayOfWeek": lambda time: time.iso_weekday,
}

PARTS: Final = {name: _part(name, part) for name, part in _PARTS.items()}


def parts_of(date: Operand, timezone: Operand, iso8601: Operand) -> Any:
    """`$dateToParts`."""
    value = date()
    zone = zone_operand(timezone())
    if zone is None:
        return None
    iso = iso8601()
    if is_nullish(iso):
        return None
    if iso is not ABSENT and not isinstance(iso, bool):
        raise FilterError(40521, f"iso8601 must evaluate to a bool, found {named_type(iso)}")
    if is_nullish(value):
        return None
    time = zone.local(required_millis(value))
    if iso is True:
        year, week = time.iso_week
        named = {"isoWeekYear": year, "isoWeek": week, "isoDayOfWeek": time.iso_weekday}
    else:
        named = {"year": time.year, "month": time.month, "day": time.day}
    clock = {"hour": time.hour, "minute": time.minute, "second": time.second}
    return {**named, **clock, "millisecond": time.millisecond}


_MAX_PART: Final = 2**15


class _Null(Exception):  # noqa: N818 - it is no error
    """A part is null, and so is the date."""


def _integer(name: str, operand: Operand, default: int, *, bounded: bool = False) -> int:
    value = operand()
    if value is ABSENT:
        return default
    if is_nullish(value):
        raise _Null
    number = whole_number(value)
    if number is None:
        reason = (
            f"'{name}' must evaluate to an integer, found {named_type(value)} with value {rendered(value)}"
        )
        raise FilterError(40515, reason)
    if bounded and not -_MAX_PART <= number < _MAX_PART:
        reason = (
            f"'{name}' must evaluate to a value in the range [-32768, 32767]; value {number} is not in range"
        )
        raise FilterError(31034, reason)
    return number


def date_of_parts(
    year: Operand,
    month: Operand,
    day: Operand,
    hour: Operand,
    minute: Operand,
    second: Operand,
    millisecond: Operand,
    iso_year: Operand,
    iso_week: Operand,
    iso_weekday: Operand,
    timezone: Operand,
) -> Any:
    """`$dateFromParts`: parts beyond their ranges count on; the date comes after the clock and the zone."""
    try:
        seconds = _integer("hour", hour, 0, bounded=True) * 3600
        seconds += _integer("minute", minute, 0, bounded=True) * 60
        seconds += _integer("second", second, 0)
        millis = _integer("millisecond", millisecond, 0)
        zone = zone_operand(timezone())
        if zone is None:
            return None
        days = _iso_days(iso_year, iso_week, iso_weekday) if year() is ABSENT else _days(year, month, day)
    except _Null:
        return None
    if abs(millis) > MAX_SECONDS:
        raise _too_far()
    carried, millis = divmod(millis, 1000)
    seconds = zone.to_utc(days * DAY + seconds + carried)
    if abs(seconds) > MAX_SECONDS or not fits(seconds * 1000 + millis):
        raise _too_far()
    return instant(seconds * 1000 + millis)


def _too_far() -> FilterError:
    return FilterError(159, "Overflow casting from a lower-precision duration to a higher-precision duration")


def _days(year: Operand, month: Operand, day: Operand) -> int:
    years = _integer("year", year, 1970)
    months = _integer("month", month, 1, bounded=True)
    days = _integer("day", day, 1, bounded=True)
    _check_year(40523, "year", years)
    return day_number(years, months, days)


def _iso_days(year: Operand, week: Operand, weekday: Operand) -> int:
    years = _integer("isoWeekYear", year, 1970)
    weeks = _integer("isoWeek", week, 1, bounded=True)
    weekdays = _integer("isoDayOfWeek", weekday, 1, bounded=True)
    _check_year(31095, "isoWeekYear", years)
    return iso_day_number(years, weeks, weekdays)


def _check_year(code: int, name: str, year: int) -> None:
    if not 1 <= year <= 9999:
        reason = f"'{name}' must evaluate to an integer in the range 1 to 9999, found {year}"
        raise FilterError(code, reason)
