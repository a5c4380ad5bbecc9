"""Which function computes which operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mongoglot.engines.python.expressions import boolean, sums
from mongoglot.engines.python.expressions.accumulators import STREAMED_ACCUMULATORS
from mongoglot.engines.python.expressions.arithmetic import NUMERIC, multiply
from mongoglot.engines.python.expressions.arrays import ARRAYS, LAZY_ARRAYS, check_searched
from mongoglot.engines.python.expressions.comparison import COMPARISONS
from mongoglot.engines.python.expressions.elements import DELAYED_ELEMENTS
from mongoglot.engines.python.expressions.objects import DELAYED_OBJECTS, OBJECTS
from mongoglot.engines.python.expressions.sets import (
    LAZY_SETS,
    SETS,
    check_equal,
    check_superset,
    is_subset_of_known,
)
from mongoglot.engines.python.expressions.sorting import sorted_array

KNOWN_SUPERSET: Final = "$setIsSubset of a constant"

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **COMPARISONS,
    KNOWN_SUPERSET: is_subset_of_known,
    "$not": boolean.negation,
    **ARRAYS,
    **SETS,
    **NUMERIC,
    "$subtract": sums.subtract,
    **OBJECTS,
    "$sortArray": sorted_array,
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
}
"""Operators that take one operand after the other, and evaluate none that they do not need."""

DELAYED: Final[dict[str, Callable[..., Any]]] = {
    **DELAYED_OBJECTS,
    **DELAYED_ELEMENTS,
}
"""Operators that get a function for each operand, and call those that they need, in an order of their own."""

COMMUTATIVE: Final = frozenset("$and $or $add $multiply $setUnion $setIntersection $sum $min $max".split())
"""Operators whose constant operands a server moves to the end."""

ASSOCIATIVE: Final = COMMUTATIVE | {"$concatArrays"}
"""Operators whose constant operands a server puts together."""

CHECKS: Final[dict[str, Callable[[int, Any], None]]] = {
    "$setEquals": check_equal,
    "$indexOfArray": check_searched,
    "$setIsSubset": check_superset,
}
"""What a server checks of constant operands, which it knows by their number, even beside others."""

ARRAY_ALONE: Final = frozenset({"$sum", "$min", "$max"})
"""Associative operators that are not so with one operand, which may be an array of values."""

UNFOLDED: Final = frozenset({"$setEquals", "$zip", "$sortArray"})
"""Operators that a server does not compute at compile time even of constants."""

AS_WRITTEN: Final = frozenset("$getField $setField $unsetField $firstN $lastN $minN $maxN".split())
"""Operators of whose operands, and all that is in them, a server folds nothing."""

SECOND_FIRST: Final = frozenset({"$divide", "$subtract"})
"""Operators that evaluate their second operand before their first, which decides whose error comes."""
