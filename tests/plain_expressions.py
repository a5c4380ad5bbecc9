"""Random expressions of what SQL computes: order, truth, choice and arithmetic, over fields of every type."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

NUMBERS: Final[tuple[Any, ...]] = (
    0, 1, -1, 2, 3, 7, -7, 10, 1000, 2147483647, -2147483648, Int64(0), Int64(1), Int64(5), Int64(-7),
    Int64(2**31), 2**40 + 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), 2**32, 2**32 + 1,
    0.0, -0.0, 1.0, 5.0, -7.0, 0.5, -2.5, 0.1, 0.2, 0.3, 1.1, 1e15, 2.0**53, 2.0**63, -(2.0**63), 1e300, -1e300,
    1e-300, float("nan"),
    float("inf"), float("-inf"), Decimal128("1"), Decimal128("0"), Decimal128("-0"), Decimal128("2.50"),
    Decimal128("-7"), Decimal128("0.1"), Decimal128("NaN"), Decimal128("Infinity"), Decimal128("-Infinity"),
    Decimal128("1E+400"), Decimal128("9007199254740993"),
)  # fmt: skip

OTHERS: Final[tuple[Any, ...]] = (
    None, "", "a", "b", "abc", "5", "é", "\U0001f600", "\U0010ffff", "\U0010ffffA", "\U0010ffffD4", "a\0", "a\0b",
    "\0", True, False, datetime.datetime(2020, 1, 2), datetime.datetime(2020, 1, 2, 0, 0, 0, 1000),
    datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), DatetimeMS(-(2**63)), DatetimeMS(2**63 - 1),
    DatetimeMS(-62135596800001), DatetimeMS(253402300800000), ObjectId("0" * 24), ObjectId("f" * 24), b"", b"x",
    Binary(b"x", 5), Binary(b"x", 2), Timestamp(1, 1), Timestamp(0, 0), Regex("a"), Regex("a", "i"), MinKey(),
    MaxKey(), Code("x"), Code("x", {"a": 1}), Code("x", {"a": 1.0}), {}, {"b": 1}, {"b": 1.0}, {"b": {"c": 2}},
    {"b": [1, 2]}, {"0": 5}, {"b": None}, {"b": "x"}, [], [1], [1.0, 2], ["a"], [{"b": 1}], [{"b": {"c": 1}}, 3],
    [[1]], [None], {"b": [{"c": 1}, {"c": 2}]},
)  # fmt: skip

PATHS: Final = (
    *(3 * ("$a", "$b", "$c", "$d", "$e")), "$a.b", "$b.b.c", "$a.0", "$c.b", "$nope", "$$ROOT.a", "$_id", "$$ROOT",
    "$a.b.c",
)  # fmt: skip

_COMPARISONS: Final = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp")
_ONE: Final = ("$abs", "$ceil", "$floor")
_TWO: Final = ("$subtract", "$divide", "$mod")
_MANY: Final = ("$add", "$multiply")


class Generator:
    """Makes documents and filters; the same ones for the same seed.

    Attributes:
        rng: where chance comes from.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def value(self) -> Any:
        """A value of a document: a number of everyday, or any of the above."""
        chance, rng = self.rng.random(), self.rng
        if chance < 0.3:
            return rng.randint(-100, 100)
        if chance < 0.5:
            return round(rng.uniform(-100, 100), 2)
        if chance < 0.65:
            number = rng.randint(-100, 100)
            return rng.choice((Int64(number), float(number), rng.randint(-(2**63), 2**63 - 1)))
        return rng.choice(NUMBERS if chance < 0.83 else OTHERS)

    def documents(self, count: int) -> list[dict[str, Any]]:
        """Documents with the fields a to e, most of the time."""
        return [
            {"_id": number, **{name: self.value() for name in "abcde" if self.rng.random() < 0.88}}
            for number in range(count)
        ]

    def filter(self) -> dict[str, Any]:
        """An expression by itself, or among other predicates, some of them under a `$nor`."""
        expression, more = ({"$expr": self.expression(self.rng.randint(1, 4))} for _ in range(2))
        shapes: tuple[dict[str, Any], ...] = (
            {"$nor": [expression]},
            {"$and": [expression, more]},
            {"$or": [expression, {"a": {"$gt": 0}}, more]},
            {"$nor": [{"$or": [expression, more]}, {"b": 1}]},
            {"$nor": [{"$and": [expression, more, {"a": 1}]}]},
        )
        return expression if self.rng.random() < 0.7 else self.rng.choice(shapes)

    def constant(self) -> Any:
        """A literal."""
        value = self.value()
        return {"$literal": value} if isinstance(value, (dict, list)) else value

    def leaf(self, variables: tuple[str, ...]) -> Any:
        """A field, a variable or a literal."""
        if variables and self.rng.random() < 0.3:
            return f"$${self.rng.choice(variables)}{self.rng.choice(('', '', '.b'))}"
        return self.rng.choice(PATHS) if self.rng.random() < 0.65 else self.constant()

    def expression(self, depth: int, variables: tuple[str, ...] = ()) -> Any:
        """An expression that nests so deep at most."""
        rng = self.rng
        if depth == 0 or rng.random() < 0.1:
            return self.leaf(variables)

        def operand(*more: str) -> Any:
            return self.expression(depth - 1, (*variables, *more))

        chance = rng.random()
        if chance < 0.3:
            return {rng.choice(_COMPARISONS): [operand(), operand()]}
        if chance < 0.45:
            name = rng.choice(("$and", "$or", "$not"))
            return {name: [operand() for _ in range(1 if name == "$not" else rng.randint(0, 4))]}
        if chance < 0.58:
            return self.choice(operand)
        if chance < 0.86:
            name = rng.choice((*_ONE, *_TWO, *_MANY, *_MANY))
            count = 1 if name in _ONE else 2 if name in _TWO else rng.choice((0, 1, 2, 2, 2, 3, 4))
            return {name: [operand() for _ in range(count)]}
        if chance < 0.97:
            return self.question(operand)
        return rng.choice(({rng.choice(("$first", "$exp")): operand()}, {"x": operand()}, [operand()]))

    def choice(self, operand: Callable[..., Any]) -> Any:
        """A conditional, or variables."""
        rng = self.rng
        match rng.choice(("$cond", "$ifNull", "$switch", "$let", "no variables")):
            case "$cond":
                return {"$cond": [operand(), operand(), operand()]}
            case "$ifNull":
                return {"$ifNull": [operand() for _ in range(rng.randint(2, 4))]}
            case "$switch":
                branches = [{"case": operand(), "then": operand()} for _ in range(rng.randint(1, 3))]
                default = {"default": operand()} if rng.random() < 0.7 else {}
                return {"$switch": {"branches": branches, **default}}
            case "$let":
                return {"$let": {"vars": {"u": operand(), "w": operand()}, "in": operand("u", "w")}}
            case _:
                return {"$let": {"vars": {}, "in": operand()}}

    def question(self, operand: Callable[..., Any]) -> Any:
        """A question for a type, a length or a member."""
        rng = self.rng
        name = rng.choice(("$isNumber", "$isArray", "$type", "$size", "$in", "$in"))
        if name != "$in":
            return {name: [operand()]}
        constants = [self.constant() for _ in range(rng.randint(0, 5))]
        return {name: [operand(), rng.choice((constants, constants, [operand(), 1], operand()))]}
