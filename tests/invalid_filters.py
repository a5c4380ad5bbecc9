"""Filters that are wrong, mostly: valid ones of this version's language with something spoiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Regex

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
    {"": 1, "$foo": 1},
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
