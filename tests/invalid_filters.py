"""Filters that are wrong, mostly: valid ones of this version's language with something spoiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Code, Decimal128, Regex

from mongoglot.testing import random_filter
from mongoglot.testing.alphabet import JUNCTIONS, MEMBERSHIPS
from mongoglot.testing.generate import is_plain_literal

if TYPE_CHECKING:
    import random

Document = dict[str, Any]

AT_TOP: tuple[tuple[str, Any], ...] = (
    ("$foo", 1), ("$", 1), ("$a.b", 1), ("$And", [{}]), ("$query", {}), ("$gt", 1), ("$eq", 1), ("$in", [1]),
    ("$exists", True), ("$not", {"a": 1}), ("$not", {"$gt": 1}), ("$ne", Regex("a")),
    ("$ref", "a"), ("$id", 1), ("$db", {"$gt": 1}), ("$id", Regex("a")), ("$comment", {"$foo": 1}),
    ("$where", 1), ("$where", ""), ("$where", Code("a", {})), ("$where", Regex("a")), ("$where", {}),
    ("$text", 1), ("$text", {}), ("$text", {"$search": 1}), ("$text", {"$search": "x", "foo": 1}),
    ("$text", {"$search": "x", "$language": 1}), ("$text", []), ("$text", {"$caseSensitive": 1}),
    ("$sampleRate", 2), ("$sampleRate", "x"), ("$sampleRate", -1), ("$sampleRate", float("nan")),
    ("$sampleRate", Decimal128("1")), ("$sampleRate", None), ("$sampleRate", 0), ("$regex", "a"),
    ("$near", [0, 0]),
    ("$alwaysTrue", 2), ("$alwaysFalse", "x"), ("$alwaysTrue", 1.0), ("$alwaysFalse", Decimal128("1")),
    ("$alwaysTrue", None), ("$alwaysTrue", -1),
)  # fmt: skip

JUNCTION_OPERANDS: tuple[Any, ...] = (
    [], {}, 1, None, "a", True, {"0": {}}, [1], [[{"a": 1}]], [{"a": 1}, None], [{}, {"$gt": 1}], [{}],
    [{"a": {"$foo": 1}}, 1], [1, {"a": {"$foo": 1}}], [Regex("a")],
)  # fmt: skip

CONDITIONS: tuple[Document, ...] = (
    {"$foo": 1}, {"$": 1}, {"$Eq": 1}, {"$exist": True}, {"$between": [1, 2]}, {"$numberInt": 1, "x": 1},
    {"$ref": "a"}, {"$id": 1}, {"$db": "a"}, {"$ref": "a", "$db": "a"}, {"$ref": "a", "$id": 1},
    {"$id": 1, "$ref": "a"}, {"$gt": 1, "$ref": "a", "$id": 1}, {"x": 1, "$ref": "a", "$id": 1},
    {"$and": [{"$gt": 1}]}, {"$or": []}, {"$nor": 1}, {"$comment": "a"}, {"a": 1, "$gt": 1},
    {"": 1, "$foo": 1}, {"$near": 1}, {"$gt": 1, "$near": [0, 0]}, {"$near": None, "$gt": 1},
    {"$regex": "a", "$options": 1}, {"$regex": Regex("a", "i"), "$options": "m"}, {"$options": "i"},
    {"$regex": Regex("a", "i"), "$options": ""}, {"$options": "i", "$regex": Regex("a", "m")},
    {"$options": "", "$regex": Regex("a", "m")}, {"$options": "g", "$foo": 1, "$regex": "a"},
    {"$gt": 1, "$options": "i", "$regex": 1}, {"$regex": "(", "$options": 1}, {"$options": 1, "$regex": "("},
    {"$regex": "a", "$foo": 1, "$options": "g"}, {"$regex": 1, "$options": 1}, {"$options": "l", "$regex": "("},
)  # fmt: skip

OPERATORS: tuple[tuple[str, Any], ...] = (
    ("b", 1), ("", 1), ("$foo", 1), ("$", 1), ("$and", []), ("$comment", "a"), ("$ref", "a"), ("$id", 1),
    ("$ne", Regex("a")), ("$gt", Regex("a")), ("$lte", Regex("a")), ("$eq", Regex("a")),
    ("$in", 1), ("$in", {}), ("$in", None), ("$in", "a"), ("$nin", {"0": 1}), ("$nin", True),
    ("$in", [{"$gt": 1}]), ("$nin", [1, {"$foo": 1}]), ("$in", [{"$ref": "a"}]),
    ("$in", Regex("a")), ("$in", [{"$ref": "a", "$id": 1}]),
    ("$nin", [{}, {"": 1}, {"a": 1, "$gt": 1}]), ("$in", [[{"$gt": 1}], [Regex("a")]]), ("$in", []),
    ("$not", 1), ("$not", []), ("$not", {}), ("$not", None), ("$not", "a"), ("$not", {"b": 1}),
    ("$not", {"$foo": 1}), ("$not", {"$not": {}}), ("$not", {"$and": []}), ("$not", {"$comment": 1}),
    ("$not", {"$ref": "a", "$id": 1}), ("$not", {"$gt": 1, "b": 1}), ("$not", {"$gt": Regex("a")}),
    ("$not", {"$in": 1}), ("$not", [Regex("a")]), ("$exists", {"$foo": 1}), ("$exists", Regex("a")),
    ("$type", "foo"), ("$type", "missing"), ("$type", 0), ("$type", 20), ("$type", 1.5), ("$type", True),
    ("$type", []), ("$type", [[1]]), ("$type", [1, "foo"]), ("$type", None), ("$type", Decimal128("NaN")),
    ("$type", "number"), ("$type", -1.0), ("$type", {}),
    ("$mod", 1), ("$mod", []), ("$mod", [2]), ("$mod", [2, 0, 1]), ("$mod", ["x", 0]), ("$mod", [2, "x"]),
    ("$mod", [0, 0]), ("$mod", [0.9, 0]), ("$mod", [float("nan"), 0]), ("$mod", [2, 1e300]),
    ("$mod", [2, None]),
    ("$mod", [Decimal128("NaN"), 0]), ("$mod", [float("inf"), "x"]), ("$mod", [0, "x"]),
    ("$mod", {"0": 2, "1": 1}),
    ("$size", "x"), ("$size", None), ("$size", -1), ("$size", 1.5), ("$size", float("nan")),
    ("$size", {"$gt": 1}),
    ("$size", float("inf")), ("$size", 2**40), ("$size", Decimal128("1.5")), ("$size", [1]), ("$size", True),
    ("$size", 2.0**63), ("$size", Decimal128("1E+3")), ("$size", -0.0),
    ("$bitsAllSet", -1), ("$bitsAllSet", 1.5), ("$bitsAnySet", 2.0**63), ("$bitsAllClear", "x"),
    ("$bitsAnyClear", [-1]), ("$bitsAllSet", [0, "x"]), ("$bitsAnySet", [2.0**31]), ("$bitsAllClear", None),
    ("$bitsAnyClear", {}), ("$bitsAllSet", float("nan")), ("$bitsAllSet", Decimal128("1E+400")),
    ("$bitsAnySet", [1.5]), ("$bitsAnySet", [[1]]), ("$bitsAllSet", True), ("$bitsAllSet", Decimal128("3")),
    ("$all", 1), ("$all", {}), ("$all", None), ("$all", [{"$gt": 1}]), ("$all", [1, {"$elemMatch": {}}]),
    ("$all", [{"$elemMatch": {}}, 1]), ("$all", [{"$elemMatch": 1}]), ("$all", [{"$elemMatch": {"$foo": 1}}]),
    ("$all", [{"$foo": 1}]), ("$all", [{"$or": []}]), ("$all", [Regex("(")]), ("$all", [1, {"$regex": "a"}]),
    ("$all", [{"$elemMatch": {"a": 1}, "$foo": 1}]), ("$all", []), ("$all", [{"$not": 1}]),
    ("$all", [{"$in": [1]}]),
    ("$elemMatch", 1), ("$elemMatch", []), ("$elemMatch", None), ("$elemMatch", {"$gt": 1, "b": 2}),
    ("$elemMatch", {"b": 1, "$gt": 2}), ("$elemMatch", {"$or": [{"b": 1}], "$gt": 1}),
    ("$elemMatch", {"$gt": 1, "$id": 2}), ("$elemMatch", {"$where": "1"}), ("$elemMatch", {"$sampleRate": 1}),
    ("$elemMatch", {"$text": {"$search": "a"}}), ("$elemMatch", {"$near": [0, 0]}), ("$elemMatch", {"$or": []}),
    ("$elemMatch", {"a": {"$foo": 1}}), ("$elemMatch", {"$lt": Regex("a")}), ("$elemMatch", {"$regex": "("}),
    ("$elemMatch", {"$alwaysTrue": 2}), ("$elemMatch", {"$comment": 1}), ("$elemMatch", {"$elemMatch": 1}),
    ("$regex", 1), ("$regex", None), ("$regex", ["a"]), ("$regex", "("), ("$regex", "*"), ("$regex", "[z-a]"),
    ("$regex", "(?<=a+)"), ("$regex", "\\u0041"), ("$regex", "a\0"), ("$regex", Code("a")),
    ("$regex", "a{2,1}"),
    ("$regex", Regex("(")), ("$regex", Regex("a", "i")), ("$regex", "a"), ("$regex", "\\Qa"), ("$regex", {}),
    ("$options", "i"), ("$options", 1), ("$options", "g"), ("$options", ""), ("$options", "i\0"),
    ("$options", None),
    ("$options", Regex("i")), ("$options", "xx"), ("$not", Regex("(")), ("$not", Regex("a", "l")),
    ("$not", Regex("a")),
    ("$not", {"$regex": "("}), ("$not", {"$options": "i"}), ("$not", {"$regex": "a", "$options": "g"}),
    ("$in", [Regex("(")]), ("$in", [Regex("a", "l")]), ("$nin", [1, Regex("*"), {"$gt": 1}]),
    ("$in", [{"$gt": 1}, Regex("(")]), ("$in", [Regex("a"), 1]),
    ("$geoWithin", {"$box": [[0, 0], [1, 1]]}),
    ("$geoWithin", 1), ("$geoWithin", {}), ("$geoIntersects", 1), ("$near", 1), ("$near", "x"),
    ("$maxDistance", 1), ("$where", "1"), ("$text", {}), ("$sampleRate", 1), ("$expr", 1), ("$alwaysTrue", 1),
)  # fmt: skip


def spoiled_filter(rng: random.Random) -> Document:
    """A random filter with one or two things put in that are mostly wrong; now and then it is valid still."""
    result = random_filter(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        result = _spoil(rng, result)
    return result


def _spoil(rng: random.Random, query: Document) -> Document:
    """The filter with something put in somewhere, at any depth."""
    inner = [name for name, operand in query.items() if _has_inside(name, operand)]
    if inner and rng.random() < 0.6:
        name = rng.choice(inner)
        return {**query, name: _spoil_inside(rng, name, query[name])}
    kind = rng.randrange(3)
    if kind == 0:
        return _with(rng, query, *rng.choice(AT_TOP))
    if kind == 1:
        return _with(rng, query, rng.choice(JUNCTIONS), rng.choice(JUNCTION_OPERANDS))
    return _with(rng, query, rng.choice(("a", "b", "a.b", "", "missing")), rng.choice(CONDITIONS))


def _has_inside(name: str, operand: Any) -> bool:
    if name in JUNCTIONS:
        return isinstance(operand, list) and any(isinstance(member, dict) for member in operand)
    return not name.startswith("$") and isinstance(operand, dict) and not is_plain_literal(operand)


def _spoil_inside(rng: random.Random, name: str, operand: Any) -> Any:
    if name not in JUNCTIONS:
        return _spoil_operators(rng, operand)
    position = rng.choice([index for index, member in enumerate(operand) if isinstance(member, dict)])
    return [*operand[:position], _spoil(rng, operand[position]), *operand[position + 1 :]]


def _spoil_operators(rng: random.Random, operators: Document) -> Document:
    below = operators.get("$not")
    if isinstance(below, dict) and below and rng.random() < 0.6:
        return {**operators, "$not": _spoil_operators(rng, below)}
    name, operand = rng.choice(OPERATORS)
    if name in MEMBERSHIPS and name in operators and rng.random() < 0.3:
        operand = [*operators[name], {"$gt": 1}] if isinstance(operators[name], list) else operand
    return _with(rng, operators, name, operand)


def _with(rng: random.Random, document: Document, name: str, operand: Any) -> Document:
    """The document with a field at a random place."""
    fields = [(key, item) for key, item in document.items() if key != name]
    fields.insert(rng.randint(0, len(fields)), (name, operand))
    return dict(fields)
