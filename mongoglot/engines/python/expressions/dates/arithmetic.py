"""`$dateAdd`, `$dateSubtract`, `$dateDiff` and `$dateTrunc` (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from bson import Int64

from mongoglot.compiler.instants import instant
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import INT64_MIN, value_class
from mongoglot.engines.python.expressions.dates.calendar import (
    DAY,
    MAX_SECONDS,
    LocalTime,
    date_millis,
    day_number,
    days_in,
    fits,
)
from mongoglot.engines.python.expressions.dates.zones import Zone, zone_operand
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    is_nullish,
    named_type,
    whole_number,
)
from mongoglot.errors import FilterError

Operand: TypeAlias = Callable[[], Any]
"""Evaluates an operand."""

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_UNITS: Final = frozenset({"millisecond", *_SECONDS, *_DAYS, *_MONTHS})

_MOST_DAYS: Final = 213_503_982_335
_MOST_YEARS: Final = 584_942_418
_MOST: Final = {
    **{unit: _MOST_DAYS * DAY // seconds for unit, seconds in _SECONDS.items()},
    **{unit: _MOST_DAYS // days for unit, days in _DAYS.items()},
    **{unit: _MOST_YEARS * 12 // months for unit, months in _MONTHS.items()},
}
"""What a server refuses to add of a unit, and whatever is more (measured)."""

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_START_OF_WEEK: Final = {name: number for number, full in enumerate(_WEEKDAYS) for name in (full, full[:3])}

_MILLENNIUM: Final = 946_684_800
"""2000-01-01 in UTC, where the bins of `$dateTrunc` begin."""

_LARGEST_BIN: Final = 100_000_000_000


def added(start: Operand, unit: Operand, amount: Operand, timezone: Operand) -> Any:
    """`$dateAdd`."""
    return _moved("$dateAdd", 1, start, unit, amount, timezone)


def subtracted(start: Operand, unit: Operand, amount: Operand, timezone: Operand) -> Any:
    """`$dateSubtract`."""
    return _moved("$dateSubtract", -1, start, unit, amount, timezone)


def _moved(name: str, sign: int, start: Operand, unit: Operand, amount: Operand, timezone: Operand) -> Any:
    values = []
    for operand in (start, unit, amount):
        values.append(operand())
        if is_nullish(values[-1]):
            return None
    zone = zone_operand(timezone())
    if zone is None:
        return None
    millis = date_millis(values[0])
    if millis is None:
        raise FilterError(5166403, f"{name} requires startDate to be convertible to a date")
    if value_class(values[1]) != "string":
        raise FilterError(5166404, f"{name} expects string defining the time unit")
    if values[1] not in _UNITS:
        raise FilterError(9, f"unknown time unit value: {values[1]}")
    number = whole_number(values[2])
    if number is None:
        raise FilterError(5166405, f"{name} expects integer amount of time units")
    if sign < 0 and number == INT64_MIN:
        raise FilterError(6045000, f"invalid {name} 'amount' parameter value: {number}")
    return instant(_sum(millis, str(values[1]), sign * number, zone))


def _sum(millis: int, unit: str, amount: int, zone: Zone) -> int:
    """An instant so many units later."""
    if unit == "millisecond":
        if not fits(millis + amount):
            raise FilterError(159, f"Overflow while adding {amount}ms to {millis}ms")
        return millis + amount
    if abs(amount) >= _MOST[unit]:
        raise FilterError(5976500, f"invalid dateAdd 'amount' parameter value: {amount} {unit}")
    seconds, rest = divmod(millis, 1000)
    if millis < 0 and rest:  # where a server loses a second (measured)
        seconds -= 1
    if unit in _SECONDS:
        seconds += amount * _SECONDS[unit]
    else:
        time = zone.local(millis)
        clock = seconds + time.offset - time.days * DAY
        seconds = zone.to_utc(_later_day(time, unit, amount) * DAY + clock, time.dst)
    if abs(seconds) > MAX_SECONDS:
        raise FilterError(5166406, "dateAdd overflowed")
    return seconds * 1000 + rest


def _later_day(time: LocalTime, unit: str, amount: int) -> int:
    """The day so many days or months later; the last of a month where that one is shorter."""
    if unit in _DAYS:
        return time.days + amount * _DAYS[unit]
    month = time.month + amount * _MONTHS[unit]
    return day_number(time.year, month, min(time.day, days_in(time.year, month)))


def difference(start: Operand, end: Operand, unit: Operand, timezone: Operand, week: Operand) -> Any:
    """`$dateDiff`: how many units begin between two dates."""
    name = "$dateDiff"
    values = []
    for operand in (start, end, unit):
        values.append(operand())
        if is_nullish(values[-1]):
            return None
    first_day = week() if _is_week(values[2]) else ABSENT
    if is_nullish(first_day):
        return None
    zone = _zone(name, timezone)
    if zone is None:
        return None
    first = _date(5166307, name, "startDate", values[0])
    last = _date(5166307, name, "endDate", values[1])
    chosen = _unit(name, values[2])
    if chosen == "millisecond":
        if not fits(last - first):
            raise FilterError(5166308, "dateDiff overflowed")
        return Int64(last - first)
    return Int64(_begun(zone.local(first), zone.local(last), chosen, _first_day(name, first_day)))


def _begun(first: LocalTime, last: LocalTime, unit: str, first_day: int) -> int:
    """How many units begin after one time and not after another."""
    match unit:
        case "year":
            return last.year - first.year
        case "quarter":
            quarters = (last.month - 1) // 3 - (first.month - 1) // 3
            return (last.year - first.year) * 4 + quarters
        case "month":
            return (last.year - first.year) * 12 + last.month - first.month
        case "week":
            # 1970-01-01 was a Thursday
            return (last.days + 4 - first_day) // 7 - (first.days + 4 - first_day) // 7
        case "day":
            return last.days - first.days
        case _:
            return _clock_units(first, last, unit)


def _clock_units(first: LocalTime, last: LocalTime, unit: str) -> int:
    """How many hours, minutes or seconds begin; what clocks were put counts in whole units only."""
    put = int((first.offset - last.offset) / _SECONDS[unit])
    hours = (last.days - first.days) * 24 + last.hour - first.hour
    if unit == "hour":
        return hours + put
    minutes = hours * 60 + last.minute - first.minute
    return minutes + put if unit == "minute" else minutes * 60 + last.second - first.second + put


def truncated(date: Operand, unit: Operand, bin_size: Operand, timezone: Operand, week: Operand) -> Any:
    """`$dateTrunc`: the beginning of the bin of a date; bins are counted from the year 2000."""
    name = "$dateTrunc"
    values = []
    for operand in (date, unit, bin_size):
        values.append(operand())
        if is_nullish(values[-1]):
            return None
    first_day = week() if _is_week(values[1]) else ABSENT
    if is_nullish(first_day):
        return None
    zone = _zone(name, timezone)
    if zone is None:
        return None
    millis = _date(5439012, name, "date", values[0])
    chosen = _unit(name, values[1])
    size = _bin_size(values[2])
    return instant(_bin(millis, chosen, size, zone, _first_day(name, first_day)))


def _bin_size(value: Any) -> int:
    if value is ABSENT:
        return 1
    size = whole_number(value)
    if size is None:
        reason = f"$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '{rendered(value)}'"
        raise FilterError(5439017, f"{reason} of type {named_type(value)}")
    if size <= 0:
        reason = f"$dateTrunc requires 'binSize' to be greater than 0, but got value {size}"
        raise FilterError(5439018, reason)
    return size


def _bin(millis: int, unit: str, size: int, zone: Zone, first_day: int) -> int:
    """The beginning of the bin of an instant."""
    if unit == "millisecond" or unit in _SECONDS:
        length = size if unit == "millisecond" else size * _SECONDS[unit] * 1000
        begin = zone.to_utc(_MILLENNIUM) * 1000
        units = (millis - begin) // length
        for code, number in ((5439002, length), (5439000, millis - begin), (5439001, units * length)):
            if not fits(number):
                raise FilterError(code, "dateTrunc overflowed")
        return begin + units * length
    if size > _LARGEST_BIN:
        raise FilterError(5439006, "dateTrunc unsupported binSize value")
    # 2000-01-01 was a Saturday
    day = (first_day + 1) % 7 if unit == "week" else 0
    begin = zone.to_utc(_MILLENNIUM + day * DAY) * 1000
    units = _begun(zone.local(begin), zone.local(millis), unit, first_day)
    return _sum(begin, unit, units // size * size, zone)


def _is_week(unit: Any) -> bool:
    """Whether `startOfWeek` matters."""
    return value_class(unit) == "string" and unit == "week"


def _zone(name: str, timezone: Operand) -> Zone | None:
    value = timezone()
    try:
        return zone_operand(value)
    except FilterError as error:
        error.reason = f"{name} parameter 'timezone' value parsing failed :: caused by :: {error.reason}"
        raise


def _date(code: int, name: str, parameter: str, value: Any) -> int:
    millis = date_millis(value)
    if millis is None:
        raise FilterError(code, f"{name} requires '{parameter}' to be a date, but got {named_type(value)}")
    return millis


def _unit(name: str, value: Any) -> str:
    if value_class(value) != "string":
        raise FilterError(5439013, f"{name} requires 'unit' to be a string, but got {named_type(value)}")
    if value not in _UNITS:
        reason = f"{name} parameter 'unit' value cannot be recognized as a time unit: {value}"
        raise FilterError(5439014, reason)
    return str(value)


def _first_day(name: str, value: Any) -> int:
    """The day that begins a week, from 0, Sunday."""
    if value is ABSENT:
        return 0
    if value_class(value) != "string":
        reason = f"{name} requires 'startOfWeek' to be a string, but got {named_type(value)}"
        raise FilterError(5439015, reason)
    day = _START_OF_WEEK.get(value.lower()) if value.isascii() else None
    if day is None:
        reason = f"{name} parameter 'startOfWeek' value cannot be recognized as a day of a week: {value}"
        raise FilterError(5439016, reason)
    return day
