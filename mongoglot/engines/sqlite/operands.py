"""What a query binds: operands as the intervals, numbers and patterns that stored values are compared with."""

from __future__ import annotations

import math
from functools import lru_cache
from json.encoder import encode_basestring as _quote
from typing import Any, Final

from mongoglot.compiler.ast import Comparison
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.sql.number_keys import Interval, body_range, native_number, number_key, part_of
from mongoglot.engines.sql.numbers import Number
from mongoglot.engines.sql.tags import LETTERS, STRINGS, TAG, identity
from mongoglot.engines.sqlite.encoding import JSON, NAMES, double_text

PATTERN: Final = TAG + "Q"
"""Begins a number in an `equality_pattern`; never stored."""

PATTERN_PREFIX: Final = TAG + "R"
"""Begins a leaf of an `equality_pattern` that stored strings have to begin with; never stored."""

NUMBER_TAG: Final = TAG + LETTERS["decimal"]
"""Begins every stored decimal and NaN."""


def tag_range(kind: ValueClass) -> Interval:
    """The interval that the stored strings of one class fill; 'decimal' is decimals without NaN.

    Raises:
        ValueError: no value of the class is stored as a string.
    """
    match kind:
        case "string":
            return ("", TAG + "B")
        case "nan":
            return number_range("$eq", math.nan)
        case "decimal":
            return (number_range("$gte", -math.inf)[0], number_range("$lte", math.inf)[1])
        case "minkey" | "maxkey":
            return (TAG + LETTERS[kind], TAG + LETTERS[kind] + "\0")
        case "binary" | "objectid" | "date" | "timestamp" | "regex" | "code" | "scoped code":
            return (TAG + LETTERS[kind], TAG + chr(ord(LETTERS[kind]) + 1))
        case _:
            raise ValueError(f"values of class {kind!r} are not stored as strings")


def number_range(op: Comparison, value: Number) -> Interval:
    """The interval of the stored decimals and NaNs that compare so with a number (semantics 1.2)."""
    first, after = body_range(op, value)
    return (NUMBER_TAG + first, NUMBER_TAG + after)


@lru_cache(256)
def native_range(op: Comparison, value: float) -> Interval:
    """`number_range` of an int64 or double, remembered: each end of it is asked for by itself."""
    return number_range(op, value)


def comparison_range(op: Comparison, value: Any) -> Interval:
    """The interval of the stored strings in the value's bracket that compare so with it (semantics 1.2).

    For a number it is that of `number_range`, and `native_number` has the rest.

    Raises:
        ValueError: values of the operand's bracket are not stored as strings.
    """
    value = normalise(value)
    kind = value_class(value)
    match kind:
        case "int" | "double" | "decimal" | "nan":
            return number_range(op, value)
        case "null" | "bool" | "object" | "array":
            raise ValueError(f"values of class {kind!r} are not stored as strings")
        case "scoped code":
            found = TAG + identity(value)
            return part_of(tag_range(kind), op, found + " ", found + "!")
        case _:
            found = STRINGS[value.__class__](value)
            return part_of(tag_range(kind), op, found, found + "\0")


def stored_string(value: Any) -> str:
    """The stored string of a value that has one encoding."""
    return comparison_range("$eq", value)[0]


def equality_pattern(value: Any) -> str:
    """JSON text of a document or array to compare stored ones with, leaf by leaf (semantics 1.3).

    A number becomes a string of PATTERN, its key, a space, and the JSON text of the int64 or double that
    equals it, if there is one: `[1.0, Decimal128("1E+400")]` is `["<PATTERN>410000100… 1.0",
    "<PATTERN>410400100… "]`. Code with a scope becomes PATTERN_PREFIX and what the stored
    string begins with. Every other leaf is as `encode` writes it, and equal values have equal leaves.
    """
    return _pattern(normalise(value))


def _pattern(value: Any) -> str:
    match value_class(value):
        case "object":
            return "{" + ",".join([NAMES[name] + _pattern(item) for name, item in value.items()]) + "}"
        case "array":
            return "[" + ",".join([_pattern(item) for item in value]) + "]"
        case "int" | "double" | "decimal" | "nan":
            native = native_number("$eq", value)
            text = (
                "" if native is None else double_text(native) if isinstance(native, float) else repr(native)
            )
            return _quote(f"{PATTERN}{number_key(value)} {text}")
        case "scoped code":
            return _quote(f"{PATTERN_PREFIX}{TAG}{identity(value)} ")
        case _:
            return JSON[value.__class__](value)
