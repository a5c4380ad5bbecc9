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
}
"""Operators whose operands are a list, or the only one by itself: the least and the greatest number of them."""


class Named(NamedTuple):
    """An operator whose operands have names: `{$op: {name: …}}`.

    Attributes:
        names: its parameters, in the order in which their values are evaluated.
        not_object: code and message where the operand is no document; `{type}` is the type found.
        unknown: code and message of another parameter; `{name}` is its name.
        missing: parameters that must be there, in the order in which a server asks: code and message.
        order: that in which the operands are read once all names are known; as they are written where it is empty.
    """

    names: tuple[str, ...]
    not_object: tuple[int, str]
    unknown: tuple[int, str]
    missing: dict[str, tuple[int, str]]
    order: tuple[str, ...] = ()


_ADDITION_NAMES: Final = ("startDate", "unit", "amount", "timezone")
_TRUNCATION_NAMES: Final = "Expected arguments are date, unit, and optionally, binSize, timezone, startOfWeek"
_ADDITION_UNKNOWN: Final = "Expected arguments are startDate, unit, amount, and optionally timezone."


def _addition(name: str) -> Named:
    """`$dateAdd` and `$dateSubtract`."""
    missing = (5166402, f"{name} requires startDate, unit, and amount to be present")
    return Named(
        _ADDITION_NAMES,
        (5166400, f"{name} expects an object as its argument"),
        (5166401, f"Unrecognized argument to {name}: {{name}}. {_ADDITION_UNKNOWN}"),
        dict.fromkeys(_ADDITION_NAMES[:3], missing),
    )


NAMED: Final[dict[str, Named]] = {
    # dates
    "$dateAdd": _addition("$dateAdd"),
    "$dateSubtract": _addition("$dateSubtract"),
    "$dateDiff": Named(
        ("startDate", "endDate", "unit", "timezone", "startOfWeek"),
        (5166301, "$dateDiff only supports an object as its argument"),
        (5166302, "Unrecognized argument to $dateDiff: {name}"),
        {
            "startDate": (5166303, "Missing 'startDate' parameter to $dateDiff"),
            "endDate": (5166304, "Missing 'endDate' parameter to $dateDiff"),
            "unit": (5166305, "Missing 'unit' parameter to $dateDiff"),
        },
        ("startOfWeek", "timezone", "unit", "endDate", "startDate"),
    ),
    "$dateTrunc": Named(
        ("date", "unit", "binSize", "timezone", "startOfWeek"),
        (5439007, "$dateTrunc only supports an object as its argument"),
        (
            5439008,
            "Unrecognized argument to $dateTrunc: {name}. " + _TRUNCATION_NAMES,
        ),
        {
            "date": (5439009, "Missing 'date' parameter to $dateTrunc"),
            "unit": (5439010, "Missing 'unit' parameter to $dateTrunc"),
        },
        ("startOfWeek", "timezone", "binSize", "unit", "date"),
    ),
    "$dateToString": Named(
        ("date", "timezone", "onNull", "format"),
        (18629, "$dateToString only supports an object as its argument"),
        (18534, "Unrecognized argument to $dateToString: {name}"),
        {"date": (18628, "Missing 'date' parameter to $dateToString")},
        ("date", "format", "timezone", "onNull"),
    ),
    "$dateFromString": Named(
        ("dateString", "timezone", "format", "onNull", "onError"),
        (40540, "$dateFromString only supports an object as an argument, found: {type}"),
        (40541, "Unrecognized argument to $dateFromString: {name}"),
        {"dateString": (40542, "Missing 'dateString' parameter to $dateFromString")},
        ("dateString", "timezone", "format", "onNull", "onError"),
    ),
    "$dateToParts": Named(
        ("date", "timezone", "iso8601"),
        (40524, "$dateToParts only supports an object as its argument"),
        (40520, "Unrecognized argument to $dateToParts: {name}"),
        {"date": (40522, "Missing 'date' parameter to $dateToParts")},
        ("date", "timezone", "iso8601"),
    ),
}
"""Operators whose operands have names and are all expressions."""
