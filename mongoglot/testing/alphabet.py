"""One small alphabet for documents and filters: with few names and few values, random pairs match.

Each tuple begins with what is simplest, which is where hypothesis shrinks to, and repeats what shall
be frequent.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

COMPARISONS: Final = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
MEMBERSHIPS: Final = ("$in", "$nin")
JUNCTIONS: Final = ("$and", "$or", "$nor")

ELEMENTS: Final = (
    "$type", "$mod", "$size", "$all", "$elemMatch", "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear",
)  # fmt: skip

CONSTANTS: Final = (("$alwaysTrue", 1), ("$alwaysFalse", 1.0), ("$sampleRate", 1), ("$sampleRate", 0.0))
"""What stands beside fields and does not look at the document."""

LANGUAGE: Final = frozenset(
    (
        *COMPARISONS, *MEMBERSHIPS, *JUNCTIONS, *ELEMENTS, "$regex", "$not", "$exists", "$comment",
        *(name for name, _ in CONSTANTS),
    )
)  # fmt: skip
"""The operators that `filters` draws from unless it is told otherwise; implicit equality always occurs."""

NAMES: Final = (*("a",) * 9, *("b",) * 6, *("c",) * 3, *("0",) * 3, "1", "")
"""Field names in documents and parts of paths; numeric ones can be read as an index too."""

ODD_NAMES: Final = ("a.b", "$a", "A", "é", "a\"'b", "00")
"""Names that only nested objects have, rarely: no path reaches the first two as they stand."""

PATHS: Final = (
    "a",
    "a",
    "a",
    "b",
    "c",
    "a.b",
    "a.0",
    "b.a",
    "a.b.c",
    "a.0.b",
    "a.1",
    "a.0.0",
    "",
    "a.",
    "missing",
)

SIMPLE: Final[tuple[Any, ...]] = (1, 0, 2, -1, 1.0, 0.5, "a", "b", "", None, True, False, "A", Int64(1))
"""The scalars that most values are, so that two of them are often equal."""

NUMBERS: Final[tuple[Any, ...]] = (
    2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), float(2**53), 2.0**63, -0.0, 0.1, -0.5, 1e308,
    float("nan"), float("inf"), float("-inf"),
    Decimal128("1"), Decimal128("0.5"), Decimal128("1.50"), Decimal128("0.1"), Decimal128("-0"),
    Decimal128("NaN"), Decimal128("1E+400"), Decimal128("-Infinity"), Decimal128("9007199254740993"),
)  # fmt: skip

STRINGS: Final = (
    "é",
    "e\u0301",
    "1",
    "9",
    "10",
    "aa",
    "a\0",
    "\0",
    "\U0010ffff",
    "\U0010ffffa",
    "\U0010ffffn1",
    "\uffff",
)

INSTANTS: Final[tuple[Any, ...]] = (
    datetime.datetime(1970, 1, 1),
    datetime.datetime(2020, 1, 1, 12, 30),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999_000),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999),
    datetime.datetime(1950, 6, 1, 0, 0, 0, 1_000),
    datetime.datetime(2020, 1, 1, 12, 30, 0, 999),
    datetime.datetime(2020, 1, 1, 13, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    DatetimeMS(253_402_300_800_000),
)

OTHERS: Final[tuple[Any, ...]] = (
    ObjectId("0" * 24), ObjectId("f" * 24),
    b"", b"a", b"aa", Binary(b"a", 5), Binary(b"a", 2), Binary(b"a", 128), Binary(bytes(16), 4),
    Timestamp(1, 0), Timestamp(0, 1), Timestamp(2**31, 1),
    Regex("a"), Regex("a", "i"), Regex("b", "im"),
    Code("a"), Code("a", {}), Code("a", {"x": 1}),
    MinKey(), MaxKey(),
    {"$ref": "a", "$id": 1}, DBRef("a", 1),
)  # fmt: skip
"""Timestamp(0, 0) is left out: a server replaces it by the current time (semantics 2.1)."""

SCALARS: Final[tuple[tuple[Any, ...], ...]] = (
    *(SIMPLE,) * 7,
    NUMBERS,
    NUMBERS,
    STRINGS,
    INSTANTS,
    OTHERS,
    OTHERS,
)

EVERY_SCALAR: Final[tuple[Any, ...]] = (*SIMPLE, *NUMBERS, *STRINGS, *INSTANTS, *OTHERS)

EXISTS_OPERANDS: Final[tuple[Any, ...]] = (
    True, False, True, False, 1, 0, 0.0, -0.0, None, float("nan"), "", "a", [], {},
    Decimal128("0E+3"), Int64(0),
)  # fmt: skip

TYPES: Final[tuple[Any, ...]] = (
    "number", "array", "object", "string", "int", "long", "double", "decimal", "bool", "null", "date", "binData",
    "objectId", "regex", "javascript", "javascriptWithScope", "timestamp", "minKey", "maxKey", "undefined",
    "symbol", 1, 16, 18.0, Int64(2), -1, 127, Decimal128("10"),
)  # fmt: skip

TYPE_OF: Final[dict[type, str]] = {
    int: "int", Int64: "long", float: "double", Decimal128: "decimal", str: "string", dict: "object",
    list: "array", bool: "bool", type(None): "null", bytes: "binData", Binary: "binData", ObjectId: "objectId",
    Regex: "regex", datetime.datetime: "date", Timestamp: "timestamp", MinKey: "minKey", MaxKey: "maxKey",
}  # fmt: skip

DIVISORS: Final[tuple[Any, ...]] = (2, 1, 3, -2, 4, 2.9, Int64(5), Decimal128("2.5"), 2**53, 2**63 - 1)
REMAINDERS: Final[tuple[Any, ...]] = (0, 1, -1, 0.5, Decimal128("1"), 5)
LENGTHS: Final[tuple[Any, ...]] = (0, 1, 2, 3, 1.0, -0.0, Int64(2), Decimal128("1.0"), 2**31 - 1)
MASKS: Final[tuple[Any, ...]] = (
    0, 1, 2, 3, 1.0, Int64(4), Decimal128("1"), 2**53, 2**63 - 1,
    [], [0], [1, 0], [63], [64, 0], [100], [0, 200.0],
    b"", b"\x01", b"\x00\x80", Binary(b"\x03", 5), Binary(b"\x01", 2), bytes(12) + b"\x01",
)  # fmt: skip

PATTERNS: Final = (
    "a", "^a", "a$", "b", "^$", ".", "^.$", "A", "[ab]", "[^a]", "^[a-z]+$", r"\w", r"^\W", r"\d", "é", "(?i)É",
    r"\x{e9}", r"^\pL", "a|1", "(a)\\1", "(?<=a)a", r"\0", "", r"\Qa\E", "a b # c\n", r"\x{10ffff}",
)  # fmt: skip
REGEX_OPTIONS: Final = ("", "", "i", "m", "s", "x", "im", "mi", "u", "imsux")

_CONFUSABLE: Final[tuple[tuple[Any, ...], ...]] = (
    (1, True, 1.0, Decimal128("1"), "1", [1]),
    (0, False, -0.0, Decimal128("-0"), None, "", [], {}),
    (2**53 + 1, float(2**53), 2**53, Decimal128("9007199254740993")),
    (0.1, Decimal128("0.1"), 0.5, Decimal128("0.5")),
    (2**63 - 1, 2.0**63, 1e308, Decimal128("1E+400"), float("inf")),
    (float("nan"), Decimal128("NaN"), float("-inf")),
    ("a", "A", "aa", "a\0", Code("a"), b"a"),
    ("é", "e\u0301"),
    (b"aa", Binary(b"a", 5), Binary(b"a", 2), Binary(b"a", 128)),
    (Code("b"), Code("a"), Code("a", {}), Code("a", {"x": 1})),
    (*INSTANTS, Timestamp(1, 0)),
    (Timestamp(1, 1), Timestamp(1, 0), Timestamp(0, 1), Timestamp(2**31, 1)),
    (Regex("b"), Regex("a"), Regex("a", "i"), Regex("b", "im")),
    ("\uffff", "\U0010ffff", "\U0010ffffa", "\U0010ffffn1"),
    (MinKey(), MaxKey(), None),
)

LOOKALIKES: Final = {repr(value): group for group in _CONFUSABLE for value in group}
"""What a value is easily confused with, by its repr."""
