"""Random expressions of documents, accumulators, and arrays made of the elements of others."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from bson import Decimal128, Int64

from tests.expression_family import Family

Operand = Callable[..., Any]

NAMES: Final = ("x", "y", "a.b", "$q", "", "z")

VALUES: Final[tuple[Any, ...]] = (
    {"x": 1, "y": 2},
    {"y": {"x": 3}, "x": 0.5, "a.b": 7},
    {"$q": 1, "": 2, "x": [1]},
    {"x": {"y": 1}, "a.b": {"y": 0}},
    [{"x": 1}, {"y": 2}, None],
    [{"x": 2, "y": 1}, {"x": 1, "y": 1}, {"x": 1.0, "y": 2}, {"y": 0}, 5, [{"x": 0}]],
    [{"x": [5, 1]}, {"x": [0]}, {"x": {"0": 3}}, {"x": []}, {"x": {"y": [2]}}],
    [{"x": {"y": 1}}, {"x.y": 2}, {"x": [{"y": 0}]}, {"x": None}],
    [0.1, 0.2, 0.3, Int64(2**62), 1],
    [Int64(2**62), Int64(2**62), Decimal128("0.1"), 3],
    [3, 1, 1.0, Decimal128("1.0"), Int64(1), True, None, "a", float("nan")],
    [{"x": number % 3, "y": number} for number in range(19)],
    [(number * 7) % 5 * (1.0 if number % 2 else 1) for number in range(23)],
    1,
    2,
    0.5,
    1.1,
    -3.7,
    1e16,
)


def _name(rng: random.Random) -> Any:
    name = rng.choice(NAMES)
    return {"$literal": name} if name[:1] == "$" or rng.random() < 0.1 else name


def _field(rng: random.Random, operand: Operand) -> Any:
    match rng.randint(0, 4):
        case 0:
            return {"$getField": rng.choice(("a", "b", "c", {"$literal": "$q"}))}
        case 1 | 2:
            return {"$getField": {"field": _name(rng), "input": operand()}}
        case 3:
            return {"$unsetField": {"field": _name(rng), "input": operand()}}
        case _:
            value = "$$REMOVE" if rng.random() < 0.2 else operand()
            return {"$setField": {"field": _name(rng), "input": operand(), "value": value}}


def _accumulated(rng: random.Random, operand: Operand) -> Any:
    name = rng.choice("$mergeObjects $sum $avg $min $max $stdDevPop $stdDevSamp $sum $min $max".split())
    if rng.random() < 0.3:
        return {name: operand()}
    return {name: [operand() for _ in range(rng.randint(0, 5))]}


def _numbers(rng: random.Random, operand: Operand) -> Any:
    """A sum of fields and constants, which a server puts together."""
    name = rng.choice(("$sum", "$avg", "$min", "$max", "$stdDevPop", "$stdDevSamp"))
    numbers = (0.1, 0.2, 1e16, -1e16, 1, 2, Int64(2**62), Decimal128("0.1"), 3.5, [1, 2], "x", None)
    parts: list[Any] = [
        rng.choice((rng.choice(numbers), rng.choice(("$a", "$b", "$c")))) for _ in range(rng.randint(1, 6))
    ]
    if rng.random() < 0.5:
        parts.insert(
            rng.randint(0, len(parts)), {name: [rng.choice(numbers), operand(), rng.choice(numbers)]}
        )
    return {name: parts}


def _zip(rng: random.Random, operand: Operand) -> Any:
    count = rng.randint(1, 3)
    form: dict[str, Any] = {"inputs": [operand() for _ in range(count)]}
    if rng.random() < 0.6:
        form["useLongestLength"] = True
        if rng.random() < 0.5:
            form["defaults"] = [operand() for _ in range(count)]
    return {"$zip": form}


def _sorted(rng: random.Random, operand: Operand) -> Any:
    def direction() -> Any:
        return rng.choice((1, -1, 1.0, Int64(-1), Decimal128("1")))

    paths = rng.sample(("x", "y", "x.y", "a.b", "x.0", "0", "x.y.0", "$q"), rng.randint(1, 3))
    order = direction() if rng.random() < 0.4 else {path: direction() for path in paths}
    return {"$sortArray": {"input": operand(), "sortBy": order}}


def _several(rng: random.Random, operand: Operand) -> Any:
    numbers = (
        1,
        2,
        3,
        5,
        2.0,
        Decimal128("2"),
        Int64(2**62),
        0,
        -1,
        1.5,
        float("nan"),
        1e300,
        "x",
        None,
        "$a",
    )
    count = operand() if rng.random() < 0.15 else rng.choice(numbers[: rng.choice((7, 7, len(numbers)))])
    return {rng.choice(("$firstN", "$lastN", "$minN", "$maxN")): {"n": count, "input": operand()}}


FAMILY: Final = Family(VALUES, (_field, _accumulated, _numbers, _zip, _sorted, _several))
