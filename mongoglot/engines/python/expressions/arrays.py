"""Arrays: their elements, parts, and what is made of them (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bson import Decimal128

from mongoglot.compiler.values import (
    INT32_MAX,
    INT32_MIN,
    MISSING,
    is_array,
)
from mongoglot.engines.python.expressions.comparison import order_key
from mongoglot.engines.python.expressions.numbers import decimal_of, is_nullish, named_type, number_type
from mongoglot.engines.python.expressions.pairs import object_of_pairs, pairs_of_object
from mongoglot.engines.python.expressions.text_of import shown
from mongoglot.errors import FilterError


def int32(value: Any) -> int | None:
    """A number as an int where it is exactly one of 32 bits."""
    if not number_type(value):
        return None
    if isinstance(value, (float, Decimal128)):
        number = decimal_of(value, 34)
        if not number.is_finite() or number != number.to_integral_value():
            return None
        whole = int(number) if not number or number.adjusted() < 11 else INT32_MAX + 1
    else:
        whole = int(value)
    return whole if INT32_MIN <= whole <= INT32_MAX else None


def size(value: Any) -> int:
    """`$size`."""
    if not is_array(value):
        reason = f"The argument to $size must be an array, but was of type: {named_type(value)}"
        raise FilterError(17124, reason)
    return len(value)


def contains(value: Any, array: Any) -> bool:
    """`$in`: some element equals the value."""
    if not is_array(array):
        reason = f"$in requires an array as a second argument, found: {named_type(array)}"
        raise FilterError(40081, reason)
    key = order_key(value)
    return any(order_key(item) == key for item in array)


def element_at(array: Any, index: Any) -> Any:
    """`$arrayElemAt`: an element, from the end where the index is negative; nothing beyond."""
    if is_nullish(array) or is_nullish(index):
        return None
    if not is_array(array):
        reason = f"$arrayElemAt's first argument must be an array, but is {named_type(array)}"
        raise FilterError(28689, reason)
    if not number_type(index):
        reason = f"$arrayElemAt's second argument must be a numeric value, but is {named_type(index)}"
        raise FilterError(28690, reason)
    place = int32(index)
    if place is None:
        reason = "$arrayElemAt's second argument must be representable as a 32-bit integer: "
        raise FilterError(28691, f"{reason}{index}")
    return array[place] if -len(array) <= place < len(array) else MISSING


def _end(name: str, place: int) -> Callable[[Any], Any]:
    """`$first` and `$last`."""

    def evaluate(array: Any) -> Any:
        if is_nullish(array):
            return None
        if not is_array(array):
            raise FilterError(28689, f"{name}'s argument must be an array, but is {named_type(array)}")
        return array[place] if array else MISSING

    return evaluate


def part(array: Any, number: Any, *count: Any) -> Any:
    """`$slice`: the first or last elements, or so many from a place on."""
    if is_nullish(array) or is_nullish(number):
        return None
    if not is_array(array):
        reason = f"First argument to $slice must be an array, but is of type: {named_type(array)}"
        raise FilterError(28724, reason)
    start = _place(28725, "Second argument to $slice", number)
    if not count:
        return list(array[:start] if start >= 0 else array[start:])
    if is_nullish(count[0]):
        return None
    length = _third(count[0])
    first = start if start >= 0 else max(len(array) + start, 0)
    return list(array[first : first + length])


def _place(code: int, what: str, value: Any) -> int:
    if not number_type(value):
        raise FilterError(code, f"{what} must be a numeric value, but is of type: {named_type(value)}")
    place = int32(value)
    if place is None:
        raise FilterError(code + 1, f"{what} can't be represented as a 32-bit integer: {value}")
    return place


def _third(value: Any) -> int:
    if not number_type(value):
        raise FilterError(
            28727, f"Third argument to $slice must be numeric, but is of type: {named_type(value)}"
        )
    length = _place(28727, "Third argument to $slice", value)
    if length <= 0:
        raise FilterError(28729, f"Third argument to $slice must be positive: {length}")
    return length


def concatenation(operands: Iterator[Any]) -> Any:
    """`$concatArrays`: null where an operand is."""
    result: list[Any] = []
    for operand in operands:
        if is_nullish(operand):
            return None
        if not is_array(operand):
            raise FilterError(28664, f"$concatArrays only supports arrays, not {named_type(operand)}")
        result.extend(operand)
    return result


def index_of(operands: Iterator[Any]) -> Any:
    """`$indexOfArray`: where an element first stands, -1 where nowhere; what is looked for comes last."""
    array = next(operands)
    if is_nullish(array):
        return None
    if not is_array(array):
        reason = f"$indexOfArray requires an array as a first argument, found: {named_type(array)}"
        raise FilterError(40090, reason)
    first = bound("$indexOfArray", "starting", next(operands))
    end = bound("$indexOfArray", "ending", next(operands))
    key = order_key(next(operands))
    for place in range(first, min(end, len(array))):
        if order_key(array[place]) == key:
            return place
    return -1


def check_searched(number: int, constant: Any) -> None:
    """What is checked of a constant array of `$indexOfArray` before any document is seen."""
    if number == 0 and not is_nullish(constant) and not is_array(constant):
        reason = f"$indexOfArray requires an array as a first argument, found: {named_type(constant)}"
        raise FilterError(50809, reason)


def bound(name: str, which: str, value: Any) -> int:
    """Where an operator begins to look for something, or ends: `which` is `starting` or `ending`."""
    place = int32(value)
    if place is None:
        reason = f"{name}requires an integral {which} index, found a value of type: "
        raise FilterError(40096, f"{reason}{named_type(value)}, with value: {shown(value)}")
    if place < 0:
        raise FilterError(40097, f"{name} requires a nonnegative {which} index, found: {place}")
    return place


MAX_RANGE_BYTES: Final = 64 * 1024 * 1024
"""What `$range` may need on a server."""


def number_range(operands: Iterator[Any]) -> list[int]:
    """`$range`: ints from a start to before an end, in steps."""
    start, end = next(operands), next(operands)
    first = _limit(34443, "starting", "a starting", start)
    last = _limit(34445, "ending", "an ending", end)
    step = 1
    for value in operands:
        step = _limit(34447, "step", "a step", value)
        if step == 0:
            raise FilterError(34449, "$range requires a non-zero step value")
    found = range(first, last, step)
    if len(found) * 16 > MAX_RANGE_BYTES:
        raise FilterError(146, "$range would use too much memory")
    return list(found)


def _limit(code: int, which: str, article: str, value: Any) -> int:
    if not number_type(value):
        reason = f"$range requires a numeric {which} value, found value of type: {named_type(value)}"
        raise FilterError(code, reason)
    place = int32(value)
    if place is None:
        reason = f"$range requires {article} value that can be represented as a 32-bit integer, found value: "
        raise FilterError(code + 1, f"{reason}{value}")
    return place


def reverse(array: Any) -> Any:
    """`$reverseArray`."""
    if is_nullish(array):
        return None
    if not is_array(array):
        reason = f"The argument to $reverseArray must be an array, but was of type: {named_type(array)}"
        raise FilterError(34435, reason)
    return list(array[::-1])


def type_of(value: Any) -> str:
    """`$type`: `'missing'` where there is no value."""
    return named_type(value)


ARRAYS: Final[dict[str, Callable[..., Any]]] = {
    "$size": size,
    "$in": contains,
    "$arrayElemAt": element_at,
    "$first": _end("$first", 0),
    "$last": _end("$last", -1),
    "$slice": part,
    "$isArray": is_array,
    "$reverseArray": reverse,
    "$objectToArray": pairs_of_object,
    "$arrayToObject": object_of_pairs,
    "$type": type_of,
    "$isNumber": lambda value: bool(number_type(value)),
}

LAZY_ARRAYS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$concatArrays": concatenation,
    "$indexOfArray": index_of,
    "$range": number_range,
}
