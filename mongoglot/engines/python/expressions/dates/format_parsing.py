"""`$dateFromString` with a format (semantics 3.9)."""

from __future__ import annotations

import functools
import re
from typing import Final

from mongoglot.engines.python.expressions.dates.calendar import (
    day_number,
    days_in,
    iso_day_number,
)
from mongoglot.engines.python.expressions.dates.text_zones import (
    NoDateError,
    TextZone,
    read_minutes,
    read_zone,
)
from mongoglot.errors import FilterError

_DIGITS: Final = re.compile(r"[0-9]*")

_WIDTHS: Final = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "L": 3, "G": 4, "V": 2, "u": 1}
"""How many digits a specifier reads at most."""

_ISO: Final = "GVu"


@functools.lru_cache(maxsize=256)
def parsed_format(text: str) -> tuple[tuple[str, str], ...]:
    """A format as pairs: a specifier, or nothing, and the character that stands for itself.

    Raises:
        FilterError: 18535 or 18536, it is none.
    """
    pairs: list[tuple[str, str]] = []
    letters = iter(text.encode("utf-8").decode("latin-1"))
    for letter in letters:
        if letter != "%":
            pairs.append(("", letter))
            continue
        specifier = next(letters, None)
        if specifier is None:
            raise FilterError(18535, "Unmatched '%' at end of format string")
        if specifier == "%":
            pairs.append(("", "%"))
        elif specifier in _WIDTHS or specifier in "zZ":
            pairs.append((specifier, ""))
        else:
            raise FilterError(18536, f"Invalid format character '%{specifier}' in format string")
    # a server reads no further than a NUL
    return tuple(pairs[: pairs.index(("", "\0"))] if ("", "\0") in pairs else pairs)


def parse_with_format(text: str, layout: str) -> tuple[int, int, TextZone | None]:
    """Days since 1970, microseconds of the day, and the zone that a text in a format says.

    Raises:
        NoDateError: it is no date.
        UnsupportedError: only a server can tell.
    """
    found: dict[str, int] = {}
    zone: TextZone | None = None
    source, place = text.encode("utf-8").decode("latin-1").partition("\0")[0], 0
    for specifier, letter in parsed_format(layout):
        if place >= len(source):
            raise NoDateError("Not enough data available to satisfy format")
        if specifier == "z":
            zone, place = read_zone(source, place)
        elif specifier == "Z":
            zone, place = read_minutes(source, place)
        elif specifier:
            found[specifier], place = _number(specifier, source, place)
        elif source[place] != letter:
            raise NoDateError("Format literal not found")
        else:
            place += 1
    if place < len(source):
        raise NoDateError("Trailing data")
    return _day(found), _clock(found), zone


def _number(specifier: str, source: str, place: int) -> tuple[int, int]:
    """What a specifier reads of a text, and the place behind it."""
    if specifier in _ISO:  # what is no digit is skipped
        while place < len(source) and not "0" <= source[place] <= "9":
            place += 1
    width = _WIDTHS[specifier]
    found = _DIGITS.match(source, place, place + width)
    digits = found[0] if found else ""
    if not digits or (specifier in "MS" and len(digits) != width):
        raise NoDateError("Unexpected data found.")
    number = int(digits) * 10 ** (3 - len(digits)) if specifier == "L" else int(digits)
    if specifier == "V" and not 1 <= number <= 53:
        raise NoDateError("ISO Week must be between 1 and 53")
    if specifier == "u" and not 1 <= number <= 7:
        raise NoDateError("Day of week must be between 1 and 7")
    return number, place + len(digits)


def _clock(found: dict[str, int]) -> int:
    hour, minute, second = found.get("H", 0), found.get("M", 0), found.get("S", 0)
    if hour > 23 or minute > 59 or second > 59:
        raise NoDateError("The parsed time was invalid")
    return (((hour * 60 + minute) * 60 + second) * 1000 + found.get("L", 0)) * 1000


def _day(found: dict[str, int]) -> int:
    natural, iso = found.keys() & set("Ymd"), found.keys() & set(_ISO)
    if ("G" in found and natural) or ("Y" in found and iso):
        raise NoDateError("Mixing of ISO dates with natural dates is not allowed")
    if iso:
        if "G" not in found:
            raise NoDateError("The parsed date was invalid")
        return iso_day_number(found["G"], found.get("V", 1), found.get("u", 1))
    if len(natural) < 3:
        raise NoDateError("an incomplete date/time string has been found, with elements missing")
    return checked_day(found["Y"], found["m"], found["d"])


def checked_day(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date.

    Raises:
        NoDateError: the month has no such day.
    """
    if not 1 <= month <= 12 or not 1 <= day <= days_in(year, month):
        raise NoDateError("The parsed date was invalid")
    return day_number(year, month, day)
