"""`$dateFromString`: texts as dates (semantics 3.9).

Without a format a server reads nearly everything that people write. Here are read the forms of ISO 8601 and
others in use, exactly as it reads them; of what no server reads as a date some is known; the rest is refused as
what only a server can tell.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from mongoglot.compiler.instants import instant
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import value_class
from mongoglot.engines.python.expressions.dates.calendar import DAY
from mongoglot.engines.python.expressions.dates.format_parsing import (
    checked_day,
    parse_with_format,
    parsed_format,
)
from mongoglot.engines.python.expressions.dates.text_zones import (
    NoDateError,
    TextZone,
    abbreviated,
    read_zone,
)
from mongoglot.engines.python.expressions.dates.zones import UTC, Zone, zone_operand
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish, named_type
from mongoglot.errors import FilterError, UnsupportedError

Operand: TypeAlias = Callable[[], Any]
"""Evaluates an operand."""

_MONTHS: Final = (
    "january february march april may june july august september october november december".split()
)
_MONTH_NUMBERS: Final = {
    name: number for number, full in enumerate(_MONTHS, 1) for name in (full, full[:3])
} | {"sept": 9}

_MONTH_NAME: Final = "(?P<name>" + "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True)) + ")"
_DATES: Final = (
    r"(?P<year>[0-9]{4})(?P<dash>[-/])(?P<month>0?[0-9]|1[0-2])(?P=dash)(?P<day>[0-2]?[0-9]|3[01])",
    r"(?P<year>[0-9]{4})-(?P<month>0?[0-9]|1[0-2])(?P<day>)(?![^ ])",
    r"(?P<year>[0-9]{4})(?P<month>0[0-9]|1[0-2])(?P<day>[0-2][0-9]|3[01])",
    r"(?P<year>[+-][0-9]{4})-(?P<month>0[0-9]|1[0-2])-(?P<day>[0-2][0-9]|3[01])",
    r"(?P<month>0?[0-9]|1[0-2])/(?P<day>[0-2]?[0-9]|3[01])/(?P<year>[0-9]{4})",
    r"(?P<day>[0-2]?[0-9]|3[01])(?P<dot>[.-])(?P<month>0?[0-9]|1[0-2])(?P=dot)(?P<year>[0-9]{4})",
    rf"{_MONTH_NAME}\ (?P<day>[0-2]?[0-9]|3[01]),?\ (?P<year>[0-9]{{4}})",
    rf"(?P<day>[0-2]?[0-9]|3[01])[ -]{_MONTH_NAME}[ -](?P<year>[0-9]{{4}})",
)
_TIME: Final = (
    r"(?P<clock>(?:[T ]|\ +)(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5]?[0-9])"
    r"(?::(?P<second>[0-5]?[0-9])(?:\.(?P<fraction>[0-9]{1,18}))?)?)"
)
_ZONE: Final = r"(?:\ ?(?P<zone>Z|UTC|GMT|[ECMP][SD]T|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))"
_FORMS: Final = tuple(re.compile(rf"{date}(?:{_TIME}{_ZONE}?)?", re.IGNORECASE | re.ASCII) for date in _DATES)
_STRICT: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_SPACES: Final = " \t\n\v\f\r"
_INCOMPLETE: Final = re.compile("[^0-9]*|[0-9]{1,6}")
_OUT_OF_RANGE: Final = re.compile(
    r"[0-9]{4}-(?:(?:(?:1[3-9]|[2-9][0-9])-[0-9]{2}|(?:0[0-9]|1[0-2])-(?:3[2-9]|[4-9][0-9]))(?:[T ][0-9].*)?"
    r"|[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
"""What looks like ISO 8601 and is no such form has a number that is too large."""

_KNOWN: Final = re.compile("[A-Za-z0-9 \t\n\0.,:/+()@_\xb5\xa0\u202f-]*")


@functools.lru_cache(maxsize=1024)
def _parts_of_text(text: str) -> tuple[int, int, TextZone | None]:
    """Days since 1970, microseconds of the day, and the zone that a text says.

    Raises:
        NoDateError: it is no date.
        UnsupportedError: only a server can tell.
    """
    trimmed = text.strip(_SPACES)
    for form in _FORMS:
        found = form.fullmatch(trimmed)
        if found is not None and _is_sure(found):
            return _read(found)
    if _INCOMPLETE.fullmatch(trimmed):
        raise NoDateError("an incomplete date/time string has been found, with elements missing")
    if not _KNOWN.fullmatch(trimmed) or _OUT_OF_RANGE.fullmatch(trimmed):
        raise NoDateError("Unexpected character")
    raise UnsupportedError(f"the text {text!r:.60} can only be read as a date by a MongoDB server")


def _is_sure(found: re.Match[str]) -> bool:
    """Whether a server reads the text in one way only: behind a `T` a fraction needs all digits and dashes."""
    separated = found["clock"] is not None and found["clock"][0] == "T" and found["fraction"] is not None
    return not separated or _STRICT.match(found[0]) is not None


def _read(found: re.Match[str]) -> tuple[int, int, TextZone | None]:
    parts = found.groupdict()
    month = _MONTH_NUMBERS[parts["name"].lower()] if parts.get("name") else int(parts["month"])
    days = checked_day(int(parts["year"]), month, int(parts["day"] or 1))
    hour, minute, second = int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0)
    if hour > 23:
        raise NoDateError("The parsed time was invalid")
    fraction = parts["fraction"] or "0"
    micros = int(float(fraction) * 10.0 ** (6 - len(fraction)))
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    written = parts["zone"]
    if written is None:
        return days, clock, None
    if written[0] in "+-":
        return days, clock, read_zone(written, 0)[0]
    return days, clock, TextZone(abbreviated(written), written)


def parse_date_text(text: str) -> int:
    """The instant, in milliseconds, that a server reads from a text without a format.

    Raises:
        FilterError: 241, it is no date.
        UnsupportedError: only a server can tell.
    """
    try:
        return _in_zone(_parts_of_text(text), None)
    except NoDateError as error:
        raise _no_date(text, error) from None


def _in_zone(parts: tuple[int, int, TextZone | None], zone: Zone | None) -> int:
    """The instant that a text says, which may not have a zone of its own where one is given."""
    days, clock, written = parts
    if written is not None and zone is not None and zone.is_named:
        what = f"time zone information ('{written.name}')" if written.name else "GMT offset"
        reason = f"you cannot pass in a date/time string with {what} together with a timezone argument"
        raise NoDateError(reason)
    seconds, micros = divmod(clock, 1_000_000)
    seconds += days * DAY
    seconds = (zone or UTC).to_utc(seconds) if written is None else seconds - written.offset
    micros += seconds * 1_000_000
    return micros // 1000 if micros >= 0 else -(-micros // 1000)  # cut towards 1970


def _no_date(text: str, error: NoDateError) -> FilterError:
    return FilterError(241, f"Error parsing date string '{text:.60}'; {error}")


def from_string(
    date: Operand, timezone: Operand, layout: Operand, on_null: Operand, on_error: Operand
) -> Any:
    """`$dateFromString`: format and zone are checked before anything is null."""
    value, text = date(), layout()
    if text is not ABSENT and not is_nullish(text):
        if value_class(text) != "string":
            reason = (
                f"$dateFromString requires that 'format' be a string, found: {named_type(text)} with value "
            )
            raise FilterError(40684, f"{reason}{rendered(text)}")
        parsed_format(text)
    given = timezone()
    zone = zone_operand(given)
    if is_nullish(value):
        found = on_null()
        return None if found is ABSENT else found
    try:
        if value_class(value) != "string":
            reason = f"$dateFromString requires that 'dateString' be a string, found: {named_type(value)}"
            raise FilterError(241, f"{reason} with value {rendered(value)}")
        if zone is None or is_nullish(text):
            return None
        try:
            parts = _parts_of_text(value) if text is ABSENT else parse_with_format(value, text)
            return instant(_in_zone(parts, None if given is ABSENT else zone))
        except NoDateError as error:
            raise _no_date(value, error) from None
    except FilterError:
        found = on_error()
        if found is ABSENT:
            raise
        return found
