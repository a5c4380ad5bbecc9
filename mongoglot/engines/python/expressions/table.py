"""Which function computes which operator."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from mongoglot.engines.python.expressions import boolean, sums
from mongoglot.engines.python.expressions.accumulators import STREAMED_ACCUMULATORS
from mongoglot.engines.python.expressions.arithmetic import NUMERIC
from mongoglot.engines.python.expressions.arrays import ARRAYS, LAZY_ARRAYS, check_searched
from mongoglot.engines.python.expressions.comparison import COMPARISONS
from mongoglot.engines.python.expressions.conversions import SHORT_FORMS, convert
from mongoglot.engines.python.expressions.dates.operators import DATE_PARTS, DATES
from mongoglot.engines.python.expressions.elements import DELAYED_ELEMENTS
from mongoglot.engines.python.expressions.objects import DELAYED_OBJECTS, OBJECTS
from mongoglot.engines.python.expressions.products import multiply
from mongoglot.engines.python.expressions.regexes import REGEXES, check_pattern
from mongoglot.engines.python.expressions.sets import (
    LAZY_SETS,
    SETS,
    check_equal,
    check_superset,
    is_subset_of_known,
)
from mongoglot.engines.python.expressions.sorting import sorted_array
from mongoglot.engines.python.expressions.strings import LAZY_STRINGS, STRINGS
from mongoglot.engines.python.expressions.substrings import LAZY_SUBSTRINGS, SUBSTRINGS
from mongoglot.engines.python.expressions.timestamps import TIMESTAMPS
from mongoglot.engines.python.expressions.trigonometry import TRIGONOMETRY, arc_tangent

KNOWN_SUPERSET: Final = "$setIsSubset of a constant"

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **COMPARISONS,
    KNOWN_SUPERSET: is_subset_of_known,
    "$not": boolean.negation,
    **ARRAYS,
    **SETS,
    **NUMERIC,
    "$subtract": sums.subtract,
    "$rand": random.random,
    **OBJECTS,
    "$sortArray": sorted_array,
    **STRINGS,
    **SUBSTRINGS,
    **REGEXES,
    **SHORT_FORMS,
    **TIMESTAMPS,
    **TRIGONOMETRY,
}
"""Operators that need all their operands first."""

STREAMS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$and": boolean.conjunction,
    "$or": boolean.disjunction,
    **LAZY_ARRAYS,
    **LAZY_SETS,
    "$add": sums.add,
    "$multiply": multiply,
    **STREAMED_ACCUMULATORS,
    **LAZY_STRINGS,
    **LAZY_SUBSTRINGS,
    "$atan2": arc_tangent,
    **DATE_PARTS,
}
"""Operators that take one operand after the other, and evaluate none that they do not need."""

DELAYED: Final[dict[str, Callable[..., Any]]] = {
    **DELAYED_OBJECTS,
    **DELAYED_ELEMENTS,
    "$convert": convert,
    **DATES,
}
"""Operators that get a function for each operand, and call those that they need, in an order of their own."""

COMMUTATIVE: Final = frozenset("$and $or $add $multiply $setUnion $setIntersection $sum $min $max".split())
"""Operators whose constant operands a server moves to the end."""

ASSOCIATIVE: Final = COMMUTATIVE | {"$concatArrays", "$concat"}
"""Operators whose constant operands a server puts together."""

CHECKS: Final[dict[str, Callable[[int, Any], None]]] = {
    "$setEquals": check_equal,
    "$indexOfArray": check_searched,
    "$setIsSubset": check_superset,
}
"""What a server checks of constant operands, which it knows by their number, even beside others."""

ARRAY_ALONE: Final = frozenset({"$sum", "$min", "$max"})
"""Associative operators that are not so with one operand, which may be an array of values."""

AS_WRITTEN: Final = frozenset("$getField $setField $unsetField $firstN $lastN $minN $maxN".split())
"""Operators of whose operands, and all that is in them, a server folds nothing."""

BOOLEAN: Final = frozenset(
    "$eq $ne $gt $gte $lt $lte $in $isArray $isNumber $anyElementTrue $allElementsTrue".split()
) | {"$setEquals", "$setIsSubset", KNOWN_SUPERSET}
"""Functions and streams that give true or false and nothing else."""
PREPARED: Final[dict[str, Callable[..., None]]] = {
    name: functools.partial(check_pattern, name) for name in REGEXES
}
"""What a server checks of all operands but the first, where they are constant."""

UNFOLDED: Final = REGEXES.keys() | {"$setEquals", "$zip", "$sortArray", "$rand", "$replaceOne", "$replaceAll"}
"""Operators that a server computes for each document, even of constants."""

SECOND_FIRST: Final = frozenset({"$divide", "$subtract"})
"""Operators that evaluate their second operand before their first, which decides whose error comes."""


def computed(operator: str, values: Sequence[Any]) -> Any:
    """What an operator makes of constants."""
    if operator in FUNCTIONS:
        return FUNCTIONS[operator](*values)
    if operator in STREAMS:
        return STREAMS[operator](iter(values))
    return DELAYED[operator](*[functools.partial(_constant, value) for value in values])


def _constant(value: Any) -> Any:
    return value
