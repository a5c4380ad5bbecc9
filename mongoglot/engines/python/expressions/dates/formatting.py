"""`$dateToString`: dates as text (semantics 3.9)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import value_class
from mongoglot.engines.python.expressions.dates.calendar import LocalTime, required_millis
from mongoglot.engines.python.expressions.dates.zones import UTC, zone_operand
from mongoglot.engines.python.expressions.numbers import ABSENT, is_nullish, named_type
from mongoglot.errors import FilterError

Operand: TypeAlias = Callable[[], Any]
"""Evaluates an operand."""

ISO_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%LZ"
"""What a server writes where no format is given, in whatever zone."""

_PIECES: Final = re.compile(r"%(.?)|[^%]+", re.DOTALL)


def _year(year: int) -> str:
    if not 0 <= year <= 9999:
        reason = (
            "Could not convert date to string: date component was outside the supported range of 0-9999: "
        )
        raise FilterError(18537, f"{reason}{year}")
    return f"{year:04}"


def _offset(time: LocalTime) -> str:
    hours, minutes = divmod(abs(time.offset) // 60, 60)
    return f"{'-' if time.offset < 0 else '+'}{hours:02}{minutes:02}"


def _offset_minutes(time: LocalTime) -> str:
    minutes = abs(time.offset) // 60
    return str(-minutes if time.offset < 0 else minutes)


_SPECIFIERS: Final[dict[str, Callable[[LocalTime], str]]] = {
    "Y": lambda time: _year(time.year),
    "m": lambda time: f"{time.month:02}",
    "d": lambda time: f"{time.day:02}",
    "H": lambda time: f"{time.hour:02}",
    "M": lambda time: f"{time.minute:02}",
    "S": lambda time: f"{time.second:02}",
    "L": lambda time: f"{time.millisecond:03}",
    "j": lambda time: f"{time.day_of_year:03}",
    "w": lambda time: str(time.weekday + 1),
    "U": lambda time: f"{time.week:02}",
    "u": lambda time: str(time.iso_weekday),
    "V": lambda time: f"{time.iso_week[1]:02}",
    "G": lambda time: _year(time.iso_week[0]),
    "z": _offset,
    "Z": _offset_minutes,
}


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> tuple[str | Callable[[LocalTime], str], ...]:
    """A format as pieces of text and functions that make one.

    Raises:
        FilterError: 18535 or 18536, it is none.
    """
    pieces: list[str | Callable[[LocalTime], str]] = []
    for found in _PIECES.finditer(text):
        letter = found[1]
        if letter is None:
            pieces.append(found[0])
        elif letter == "%":
            pieces.append("%")
        elif not letter:
            raise FilterError(18535, "Unmatched '%' at end of format string")
        elif letter not in _SPECIFIERS:
            raise FilterError(18536, f"Invalid format character '%{letter}' in format string")
        else:
            pieces.append(_SPECIFIERS[letter])
    return tuple(pieces)


def date_text(time: LocalTime, text: str = ISO_FORMAT) -> str:
    """A date in a format.

    Raises:
        FilterError: 18537, its year has not four digits.
    """
    return "".join([piece if isinstance(piece, str) else piece(time) for piece in _compiled(text)])


def iso_text(millis: int) -> str:
    """An instant as a server turns it into a string: `2020-01-31T00:00:00.000Z`.

    Raises:
        FilterError: 18537, its year has not four digits.
    """
    return date_text(UTC.local(millis))


def to_string(date: Operand, timezone: Operand, on_null: Operand, layout: Operand) -> Any:
    """`$dateToString`: format and zone are checked before anything is null."""
    value = date()
    text = layout()
    if text is not ABSENT and not is_nullish(text):
        if value_class(text) != "string":
            reason = (
                f"$dateToString requires that 'format' be a string, found: {named_type(text)} with value "
            )
            raise FilterError(18533, f"{reason}{rendered(text)}")
        _compiled(text)
    zone = zone_operand(timezone())
    if is_nullish(value):
        found = on_null()
        return None if found is ABSENT else found
    if zone is None:
        return None
    if is_nullish(text):
        return None
    time = zone.local(required_millis(value))
    return date_text(time) if text is ABSENT else date_text(time, text)
