"""Time zones as texts of dates say them: offsets, and the abbreviations that a server knows."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mongoglot.errors import UnsupportedError


class NoDateError(Exception):
    """A text is no date; the message says why."""


class TextZone(NamedTuple):
    """A zone in a text.

    Attributes:
        offset: in seconds east of UTC.
        name: an abbreviation; empty for an offset.
    """

    offset: int
    name: str


_HALF_HOURS: Final = {
    1800 * number: names
    for number, names in {
        -24: "y", -22: "x sst", -20: "w bdt hst ahst", -19: "hdt hpt hwt", -18: "v yst ahdt akst",
        -16: "u pst ydt ypt ywt akdt", -14: "t mst pdt ppt pwt yddt", -12: "s cst mdt mpt mwt pddt",
        -10: "r cdt cpt cwt est mddt", -8: "q ast edt ept ewt cddt", -7: "nst", -6: "p adt apt awt eddt",
        -5: "npt nwt", -4: "o addt", -3: "nddt", -2: "n", 0: "z gmt uct utc wet", 2: "a bst cet met wat west",
        4: "b cat eet ist bdst cest mest sast wast wemt", 6: "c eat idt msk cemt eest", 8: "d msd iddt",
        10: "e pkt", 12: "f pkst", 14: "g wib", 16: "h hkt awst wita", 17: "kst", 18: "i jst wit awdt hkst",
        19: "acst cast", 20: "k gst jdt kdt aest chst", 21: "acdt", 22: "l gdt aedt", 23: "nzmt", 24: "m nzst",
        26: "nzdt",
    }.items()
}  # fmt: skip

_LOCAL_MEAN: Final = (
    "-26248 emt -20173 sjmt -19776 hmt -18840 qmt -17340 ppmt -16800 sdmt -15408 cmt -14660 ffmt -14309 bmt "
    "-13884 smt -13840 amt -13236 pmt -9052 ndt -4056 fmt -1521 dmt 5040 wmt 5736 kmt 5794 rmt 8440 jmt 9017 mmt "
    "9394 lst 10751 tbmt 12344 tmt 16279 mdst 25025 imt 25590 plmt"
).split()

ABBREVIATIONS: Final[dict[str, int]] = {
    **{name: offset for offset, names in _HALF_HOURS.items() for name in names.split()},
    **dict(zip(_LOCAL_MEAN[1::2], map(int, _LOCAL_MEAN[::2]), strict=True)),
}
"""What a server knows, in seconds east of UTC: all words of up to four letters were asked (measured)."""

_WORD: Final = re.compile(r"[^\0 )]*")
_OFFSET: Final = re.compile(r"[0-9:]*")
_DIGITS: Final = re.compile(r"[0-9]*")
_NUMBER: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_LONGEST: Final = 5
"""Letters of an abbreviation."""

_MOST_MINUTES: Final = 2**31 // 60


def read_zone(source: str, place: int) -> tuple[TextZone, int]:
    """The zone at a place of a text, and the place behind it.

    Raises:
        NoDateError: there is none.
        UnsupportedError: only a server can tell.
    """
    while source[place : place + 1] and source[place] in " \t(":
        place += 1
    if source[place : place + 4] in ("GMT+", "GMT-"):
        place += 3
    sign = source[place : place + 1]
    if sign in ("+", "-"):
        found = _OFFSET.match(source, place + 1)
        text = found[0] if found else ""
        offset = _seconds(text, source[place + 1 :])
        zone, place = TextZone(-offset if sign == "-" else offset, ""), place + 1 + len(text)
    else:
        word = _WORD.match(source, place)
        name = word[0] if word else ""
        zone, place = TextZone(abbreviated(name), name), place + len(name)
    while source[place : place + 1] == ")":
        place += 1
    return zone, place


def read_minutes(source: str, place: int) -> tuple[TextZone, int]:
    """An offset in minutes, with its sign, and the place behind it."""
    sign = source[place]
    if sign not in "+-":
        raise NoDateError("Invalid timezone offset in minutes")
    found = _DIGITS.match(source, place + 1)
    digits = found[0] if found else ""
    minutes = _number(source[place + 1 :])  # a server reads one behind the place, too
    if abs(minutes) >= _MOST_MINUTES:
        raise UnsupportedError("an offset of so many minutes can only be read by a MongoDB server")
    return TextZone((-minutes if sign == "-" else minutes) * 60, ""), place + 1 + len(digits)


def abbreviated(name: str) -> int:
    """The offset of an abbreviation.

    Raises:
        NoDateError: there is none, or it is the name of a zone, which no text may hold.
    """
    offset = ABBREVIATIONS.get(name.lower())
    if offset is None:
        if len(name) == _LONGEST and name[-1] not in "tT" and name.isascii() and name.isalpha():
            raise UnsupportedError(f"the time zone {name!r} can only be read by a MongoDB server")
        raise NoDateError("passing a time zone identifier as part of the string is not allowed")
    return offset


def _number(text: str) -> int:
    """The number that a text begins with, 0 where it begins with none."""
    found = _NUMBER.match(text)
    return int(found[1]) if found else 0


def _seconds(text: str, rest: str) -> int:
    """An offset: hours, or hours and minutes, or seconds too, with colons or without, as its length says.

    Args:
        text: its digits and colons.
        rest: they and what is behind them.
    """
    match len(text):
        case 1 | 2:
            return _number(text) * 3600
        case 3 | 4 if text[1] == ":":
            return _number(text) * 3600 + _number(text[2:]) * 60
        case 3 | 4 | 5 if text[2] == ":":
            return _number(text) * 3600 + _number(rest[3:]) * 60
        case 3 | 4:
            number = _number(text)
            return number // 100 * 3600 + number % 100 * 60
        case 6:
            number = _number(text)
            return number // 10000 * 3600 + number // 100 % 100 * 60 + number % 100
        case 8 if text[2] == text[5] == ":":
            return _number(text) * 3600 + _number(text[3:]) * 60 + _number(text[6:])
        case _:
            raise NoDateError("The timezone could not be found in the database")
