"""From the tree of an expression and its literals to a function: folded, lowered, bound."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

from mongoglot.compiler.expression_ast import Expression, written_depth
from mongoglot.compiler.values import MAX_DEPTH, Document
from mongoglot.engines.python.expressions.folding import Folded, fold
from mongoglot.engines.python.expressions.lowering import lower
from mongoglot.errors import FilterError

_SHAPES: Final = 512

FOLDING: Final = "Failed to optimize expression :: caused by :: "


def evaluator(
    expression: Expression, literals: Sequence[Any], now: datetime.datetime | None = None
) -> Callable[[Document], Any]:
    """The function that computes an expression on a document; `MISSING` where it has no value.

    Args:
        expression: the tree.
        literals: its literals.
        now: `$$NOW`; None for the time of this call.

    Raises:
        FilterError: its constant parts cannot be computed, with the server's code.
    """
    return _function(expression, literals, now, condition=False)


def document_filter(
    expression: Expression, literals: Sequence[Any], now: datetime.datetime | None = None
) -> Callable[[Document], bool]:
    """Whether an expression is true of a document (semantics 3.9); see `evaluator`."""
    return _function(expression, literals, now, condition=True)


def check_constants(
    expression: Expression, literals: Sequence[Any], now: datetime.datetime | None = None
) -> None:
    """Compute the constant parts of an expression, as a server does before it looks at any document.

    Raises:
        FilterError: one of them cannot be computed, with the server's code; code 15 for what is left, where it
            nests deeper than a server can write.
    """
    folded = _folded(expression, literals, now)
    try:
        too_deep = _is_too_deep(folded.expression)
    except RecursionError:
        raise _too_deep() from None
    if too_deep:
        limit = f"it exceeds the limit of {MAX_DEPTH} levels of nesting"
        raise FilterError(15, f"cannot convert document to BSON because {limit}")


@functools.lru_cache(_SHAPES)
def _is_too_deep(expression: Expression) -> bool:
    return written_depth(expression) > MAX_DEPTH


def _function(
    expression: Expression, literals: Sequence[Any], now: datetime.datetime | None, *, condition: bool
) -> Callable[[Document], Any]:
    folded = _folded(expression, literals, now)
    try:
        code = lower(folded.expression, condition=condition)
    except RecursionError:
        raise _too_deep() from None
    function = code.bind(folded.literals)
    return _within_the_stack(function) if code.parts else function


def _folded(expression: Expression, literals: Sequence[Any], now: datetime.datetime | None) -> Folded:
    try:
        return fold(expression, tuple(literals), now)
    except FilterError as error:
        if not error.reason.startswith(FOLDING):
            error.reason = FOLDING + error.reason
        raise
    except RecursionError:
        raise _too_deep() from None


def _within_the_stack(function: Callable[[Document], Any]) -> Callable[[Document], Any]:
    """A function of parts that call each other, so deep that Python's stack may not have the room."""

    @functools.wraps(function)
    def evaluate(document: Document) -> Any:
        try:
            return function(document)
        except RecursionError:
            raise _too_deep() from None

    return evaluate


def _too_deep() -> FilterError:
    return FilterError(15, "the expression nests deeper than this process can compute")
