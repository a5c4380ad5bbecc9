"""The operators of expressions that this version compiles, and how many operands each takes."""

from __future__ import annotations

from typing import Final, NamedTuple

ANY: Final = -1
"""As many operands as one likes."""


def _rows(lowest: int, highest: int, names: str) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(names.split(), (lowest, highest))


CONVERSIONS: Final = tuple(
    "$toBool $toInt $toLong $toDouble $toDecimal $toString $toObjectId $toDate".split()
)
"""The short forms of `$convert`, for whose number of operands a server has a code of its own."""

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
    # conversions and trigonometry
    **dict.fromkeys(CONVERSIONS, (1, 1)),
    **_rows(1, 1, "$sin $cos $tan $asin $acos $atan $sinh $cosh $tanh $asinh $acosh $atanh"),
    **_rows(1, 1, "$degreesToRadians $radiansToDegrees $tsSecond $tsIncrement"),
    **_rows(2, 2, "$atan2"),
    **_rows(1, 1, "$anyElementTrue $allElementsTrue $type $isNumber"),
    # objects and accumulators
    **_rows(0, ANY, "$mergeObjects $sum $avg $min $max $stdDevPop $stdDevSamp"),
    # strings
    **_rows(0, ANY, "$concat"),
    **_rows(1, 1, "$toLower $toUpper $strLenBytes $strLenCP $binarySize $bsonSize"),
    **_rows(2, 2, "$split $strcasecmp"),
    **_rows(3, 3, "$substr $substrBytes $substrCP"),
    **_rows(2, 4, "$indexOfBytes $indexOfCP"),
}
"""Operators whose operands are a list, or the only one by itself: the least and the greatest number of them."""


class Named(NamedTuple):
    """An operator whose operands have names: `{$op: {name: …}}`.

    Attributes:
        names: its parameters, in the order in which their values are evaluated.
        not_object: code and message of what is no document; `{type}` is the type found, `{value}` the value.
        unknown: code and message of another parameter; `{name}` is its name.
        missing: parameters that must be there, in the order in which a server asks: code and message.
        order: that in which the operands are read once all names are known; as they are written where it is empty.
    """

    names: tuple[str, ...]
    not_object: tuple[int, str]
    unknown: tuple[int, str]
    missing: dict[str, tuple[int, str]]
    order: tuple[str, ...] = ()


def _of_n(not_object: tuple[int, str]) -> Named:
    """Operators that pick n elements of an array."""
    missing = {"n": (5787906, "Missing value for 'n'"), "input": (5787907, "Missing value for 'input'")}
    return Named(("n", "input"), not_object, (5787901, "Unknown argument for 'n' operator: {name}"), missing)


def _trimming(name: str) -> Named:
    return Named(
        ("input", "chars"),
        (50696, f"{name} only supports an object as an argument, found {{type}}"),
        (50694, f"{name} found an unknown argument: {{name}}"),
        {"input": (50695, f"{name} requires an 'input' field")},
    )


def _replacing(name: str) -> Named:
    return Named(
        ("input", "find", "replacement"),
        (51751, f"{name} requires an object as an argument, found: {{type}}"),
        (51750, f"{name} found an unknown argument: {{name}}"),
        {
            parameter: (code, f"{name} requires '{parameter}' to be specified")
            for parameter, code in (("input", 51749), ("find", 51748), ("replacement", 51747))
        },
    )


def _searching(name: str) -> Named:
    return Named(
        ("input", "regex", "options"),
        (51103, f"{name} expects an object of named arguments but found: {{type}}"),
        (31024, f"{name} found an unknown argument: {{name}}"),
        {
            parameter: (code, f"{name} requires '{parameter}' parameter")
            for parameter, code in (("input", 31022), ("regex", 31023))
        },
    )


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
    # so many elements
    "$firstN": _of_n((5787801, "specification must be an object; found $firstN: {value}")),
    "$lastN": _of_n((5787801, "specification must be an object; found $lastN: {value}")),
    "$minN": _of_n((5787900, "specification must be an object; found $minN: {value}")),
    "$maxN": _of_n((5787900, "specification must be an object; found $maxN: {value}")),
    # strings
    **{name: _trimming(name) for name in ("$trim", "$ltrim", "$rtrim")},
    **{name: _replacing(name) for name in ("$replaceOne", "$replaceAll")},
    **{name: _searching(name) for name in ("$regexMatch", "$regexFind", "$regexFindAll")},
    # conversions
    "$convert": Named(
        ("input", "to", "onError", "onNull"),
        not_object=(9, "$convert expects an object of named arguments but found: {type}"),
        unknown=(9, "$convert found an unknown argument: {name}"),
        missing={
            "input": (9, "Missing 'input' parameter to $convert"),
            "to": (9, "Missing 'to' parameter to $convert"),
        },
    ),
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
