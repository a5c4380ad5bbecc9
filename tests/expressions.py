"""Random expressions, typed well and badly, over one small alphabet."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from tests import expressions_conversions, expressions_dates, expressions_objects, expressions_strings
from tests.expression_family import Family

Maker: TypeAlias = Callable[[], Any]


SCALARS: Final[tuple[Any, ...]] = (
    None,
    0,
    1,
    -1,
    2,
    3,
    2147483647,
    Int64(5),
    Int64(2**62),
    1.0,
    0.5,
    -2.5,
    0.1,
    float("nan"),
    float("inf"),
    -0.0,
    Decimal128("1"),
    Decimal128("0"),
    Decimal128("2.50"),
    Decimal128("NaN"),
    "",
    "a",
    "b",
    "abc",
    True,
    False,
    datetime.datetime(2020, 1, 2, 3, 4, 5, 678000),
    ObjectId("0" * 24),
    b"x",
    Timestamp(1, 1),
    Regex("a", "i"),
    MinKey(),
    MaxKey(),
    Code("x"),
)

NUMBERS: Final[tuple[Any, ...]] = (
    0,
    1,
    -1,
    2,
    3,
    7,
    -7,
    10,
    15,
    -25,
    65536,
    2147483647,
    -2147483648,
    Int64(0),
    Int64(5),
    Int64(2**62),
    2**63 - 1,
    -(2**63),
    2**53 + 1,
    0.0,
    -0.0,
    1.0,
    0.5,
    -2.5,
    0.1,
    0.2,
    0.3,
    2.345,
    1e15,
    1e300,
    -1e-300,
    1 / 3,
    2.0**63,
    float("nan"),
    float("inf"),
    Decimal128("1"),
    Decimal128("0"),
    Decimal128("2.50"),
    Decimal128("-7"),
    Decimal128("0.1"),
    Decimal128("1E+20"),
    Decimal128("NaN"),
    Decimal128("Infinity"),
    Decimal128("12345.6789"),
)

ARRAYS: Final[tuple[Any, ...]] = (
    [],
    [1, 2],
    [3, 1, 2, 1.0],
    ["a", "b", None],
    [[1], [2]],
    [None],
    [{"x": 1}, {"x": 2}, 3],
    [["a", 1], ["b", 2]],
    [{"k": "a", "v": 1}, {"k": "b", "v": [1]}],
    [["a", 1], {"k": "b", "v": 2}],
    [1, 1.0, Decimal128("1"), True],
    [["a", 1], ["a", 2]],
    [{"k": "a"}],
    {"x": 1, "y": [2]},
    {},
)

ONE: Final = (
    "$size $first $last $isArray $reverseArray $objectToArray $arrayToObject $anyElementTrue $allElementsTrue "
    "$type $isNumber $abs $ceil $floor $sqrt $exp $ln $log10 $not"
).split()
TWO: Final = (
    "$eq $ne $gt $gte $lt $lte $cmp $subtract $divide $mod $log $pow $in $setDifference $setIsSubset"
).split()
MANY: Final = "$and $or $add $multiply $concatArrays $setUnion $setIntersection".split()
OTHERS: Final = (
    "$cond $ifNull $switch $let $literal object array $setEquals $arrayElemAt $slice $indexOfArray $range $map "
    "$filter $reduce $round $trunc"
).split()


FAMILIES: Final[tuple[Family, ...]] = (
    expressions_objects.FAMILY,
    expressions_strings.FAMILY,
    expressions_conversions.FAMILY,
    expressions_dates.FAMILY,
)
"""Kinds of operators with values of their own: strings, dates, …"""


class Generator:
    """Makes documents and expressions; the same ones for the same seed.

    Attributes:
        rng: where chance comes from.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def value(self) -> Any:
        """A value of a document."""
        chance = self.rng.random()
        if FAMILIES and chance < 0.2:
            return self.rng.choice(self.rng.choice(FAMILIES).values)
        if chance < 0.4:
            number = round(self.rng.uniform(-1000, 1000), self.rng.randint(0, 6))
            return self.rng.choice((*NUMBERS, number, number))
        return self.rng.choice(ARRAYS if chance < 0.8 else SCALARS)

    def documents(self, count: int) -> list[dict[str, Any]]:
        """Documents with the fields a, b and c, most of the time."""
        return [
            {"_id": number, **{name: self.value() for name in "abc" if self.rng.random() < 0.9}}
            for number in range(count)
        ]

    def expression(self, depth: int, variables: tuple[str, ...] = ()) -> Any:
        """An expression that nests so deep at most."""
        if depth == 0 or self.rng.random() < 0.12:
            return self.leaf(variables)

        def operand(*more: str) -> Any:
            return self.expression(depth - 1, (*variables, *more))

        if FAMILIES and self.rng.random() < 0.5:
            return self.rng.choice(self.rng.choice(FAMILIES).makers)(self.rng, operand)
        names = self.rng.choice((ONE, TWO, MANY, OTHERS))
        name = self.rng.choice(names)

        if names is OTHERS:
            return self.other(name, operand)
        lowest, highest = (1, 1) if names is ONE else (2, 2) if names is TWO else (0, 4)
        if self.rng.random() < 0.01:
            highest += 1
        return {name: [operand() for _ in range(self.rng.randint(lowest, highest))]}

    def leaf(self, variables: tuple[str, ...]) -> Any:
        """A field, a variable or a literal."""
        if self.rng.random() < 0.6:
            paths = [
                "$a",
                "$b",
                "$c",
                "$a",
                "$b",
                "$a.x",
                "$b.x",
                "$nope",
                "$$ROOT.a",
                "$$CURRENT.b",
                "$$REMOVE",
            ]
            return self.rng.choice(paths + 3 * [f"$${name}" for name in variables])
        value = self.value()
        return {"$literal": value} if isinstance(value, dict) else value

    def small(self) -> Any:
        """What may be a place in an array, or not."""
        return self.rng.choice(
            (0, 1, 2, -1, 3, -2, 1.0, Decimal128("2"), 1.5, 2**40, "x", None, "$a", "$b", Int64(1))
        )

    def other(self, name: str, operand: Callable[..., Any]) -> Any:
        """An operator with a form of its own."""
        rng = self.rng
        match name:
            case "$literal":
                return {name: rng.choice((*SCALARS, "$a", {"$foo": 1}))}
            case "object":
                return {"p": operand(), "q": operand()}
            case "array":
                return [operand() for _ in range(rng.randint(0, 3))]
            case "$cond":
                parts = [operand() for _ in range(3)]
                names = ("if", "then", "else")
                return {name: parts if rng.random() < 0.5 else dict(zip(names, parts, strict=True))}
            case "$ifNull" | "$setEquals":
                return {name: [operand() for _ in range(rng.randint(2, 4))]}
            case "$switch":
                branches = [{"case": operand(), "then": operand()} for _ in range(rng.randint(1, 3))]
                return {
                    name: {"branches": branches, **({"default": operand()} if rng.random() < 0.7 else {})}
                }
            case "$let":
                current = {"CURRENT": operand()} if rng.random() < 0.3 else {}
                return {name: {"vars": {"u": operand(), **current}, "in": operand("u")}}
            case "$arrayElemAt":
                return {name: [operand(), self.small()]}
            case "$slice":
                return {name: [operand(), *[self.small() for _ in range(rng.randint(1, 2))]]}
            case "$indexOfArray":
                return {name: [operand(), operand(), *[self.small() for _ in range(rng.randint(0, 2))]]}
            case "$range":
                return {name: [self.small() for _ in range(rng.randint(2, 3))]}
            case "$round" | "$trunc":
                places = rng.choice(
                    (0, 1, 2, 3, -1, -2, 5, 15, 20, -9, -20, 101, 1.0, 1.5, Int64(1), "$a", None)
                )
                return {name: [operand()] if rng.random() < 0.4 else [operand(), places]}
            case "$map":
                return {name: {"input": operand(), "in": operand("this")}}
            case "$filter":
                limit = {"limit": self.small()} if rng.random() < 0.3 else {}
                return {name: {"input": operand(), "as": "e", "cond": operand("e"), **limit}}
            case "$reduce":
                return {name: {"input": operand(), "initialValue": operand(), "in": operand("this", "value")}}
            case _:
                raise AssertionError(name)
