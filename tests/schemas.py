"""Random schemas near documents: valid ones, and some with something spoiled."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from bson import Decimal128, Int64, Regex

from mongoglot.testing import alphabet
from mongoglot.testing.choices import RandomChoices
from mongoglot.testing.document_values import value

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

Document = dict[str, Any]

NAMES = (
    ("a",) * 8
    + ("b",) * 5
    + ("c",) * 3
    + ("a.b", "a.0", "b.a", "a.b.c", "0", "1", "", "a.", "_id", "missing")
)

BSON_TYPES = tuple(name for name in alphabet.TYPES if isinstance(name, str))
JSON_TYPES = ("number", "string", "object", "array", "boolean", "null")
COUNTS = (0, 1, 1, 2, 2, 3, 1.0, Int64(2), Decimal128("1.0"), 2**40, -0.0)
BOUNDS = (0, 1, 2, -1, 0.5, 1.0, Int64(1), *alphabet.NUMBERS)
DIVISORS = (
    1, 2, 0.5, 3, 0.1, Decimal128("0.1"), Decimal128("1.5"), Int64(2), 1e300, 5e-324, 2**53, 1e-5, 0.7,
    Decimal128("1E-6000"), Decimal128("1E+6000"), 2**63 - 1, 1 / 3,
)  # fmt: skip
PATTERNS = ("^a", "a$", "b", "^$", ".", "A", "^[ab]$", "(?i)A", r"\d", "^_", "")

WRONG: dict[str, tuple[Any, ...]] = {
    "type": ("integer", "int", 1, [], ["string", "string"], ["string", 1], [1, "x"], "x", None, ["integer", 1]),
    "bsonType": ("integer", "boolean", 16, [], ["int", "int"], ["int", 1], "missing", ["x", "x"], [[1]], {}),
    "enum": (1, [], {}, [1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "a", [[1], [1]], [0, False], [Regex("(")]),
    "required": (1, [], True, "a", [1], ["a", "a"], ["a", 1], {}, ["a", "a", 1], [1, "a"]),
    "properties": (1, [], {"a": 1}, {"a": []}, {"a": {"foo": 1}}, {"": {"pattern": "("}}, {"a": {"pattern": "("}}),
    "patternProperties": (1, [], {"(": {}}, {"a": 1}, {"(": 1}, {"(": {"foo": 1}}, {"a": {"type": 1}}, {"*": {}}),
    "additionalProperties": (1, [], None, "x", {"foo": 1}, {"multipleOf": float("nan")}),
    "minProperties": (-1, "x", 1.5, float("nan"), 2.0**63, Decimal128("NaN"), None, True, float("inf")),
    "maxProperties": (-1, "x", 1.5, Decimal128("1.5"), Decimal128("1E+400"), {}),
    "minLength": (-1, "x", None), "maxLength": (-1, 0.5, []), "minItems": (-1, True), "maxItems": (-1, "1"),
    "dependencies": (1, [], {"a": 1}, {"a": []}, {"a": [1]}, {"a": ["b", "b"]}, {"a": {"foo": 1}}, {"": "b"}),
    "minimum": ("x", None, True, {}), "maximum": ("x", [], False),
    "exclusiveMinimum": (1, True, "x", None), "exclusiveMaximum": (5, False, {}),
    "multipleOf": (
        0, -1, "x", float("nan"), float("inf"), float("-inf"), Decimal128("-0"), Decimal128("NaN"), None,
    ),
    "pattern": ("(", "*", 1, Regex("a"), "a\0b", r"\u0041", None, "a{2,1}"),
    "items": (1, True, [1], [{}, 1], [{"foo": 1}], {"foo": 1}, None),
    "additionalItems": (1, None, [], {"foo": 1}, {"pattern": "("}),
    "uniqueItems": (1, None, "x"),
    "allOf": (1, [], {}, [1], [{}, 1], [{"foo": 1}, 1]), "anyOf": ([], [1], {"a": 1}), "oneOf": ([], 1, [[]]),
    "not": (1, [], None, {"foo": 1}, {"pattern": "("}, {"multipleOf": float("inf")}),
    "title": (1, None, []), "description": (1, {}), "encrypt": (1,), "encryptMetadata": ("x",),
    "$ref": ("x",), "$schema": (1,), "default": (1,), "definitions": ({},), "format": ("date",), "id": ("x",),
    "foo": (1,), "const": (1,), "": (1,), "$and": ([],), "Type": ("object",),
}  # fmt: skip
"""Keyword → operands that are mostly wrong."""


def random_schema(rng: random.Random, near: Sequence[Document] = (), depth: int = 3) -> Document:
    """A valid schema; some operands come from the documents `near`."""
    result: Document = {}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        keyword = rng.choice(_KEYWORDS if depth else _FLAT)
        result[keyword] = _OPERANDS[keyword](rng, near, depth)
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if bound in result and rng.random() < 0.4:
            result[exclusive] = rng.random() < 0.7
    if "type" in result and "bsonType" in result:
        del result[rng.choice(("type", "bsonType"))]
    return result


def random_document_schema(rng: random.Random, near: Sequence[Document]) -> Document:
    """A valid schema that mostly says something about fields."""
    result = random_schema(rng, near)
    if rng.random() < 0.8:
        result["properties"] = _properties(rng, near, 3)
    if rng.random() < 0.2:
        result["patternProperties"] = _patterns(rng, near, 3)
    return dict(rng.sample(list(result.items()), len(result)))


def spoiled_schema(rng: random.Random, near: Sequence[Document]) -> Document:
    """A schema with one or two things that are mostly wrong, at any depth."""
    result = random_document_schema(rng, near)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _spoil(rng, result)
    return result


def _spoil(rng: random.Random, schema: Document) -> None:
    below = [found for operand in schema.values() for found in _schemas_in(operand)]
    if below and rng.random() < 0.6:
        _spoil(rng, rng.choice(below))
        return
    keyword = rng.choice(tuple(WRONG))
    fields = [(name, operand) for name, operand in schema.items() if name != keyword]
    operand = copy.deepcopy(rng.choice(WRONG[keyword]))  # it may be spoiled in its turn
    fields.insert(rng.randint(0, len(fields)), (keyword, operand))
    schema.clear()
    schema.update(fields)


def _schemas_in(operand: Any) -> list[Document]:
    """Some of the objects in an operand, which are schemas mostly."""
    if isinstance(operand, dict):
        return [member for member in operand.values() if isinstance(member, dict) and member] or [operand]
    return [member for member in operand if isinstance(member, dict)] if isinstance(operand, list) else []


def _literal(rng: random.Random, near: Sequence[Document]) -> Any:
    if near and rng.random() < 0.6:
        found: Any = copy.deepcopy(rng.choice(near))  # what is spoiled must not be a document
        while rng.random() < 0.85 and isinstance(found, (dict, list)) and found:
            found = rng.choice(list(found.values()) if isinstance(found, dict) else found)
        if isinstance(found, dict) and rng.random() < 0.5:
            return dict(rng.sample(list(found.items()), len(found)))
        return found
    return value(RandomChoices(rng), 2)


def _members(rng: random.Random, near: Sequence[Document], depth: int) -> list[Document]:
    return [random_schema(rng, near, depth - 1) for _ in range(rng.choice((1, 2, 2, 3)))]


def _names(rng: random.Random) -> list[str]:
    return list(dict.fromkeys(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2, 3)))))


def _properties(rng: random.Random, near: Sequence[Document], depth: int) -> Document:
    return {name: random_schema(rng, near, depth - 1) for name in _names(rng)}


def _patterns(rng: random.Random, near: Sequence[Document], depth: int) -> Document:
    chosen = {rng.choice(PATTERNS) for _ in range(rng.choice((1, 1, 2)))}
    return {pattern: random_schema(rng, near, depth - 1) for pattern in sorted(chosen)}


def _enum(rng: random.Random, near: Sequence[Document], _: int) -> list[Any]:
    return [_literal(rng, near) for _ in range(rng.choice((1, 1, 2, 4)))]


def _dependencies(rng: random.Random, near: Sequence[Document], depth: int) -> Document:
    return {
        name: _names(rng) if rng.random() < 0.5 else random_schema(rng, near, depth - 1)
        for name in _names(rng)
    }


def _one_or_all(rng: random.Random, near: Sequence[Document], depth: int) -> Any:
    return random_schema(rng, near, depth - 1) if rng.random() < 0.5 else _members(rng, near, depth)


def _types(names: Sequence[str]) -> Callable[..., Any]:
    return lambda rng, *_: (
        rng.choice(names) if rng.random() < 0.6 else rng.sample(sorted(set(names)), rng.choice((1, 2, 3)))
    )


def _schema_or_truth(rng: random.Random, near: Sequence[Document], depth: int) -> Any:
    return rng.random() < 0.3 if rng.random() < 0.5 else random_schema(rng, near, depth - 1)


def _chosen(options: Sequence[Any]) -> Callable[..., Any]:
    return lambda rng, *_: rng.choice(options)


_FLAT = (
    "type", "bsonType", "bsonType", "enum", "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength",
    "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required", "title",
)  # fmt: skip

_KEYWORDS = (
    *_FLAT, "properties", "properties", "properties", "patternProperties", "additionalProperties",
    "additionalProperties", "items", "items", "additionalItems", "allOf", "anyOf", "oneOf", "not", "dependencies",
)  # fmt: skip

_OPERANDS: dict[str, Callable[[random.Random, Sequence[Document], int], Any]] = {
    "type": _types(JSON_TYPES),
    "bsonType": _types(BSON_TYPES),
    "enum": _enum,
    "required": lambda rng, *_: _names(rng),
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _schema_or_truth,
    "additionalItems": _schema_or_truth,
    "items": _one_or_all,
    "dependencies": _dependencies,
    "allOf": _members,
    "anyOf": _members,
    "oneOf": _members,
    "not": lambda rng, near, depth: random_schema(rng, near, depth - 1),
    "minimum": _chosen(BOUNDS),
    "maximum": _chosen(BOUNDS),
    "multipleOf": _chosen(DIVISORS),
    "pattern": _chosen(PATTERNS),
    "uniqueItems": _chosen((True, True, False)),
    "title": _chosen(("a", "")),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _chosen(COUNTS)
    ),
}
