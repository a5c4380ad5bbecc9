"""What generated functions call to evaluate operands one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from mongoglot.compiler.values import MISSING
from mongoglot.errors import FilterError


def in_turn(*operands: Callable[[], Any]) -> Iterator[Any]:
    """The values of operands, each evaluated when it is asked for."""
    for operand in operands:
        yield operand()


def first_value(operands: Iterator[Any]) -> Any:
    """`$ifNull`: the first that is neither null nor missing, or the last."""
    value = None
    for value in operands:
        if value is not None and value is not MISSING:
            return value
    return value


def no_branch() -> NoReturn:
    """`$switch` without a default, where no condition holds."""
    reason = "$switch could not find a matching branch for an input, and no default was specified."
    raise FilterError(40066, reason)


def document_of(names: tuple[str, ...], *values: Any) -> dict[str, Any]:
    """A document of computed fields; what is missing is left out."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not MISSING}
