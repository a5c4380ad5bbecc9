"""Strings: what is made of them as a whole (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import bson

from mongoglot.compiler.values import MISSING, as_mapping, binary_data, is_document, value_class
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    is_nullish,
    named_type,
)
from mongoglot.engines.python.expressions.text_of import coerced_text, shown, utf8
from mongoglot.errors import FilterError, UnsupportedError

SPACES: Final = "\0\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
"""What `$trim` takes away unless it is told otherwise."""


def is_text(value: Any) -> bool:
    """Whether a value is a string; code is none."""
    return value.__class__ is str or (value is not MISSING and value_class(value) == "string")


def concatenation(operands: Iterator[Any]) -> Any:
    """`$concat`: null where an operand is."""
    pieces: list[str] = []
    for operand in operands:
        if is_nullish(operand):
            return None
        if not is_text(operand):
            raise FilterError(16702, f"$concat only supports strings, not {named_type(operand)}")
        pieces.append(operand)
    return "".join(pieces)


def lower_case(value: Any) -> str:
    """`$toLower`: of ASCII alone."""
    return utf8(coerced_text(value)).lower().decode()


def upper_case(value: Any) -> str:
    """`$toUpper`: of ASCII alone."""
    return utf8(coerced_text(value)).upper().decode()


def compared_without_case(left: Any, right: Any) -> int:
    """`$strcasecmp`: -1, 0 or 1; the case of ASCII alone is ignored."""
    first, second = utf8(coerced_text(left)).upper(), utf8(coerced_text(right)).upper()
    return (first > second) - (first < second)


def byte_count(text: str) -> int:
    """How many bytes of UTF-8 a string has."""
    return len(text) if text.isascii() else len(utf8(text))


def binary_size(value: Any) -> int | None:
    """`$binarySize`: the bytes of a string or of binary data."""
    if is_nullish(value):
        return None
    if is_text(value):
        return byte_count(value)
    if value_class(value) == "binary":
        return len(binary_data(value))
    raise FilterError(51276, f"$binarySize requires a string or BinData argument, found: {named_type(value)}")


def bson_size(value: Any) -> int | None:
    """`$bsonSize`: the bytes of a document."""
    if is_nullish(value):
        return None
    if not is_document(value):
        raise FilterError(31393, f"$bsonSize requires a document input, found: {named_type(value)}")
    return len(bson.encode(as_mapping(value)))


def pieces(value: Any, separator: Any) -> list[str] | None:
    """`$split`."""
    if is_nullish(value) or is_nullish(separator):
        return None
    for code, which, operand in ((40085, "first", value), (40086, "second", separator)):
        if not is_text(operand):
            reason = (
                f"$split requires an expression that evaluates to a string as a {which} argument, found: "
            )
            raise FilterError(code, f"{reason}{named_type(operand)}")
    if not separator:
        raise FilterError(40087, "$split requires a non-empty separator")
    return str(value).split(separator)


def _trimmed(name: str, strip: Callable[[str, str], str]) -> Callable[[Iterator[Any]], str | None]:
    """`$trim`, `$ltrim` and `$rtrim`."""

    def evaluate(operands: Iterator[Any]) -> str | None:
        value = next(operands)
        if is_nullish(value):
            return None
        if not is_text(value):
            found = f"{shown(value)} (of type {named_type(value)})"
            raise FilterError(50699, f"{name} requires its input to be a string, got {found} instead.")
        characters = next(operands)
        if characters is ABSENT:
            return strip(value, SPACES)
        if is_nullish(characters):
            return None
        if not is_text(characters):
            found = f"{shown(characters)} (of type {named_type(characters)})"
            raise FilterError(50700, f"{name} requires 'chars' to be a string, got {found} instead.")
        return strip(value, characters)

    return evaluate


def _replaced(name: str, most: int) -> Callable[[Any, Any, Any], str | None]:
    """`$replaceOne` and `$replaceAll`."""

    def evaluate(text: Any, find: Any, replacement: Any) -> str | None:
        operands = ((51746, "input", text), (51745, "find", find), (51744, "replacement", replacement))
        for code, parameter, operand in operands:
            if not is_nullish(operand) and not is_text(operand):
                reason = f"{name} requires that '{parameter}' be a string, found: {shown(operand)}"
                raise FilterError(code, reason)
        if is_nullish(text) or is_nullish(find) or is_nullish(replacement):
            return None
        if not find and most < 0 and replacement and not text.isascii():
            raise UnsupportedError(
                f"{name} of an empty string splits the characters of a text that is not ASCII: only a MongoDB "
                "server can do that, since the result is no UTF-8"
            )
        return str(text).replace(find, replacement, most)

    return evaluate


STRINGS: Final[dict[str, Callable[..., Any]]] = {
    "$toLower": lower_case,
    "$toUpper": upper_case,
    "$strcasecmp": compared_without_case,
    "$binarySize": binary_size,
    "$bsonSize": bson_size,
    "$split": pieces,
    "$replaceOne": _replaced("$replaceOne", 1),
    "$replaceAll": _replaced("$replaceAll", -1),
}

LAZY_STRINGS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$concat": concatenation,
    "$trim": _trimmed("$trim", str.strip),
    "$ltrim": _trimmed("$ltrim", str.lstrip),
    "$rtrim": _trimmed("$rtrim", str.rstrip),
}
