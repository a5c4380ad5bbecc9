"""Dates as mongosh reads them: `ISODate("…")`, `new Date("…")` and the dates of Extended JSON."""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

from bson.datetime_ms import DatetimeMS

from mongoglot.grammar.javascript import JAVASCRIPT_DATES
from mongoglot.grammar.shell_values import UnfitError, shortened

_SECONDS: Final = r"(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
_ZONE: Final = r"(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
_ISO_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})"
    rf"(?P<time>[Tt ](?P<hour>[0-9]{{2}})(?::?(?P<minute>[0-9]{{2}})(?::?{_SECONDS})?)?{_ZONE})?"
)
_JAVASCRIPT_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4}|[+-][0-9]{6})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?"
    rf"(?P<time>[Tt ](?P<hour>[0-9]{{2}}):(?P<minute>[0-9]{{2}})(?::{_SECONDS})?{_ZONE})?"
)
_DURATION: Final = re.compile(
    "".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in ("w", "d", "h", "m", "s"))
)
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND: Final = datetime.timedelta(milliseconds=1)


def iso_date(text: str) -> Any:
    """The instant of `ISODate("…")`: UTC where no zone is given."""
    return instant_of(_milliseconds(_ISO_DATE.fullmatch(text), text))


def duration(text: str) -> datetime.timedelta:
    """A span of time as people write it: `90s`, `5m`, `1h`, `30d`, `2w`, `1h30m`.

    Raises:
        UnfitError: it is none.
    """
    found = _DURATION.fullmatch(text.replace(" ", ""))
    if found is None or not found[0]:
        raise UnfitError(
            f"{shortened(text)!r} is no span of time",
            "write a number with s, m, h, d or w, as '90s' or '1h30m'",
        )
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        return datetime.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise UnfitError(f"{shortened(text)!r} is longer than the calendar") from None


def ago(text: str) -> Any:
    """The instant so long before now: `ago("1h")`."""
    now = datetime.datetime.now(datetime.UTC)
    return instant_of((now - _EPOCH - duration(text)) // _MILLISECOND)


def javascript_date(text: str) -> Any:
    """The instant of `new Date("…")`, where the text leaves no doubt about it.

    Raises:
        UnfitError: it is no date, or a time without a zone, which is the local time of whoever runs it.
    """
    found = _JAVASCRIPT_DATE.fullmatch(text)
    if found is not None and found["time"] and not found["zone"]:
        hint = f"write {shortened(text)}Z for UTC, or ISODate(…), which is UTC"
        raise UnfitError("a time without a zone is local time, which differs from machine to machine", hint)
    return instant_of(_milliseconds(found, text))


def _milliseconds(found: re.Match[str] | None, text: str) -> int:
    if found is None or found["year"] == "-000000":
        raise _no_date(text)
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    millis = int((found["fraction"] or "")[:3].ljust(3, "0"))
    if not 1 <= month <= 12 or not 1 <= day <= _days_in(year, month):
        raise _no_date(text)
    if (hour, minute, second, millis) > (24, 0, 0, 0) or minute > 59 or second > 59:
        raise _no_date(text)
    zone = (found["zone"] or "Z").replace(":", "")
    offset = 0 if zone in "Zz" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:5]))
    if zone not in "Zz" and (int(zone[1:3]) > 23 or int(zone[3:5]) > 59):
        raise _no_date(text)
    total = ((_day_number(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second
    if total * 1000 + millis not in JAVASCRIPT_DATES:
        raise _no_date(text)
    return total * 1000 + millis


def _no_date(text: str) -> UnfitError:
    return UnfitError(
        f"{shortened(text)!r} is no date",
        'write ISODate("2026-01-31") or ISODate("2026-01-31T23:59:59.999Z")',
    )


def _days_in(year: int, month: int) -> int:
    return _day_number(year + month // 12, month % 12 + 1, 1) - _day_number(year, month, 1)


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, which goes on in both directions."""
    cycles, of_cycle = divmod(year - 1, 400)  # 400 years have the same number of days wherever they begin
    return datetime.date(of_cycle + 1, month, day).toordinal() + cycles * 146_097 - 719_163


def instant_of(millis: int) -> datetime.datetime | DatetimeMS:
    """The aware datetime of an instant, or a `DatetimeMS` where Python's calendar has no such day."""
    try:
        return _EPOCH + millis * _MILLISECOND
    except OverflowError:
        return DatetimeMS(int(millis))
