"""`$mod` and the operators of bits in SQL alone: no residual, and the answers of Python and of a real server."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, Decimal128, Int64

import mongoglot
from mongoglot.compiler.values import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

BITS = ("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear")

WHOLE = (
    0,
    1,
    2,
    3,
    9,
    10,
    99,
    100,
    2**31,
    10**18,
    10**18 - 1,
    INT64_MAX - 1,
    INT64_MAX,
    2**63,
    2**63 + 1,
    10**19,
)
"""Magnitudes around which rounding and the ends of int64 are tried."""

TAILS = (
    "",
    ".",
    ".0",
    ".4",
    ".49999999999999",
    ".5",
    ".50",
    ".50000000000001",
    ".51",
    ".9",
    ".99999999999999",
)

SPECIAL = (
    "NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "0E+6111", "-0E-6176", "1E-6176", "-1E-6176", "1E+6144",
    "9.999999999999999999999999999999999E+6144", "0.05", "-0.05", "0.5", "-0.5",
    "0.5000000000000000000000000000000001",
    "0.4999999999999999999999999999999999", "-0.4999999999999999999999999999999999", "0.0005", "5E-34", "15E-1",
    "25E-1", "1E+18", "1E+19", "-1E+18", "-9.223372036854775808E+18", "9223372036854775807.499999999999999",
    "9223372036854775807.500000000000000", "-9223372036854775808.500000000000000",
    "-9223372036854775808.500000000000001",
    "-9223372036854775808.999999999999999", "-9223372036854775809", "1234567890123456789012345678901234",
    "-1234567890123456789012345678901234", "1234567890.123456789012345678901234",
)  # fmt: skip

MASKS: tuple[Any, ...] = (
    0, 1, 2, 3, 4, 7, 8, 2**31, 2**62, INT64_MAX, 5.0, Int64(6), Decimal128("3"),
    [], [0], [3, 4], [7], [8, 9], [62], [63], [64], [0, 64], [62, 63], [100], [159], [160],
    [2**31 - 1], [0, 2**31 - 1],
    b"", b"\x00", b"\x01", b"\x80", b"\x10\x02", bytes(8) + b"\x01", b"\xff" * 20, bytes(19) + b"\x80",
    Binary(b"\x03", 5), Binary(b"\x01", 2),
)  # fmt: skip


def decimals(rng: random.Random) -> Iterator[Decimal128]:
    """Decimals of all shapes."""
    for text in SPECIAL:
        yield Decimal128(text)
    for whole in WHOLE:
        for tail in TAILS:
            for sign in ("", "-"):
                yield Decimal128(f"{sign}{whole}{tail}")
    for _ in range(150):
        digits = "".join(rng.choices("0123456789", k=rng.randint(1, 34)))
        exponent = rng.choice(
            (rng.randint(-40, 5), rng.randint(-6176, 6111), -len(digits) + rng.randint(-1, 20))
        )
        yield Decimal128(f"{rng.choice('+-')}{digits}E{max(exponent, -6176)}")
    for _ in range(100):  # ties
        yield Decimal128(
            f"{rng.choice('+-')}{rng.randint(0, 10 ** rng.randint(1, 19))}.5{'0' * rng.randint(0, 13)}"
        )


def binaries(rng: random.Random) -> Iterator[bytes]:
    """Binary values of 0 to 20 bytes and some longer ones, of several subtypes."""
    for length in (*range(21), *range(21), 64, 300):
        yield Binary(rng.randbytes(length), rng.choice((0, 0, 2, 5, 128, 255)))
        yield Binary(bytes([rng.choice((0, 255, 1, 128))]) * length, rng.choice((0, 2, 128)))


def documents() -> list[dict[str, Any]]:
    rng = random.Random(SEED)
    others: list[Any] = [
        None, True, "5", "", "\U0010ffffD", "\U0010ffffH00000001", [], {}, float("nan"), float("inf"), 1.5,
        2.0**63, -(2.0**63), INT64_MIN, INT64_MAX, Int64(5), 0, -1, -2, 6.0, [[3]], {"a": 3},
    ]  # fmt: skip
    values = [*decimals(rng), *binaries(rng), *others]
    values += [rng.sample(values, rng.randint(1, 3)) for _ in range(100)]
    return [{"_id": number, "a": value} for number, value in enumerate(values)]


def filters() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"a": {name: mask}} for name in BITS for mask in MASKS]
    moduli: list[Any] = [1, -1, 2, 3, -3, 10, 7.9, Decimal128("4.5"), 2**31, INT64_MAX, INT64_MIN]
    found += [{"a": {"$mod": [modulus, left]}} for modulus in moduli for left in (0, 1, -1, 2, 5)]
    found += [{"a": {"$not": {"$mod": [3, 1]}}}, {"$nor": [{"a": {"$bitsAnySet": b"\x00\x01"}}]}]
    found += [{"a": {"$elemMatch": {"$mod": [2, 1]}}}, {"a": {"$elemMatch": {"$bitsAllSet": [1, 9]}}}]
    found += [{"a": {"$bitsAllSet": 3, "$bitsAnyClear": [3, 70], "$mod": [5, 3]}}]
    return found


@pytest.fixture(scope="module")
def stored() -> Iterator[mongoglot.Collection]:
    with mongoglot.connect("sqlite::memory:") as store:
        store["kinds"].insert_many(documents())
        yield store["kinds"]


def found_in_sql(collection: mongoglot.Collection, query: dict[str, Any]) -> list[Any]:
    assert mongoglot.compile(query).to_sql().residual is None, query
    assert collection.explain(query)["residual"] is None, query
    return [document["_id"] for document in collection.find(query)]


def test_sql_alone_answers_as_python_does(stored: mongoglot.Collection) -> None:
    held, matched = documents(), 0
    for query in filters():
        expected = [document["_id"] for document in mongoglot.compile(query).filter(held)]
        assert found_in_sql(stored, query) == expected, query
        matched += len(expected)
    assert matched > 1000


def test_sql_alone_answers_as_a_server_does(
    stored: mongoglot.Collection, server: Database[dict[str, Any]]
) -> None:
    server["kinds"].insert_many(documents())
    for query in filters():
        expected = [document["_id"] for document in server["kinds"].find(query, {"_id": 1}).sort("_id", 1)]
        assert found_in_sql(stored, query) == expected, query


def test_long_masks_and_values() -> None:
    data = random.Random(SEED).randbytes(5_000)
    with mongoglot.connect("sqlite::memory:") as store:
        store["long"].insert_many(
            [{"_id": 1, "a": data}, {"_id": 2, "a": data[:-1]}, {"_id": 3, "a": data + b"\1"}]
        )
        inverse = bytes(byte ^ 255 for byte in data)
        for query, expected in (
            ({"a": {"$bitsAllSet": data}}, [1, 3]),
            ({"a": {"$bitsAllClear": inverse}}, [1, 2, 3]),
            ({"a": {"$bitsAnySet": inverse}}, []),
            ({"a": {"$bitsAnyClear": data}}, [2]),
            ({"a": {"$bitsAnySet": [40_000]}}, [3]),
        ):
            assert found_in_sql(store["long"], query) == expected
