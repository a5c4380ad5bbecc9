"""`$map`, `$filter` and `$reduce`: an expression evaluated for each element of an array (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.values import MISSING, is_array
from mongoglot.errors import FilterError

Closure: TypeAlias = Callable[[list[Any]], Any]


def evaluate_each(
    operator: str, source: Closure, extra: Closure | None, body: Closure, scope: list[Any]
) -> Any:
    """The value of one of the operators.

    Args:
        operator: its name.
        source: the array.
        extra: of `$reduce` the initial value, of `$filter` the limit.
        body: evaluated for each element.
        scope: the variables around it.
    """
    raise NotImplementedError(
        operator, source, extra, body, scope, Any, FilterError, MISSING, is_array, type_name
    )
