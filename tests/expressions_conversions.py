"""Random conversions and angles, and the values whose conversion is a matter of the last digit."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any, Final

from bson import Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from tests.expression_family import Family

Operand = Callable[..., Any]

NUMERALS: Final = (
    "5 -5 +5 05 -007 0x5 0X5 -0x5 0X1.8p1 1e3 1E+3 1e-3 1e 1e+ .5 5. -.5 . 5.5 1_000 inf -Infinity +inf infinit"
    " nan -NaN nan(12) NaN( snan 1L 2147483647 2147483648 -2147483648 -2147483649 9223372036854775807"
    " 9223372036854775808 -9223372036854775808 1e308 1e309 1e-308 2.2250738585072014e-308 1e-320 1e-400 0e-400"
    " 1e6144 1e6145 1e-6176 1e-6177 0e7000 12345678901234567890123456789012345 12345678901234567890123456789012339"
    " -0 -0.0 0X1p-1074 0X1p1024 true false null 1e5.5 - + --5 +-5 1e9999999999"
).split()
"""Text that is a number, or nearly one."""

VALUES: Final[tuple[Any, ...]] = (
    *NUMERALS,
    *("", " 5", "5 ", "\t5", "5\n", "5\0", "a" * 24, "A" * 24, "g" * 24, "0" * 23),
    *(2147483647.9, 2147483648.0, -2147483648.0, -2147483648.9, 1e21, 1e-7, 123456789.0, 123456.5, 0.1 + 0.2),
    *(
        9.007199254740993e15,
        9.223372036854775e18,
        1.7976931348623157e308,
        5e-324,
        -5e-324,
        100000.0,
        1e6,
        1e15,
    ),
    *(
        0.5,
        -0.5,
        0.9999999999999999,
        1.0000000000000002,
        710.5,
        -711.0,
        3.141592653589793,
        1.5707963267948966,
    ),
    *(Int64(2147483647), Int64(2147483648), Int64(-2147483649), Int64(0), 2**63 - 1, -(2**63), 90, 180, -360),
    *map(
        Decimal128,
        "-0 0.9 -0.9 2147483647.9 2147483648 -2147483648.9 9223372036854775807.9 9223372036854775808 1E+3 1E+18"
        " 1E+30 -Infinity 1E+309 -1E-400 1E-320 0E-6176 0E+6000 2.5 0.5 -0.5"
        " 9.999999999999999999999999999999999E+6144"
        " 2.225073858507201259573821257020769E-308 2.225073858507201259573821257020768E-308".split(),
    ),
    *(
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
        datetime.datetime(9999, 12, 31),
        DatetimeMS(2**63 - 1),
    ),
    *(
        DatetimeMS(253402300800000),
        DatetimeMS(-62167219200000),
        DatetimeMS(-62167219200001),
        DatetimeMS(-(2**63)),
    ),
    *(
        Timestamp(2**32 - 1, 5),
        Timestamp(2**31, 2**32 - 1),
        ObjectId("f" * 24),
        ObjectId("7fffffff" + "0" * 16),
    ),
    *("int", "bool", "string", 16, 1, 2.0, 18, Decimal128("19"), 9, 99, 1.5, "Int", "missing"),
)

TYPES: Final[tuple[Any, ...]] = (
    *("int", "long", "double", "decimal", "string", "bool", "objectId", "date", "int", "long", "double"),
    *(
        "object",
        "null",
        "regex",
        "minKey",
        "timestamp",
        "missing",
        "number",
        "",
        16,
        18.0,
        Int64(1),
        Decimal128("2"),
    ),
    *(8, 7, 19, -1, 0, 127, 20, 1.5, float("nan"), 2**40, None, True, [], "$a", "$b", "$nope"),
)

CONVERSIONS: Final = "$toBool $toInt $toLong $toDouble $toDecimal $toString $toObjectId $toDate".split()
ANGLES: Final = (
    "$sin $cos $tan $asin $acos $atan $sinh $cosh $tanh $asinh $acosh $atanh $degreesToRadians $radiansToDegrees"
).split()


def _converted(rng: random.Random, operand: Operand) -> Any:
    parts = {"input": operand(), "to": rng.choice(TYPES)}
    if rng.random() < 0.05:
        parts["to"] = operand()
    for name in ("onError", "onNull"):
        if rng.random() < 0.4:
            parts[name] = operand()
    names = list(parts)
    rng.shuffle(names)
    if rng.random() < 0.02:
        names.pop()
    return {"$convert": {name: parts[name] for name in names}}


def _short(rng: random.Random, operand: Operand) -> Any:
    count = 1 if rng.random() < 0.98 else rng.choice((0, 2))
    return {rng.choice(CONVERSIONS): operand() if rng.random() < 0.3 else [operand() for _ in range(count)]}


def _instant(rng: random.Random, operand: Operand) -> Any:
    """A date from a number, a timestamp, an ObjectId or a text."""
    values = (Int64(rng.randrange(-(2**45), 2**45)), rng.uniform(-1e15, 1e15), "$a", "$b", operand())
    text = f"{rng.randint(0, 9999):04}-{rng.randint(1, 13):02}-{rng.randint(1, 31):02}"
    if rng.random() < 0.7:
        hour, minute, second = (rng.randint(0, 24), rng.randint(0, 60), rng.randint(0, 60))
        text += f"T{hour:02}:{minute:02}:{second:02}.{rng.randrange(1000):03}Z"
    return {"$toDate": rng.choice((*values, text))}


def _angle(rng: random.Random, operand: Operand) -> Any:
    if rng.random() < 0.1:
        return {"$atan2": [operand(), operand()]}
    angle: Any = rng.choice((operand(), round(rng.uniform(-2, 2), rng.randint(0, 16)), rng.gauss(0, 100)))
    return {rng.choice(ANGLES): angle}


def _timestamp(rng: random.Random, operand: Operand) -> Any:
    stamp = Timestamp(rng.randrange(2**32), rng.randrange(2**32))
    return {rng.choice(("$tsSecond", "$tsIncrement")): rng.choice((operand(), stamp, "$a"))}


FAMILY: Final = Family(
    VALUES, (_converted, _converted, _converted, _short, _short, _angle, _angle, _instant, _timestamp)
)
