"""The operators of expressions that this version compiles, and how many operands each takes."""

from __future__ import annotations

from typing import Final, NamedTuple

ANY: Final = -1
"""As many operands as one likes."""


def _rows(lowest: int, highest: int, names: str) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(names.split(), (lowest, highest))


POSITIONAL: Final[dict[str, tuple[int, int]]] = {
    **_rows(2, 2, "$eq $ne $gt $gte $lt $lte $cmp"),
    **_rows(0, ANY, "$and $or"),
    **_rows(1, 1, "$not"),
    **_rows(3, 3, "$cond"),
    **_rows(0, ANY, "$ifNull"),
    **_rows(0, ANY, "$add $multiply"),
    **_rows(2, 2, "$subtract $divide $mod $pow $log"),
    **_rows(1, 1, "$abs $ceil $floor $sqrt $exp $ln $log10"),
    **_rows(1, 2, "$round $trunc"),
    **_rows(1, 1, "$size $first $last $isArray $reverseArray $objectToArray $arrayToObject"),
    **_rows(2, 2, "$in $arrayElemAt $setDifference $setIsSubset"),
    **_rows(2, 3, "$slice $range"),
    **_rows(2, 4, "$indexOfArray"),
    **_rows(0, ANY, "$concatArrays $setUnion $setIntersection $setEquals"),
    **_rows(1, 1, "$anyElementTrue $allElementsTrue $type $isNumber"),
    # objects and accumulators
    **_rows(0, ANY, "$mergeObjects $sum $avg $min $max $stdDevPop $stdDevSamp"),
}
"""Operators whose operands are a list, or the only one by itself: the least and the greatest number of them."""


class Named(NamedTuple):
    """An operator whose operands have names: `{$op: {name: …}}`.

    Attributes:
        names: its parameters, in the order in which their values are evaluated.
        not_object: code and message of what is no document; `{type}` is the type found, `{value}` the value.
        unknown: code and message of another parameter; `{name}` is its name.
        missing: parameters that must be there, in the order in which a server asks: code and message.
    """

    names: tuple[str, ...]
    not_object: tuple[int, str]
    unknown: tuple[int, str]
    missing: dict[str, tuple[int, str]]


def _of_n(not_object: tuple[int, str]) -> Named:
    """Operators that pick n elements of an array."""
    missing = {"n": (5787906, "Missing value for 'n'"), "input": (5787907, "Missing value for 'input'")}
    return Named(("n", "input"), not_object, (5787901, "Unknown argument for 'n' operator: {name}"), missing)


NAMED: Final[dict[str, Named]] = {
    # so many elements
    "$firstN": _of_n((5787801, "specification must be an object; found $firstN: {value}")),
    "$lastN": _of_n((5787801, "specification must be an object; found $lastN: {value}")),
    "$minN": _of_n((5787900, "specification must be an object; found $minN: {value}")),
    "$maxN": _of_n((5787900, "specification must be an object; found $maxN: {value}")),
}
"""Operators whose operands have names and are all expressions."""
