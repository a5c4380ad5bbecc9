"""The Gregorian calendar, which goes on in both directions: the parts of an instant, and the way back.

Instants are milliseconds since 1970 in UTC, as BSON has them: their years go from -292275055 to 292278994.
Python's own calendar has the years 1 to 9999, so it is asked about one cycle of 400 years only.
"""

from __future__ import annotations

import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.python.expressions.numbers import named_type
from mongoglot.errors import FilterError

DAY: Final = 86_400
"""Seconds of a day."""

_CYCLE_DAYS: Final = 146_097
_CYCLE_YEARS: Final = 400
_EPOCH_ORDINAL: Final = 719_163
"""1970-01-01 as Python numbers days."""

MAX_SECONDS: Final = INT64_MAX // 1000
"""Seconds that a server can turn into milliseconds; as many below zero."""


class LocalTime(NamedTuple):
    """An instant as a clock and a calendar show it.

    Attributes:
        days: since 1970-01-01.
        offset: of the clock, in seconds east of UTC.
        dst: whether the clock has daylight saving time.
    """

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int
    days: int
    offset: int
    dst: bool

    @property
    def day_of_year(self) -> int:
        """From 1 to 366."""
        return self.days - day_number(self.year, 1, 1) + 1

    @property
    def weekday(self) -> int:
        """From 0, Sunday, to 6."""
        return (self.days + 4) % 7

    @property
    def iso_weekday(self) -> int:
        """From 1, Monday, to 7."""
        return (self.days + 3) % 7 + 1

    @property
    def week(self) -> int:
        """From 0 to 53; the first Sunday begins week 1."""
        return (self.day_of_year + 6 - self.weekday) // 7

    @property
    def iso_week(self) -> tuple[int, int]:
        """The year and the number of the ISO week: that of its Thursday."""
        thursday = self.days + 4 - self.iso_weekday
        year = date_of(thursday)[0]
        return year, (thursday - day_number(year, 1, 1)) // 7 + 1


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; a month beyond the year is one of another year, a day one of another month."""
    years, month = divmod(month - 1, 12)
    cycles, of_cycle = divmod(year + years - 1, _CYCLE_YEARS)
    first = datetime.date(of_cycle + 1, month + 1, 1).toordinal()
    return first + day - 1 + cycles * _CYCLE_DAYS - _EPOCH_ORDINAL


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of so many days since 1970-01-01."""
    cycles, of_cycle = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    date = datetime.date.fromordinal(of_cycle + 1)
    return date.year + cycles * _CYCLE_YEARS, date.month, date.day


def days_in(year: int, month: int) -> int:
    """How many days a month has."""
    return day_number(year, month + 1, 1) - day_number(year, month, 1)


def iso_day_number(year: int, week: int, weekday: int) -> int:
    """Days since 1970-01-01 of a day of an ISO week; week and weekday may lie beyond their ranges."""
    fourth = day_number(year, 1, 4)  # it is always in week 1
    return fourth - (fourth + 3) % 7 + (week - 1) * 7 + weekday - 1


def date_millis(value: Any) -> int | None:
    """The instant of a date, an ObjectId or a Timestamp; None of any other value."""
    if isinstance(value, (datetime.datetime, DatetimeMS)):
        return milliseconds(value)
    if isinstance(value, ObjectId):
        return int.from_bytes(value.binary[:4], "big", signed=True) * 1000
    if isinstance(value, Timestamp):
        return value.time * 1000
    return None


def required_millis(value: Any) -> int:
    """The instant of a value.

    Raises:
        FilterError: 16006, it is none.
    """
    millis = date_millis(value)
    if millis is None:
        raise FilterError(16006, f"can't convert from BSON type {named_type(value)} to Date")
    return millis


def fits(millis: int) -> bool:
    """Whether BSON has such a date."""
    return INT64_MIN <= millis <= INT64_MAX
