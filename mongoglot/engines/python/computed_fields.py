"""Computed fields: the values of expressions, put at paths of a result (semantics 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from mongoglot.compiler.ast import Path
from mongoglot.compiler.expression_ast import Expression
from mongoglot.compiler.projection import Evaluate
from mongoglot.compiler.values import MAX_DEPTH, MISSING
from mongoglot.errors import FilterError

Record: TypeAlias = dict[str, Any]


def field_evaluator(expression: Expression, literals: Sequence[Any]) -> Evaluate:
    """The function that computes a field (semantics 6.1).

    Raises:
        FilterError: the constant parts of the expression cannot be computed; a server has other words for it than
            in an `$expr`.
    """
    # loads all operators
    from mongoglot.engines.python.expressions import evaluator
    from mongoglot.engines.python.expressions.evaluation import FOLDING

    try:
        return evaluator(expression, literals)
    except FilterError as error:
        error.reason = error.reason.removeprefix(FOLDING)
        raise


def field_setter(path: Path, evaluate: Evaluate) -> Callable[[Record, Record], Record]:
    """The function that sets a field of the result; it is given the document and the result, and changes that.

    A path goes through arrays of any depth, and puts objects in the place of what is none.
    """

    def computed(source: Record, result: Record) -> Record:
        _set(result, path, lambda: evaluate(source), MAX_DEPTH - 1)
        return result

    return computed


def _set(document: Record, path: Path, value: Callable[[], Any], levels: int) -> None:
    """Set a field at a path.

    Args:
        document: that has the field, or will.
        path: of the field.
        value: computes it.
        levels: how many levels of objects and arrays the document may have below it.
    """
    name, *rest = path
    if rest:
        document[name] = _with_field(document.get(name), tuple(rest), value, levels)
    elif (found := value()) is not MISSING:
        document[name] = _copied(found, levels)


def _with_field(place: Any, path: Path, value: Callable[[], Any], levels: int) -> Any:
    """What is at the beginning of a path, with the field at the rest of it set; objects in it are changed."""
    _check_depth(levels)
    if isinstance(place, list):
        return [_with_field(item, path, value, levels - 1) for item in place]
    below = place if isinstance(place, dict) else {}
    _set(below, path, value, levels - 1)
    return below


def _copied(value: Any, levels: int) -> Any:
    """A copy of a value, which may be a part of the document or of the projection."""
    if not isinstance(value, (dict, list)):
        return value
    _check_depth(levels)
    if isinstance(value, list):
        return [_copied(item, levels - 1) for item in value]
    return {name: _copied(item, levels - 1) for name, item in value.items()}


def _check_depth(levels: int) -> None:
    if levels <= 0:
        nested = f"the limit of {MAX_DEPTH} levels of nesting"
        raise FilterError(15, f"cannot convert document to BSON because it exceeds {nested}")
