"""Operands that become part of a query's shape: checked as the server checks them, and brought to one form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128

from mongoglot.compiler.rendering import TYPE_CODES, rendered
from mongoglot.compiler.values import binary_data, is_array, number, value_class
from mongoglot.errors import FilterError

NUMBER_CODES: Final = frozenset({1, 16, 18, 19})

_CODES: Final = frozenset(TYPE_CODES.values())
_INT64_MAX: Final = 2**63 - 1
_INT32_MAX: Final = 2**31 - 1
_LONGEST_GLOB: Final = 1000

_MOD: Final = "write {$mod: [divisor, remainder]}"
_RATE: Final = "write {$sampleRate: 0.5} for one document in two"


def types_of(operand: Any, field: str) -> frozenset[int]:
    """The type codes that `$type` names."""
    operands = operand if is_array(operand) else [operand]
    if not operands:
        raise FilterError(9, f"{field} must match at least one type", hint="write {$type: 'string'}")
    return frozenset(code for item in operands for code in type_codes(item))


def type_codes(item: Any) -> frozenset[int]:
    """The type codes of one name or number."""
    match value_class(item):
        case "string":
            if item == "number":
                return NUMBER_CODES
            if item == "missing":
                advice = "To query for non-existence of a field, use {$exists:false}."
                raise FilterError(2, f"'missing' is not a legal type name. {advice}")
            if item not in TYPE_CODES:
                raise FilterError(2, f"Unknown type name alias: {item}", hint=_alias_hint(item))
            return frozenset({TYPE_CODES[item]})
        case "nan":
            raise FilterError(2, f"Invalid numerical type code: {item}")
        case "int" | "double" | "decimal":
            code = number(item)
            if code == 0:
                raise FilterError(2, "Invalid numerical type code: 0. Instead use {$exists:false}.")
            if code not in _CODES:
                raise FilterError(2, f"Invalid numerical type code: {item}")
            return frozenset({int(code)})
        case _:
            raise FilterError(
                14, "type must be represented as a number or a string", hint="write {$type: 'string'}"
            )


def _alias_hint(alias: str) -> str | None:
    usual = {
        "integer": "int",
        "boolean": "bool",
        "float": "double",
        "str": "string",
        "dict": "object",
        "list": "array",
    }
    guess = usual.get(alias.lower()) or next(
        (name for name in TYPE_CODES if name.lower() == alias.lower()), None
    )
    return f"did you mean '{guess}'?" if guess else None


def size_of(operand: Any) -> int:
    """The length that `$size` asks for."""
    try:
        return _int32("$size", operand)
    except FilterError as error:
        hint = "write {$size: 3}"
        if isinstance(operand, Mapping):
            hint = "$size takes one number; {'field.3': {$exists: true}} finds arrays of more than three"
        raise FilterError(2, f"Failed to parse $size. {error.reason}", hint=hint) from None


def divisor_and_remainder(operand: Any) -> tuple[int, int]:
    """The operands of `$mod`, truncated as the server truncates them (semantics 3.5)."""
    if not is_array(operand):
        raise FilterError(2, "malformed mod, needs to be an array", hint=_MOD)
    if len(operand) < 2:
        raise FilterError(2, "malformed mod, not enough elements", hint=_MOD)
    if len(operand) > 2:
        raise FilterError(2, "malformed mod, too many elements", hint=_MOD)
    for name, item in zip(("divisor", "remainder"), operand, strict=True):
        if not _is_number(item):
            raise FilterError(2, f"malformed mod, {name} not a number", hint=_MOD)
    divisor, remainder = _truncated("divisor", operand[0]), _truncated("remainder", operand[1])
    if divisor == 0:
        raise FilterError(2, "divisor cannot be 0", hint="every number divides by 1 or more")
    return divisor, remainder


def _truncated(name: str, item: Any) -> int:
    exact = number(item)
    if not (exact.is_finite() if isinstance(exact, Decimal) else math.isfinite(exact)):
        reason = "Unable to coerce NaN/Inf to integral type"
    elif not -(2**63) <= (whole := int(exact)) <= _INT64_MAX:
        reason = "Out of bounds coercing to integral value"
    else:
        return whole
    raise FilterError(2, f"malformed mod, {name} value is invalid :: caused by :: {reason}")


def bits_of(operator: str, operand: Any, field: str) -> tuple[int, ...]:
    """The bit positions that an operator of bits names, ascending (semantics 3.8)."""
    if isinstance(operand, bytes):
        data = binary_data(operand)
        return tuple(
            8 * place + bit for place, byte in enumerate(data) for bit in range(8) if byte >> bit & 1
        )
    if is_array(operand):
        return tuple(sorted({_bit_position(place, item) for place, item in enumerate(operand)}))
    if not _is_number(operand):
        shown = f"{operator}: {rendered(operand)}"
        hint = f"write {{{operator}: [0, 5]}} for the bits 0 and 5, or a mask such as 33"
        raise FilterError(
            2, f"{field} takes an Array, a number, or a BinData but received: {shown}", hint=hint
        )
    mask = _int64(operator, operand)
    return tuple(position for position in range(63) if mask >> position & 1)


def _bit_position(place: int, item: Any) -> int:
    try:
        return _int32(str(place), item)
    except FilterError as error:
        raise FilterError(2, f"Failed to parse bit position. {error.reason}") from None


def check_constant(operator: str, operand: Any) -> None:
    """`$alwaysTrue` and `$alwaysFalse` take 1 and nothing else."""
    if _int64(operator, operand, negative=True) != 1:
        raise FilterError(9, f"{operator} must be an integer value of 1", hint=f"write {{{operator}: 1}}")


def rate_of(operand: Any) -> float:
    """The rate of `$sampleRate` (semantics 3.11)."""
    if not _is_number(operand):
        raise FilterError(2, "argument to $sampleRate must be a numeric type", hint=_RATE)
    rate = -1.0 if value_class(operand) == "nan" else float(number(operand))
    if not 0 <= rate <= 1:
        raise FilterError(2, "numeric argument to $sampleRate must be in [0, 1]", hint=_RATE)
    return rate


def count_of(name: str, operand: Any) -> int:
    """The count that a keyword of `$jsonSchema` asks for (semantics 3.10)."""
    return _int64(name, operand)


def _is_number(item: Any) -> bool:
    return value_class(item) in ("int", "double", "decimal", "nan")


def _int32(name: str, item: Any) -> int:
    value = _int64(name, item)
    if value > _INT32_MAX:
        raise FilterError(9, f"Cannot represent {name}: {rendered(item)} in an int")
    return value


def _int64(name: str, item: Any, *, negative: bool = False) -> int:
    """A number as an integer, or the server's words on why it is none."""
    shown = f"{name}: {rendered(item)}"
    if not _is_number(item):
        raise FilterError(9, f"Expected a number in: {shown}")
    exact = number(item)
    if isinstance(exact, float) and exact != exact:
        raise FilterError(9, f"Expected an integer, but found NaN in: {shown}")
    if isinstance(item, Decimal128) or (isinstance(exact, float) and math.isinf(exact)):
        integral = exact.is_finite() and exact == int(exact) if isinstance(exact, Decimal) else False
        if not integral:
            raise FilterError(9, f"Cannot represent as a 64-bit integer: {shown}")
    elif exact != int(exact):
        raise FilterError(9, f"Expected an integer: {shown}")
    value = int(exact)
    if not -(2**63) <= value <= _INT64_MAX:
        raise FilterError(9, f"Cannot represent as a 64-bit integer: {shown}")
    if value < 0 and not negative:
        raise FilterError(9, f"Expected a non-negative number in: {shown}")
    return value


def is_match_of_values(operand: Mapping[Any, Any], top_level: frozenset[str]) -> bool:
    """Whether the operand of `$elemMatch` holds operators for an element, and not a filter (semantics 3.7)."""
    first = next(iter(operand), "")
    if not isinstance(first, str) or first[:1] != "$":
        return False
    return first not in top_level and not operand.keys() & {"$ref", "$id", "$db"}


def is_plain_glob(pattern: str) -> bool:
    """Whether a shell pattern is one that every target can say: short, without U+0000 and U+0001."""
    return len(pattern) <= _LONGEST_GLOB and "\0" not in pattern and "\x01" not in pattern


__all__ = [
    "NUMBER_CODES", "TYPE_CODES", "bits_of", "check_constant", "count_of", "divisor_and_remainder",
    "is_match_of_values", "is_plain_glob", "rate_of", "size_of", "type_codes", "types_of",
]  # fmt: skip
