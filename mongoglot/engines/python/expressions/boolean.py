"""Truth, and the operators that know only truth (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bson import Decimal128

from mongoglot.compiler.values import MISSING


def is_true(value: Any) -> bool:
    """False, null, what is missing and zeros are false, all else is true: NaN, `''` and `[]` too."""
    if value is None or value is MISSING:
        return False
    if isinstance(value, (int, float)):  # a bool is an int
        return bool(value)
    return not (isinstance(value, Decimal128) and not value.to_decimal())


def negation(value: Any) -> bool:
    """`$not`."""
    return not is_true(value)


def conjunction(operands: Iterator[Any]) -> bool:
    """`$and`, which stops at the first that is false."""
    return all(is_true(operand) for operand in operands)


def disjunction(operands: Iterator[Any]) -> bool:
    """`$or`, which stops at the first that is true."""
    return any(is_true(operand) for operand in operands)
