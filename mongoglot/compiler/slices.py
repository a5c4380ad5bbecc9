"""The operand of `$slice` in a projection, its two meanings and the server's errors (semantics 6.2)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from bson import Decimal128

from mongoglot.compiler.projection import Slice
from mongoglot.compiler.rendering import rendered, type_name
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, is_array
from mongoglot.errors import FilterError


def read_slice(operand: Any) -> Slice:
    """Read `n` or `[skip, limit]`.

    Raises:
        FilterError: code 31257, 31258, 31259, 31272 or 31273, which the server wraps in another one.
    """
    if _is_number(operand):
        return Slice(None, _int32(operand))
    if not is_array(operand):
        raise FilterError(31273, "$slice only supports numbers and [skip, limit] arrays")
    if len(operand) != 2:
        raise FilterError(31272, "$slice array argument should be of form [skip, limit]")
    for name, code, item in zip(("skip", "limit"), (31257, 31258), operand, strict=True):
        if not _is_number(item):
            reason = f"$slice expects the {name} argument to be a number, got {type_name(item)}"
            raise FilterError(code, reason)
    skip, limit = map(_int32, operand)
    if limit <= 0:
        raise FilterError(31259, f"$slice limit must be positive, got {limit}")
    return Slice(skip, limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal128)) and not isinstance(value, bool)


def _int32(value: Any) -> int:
    """A number as the server takes it for a length: doubles are truncated, decimals rounded, NaN is 0."""
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    if exact.is_nan():
        return 0
    bounded = min(max(exact, Decimal(INT32_MIN)), Decimal(INT32_MAX))
    rounded = bounded.to_integral_value(ROUND_HALF_EVEN) if isinstance(value, Decimal128) else bounded
    return int(rounded)


def in_both(operand: Any, first: FilterError, second: FilterError, path: str) -> FilterError:
    """The error of an operand that is right in neither meaning: the code of the second, the words of both."""
    reason = (
        f"Invalid $slice syntax. The given syntax {rendered({'$slice': operand})} did not match the find() syntax "
        f"because :: {first.code_name}: {first.reason} :: The given syntax did not match the expression $slice "
        f"syntax. :: caused by :: {second.reason}"
    )
    return FilterError(second.code, reason, path=path)
