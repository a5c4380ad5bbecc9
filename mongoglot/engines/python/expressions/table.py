"""Which function computes which operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mongoglot.engines.python.expressions import boolean, sums
from mongoglot.engines.python.expressions.arithmetic import NUMERIC, multiply
from mongoglot.engines.python.expressions.arrays import ARRAYS, LAZY_ARRAYS, check_searched
from mongoglot.engines.python.expressions.comparison import COMPARISONS
from mongoglot.engines.python.expressions.dates.operators import DATE_PARTS, DATES
from mongoglot.engines.python.expressions.sets import (
    LAZY_SETS,
    SETS,
    check_equal,
    check_superset,
    is_subset_of_known,
)

KNOWN_SUPERSET: Final = "$setIsSubset of a constant"

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **COMPARISONS,
    KNOWN_SUPERSET: is_subset_of_known,
    "$not": boolean.negation,
    **ARRAYS,
    **SETS,
    **NUMERIC,
    "$subtract": sums.subtract,
}
"""Operators that need all their operands first."""

STREAMS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$and": boolean.conjunction,
    "$or": boolean.disjunction,
    **LAZY_ARRAYS,
    **LAZY_SETS,
    "$add": sums.add,
    "$multiply": multiply,
    **DATE_PARTS,
}
"""Operators that take one operand after the other, and evaluate none that they do not need."""

DELAYED: Final[dict[str, Callable[..., Any]]] = {
    **DATES,
}
"""Operators that get a function for each operand, and call those that they need, in an order of their own."""

COMMUTATIVE: Final = frozenset({"$and", "$or", "$add", "$multiply", "$setUnion", "$setIntersection"})
"""Operators whose constant operands a server moves to the end."""

ASSOCIATIVE: Final = COMMUTATIVE | {"$concatArrays"}
"""Operators whose constant operands a server puts together."""

CHECKS: Final[dict[str, Callable[[int, Any], None]]] = {
    "$setEquals": check_equal,
    "$indexOfArray": check_searched,
    "$setIsSubset": check_superset,
}
"""What a server checks of constant operands, which it knows by their number, even beside others."""

SECOND_FIRST: Final = frozenset({"$divide", "$subtract"})
"""Operators that evaluate their second operand before their first, which decides whose error comes."""
