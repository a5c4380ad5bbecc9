"""Random expressions of dates, typed well and badly.

The zones are some for which the databases of time zones agree, whatever their age.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any, Final

from bson import Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from tests.expression_family import Family

ZONES: Final = (
    "America/New_York", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Australia/Sydney",
    "Australia/Lord_Howe", "America/St_Johns", "America/Sao_Paulo", "America/Havana", "America/Santiago",
    "Pacific/Apia", "Asia/Kathmandu", "Africa/Monrovia", "UTC", "GMT", "EST5EDT", "Etc/GMT-3",
    "+03", "-0430", "+05:30", "+00", "-00:30", "+9999",
)  # fmt: skip

NO_ZONES: Final = ("", "Europe/Atlantis", "utc", "+3", "+3:00", "+0a", "Z", "+03:0", None, 5, "$a", "$nope")

UNITS: Final = (
    "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "day", "week", "month",
)  # fmt: skip

NO_UNITS: Final = ("Day", "days", "", None, 5, "$a", "$nope")

WEEKDAYS: Final = ("sunday", "mon", "TUESDAY", "Wed", "thu", "Friday", "saturday", "SUN")

SWITCHES: Final = (
    1583650800, 1604210400, 1585443600, 1603587600, 1586012400, 1601740800, 1540695600, 1572745200, 1325239200, 0,
    1541300400, -2109110400,
)  # fmt: skip
"""Seconds around which clocks were put forward or back."""


def _instant(rng: random.Random) -> Any:
    """A date: most of them of our days, some at the ends of what BSON has."""
    match rng.randrange(10):
        case 0 | 1 | 2:
            millis = rng.randint(-(10**12), 2 * 10**12)
        case 3 | 4 | 5:
            millis = (rng.choice(SWITCHES) + rng.randint(-90, 90) * 600) * 1000 + rng.choice((0, 0, 500))
        case 6:
            millis = rng.randint(-2_000_000, 2_000_000) * 86_400_000
        case 7:
            millis = rng.randint(-62_200_000_000_000, 253_500_000_000_000)
        case 8:
            millis = rng.choice((0, -1, 999, -999, -1000, 946684800000, 253402300799999, -62135596800000))
        case _:
            millis = rng.choice((rng.randint(-(2**63), 2**63 - 1), 2**63 - 1, -(2**63), 2**53))
    try:
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=millis)
    except OverflowError:
        return DatetimeMS(millis)


def _date(rng: random.Random, operand: Callable[..., Any]) -> Any:
    chance = rng.random()
    if chance < 0.75:
        return _instant(rng) if rng.random() < 0.6 else rng.choice(("$a", "$b", "$c"))
    return (
        operand()
        if chance < 0.95
        else rng.choice((ObjectId("5" * 24), ObjectId("f" * 24), Timestamp(5, 1), None))
    )


def _zone(rng: random.Random, operand: Callable[..., Any]) -> dict[str, Any]:
    if rng.random() < 0.45:
        return {}
    chance = rng.random()
    if chance < 0.93:
        return {"timezone": rng.choice(ZONES)}
    return {"timezone": rng.choice(NO_ZONES) if chance < 0.99 else operand()}


def _unit(rng: random.Random) -> Any:
    return rng.choice(UNITS) if rng.random() < 0.95 else rng.choice(NO_UNITS)


def _week(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {}
    return {
        "startOfWeek": rng.choice(WEEKDAYS)
        if rng.random() < 0.93
        else rng.choice(("m", 5, None, "$a", "$nope"))
    }


def _shuffled(rng: random.Random, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields in any order; sometimes one less or one more."""
    names = list(fields)
    rng.shuffle(names)
    if rng.random() < 0.02:
        names = names[1:]
    return {name: fields[name] for name in names} | ({"more": 1} if rng.random() < 0.01 else {})


PARTS: Final = (
    "$year $month $dayOfMonth $dayOfWeek $dayOfYear $hour $minute $second $millisecond "
    "$week $isoWeek $isoWeekYear $isoDayOfWeek"
).split()


def _part(rng: random.Random, operand: Callable[..., Any]) -> Any:
    date = _date(rng, operand)
    form = rng.choice(
        (date, [date], {"date": date, **_zone(rng, operand)}, {"date": date, **_zone(rng, operand)})
    )
    return {rng.choice(PARTS): form if rng.random() < 0.97 else rng.choice(([], {}, [date, 1], {"x": 1}))}


def _amount(rng: random.Random, operand: Callable[..., Any]) -> Any:
    chance = rng.random()
    if chance < 0.7:
        return rng.choice(
            (1, -1, 0, 2, 12, -13, 25, 400, rng.randint(-5000, 5000), Int64(3), 2.0, Decimal128("-2"))
        )
    if chance < 0.85:
        return Int64(rng.randint(-(2**63), 2**63 - 1) >> rng.randint(0, 50))
    return rng.choice((1.5, "1", None, True, float("nan"), Decimal128("1E+30"), 2.0**63, operand()))


