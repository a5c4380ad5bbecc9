"""Strings: their parts, places and forms, counted in bytes of UTF-8 or in characters (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import bson
from bson import Decimal128

from mongoglot.compiler.values import MISSING, as_mapping, binary_data, is_document, value_class
from mongoglot.engines.python.expressions.arrays import bound, int32
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    decimal_of,
    is_nullish,
    named_type,
    number_type,
)
from mongoglot.engines.python.expressions.sums import coerced, whole_number
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


def part_of_bytes(value: Any, start: Any, count: Any) -> str:
    """`$substr` and `$substrBytes`: so many bytes from a place on, or all where the number is negative."""
    data = utf8(coerced_text(value))
    if not number_type(start):
        reason = f"$substrBytes:  starting index must be a numeric type (is BSON type {named_type(start)})"
        raise FilterError(16034, reason)
    if not number_type(count):
        reason = f"$substrBytes:  length must be a numeric type (is BSON type {named_type(count)})"
        raise FilterError(16035, reason)
    first = _long(start)
    if first < 0:
        raise FilterError(50752, f"$substrBytes:  starting index must be non-negative (got: {first})")
    length = _long(count)
    end = first + (length if length >= 0 else len(data))
    if _is_inside(data, first):
        reason = "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte."
        raise FilterError(28656, reason)
    if _is_inside(data, end):
        reason = "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character."
        raise FilterError(28657, reason)
    return data[first:end].decode()


def _long(value: Any) -> int:
    """A number as a long; a decimal that is none is the least of them."""
    return coerced(decimal_of(value)) if isinstance(value, Decimal128) else whole_number(value)


def _is_inside(data: bytes, place: int) -> bool:
    """Whether a place is behind the first byte of a character."""
    return place < len(data) and data[place] & 0xC0 == 0x80


def part_of_characters(value: Any, start: Any, count: Any) -> str:
    """`$substrCP`: so many characters from a place on."""
    text = coerced_text(value)
    first = _int(34450, "starting index", start)
    length = _int(34452, "length", count)
    if length < 0:
        raise FilterError(34454, "$substrCP: length must be a nonnegative integer.")
    if first < 0:
        raise FilterError(34455, "$substrCP: the starting index must be nonnegative integer.")
    return text[first : first + length]


def _int(code: int, what: str, value: Any) -> int:
    if not number_type(value):
        reason = f"$substrCP: {what} must be a numeric type (is BSON type {named_type(value)})"
        raise FilterError(code, reason)
    place = int32(value)
    if place is None:
        reason = f"$substrCP: {what} cannot be represented as a 32-bit integral value: {shown(value)}"
        raise FilterError(code + 1, reason)
    return place


def _length(name: str, code: int, measure: Callable[[str], int]) -> Callable[[Any], int]:
    """`$strLenBytes` and `$strLenCP`."""

    def evaluate(value: Any) -> int:
        if not is_text(value):
            raise FilterError(code, f"{name} requires a string argument, found: {named_type(value)}")
        return measure(value)

    return evaluate


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


def _index(name: str, code: int, find: Callable[[str, str, int, int | None], int]) -> Callable[..., Any]:
    """`$indexOfBytes` and `$indexOfCP`: where a string first stands in another, -1 where nowhere.

    Args:
        name: of the operator.
        code: of the error where the first operand is no string; the next one is that of the second.
        find: what looks for it, from a place to another one or to the end.
    """

    def evaluate(operands: Iterator[Any]) -> int | None:
        text = next(operands)
        if is_nullish(text):
            return None
        if not is_text(text):
            found = named_type(text)
            raise FilterError(code, f"{name} requires a string as the first argument, found: {found}")
        token = next(operands)
        if not is_text(token):
            found = named_type(token)
            raise FilterError(code + 1, f"{name} requires a string as the second argument, found: {found}")
        places = [
            bound(name, which, place) for which, place in zip(("starting", "ending"), operands, strict=False)
        ]
        return find(text, token, places[0] if places else 0, places[1] if places[1:] else None)

    return evaluate


def _byte_index(text: str, token: str, start: int, end: int | None) -> int:
    """The byte at which all of a string stands between two others."""
    if text.isascii():
        return text.find(token, start, end)
    return utf8(text).find(utf8(token), start, end)


def _character_index(text: str, token: str, start: int, end: int | None) -> int:
    """The character at which a string stands that begins between two others; none begins behind the last."""
    if not text and not token and not start:
        return 0
    place = text.find(token, start)
    return place if place < min(len(text), len(text) if end is None else end) else -1


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
    "$substr": part_of_bytes,
    "$substrBytes": part_of_bytes,
    "$substrCP": part_of_characters,
    "$strLenBytes": _length("$strLenBytes", 34473, byte_count),
    "$strLenCP": _length("$strLenCP", 34471, len),
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
    "$indexOfBytes": _index("$indexOfBytes", 40091, _byte_index),
    "$indexOfCP": _index("$indexOfCP", 40093, _character_index),
}
