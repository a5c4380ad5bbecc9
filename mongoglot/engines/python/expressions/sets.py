"""Arrays as sets: in the total order, each value once (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mongoglot.compiler.values import SortKey, is_array, sort_key
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError


def _keyed(array: Any) -> dict[SortKey, Any]:
    """The values by what they are compared by; of equal ones the first."""
    result: dict[SortKey, Any] = {}
    for item in array:
        result.setdefault(sort_key(item), item)
    return result


def _in_order(values: dict[SortKey, Any]) -> list[Any]:
    return [values[key] for key in sorted(values)]


def union(operands: Iterator[Any]) -> Any:
    """`$setUnion`: null where an operand is."""
    result: dict[SortKey, Any] = {}
    for operand in operands:
        if is_nullish(operand):
            return None
        if not is_array(operand):
            reason = "All operands of $setUnion must be arrays. One argument is of type: "
            raise FilterError(17043, f"{reason}{named_type(operand)}")
        for item in operand:
            result.setdefault(sort_key(item), item)
    return _in_order(result)


def intersection(operands: Iterator[Any]) -> Any:
    """`$setIntersection`: null where an operand is; of equal values those of the smaller set, or the first."""
    result: dict[SortKey, Any] | None = None
    for operand in operands:
        if is_nullish(operand):
            return None
        if not is_array(operand):
            reason = "All operands of $setIntersection must be arrays. One argument is of type: "
            raise FilterError(17047, f"{reason}{named_type(operand)}")
        found = _keyed(operand)
        if result is None:
            result = found
        fewer, more = (found, result) if len(found) < len(result) else (result, found)
        result = {key: item for key, item in fewer.items() if key in more}
    return _in_order(result or {})


def difference(left: Any, right: Any) -> Any:
    """`$setDifference`: what is in the first alone, in its order."""
    if is_nullish(left) or is_nullish(right):
        return None
    for code, which, value in ((17048, "First", left), (17049, "Second", right)):
        if not is_array(value):
            reason = f"both operands of $setDifference must be arrays. {which} argument is of type: "
            raise FilterError(code, f"{reason}{named_type(value)}")
    without = _keyed(right)
    return [item for key, item in _keyed(left).items() if key not in without]


def equality(operands: Iterator[Any]) -> bool:
    """`$setEquals`: the same values in all; it stops at the first that differs."""
    first: frozenset[SortKey] | None = None
    for number, operand in enumerate(operands, 1):
        if not is_array(operand):
            reason = f"All operands of $setEquals must be arrays. {number}-th argument is of type: "
            raise FilterError(17044, f"{reason}{named_type(operand)}")
        keys = frozenset(map(sort_key, operand))
        if first is None:
            first = keys
        elif keys != first:
            return False
    return True


def check_equal(number: int, constant: Any) -> None:
    """What is checked of a constant operand of `$setEquals` before any document is seen."""
    if not is_array(constant):
        reason = f"All operands of $setEquals must be arrays. {number + 1}-th argument is of type: "
        raise FilterError(5887502, f"{reason}{named_type(constant)}")


def is_subset(left: Any, right: Any) -> bool:
    """`$setIsSubset`."""
    for code, which, value in ((17046, "First", left), (17042, "Second", right)):
        if not is_array(value):
            reason = f"both operands of $setIsSubset must be arrays. {which} argument is of type: "
            raise FilterError(code, f"{reason}{named_type(value)}")
    return _keyed(left).keys() <= _keyed(right).keys()


def is_subset_of_known(left: Any, right: Any) -> bool:
    """`$setIsSubset` of a constant, which has a code of its own."""
    if not is_array(left):
        reason = "both operands of $setIsSubset must be arrays. First argument is of type: "
        raise FilterError(17310, f"{reason}{named_type(left)}")
    return is_subset(left, right)


def check_superset(number: int, constant: Any) -> None:
    """What is checked of a constant second operand of `$setIsSubset` before any document is seen."""
    if number == 1 and not is_array(constant):
        reason = "both operands of $setIsSubset must be arrays. Second argument is of type: "
        raise FilterError(17311, f"{reason}{named_type(constant)}")


def _over_elements(name: str, code: int, holds: Callable[[Iterator[bool]], bool]) -> Callable[[Any], bool]:
    def evaluate(array: Any) -> bool:
        if not is_array(array):
            raise FilterError(code, f"{name}'s argument must be an array, but is {named_type(array)}")
        return holds(is_true(item) for item in array)

    return evaluate


SETS: Final[dict[str, Callable[..., Any]]] = {
    "$setDifference": difference,
    "$setIsSubset": is_subset,
    "$anyElementTrue": _over_elements("$anyElementTrue", 17041, any),
    "$allElementsTrue": _over_elements("$allElementsTrue", 17040, all),
}

LAZY_SETS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$setUnion": union,
    "$setIntersection": intersection,
    "$setEquals": equality,
}
