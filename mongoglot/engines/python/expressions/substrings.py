"""Parts of strings, and where they stand, in bytes of UTF-8 or in characters (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bson import Decimal128

from mongoglot.engines.python.expressions.arrays import bound, int32
from mongoglot.engines.python.expressions.numbers import decimal_of, is_nullish, named_type, number_type
from mongoglot.engines.python.expressions.strings import byte_count, is_text
from mongoglot.engines.python.expressions.sums import coerced, whole_number
from mongoglot.engines.python.expressions.text_of import coerced_text, shown, utf8
from mongoglot.errors import FilterError


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


SUBSTRINGS: Final[dict[str, Callable[..., Any]]] = {
    "$substr": part_of_bytes,
    "$substrBytes": part_of_bytes,
    "$substrCP": part_of_characters,
    "$strLenBytes": _length("$strLenBytes", 34473, byte_count),
    "$strLenCP": _length("$strLenCP", 34471, len),
}

LAZY_SUBSTRINGS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$indexOfBytes": _index("$indexOfBytes", 40091, _byte_index),
    "$indexOfCP": _index("$indexOfCP", 40093, _character_index),
}
