"""Random bytes, random words and random documents as filters: a query, or a FilterError, and nothing else."""

from __future__ import annotations

import datetime
import os
import random
import time
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot.errors import EncodingError, FilterError, MongoglotError
from mongoglot.grammar.operators import OPERATORS
from mongoglot.testing import random_filter
from tests.pattern_pieces import PIECES

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

WORDS = (
    *"{}[]():,;.'\"`/\\-+*=<>!?$#@&|~^%_ \n\t\r\0",
    "{", "}", "[", "]", "(", ")", ":", ",", "//", "/*", "*/", "${", "new ",
    *OPERATORS["taskdb"], "a", "b", "a.b", "null", "true", "false", "undefined", "NaN", "Infinity",
    "None", "True",
    "0", "1", "-1", "1.5", "1e3", "0x1F", "1_000", "10n", "9" * 30, "1e400", "08", "'x'", '"y"', "`z`",
    "'\\u{1F600}'",
    "/a/i", "/[/]/",
    "/(/", "ISODate(", "ISODate('2020-01-01')", "ObjectId('" + "0" * 24 + "')", "NumberLong('5')",
    "NumberDecimal('1')", "UUID(", "BinData(0, 'AA==')", "MinKey", "MaxKey()", "Timestamp(1, 2)", "Code('a')",
    "DBRef('a', 1)", "RegExp('a', 'i')", "$date", "$oid", "$numberLong", "$binary", "$regularExpression",
    "__proto__",
    "é", "\u2028", "\ufeff", "\U0001f600", "\ud800", "“", "０", "\u200b", "constructor", "if",
    "function(){}", "=>",
)  # fmt: skip

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**70), 1.5, float("nan"), float("inf"),
    -0.0, "", "a", "$a",
    "a\0", "\ud800", "é", b"", b"\xff", bytearray(b"a"), Int64(5), Decimal128("1"), Decimal128("sNaN"),
    Decimal("1"),
    Decimal128("1E+6144"), ObjectId("0" * 24), Binary(b"\x01\x02", 2), Binary(bytes(16), 4), Code("a"),
    Code("a", {"x": 1}),
    DBRef("a", 1), MinKey(), MaxKey(), Timestamp(1, 1), DatetimeMS(2**62), datetime.datetime(2020, 1, 1),
    Regex("a", "i"),
    Regex("(", ""), Regex("a", "l"), datetime.date(2020, 1, 1), datetime.timedelta(1), {1},
    frozenset(), range(3), 1j,
    Fraction(1, 2), object(), int, len, (), (1, 2), [], {}, [[]], [{}], {"": 1}, {1: 1}, {None: 1},
    {"a\0": 1},
)  # fmt: skip

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"a": 1},
    {"a": [1, {"b": "x"}], "b": None},
    {"a": {"b": [[2]]}, "": "a"},
)


def random_bytes(rng: random.Random) -> str:
    """Bytes read as text in some way."""
    data = rng.randbytes(rng.randint(0, 60))
    how = rng.choice(("latin-1", "utf-8", "utf-16-le", "cp437"))
    return data.decode(how, rng.choice(("replace", "ignore")) if how.startswith("utf") else "strict")


def random_words(rng: random.Random) -> str:
    """Words of the language of texts in any order, often as a document begins and ends."""
    text = "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 14)))
    return f"{{{text}}}" if rng.random() < 0.5 else text


def spoiled_text(rng: random.Random) -> str:
    """The text of a filter with something put in, taken out or doubled."""
    text = mongoglot.to_text(random_filter(rng))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        place, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        piece = rng.choice(("", rng.choice(WORDS), text[place:end], chr(rng.randint(0, 0xFFFF))))
        text = text[:place] + piece + text[min(end, place + rng.randint(0, 3)) :]
    return text


def random_document(rng: random.Random, depth: int = 4) -> dict[Any, Any]:
    """A document of operators and names in any order, with any Python values."""
    names = (*OPERATORS["taskdb"], "a", "b", "a.b", "", "$", "$foo", "$ref", "$id", "0", "\ud800", "a\0", 1)
    return {rng.choice(names): random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth <= 0 or kind < 0.4:
        return rng.choice(LEAVES)
    if kind < 0.5:
        return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))
    if kind < 0.6:
        return Regex(
            "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5))), rng.choice(("", "i", "x", "mu"))
        )
    if kind < 0.8:
        return [random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return random_document(rng, depth)


SOURCES: tuple[Callable[[random.Random], Any], ...] = (
    random_bytes,
    random_words,
    spoiled_text,
    random_document,
)


def compiled(query: Any, rng: random.Random) -> str:
    """What became of a filter: `valid` or the kind of its error; any error but ours is let through."""
    dialect: Any = rng.choice(("mongodb", "taskdb"))
    try:
        result = mongoglot.compile(query, dialect=dialect)
    except FilterError as error:
        return f"{error.code_name}" if str(error) else "no words"
    if rng.random() < 0.3:
        try:
            for document in DOCUMENTS:
                result.matches(document)
            result.to_sql()
            assert mongoglot.compile(result.to_mongodb()).to_mongodb().keys() is not None
        except EncodingError:
            raise
        except MongoglotError as error:
            return type(error).__name__
    return "valid"


def fuzz(go_on: Callable[[int], bool], seed: int) -> None:
    rng = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    number = 0
    while go_on(number):
        source = SOURCES[number % len(SOURCES)]
        query = source(rng)
        try:
            counts[source.__name__, compiled(query, rng)] += 1
        except Exception as error:
            raise AssertionError(f"{query!r} (MONGOGLOT_TEST_SEED={seed})") from error
        number += 1
    print(f"\n{number} inputs: {dict(counts)}; MONGOGLOT_TEST_SEED={seed}")
    for source in SOURCES:
        valid = counts[source.__name__, "valid"]
        assert counts[source.__name__, "no words"] == 0
        refused = sum(count for (name, _), count in counts.items() if name == source.__name__) - valid
        assert refused > 0
        assert valid > 0 or source is random_bytes


def test_anything_is_a_query_or_an_error_of_ours() -> None:
    fuzz(lambda number: number < 8_000, SEED)


@pytest.mark.long
def test_anything_at_all_for_ten_minutes() -> None:
    end = time.monotonic() + float(os.environ.get("MONGOGLOT_TEST_FUZZ_SECONDS", "600"))
    seed = os.environ.get("MONGOGLOT_TEST_SEED")
    fuzz(lambda _: time.monotonic() < end, int(seed) if seed else random.SystemRandom().randrange(2**32))
