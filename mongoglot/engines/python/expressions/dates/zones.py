"""Time zones: by their names in the IANA database, and as offsets from UTC.

The rules come from the machine's database, or from the package `tzdata` where it has none.
"""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo
from typing import Any, Final

from mongoglot.compiler.values import value_class
from mongoglot.engines.python.expressions.dates.calendar import DAY, LocalTime, date_of
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish, named_type
from mongoglot.errors import FilterError

_EPOCH: Final = datetime.datetime(1970, 1, 1)
_FIRST: Final = -1960 * 365 * DAY
"""Not before Python's calendar begins, and long before any clock had a zone."""

_LAST: Final = 7000 * 365 * DAY
"""Before Python's calendar ends, and long after the last rule of any zone began."""

_CYCLE: Final = 146_097 * DAY
"""400 years, after which a rule gives the same dates of the same weekdays."""

_OFFSET: Final = re.compile(r"([+-])([0-9]{2})(?::?([0-9]{2}))?")
_NEAR: Final = 2 * DAY


class Zone:
    """What a clock shows.

    Attributes:
        is_utc: whether it is UTC itself.
    """

    def __init__(self, *, is_utc: bool, offset: int = 0, rules: zoneinfo.ZoneInfo | None = None) -> None:
        self.is_utc = is_utc
        self._offset = offset
        self._rules = rules

    @property
    def is_named(self) -> bool:
        """Whether a server sees more in it than an offset of nothing."""
        return self._rules is not None or self._offset != 0

    def at(self, seconds: int) -> tuple[int, bool]:
        """The offset at an instant, in seconds east of UTC, and whether that is daylight saving time."""
        if self._rules is None:
            return self._offset, False
        if seconds > _LAST:
            seconds = _LAST - _CYCLE + (seconds - _LAST) % _CYCLE
        moment = _EPOCH + datetime.timedelta(seconds=max(seconds, _FIRST))
        local = self._rules.fromutc(moment.replace(tzinfo=self._rules))
        offset = local.utcoffset() or datetime.timedelta()
        return offset.days * DAY + offset.seconds, bool(local.dst())

    def local(self, millis: int) -> LocalTime:
        """The parts of an instant."""
        offset, dst = (0, False) if self.is_utc else self.at(millis // 1000)
        seconds, millisecond = divmod(millis, 1000)
        days, second = divmod(seconds + offset, DAY)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        return LocalTime(*date_of(days), hour, minute, second, millisecond, days, offset, dst)

    def to_utc(self, local: int, dst: bool | None = None) -> int:
        """The instant, in seconds, at which a clock shows so many seconds since 1970.

        A clock that is put forward shows some times never: then it counts as not yet put forward. One that is put
        back shows some times twice, of which this is one or the other as a server chooses.

        Args:
            local: what the clock shows.
            dst: whether it is thought to have daylight saving time; without it, what it had when 1970 began.
        """
        if self._rules is None:
            return local - self._offset
        if dst is None:
            dst = self.at(0)[1]
        current, current_dst = self.at(local)
        moment = local - current
        after = actual = self.at(moment)[0]
        begin = moment
        if current == after:
            if current >= 0 and dst and not current_dst:
                earlier = self.at(moment - 7200)[0]
                if earlier != after and local - earlier < self._begin(moment):
                    actual, begin = earlier, moment - 7200
            elif current <= 0 and current_dst and not dst:
                later = self.at(moment + 7200)[0]
                if later != after and local - later >= self._begin(moment + 7200):
                    actual = later
        if current == actual:
            return local - current
        start = self._begin(begin)
        in_transition = start + current - actual <= local - actual < start
        return local - (current if in_transition else actual)

    def _begin(self, seconds: int) -> int:
        """When the rule of an instant began, if that was not long ago; else two days before it."""
        first, last = seconds - _NEAR, seconds
        rule = self.at(last)
        if self.at(first) == rule:
            return first
        while last - first > 1:
            middle = (first + last) // 2
            if self.at(middle) == rule:
                last = middle
            else:
                first = middle
        return last


UTC: Final = Zone(is_utc=True)


@functools.lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """The names of the database; the machine's own zone is no name."""
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


@functools.lru_cache(maxsize=1024)
def zone_of(name: str) -> Zone:
    """The zone of a name such as `Europe/Oslo` or an offset such as `+03`, `-0430` or `+05:30`.

    Raises:
        FilterError: 40485, there is no such zone.
    """
    found = _OFFSET.fullmatch(name)
    if found:
        sign, hours, minutes = found.groups()
        offset = int(hours) * 3600 + int(minutes or 0) * 60
        return Zone(is_utc=False, offset=-offset if sign == "-" else offset)
    if name == "UTC":
        return Zone(is_utc=True, rules=zoneinfo.ZoneInfo(name))
    if name not in _names():
        raise FilterError(40485, f'unrecognized time zone identifier: "{name}"')
    return Zone(is_utc=False, rules=zoneinfo.ZoneInfo(name))


def zone_operand(value: Any) -> Zone | None:
    """The zone that the operand `timezone` names, UTC where there is none; None where it is null.

    Raises:
        FilterError: 40517, it is no string; 40485, there is no such zone.
    """
    if value is ABSENT:
        return UTC
    if is_nullish(value):
        return None
    if value_class(value) != "string":
        raise FilterError(40517, f"timezone must evaluate to a string, found {named_type(value)}")
    return zone_of(value)
