"""Instants, as a server keeps them: whole milliseconds since 1970 (semantics 7)."""

from __future__ import annotations

import datetime
from typing import Final

from bson.datetime_ms import DatetimeMS

_EPOCH: Final = datetime.datetime(1970, 1, 1)
_EPOCH_UTC: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND: Final = datetime.timedelta(milliseconds=1)


def milliseconds(value: datetime.datetime | DatetimeMS) -> int:
    """The instant in milliseconds since 1970 UTC; finer digits are cut downwards, a naive value is UTC."""
    if isinstance(value, DatetimeMS):
        return int(value)
    return (value - (_EPOCH_UTC if value.tzinfo else _EPOCH)) // _MILLISECOND


def instant(millis: int) -> datetime.datetime | DatetimeMS:
    """The naive UTC datetime of an instant, or a `DatetimeMS` where Python's calendar has no such day."""
    try:
        return _EPOCH + millis * _MILLISECOND
    except OverflowError:
        return DatetimeMS(millis)


def current_time() -> datetime.datetime:
    """Now, as a naive datetime in UTC, its finer digits cut."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
