"""Projections with `$slice`, `$elemMatch`, `a.$` and computed fields, and documents and filters full of arrays.

The alphabet is smaller than that of `mongoglot.testing`: what counts here is which element of which array a
predicate finds, so arrays are everywhere, in objects and in one another, and values are few.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from bson import Code, Decimal128, Int64, MinKey, Regex, Timestamp

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

Document = dict[str, Any]

SCALARS = (1, 2, 3, 0, None, "a")
TYPES = ("array", "object", "int", "null", "string")
NUMBERS = (0, 1, 2, -1, -2, 5, 1.9, -1.9, Decimal128("1.5"), Int64(1), float("nan"))
LIMITS = (1, 2, 3, 1.5, Int64(2), Decimal128("2.5"))

LITERALS: tuple[Any, ...] = (
    None, "", "x", [], ["$a", 1], [[]], [{}], MinKey(), Timestamp(0, 0), Regex("a", "i"), Code("x"), b"x",
    Code("x", {"y": 1}), datetime.datetime(2020, 1, 2), {"$literal": {"$a": 1}}, {"$literal": 1}, {"$const": "$a"},
    [{"x": "$a", "y": "$nope"}],
)  # fmt: skip
"""What may stand at a field of a projection and is neither a number nor the path to a field."""

FIELDS = (
    "$a", "$b", "$c", "$d", "$a.b", "$b.a", "$c.a.b", "$a.0", "$_id", "$_id.a", "$nope", "$a.nope", "$$ROOT",
    "$$CURRENT.a", "$$ROOT.b", "$$REMOVE",
)  # fmt: skip

WRONG_EXPRESSIONS: tuple[Any, ...] = (
    "$", "$$", "$$FOO", "$a.", "$a..b", "$.a", "$$ROOT.", "$a.$b", ["$"], [{"$foo": 1}], [{"a.b": 1}], [{"": 1}],
    [{"$a": 1, "b": 1}], {"$eq": 1}, {"$not": [1, 2]}, {"$add": "$"}, {"$divide": [1, 0]}, {"$add": ["x", 1]},
    {"$size": 1}, {"$slice": [{"$divide": [1, 0]}, 1]}, {"$slice": [1, "$"]}, {"$slice": ["$a", {"$foo": 1}]},
    {"$cond": [True, "$a", {"$divide": [1, 0]}]}, {"$ifNull": [1]}, {"$slice": [["$a"], 1]},
    {"$let": {"vars": {}}}, {"$switch": {"branches": []}}, {"$map": {"input": "$a"}},
)  # fmt: skip

WRONG_SLICES: tuple[Any, ...] = (
    "x", None, True, [], [1], [1, 0], [1, -1], [0, 0.5], [1, True], [True, 1], [1, "x"], ["x", 1], {}, {"x": 1},
    [1, 2, 3], [1, 2, 0], [1, 2, 3, 4], [float("nan"), float("nan")],
)  # fmt: skip

WRONG_MATCHES: tuple[Any, ...] = (
    1, 1.5, None, [], "x", True, {"$foo": 1}, {"b": {"$foo": 1}}, {"$where": "1"}, {"$expr": 1},
    {"$jsonSchema": {}}, {"$and": [{"$jsonSchema": {}}]}, {"$in": 1}, {"$or": []}, {"a": {"$mod": [0, 1]}},
)  # fmt: skip

WRONG_CHOICES: tuple[Any, ...] = (
    {}, {"$foo": 1}, {"$": 1}, {"$slice": 1, "b": 1}, {"b": 1, "$slice": 1}, {"$elemMatch": {}, "b": 1}, {"b": {}},
    {"b.$": 1}, {"b.$": 0}, {"b.$.c": 1}, {"": 1}, {"b": {"$elemMatch": {}}}, {"b": {"$slice": 1}}, {"b": 1},
)  # fmt: skip


def array_documents(rng: random.Random, count: int) -> list[Document]:
    """Documents full of arrays; their `_id`s are their positions, in an object now and then."""
    result = []
    for position in range(count):
        key = position if rng.random() < 0.9 else {"a": [position, _value(rng, 1)]}
        result.append(
            {"_id": key, **{name: _value(rng, 3) for name in rng.sample("abcd", rng.randint(2, 4))}}
        )
    return result


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth == 0 or kind < 0.35:
        return rng.choice(SCALARS)
    if kind < 0.75:
        return [_value(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 2, 3, 4)))]
    names = (rng.choice("abc01") if rng.random() < 0.9 else "" for _ in range(rng.randint(0, 3)))
    return {name: _value(rng, depth - 1) for name in names}


def random_path(rng: random.Random) -> str:
    return ".".join(rng.choice("aaabbc01") for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))


# ---- filters -----------------------------------------------------------------------------------------


def array_filter(rng: random.Random, depth: int = 2) -> Document:
    """A filter whose conjuncts often are about the same few fields, in any nesting and order."""
    result: Document = {}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        kind = rng.random()
        if kind < 0.3 and depth:
            name = rng.choice(("$and", "$and", "$or", "$or", "$nor"))
            result[name] = (
                [array_filter(rng, depth - 1) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
                if rng.random() < 0.6
                else [{"a": rng.choice(SCALARS)} for _ in range(2)]
            )
        elif kind < 0.34:
            result[rng.choice(("$alwaysTrue", "$comment", "$alwaysFalse"))] = 1
        else:
            result[random_path(rng) + ("." if rng.random() < 0.03 else "")] = _condition(rng)
    return result


def _condition(rng: random.Random) -> Any:
    if rng.random() < 0.4:
        return rng.choice(SCALARS) if rng.random() < 0.85 else _value(rng, 1)
    return _operators(rng, 2)


def _operators(rng: random.Random, depth: int) -> Document:
    result = _operator(rng, depth)
    return result if rng.random() < 0.7 else {**result, **_operator(rng, depth)}


def _operator(rng: random.Random, depth: int) -> Document:
    plain: tuple[Document, ...] = (
        {rng.choice(("$eq", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte")): _value(rng, 1)},
        {rng.choice(("$in", "$in", "$nin")): [rng.choice(SCALARS) for _ in range(rng.randint(0, 3))]},
        {"$exists": rng.random() < 0.8},
        {"$type": rng.choice(TYPES)},
        {"$mod": [2, rng.randint(0, 1)]},
        {"$size": rng.randint(0, 3)},
        {"$bitsAllSet": rng.randint(0, 2)},
        {"$all": [rng.choice(SCALARS) for _ in range(rng.randint(0, 2))]},
    )
    if not depth or rng.random() < 0.7:
        return rng.choice(plain[:1] + plain)
    matches = [{"$elemMatch": _element(rng, depth - 1)} for _ in range(rng.randint(1, 2))]
    return rng.choice((matches[0], matches[0], {"$all": matches}, {"$not": _operators(rng, depth - 1)}))


def _element(rng: random.Random, depth: int) -> Document:
    """What `$elemMatch` holds; `$alwaysFalse` and `$alwaysTrue` may stand there too."""
    return _operators(rng, depth) if rng.random() < 0.5 else array_filter(rng, depth)


# ---- projections -------------------------------------------------------------------------------------


def array_projection(rng: random.Random) -> Document:
    """Mostly valid: about one in six names a path twice, or puts together what does not go together."""
    result: Document = {}
    include = rng.random() < 0.6
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        path = random_path(rng)
        match rng.choice(("slice",) * 5 + ("match",) * 4 + ("$",) * 5 + ("flag",) * 4 + ("_id", "below")):
            case "slice":
                result[path] = {"$slice": _slice(rng)}
            case "match":
                result[path.partition(".")[0]] = {"$elemMatch": _element(rng, 1)}
            case "$":
                result[path + ".$"] = include = True
            case "_id":
                result[rng.choice(("_id", "_id", "_id.a"))] = rng.choice((0, 1))
            case "below":
                choice = {"$slice": _slice(rng)} if rng.random() < 0.5 else int(include)
                result[path] = {rng.choice("ab"): choice}
            case _:
                result[path] = int(include)
    return result


def _slice(rng: random.Random) -> Any:
    return rng.choice(NUMBERS) if rng.random() < 0.5 else [rng.choice(NUMBERS), rng.choice(LIMITS)]


def wrong_projection(rng: random.Random) -> Document:
    """Mostly wrong, in one way or several."""
    result: Document = {}
    for _ in range(rng.choice((1, 2, 2, 3, 3))):
        path = random_path(rng)
        long = ".".join("a" * rng.choice((200, 201)))
        names = (path, path, path, path + ".$", path + ".$", path + ".$.b", path + ".", f"${path}", f"a..{path}",
                 long, "_id", "", "a.$id", ".$", "a..$", "a.$.", "$")  # fmt: skip
        name = path if rng.random() < 0.5 else rng.choice(names)
        choices = (1, 1, 1, 0, 0, 2.5, {"$slice": _slice(rng)}, {"$slice": rng.choice(WRONG_SLICES)},
                   {"$elemMatch": _element(rng, 1)}, {"$elemMatch": rng.choice(WRONG_MATCHES)},
                   rng.choice(WRONG_CHOICES), field_value(rng), field_value(rng), rng.choice(WRONG_EXPRESSIONS),
                   rng.choice(WRONG_EXPRESSIONS))  # fmt: skip
        result[name] = rng.choice(choices)
    return result


# ---- computed fields ---------------------------------------------------------------------------------


def computed_projection(rng: random.Random, value: Callable[[random.Random], Any]) -> Document:
    """Computed fields among everything else that an inclusion may have; mostly valid.

    Args:
        rng: where chance comes from.
        value: makes what computes a field.
    """
    result: Document = {}
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        path = (
            random_path(rng)
            if rng.random() < 0.8
            else rng.choice(("_id", "_id.a", "_id.b", "z", "z.b", "d.z"))
        )
        match rng.choice(("computed",) * 7 + ("below",) * 3 + ("flag",) * 4 + ("slice", "match", "$", "_id")):
            case "computed":
                result[path] = value(rng)
            case "below":
                names = ("a", "b", "c", "a.b", "z")
                result[path] = {
                    name: value(rng) if rng.random() < 0.7 else 1
                    for name in rng.sample(names, rng.choice((1, 1, 2, 2, 3)))
                }
            case "slice":
                result[path] = {"$slice": _slice(rng)}
            case "match":
                result[path.partition(".")[0]] = {"$elemMatch": _element(rng, 1)}
            case "$":
                result[path + ".$"] = 1
            case "_id":
                result["_id"] = rng.choice((0, 1))
            case _:
                result[path] = 1
    return result


def field_value(rng: random.Random, depth: int = 2) -> Any:
    """What computes a field: paths and literals, and operators that seldom fail."""
    kind = rng.random()
    if depth == 0 or kind < 0.45:
        return rng.choice(FIELDS)
    if kind < 0.65:
        return rng.choice(LITERALS)

    def operand() -> Any:
        return field_value(rng, depth - 1)

    expressions: tuple[Any, ...] = (
        [operand(), operand()],
        [{"p": operand(), "q": operand()}],
        {"$ifNull": [operand(), operand()]},
        {"$eq": [operand(), operand()]},
        {"$type": operand()},
        {"$isArray": [operand()]},
        {"$cond": [{"$isArray": [operand()]}, operand(), operand()]},
        {"$let": {"vars": {"u": operand()}, "in": ["$$u", "$a"]}},
        {"$map": {"input": [operand(), 1], "in": {"v": "$$this", "w": "$a"}}},
        {"$concatArrays": [[operand()], [operand()]]},
        {"$slice": [[operand(), 2, 3], rng.choice((1, -1, "$_id"))]},
        {"$slice": [operand(), rng.choice((1, -1, "$a"))]},
        {"$arrayElemAt": [operand(), 0]},
        {"$add": [operand(), 1]},
    )
    return rng.choice(expressions)