def _addition(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields = {"startDate": _date(rng, operand), "unit": _unit(rng), "amount": _amount(rng, operand)}
    return {rng.choice(("$dateAdd", "$dateSubtract")): _shuffled(rng, fields | _zone(rng, operand))}


def _difference(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields = {"startDate": _date(rng, operand), "endDate": _date(rng, operand), "unit": _unit(rng)}
    return {"$dateDiff": _shuffled(rng, fields | _zone(rng, operand) | _week(rng))}


def _truncation(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields = {"date": _date(rng, operand), "unit": _unit(rng), **_zone(rng, operand), **_week(rng)}
    if rng.random() < 0.6:
        sizes = (1, 2, 3, 5, 7, 10, 100, 1000, 2.0, Int64(4), 0, -1, 1.5, None, 2**40, 2**62, "$b")
        fields["binSize"] = rng.choice(sizes)
    return {"$dateTrunc": _shuffled(rng, fields)}


def _to_string(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields = {"date": _date(rng, operand), **_zone(rng, operand)}
    if rng.random() < 0.6:
        letters = "YmdHMSLjwUuVGzZ%"
        text = "".join(
            rng.choice(("%" + rng.choice(letters), rng.choice("-T: é"))) for _ in range(rng.randint(0, 8))
        )
        fields["format"] = (
            text if rng.random() < 0.9 else rng.choice((text + "%", text + "%q", 5, None, "$a"))
        )
    if rng.random() < 0.3:
        fields["onNull"] = operand()
    return {"$dateToString": _shuffled(rng, fields)}


def _text(rng: random.Random) -> str:
    """A text that may be a date, all in ASCII: of other texts a server writes messages that are no UTF-8."""
    year = rng.choice((2020, 2021, 1969, rng.randint(1, 2100)))
    month, day = rng.randint(0, 13), rng.randint(0, 32)
    hour, minute, second = rng.randint(0, 25), rng.randint(0, 60), rng.randint(0, 60)
    date = rng.choice(
        (
            f"{year:04}-{month:02}-{day:02}",
            f"{year:04}-{month:02}-{day:02}",
            f"{year:04}/{month}/{day}",
            f"{year:04}{month:02}{day:02}",
            f"{month}/{day}/{year:04}",
            f"{day}.{month}.{year:04}",
            f"{rng.choice(('Jan', 'June', 'december', 'Octo'))} {day}, {year:04}",
            f"{year:04}-{month:02}",
        )
    )
    clock = f"{hour:02}:{minute:02}:{second:02}"
    time = rng.choice(
        ("", f"T{clock}", f"T{clock}.{rng.randint(0, 9999)}", f" {hour}:{minute:02}", f" {clock}")
    )
    zone = rng.choice(("", "", "Z", "+03:00", "-0330", "+3", " UTC", " EST", " CET", "Z ", "?"))
    return rng.choice((date + time + zone,) * 9 + (rng.choice(("", "abc", "n/a", "12", "now")),))


def _from_string(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields: dict[str, Any] = {
        "dateString": _text(rng) if rng.random() < 0.9 else operand(),
        **_zone(rng, operand),
    }
    if rng.random() < 0.6:
        pieces = "%Y %m %d %H %M %S %L %G %V %u %z %Z %% - : T x".split()
        layout = rng.choice(
            (
                "%Y-%m-%d",
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%dT%H:%M:%S.%LZ",
                "%Y-%m-%dT%H:%M:%S%z",
                "%m/%d/%Y",
                "".join(rng.choice(pieces) for _ in range(rng.randint(0, 6))),
            )
        )
        fields["format"] = (
            layout if rng.random() < 0.93 else rng.choice((layout + "%", "%j", "", 5, None, "$a"))
        )
    for name in ("onNull", "onError"):
        if rng.random() < 0.3:
            fields[name] = operand()
    return {"$dateFromString": _shuffled(rng, fields)}


def _to_parts(rng: random.Random, operand: Callable[..., Any]) -> Any:
    fields = {"date": _date(rng, operand), **_zone(rng, operand)}
    if rng.random() < 0.6:
        fields["iso8601"] = rng.choice((True, True, False, None, 1, "$a"))
    return {"$dateToParts": _shuffled(rng, fields)}


def _from_parts(rng: random.Random, operand: Callable[..., Any]) -> Any:
    year = rng.choice((2020, 2021, 1969, 1, 9999, 0, 10000, Int64(1900), 2000.0, 2000.5, operand()))
    if rng.random() < 0.6:
        fields = {"year": year}
        small = ["month", "day"]
    else:
        fields = {"isoWeekYear": year}
        small = ["isoWeek", "isoDayOfWeek"]
    for name in (*small, "hour", "minute", "second", "millisecond"):
        if rng.random() < 0.5:
            chance = rng.random()
            if chance < 0.9:
                fields[name] = rng.choice((rng.randint(1, 12), rng.randint(-100, 100), 2, 3, 0))
            else:
                huge = rng.randint(-(2**63), 2**63 - 1) >> rng.randint(0, 62)
                fields[name] = rng.choice(
                    (32767, 32768, -32768, -32769, huge, huge, None, "x", 1.5, operand())
                )
    if rng.random() < 0.02:
        fields["isoWeek"] = 1
    return {"$dateFromParts": _shuffled(rng, fields | _zone(rng, operand))}


FAMILY: Final = Family(
    values=(
        datetime.datetime(2020, 2, 29, 23, 59, 59, 999000),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 1000),
        datetime.datetime(2020, 11, 1, 5, 30),
        datetime.datetime(2021, 1, 1),
        datetime.datetime(1, 1, 1),
        DatetimeMS(253402300800000),
        DatetimeMS(-62167219200001),
        DatetimeMS(2**63 - 1),
        ObjectId("5f" * 12),
        Timestamp(4294967295, 1),
        "UTC",
        "day",
        "2020-01-02",
        "%Y",
    ),
    makers=(
        _part,
        _part,
        _addition,
        _addition,
        _difference,
        _difference,
        _truncation,
        _truncation,
        _to_string,
        _from_string,
        _to_parts,
        _from_parts,
    ),
)
