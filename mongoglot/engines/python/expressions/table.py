"""Which function computes which operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mongoglot.engines.python.expressions import boolean
from mongoglot.engines.python.expressions.comparison import COMPARISONS

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **COMPARISONS,
    "$not": boolean.negation,
}
"""Operators that need all their operands first."""

STREAMS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = {
    "$and": boolean.conjunction,
    "$or": boolean.disjunction,
}
"""Operators that take one operand after the other, and evaluate none that they do not need."""

COMMUTATIVE: Final = frozenset({"$and", "$or"})
"""Operators whose constant operands a server moves to the end."""

ASSOCIATIVE: Final = COMMUTATIVE
"""Operators whose constant operands a server puts together."""
