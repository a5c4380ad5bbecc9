"""Values as text, where an operator of strings takes what is no string (semantics 3.9)."""

from __future__ import annotations

import datetime
import math
from typing import Any, Final

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import MISSING, check_text, value_class
from mongoglot.engines.python.expressions.numbers import named_type
from mongoglot.errors import FilterError

_YEAR_ZERO: Final = -62_167_219_200_000
"""The first millisecond of the year 0."""

_CYCLE: Final = 146_097 * 86_400_000
"""The milliseconds of 400 years, after which the calendar repeats."""

_LEAP: Final = datetime.datetime(2000, 1, 1)
"""The beginning of such a cycle that Python's calendar has."""

_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def coerced_text(value: Any) -> str:
    """The text of a value, as `$toLower`, `$substrBytes` and their like take it; empty for null and missing.

    Raises:
        FilterError: 16007, the type has no text; 18537, a date outside the years 0 to 9999.
    """
    if value is MISSING:
        return ""
    match value_class(value):
        case "string" | "code":
            return str.__str__(value)
        case "null":
            return ""
        case "int":
            return str(int(value))
        case "double" | "nan" if isinstance(value, float):
            return double_text(value)
        case "decimal" | "nan":
            return str(value)
        case "date":
            try:
                return date_text(value)
            except FilterError as error:
                error.reason = f"failed while coercing date to string :: caused by :: {error.reason}"
                raise
        case "timestamp":
            return _timestamp_text(value)
        case _:
            raise FilterError(16007, f"can't convert from BSON type {named_type(value)} to String")


def utf8(text: str) -> bytes:
    """A string as BSON has it.

    Raises:
        EncodingTypeError: it holds lone surrogates.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        check_text(text)
        raise


def shown(value: Any) -> str:
    """A value as the messages of operators have it: `5`, `1.5`, `"x"`, `MISSING`."""
    if value is MISSING:
        return "MISSING"
    match value_class(value):
        case "double" | "nan" if isinstance(value, float):
            return double_text(value)
        case "code":
            return f'Code("{value}")'
        case _:
            return rendered(value)


def double_text(value: float) -> str:
    """A double in six digits at most, as C++ prints it: `1`, `0.333333`, `1e+15`, `-nan`."""
    sign = "-" if math.isnan(value) and math.copysign(1, value) < 0 else ""
    return f"{sign}{value:g}"


def date_text(value: datetime.datetime | DatetimeMS) -> str:
    """An instant as `2020-01-02T03:04:05.678Z`, in the years 0 to 9999.

    Raises:
        FilterError: 18537, another year.
    """
    cycle, rest = divmod(milliseconds(value) - _YEAR_ZERO, _CYCLE)
    day = _LEAP + datetime.timedelta(milliseconds=rest)
    year = day.year - _LEAP.year + 400 * cycle
    if not 0 <= year <= 9999:
        reason = (
            "Could not convert date to string: date component was outside the supported range of 0-9999: "
        )
        raise FilterError(18537, f"{reason}{year}")
    return f"{year:04}-{day:%m-%dT%H:%M:%S}.{day.microsecond // 1000:03}Z"


def _timestamp_text(value: Timestamp) -> str:
    """A timestamp, whose year a server leaves out; it prints the hour of its own time zone, here UTC."""
    day = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value.time)
    return f"{_MONTHS[day.month - 1]} {day.day:2} {day:%H:%M:%S}:{value.inc}"
