"""How much is kept, as options say it: ages with a unit, and numbers of which 0 is no limit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from mongoglot.errors import UnsupportedError

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([smhdw]?)\s*")


def age(value: float | str) -> timedelta | None:
    """The time that an option means: seconds, or a number with a unit; None for 0, no limit.

    Raises:
        UnsupportedError: it is no time.

    >>> age("30d"), age(90), age(0)
    (datetime.timedelta(days=30), datetime.timedelta(seconds=90), None)
    """
    found = _AGE.fullmatch(str(value))
    try:
        span = timedelta(**{_UNITS[found[2] or "s"]: float(found[1])}) if found else timedelta(-1)
    except OverflowError:
        span = timedelta(-1)
    if span < timedelta(0):
        raise UnsupportedError(
            f"max_age is seconds, or a number with s, m, h, d or w, as '30d'; not {value!r}"
        )
    return span or None


def least(*limits: int) -> int | None:
    """The lowest of some limits; None if there is none."""
    return min((limit for limit in limits if limit > 0), default=None)
