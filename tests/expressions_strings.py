"""Random expressions of strings and regular expressions."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from tests.expression_family import Family
from tests.pattern_pieces import SUBJECTS, random_pattern

WORDS: Final = (
    "", "a", "b", "ab", "abcab", "aab", "a-b-c", "-", "--", "aXbX", "Ab", " a ", "\t ab\n", "\0a\0", "a\0b",
    "é", "É", "aé", "éaé", "😀", "a😀b", "€é", "\u00a0\u2003x\u1680", "\u3000x", "\u200bx", "_", "[", "e\u0301",
    "\uffff", "xx", "12.5", "$a",
)  # fmt: skip
"""What operands and documents share, so that one is found in the other."""

VALUES: Final = (
    *WORDS,
    *WORDS,
    None,
    0.1,
    1e20,
    -7,
    Int64(2**40),
    Decimal128("1.10"),
    Decimal128("-1E-9"),
    datetime.datetime(2020, 1, 2, 3, 4, 5, 678000),
    DatetimeMS(-62_167_219_200_000),
    DatetimeMS(2**62),
    Timestamp(1_000_000_000, 7),
    Code("aB"),
    Code("a", {"x": 1}),
    Binary(b"abc", 2),
    Binary(b"a", 128),
    Regex("a", "i"),
    Regex("(b)?", ""),
    True,
)

PLACES: Final = (0, 0, 1, 1, 2, 3, 4, 5, 7, 100, 1.0, Int64(2), Decimal128("1"))

ODD_PLACES: Final = (
    -1, -3, 1.5, 0.9, -0.5, Decimal128("1.5"), Decimal128("2.5"), Decimal128("NaN"), Decimal128("1E+30"), None,
    "a", True, float("nan"), float("-inf"), 1e300, 2**31, -(2**31), 2**40, -(2**63), 2**63 - 1, 2.0**63,
)  # fmt: skip

OPTIONS: Final = (*"i m s x im u ii g I".split(), "", "i\0", "\0", 5, None, Code("i"), "$nope")

PATTERNS: Final = (
    "a", "b", "(a)(b)?", "(a)|(b)", "x*", "(?=b)", "b*?", "\\b", "^", "a$", ".", "[^a]", "(?<n>é|😀)", "\\W", "(",
    "a{2,1}", "", "a|", "(?|(a)|(b))", "a\0", "\\Kb", "(?<=a)", "(?i)A", "((a)|b)*", "(?:(a)|b)+", "\\p{Lu}",
    "-", "X",
)  # fmt: skip


def literal(value: Any) -> Any:
    """A value that is not read as a path."""
    return {"$literal": value} if isinstance(value, str) and value[:1] == "$" else value


def string(rng: random.Random, operand: Callable[..., Any]) -> Any:
    """An operand, a string more often than not."""
    chance = rng.random()
    return (
        literal(rng.choice(WORDS))
        if chance < 0.35
        else f"${rng.choice('abc')}"
        if chance < 0.7
        else operand()
    )


def place(rng: random.Random, operand: Callable[..., Any]) -> Any:
    """A place in a string, or not."""
    chance = rng.random()
    return rng.choice(PLACES) if chance < 0.8 else rng.choice(ODD_PLACES) if chance < 0.95 else operand()


def concatenation(rng: random.Random, operand: Callable[..., Any]) -> Any:
    return {"$concat": [string(rng, operand) for _ in range(rng.randint(0, 4))]}


def of_one(rng: random.Random, operand: Callable[..., Any]) -> Any:
    names = "$toLower $toUpper $strLenBytes $strLenCP $binarySize $bsonSize".split()
    value = {"p": operand(), "q": "$a"} if rng.random() < 0.1 else string(rng, operand)
    return {rng.choice(names): value if rng.random() < 0.4 else [value]}


def of_two(rng: random.Random, operand: Callable[..., Any]) -> Any:
    return {rng.choice(("$split", "$strcasecmp")): [string(rng, operand), string(rng, operand)]}


def part(rng: random.Random, operand: Callable[..., Any]) -> Any:
    name = rng.choice(("$substr", "$substrBytes", "$substrCP", "$substrCP"))
    return {name: [string(rng, operand), place(rng, operand), place(rng, operand)]}


def index(rng: random.Random, operand: Callable[..., Any]) -> Any:
    places = [place(rng, operand) for _ in range(rng.randint(0, 2))]
    both = [string(rng, operand), string(rng, operand)]
    return {rng.choice(("$indexOfBytes", "$indexOfCP")): both + places}


def trimming(rng: random.Random, operand: Callable[..., Any]) -> Any:
    named = {"input": string(rng, operand)}
    if rng.random() < 0.6:
        named["chars"] = string(rng, operand)
    return {rng.choice(("$trim", "$ltrim", "$rtrim")): named}


def replacement(rng: random.Random, operand: Callable[..., Any]) -> Any:
    names = ["input", "find", "replacement"]
    rng.shuffle(names)
    if rng.random() < 0.02:
        names.pop()
    return {rng.choice(("$replaceOne", "$replaceAll")): {name: string(rng, operand) for name in names}}


def searching(rng: random.Random, operand: Callable[..., Any]) -> Any:
    chance = rng.random()
    named: dict[str, Any]
    if chance < 0.3:  # patterns of all kinds on the strings that they are made for
        pattern, options = random_pattern(rng)
        named = {"regex": {"$literal": pattern}, "options": options}
        named["input"] = {"$literal": rng.choice(SUBJECTS)} if rng.random() < 0.6 else string(rng, operand)
    else:
        text = rng.choice(PATTERNS)
        regex = (
            Regex(text, rng.choice(("", "", "i", "s")))
            if chance < 0.5 and "\0" not in text
            else literal(text)
        )
        named = {"input": string(rng, operand), "regex": regex if chance < 0.85 else operand()}
        if rng.random() < 0.4:
            named["options"] = rng.choice(OPTIONS) if rng.random() < 0.8 else operand()
        if rng.random() < 0.02:
            named.pop(rng.choice(("input", "regex")))
    return {rng.choice(("$regexMatch", "$regexFind", "$regexFindAll")): named}


FAMILY: Final = Family(
    VALUES,
    (concatenation, of_one, of_two, *2 * (part,), *2 * (index,), trimming, replacement, *3 * (searching,)),
)
