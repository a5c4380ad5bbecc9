"""Instants and days as the text that databases read, whatever year they are in."""

from __future__ import annotations

import datetime
from typing import Any, Final, Literal, TypeAlias

from mongoglot.compiler.instants import milliseconds
from mongoglot.errors import UnsupportedError

DAY: Final = 24 * 60 * 60 * 1000
"""Milliseconds of a day."""

_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
_EPOCH_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()

Calendar: TypeAlias = Literal["era", "signed", "common"]
"""How a database reads years before the first: `0044-03-15 BC`, `-0043-03-15`, or not, nor those after 9999.

The first two also have instants that are infinite, for which years stand that the database does not reach.
"""

_FIRST_YEARS: Final[dict[Calendar, int]] = {"era": -4711, "signed": -290_000, "common": 1}
_LAST_YEARS: Final[dict[Calendar, int]] = {"era": 290_000, "signed": 290_000, "common": 9999}


def instant_text(value: Any, calendar: Calendar, *, zone: bool, later: int = 0) -> str:
    """The instant of a date: `'2026-01-01 00:00:00.000'`, in UTC.

    Args:
        value: a datetime, or a `DatetimeMS`.
        calendar: of the database.
        zone: whether the offset is to be in it.
        later: how many milliseconds after the date it is.

    Raises:
        UnsupportedError: the calendar does not reach it.
    """
    days, rest = divmod(milliseconds(value) + later, DAY)
    date, space, era = day_text(days, calendar).partition(" ")
    if date.endswith("infinity"):
        return date
    seconds, millis = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{hour:02}:{minute:02}:{second:02}.{millis:03}" + ("+00" if zone else "")
    return f"{date} {clock}{space}{era}"


def day_text(days: int, calendar: Calendar) -> str:
    """The day so many days after 1970-01-01: `'2026-01-01'`.

    Raises:
        UnsupportedError: the calendar does not reach it.
    """
    cycles, of_cycle = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    date = datetime.date.fromordinal(of_cycle + 1)
    year = date.year + cycles * _CYCLE_YEARS
    if not _FIRST_YEARS[calendar] <= year <= _LAST_YEARS[calendar]:
        if calendar == "common":
            raise UnsupportedError(f"dates of the year {year} cannot be said here: years are from 1 to 9999")
        return "infinity" if year > 0 else "-infinity"
    if year > 0:
        return f"{year:04}-{date.month:02}-{date.day:02}"
    if calendar == "era":
        return f"{1 - year:04}-{date.month:02}-{date.day:02} BC"
    return f"-{-year:04}-{date.month:02}-{date.day:02}"
