"""The two halves of a timestamp (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bson import Int64, Timestamp

from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError


def _part(name: str, code: int, of: Callable[[Timestamp], int]) -> Callable[[Any], Int64 | None]:
    def evaluate(value: Any) -> Int64 | None:
        if isinstance(value, Timestamp):
            return Int64(of(value))
        if is_nullish(value):
            return None
        raise FilterError(code, f" Argument to {name} must be a timestamp, but is {named_type(value)}")

    return evaluate


TIMESTAMPS: Final[dict[str, Callable[[Any], Any]]] = {
    "$tsSecond": _part("$tsSecond", 5687301, lambda timestamp: timestamp.time),
    "$tsIncrement": _part("$tsIncrement", 5687302, lambda timestamp: timestamp.inc),
}
