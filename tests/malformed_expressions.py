"""Random expressions with something wrong in them: counts, names, paths, types of operands, at any depth."""

from __future__ import annotations

import random
from typing import Any, Final

from bson import Code, DBRef, Decimal128, Int64, Regex

from tests.expressions import Generator

PATHS: Final = (
    "$ $$ $$x $$x.y $a. $.a $a..b $a.$b $a.$ $$$a $$ROOT. $$ROOT..a $$1a $$A $$a-b $$_x $$é $$ROOT.$a $a\0b "
    "$$CURRENT. $$this $$NOWHERE $a.b.c $$REMOVE.a $$ROOT.a\0"
).split(" ")
NAMES: Final = (
    "zz $zz a.b . $ é input in as vars cond if field value branches default limit n sortBy inputs x "
    "CURRENT ROOT u A 0 a-b"
).split(" ")
OPERANDS: Final[tuple[Any, ...]] = (
    None,
    1,
    0,
    -1,
    1.5,
    True,
    "x",
    "",
    Int64(2**40),
    float("nan"),
    Decimal128("1.5"),
    [],
    {},
    [1],
    [1, 2],
    [[1, 2]],
    ["$a", "$b", "$c", 1, 2],
    {"a.b": 1},
    {"": 1},
    {"$a": 1},
    {"$foo": 1},
    {"$add": 1, "x": 2},
    {"x": 1, "$add": [1]},
    {"x": {"y.z": 1}},
    {"$": 1},
    {"$literal": {"$foo": 1}},
    {"$const": "$"},
    {"$literal": "$a"},
    {"$add": ["x", 1]},
    {"$divide": [1, 0]},
    {"x": "$"},
    Regex("a"),
    Code("x", {}),
    DBRef("c", 1),
    {"$ref": 1},
)


class Malformer:
    """Makes expressions that are wrong, most of the time; the same ones for the same seed.

    Attributes:
        rng: where chance comes from.
    """

    def __init__(self, seed: int) -> None:
        self.generator = Generator(seed)
        self.rng = random.Random(seed)

    def expression(self) -> Any:
        """An expression with one or two faults."""
        expression = self.generator.expression(self.rng.randint(1, 3))
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            expression = self.spoiled(expression)
        for _ in range(self.rng.choice((0, 0, 0, 0, 1, 3, 12))):
            expression = self.wrapped(expression)
        return expression

    def spoiled(self, value: Any) -> Any:
        """The value with a fault in it, somewhere below or at its top."""
        if isinstance(value, dict) and value:
            if self.rng.random() < 0.7:
                name = self.rng.choice(list(value))
                return value | {name: self.spoiled(value[name])}
            return self.rng.choice((self.renamed, self.robbed, self.extended, self.replaced))(value)
        if isinstance(value, list) and value:
            place = self.rng.randrange(len(value))
            match self.rng.randint(0, 6):
                case 0:
                    return value[:place] + value[place + 1 :]
                case 1:
                    return [*value[:place], self.leaf(), *value[place:]]
                case 2:
                    return self.replaced(value)
                case _:
                    return [*value[:place], self.spoiled(value[place]), *value[place + 1 :]]
        return self.replaced(value)

    def leaf(self) -> Any:
        """What may be wrong where it stands."""
        return self.rng.choice(PATHS) if self.rng.random() < 0.4 else self.rng.choice(OPERANDS)

    def replaced(self, value: Any) -> Any:
        """Something else, or the value in a list or a document too many, or out of it."""
        match self.rng.randint(0, 5):
            case 0:
                return [value]
            case 1:
                return {self.rng.choice(NAMES): value}
            case 2 if isinstance(value, dict) and value:
                return list(value.values())
            case 3 if isinstance(value, list):
                return dict(zip(NAMES, value, strict=False))
            case _:
                return self.leaf()

    def renamed(self, value: dict[str, Any]) -> dict[str, Any]:
        """With another name for one of the fields, in its place."""
        old = self.rng.choice(list(value))
        new = self.rng.choice(NAMES)
        return {new if name == old else name: item for name, item in value.items()}

    def robbed(self, value: dict[str, Any]) -> dict[str, Any]:
        """Without one of the fields."""
        gone = self.rng.choice(list(value))
        return {name: item for name, item in value.items() if name != gone}

    def extended(self, value: dict[str, Any]) -> dict[str, Any]:
        """With one field more, at the front or the end, or in another order."""
        more = {self.rng.choice(NAMES): self.leaf()}
        match self.rng.randint(0, 2):
            case 0:
                return more | value
            case 1:
                return value | more
            case _:
                return dict(reversed(value.items()))

    def wrapped(self, value: Any) -> Any:
        """Inside an operator that is right."""
        match self.rng.randint(0, 7):
            case 0:
                return {"$not": [value]}
            case 1:
                return {"$let": {"vars": {"x": value}, "in": "$$x"}}
            case 2:
                return {"$map": {"input": "$a", "as": "x", "in": value}}
            case 3:
                return {"$switch": {"branches": [{"case": "$a", "then": value}], "default": 1}}
            case 4:
                return {"$setField": {"field": "x", "input": "$a", "value": value}}
            case 5:
                return {"x": [value]}
            case 6:
                return {"$cond": {"if": "$a", "then": value, "else": 1}}
            case _:
                return {"$sum": [1, value]}
