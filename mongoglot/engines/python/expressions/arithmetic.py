"""Roots, powers and roundings, with the types that a server gives them (semantics 3.9)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128

from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.python.expressions.arrays import int32
from mongoglot.engines.python.expressions.numbers import (
    CONTEXT,
    NumberType,
    decimal128,
    decimal_of,
    integer,
    is_nullish,
    named_type,
    number_type,
)
from mongoglot.engines.python.expressions.products import divide, is_zero, mod
from mongoglot.engines.python.expressions.sums import coerced, whole_number
from mongoglot.errors import FilterError, UnsupportedError


def numeric(name: str, on_double: Callable[[float], Any], on_decimal: Callable[[Decimal], Any] | None,
            on_integer: Callable[[int, NumberType], Any] | None = None) -> Callable[[Any], Any]:  # fmt: skip
    """An operator of one number; null stays null.

    Args:
        name: of the operator.
        on_double: what it makes of a double.
        on_decimal: of a decimal; None where only a server can say.
        on_integer: of an int or a long; without it they become doubles.
    """

    def evaluate(value: Any) -> Any:
        kind = number_type(value)
        match kind:
            case "":
                if is_nullish(value):
                    return None
                raise FilterError(28765, f"{name} only supports numeric types, not {named_type(value)}")
            case "double":
                return on_double(float(value))
            case "decimal":
                if on_decimal is None:
                    raise server_decimal(name)
                result = on_decimal(decimal_of(value))
                return decimal128(result) if isinstance(result, Decimal) else result
            case _:
                return on_double(float(value)) if on_integer is None else on_integer(int(value), kind)

    return evaluate


def server_decimal(name: str) -> UnsupportedError:
    """The error of a function of a decimal that only a server computes to the last digit."""
    return UnsupportedError(f"{name} of a Decimal128 can only be computed by a MongoDB server")


def _absolute(value: int, kind: NumberType) -> Any:
    if value == INT64_MIN:
        raise FilterError(28680, "can't take $abs of long long min")
    return integer(abs(value), kind)


def _unchanged(value: int, kind: NumberType) -> Any:
    return integer(value, kind)


def _square_root(value: float) -> float:
    if value < 0:
        raise FilterError(28714, "$sqrt's argument must be greater than or equal to 0")
    return math.sqrt(value)


def _decimal_root(value: Decimal) -> Decimal:
    if not value.is_nan() and value < 0:
        raise FilterError(28714, "$sqrt's argument must be greater than or equal to 0")
    return CONTEXT.sqrt(value)


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _integral(rounding: str) -> Callable[[Decimal], Decimal]:
    nan = Decimal("NaN")  # which the server makes of an infinite decimal, too
    return lambda value: _quantized(value, 0, rounding) if value.is_finite() else nan


def _quantized(value: Decimal, exponent: int, rounding: str) -> Decimal:
    """The value to so many places; NaN where it needs more than 34 digits."""
    if not value.is_finite():
        return value
    context = CONTEXT.copy()
    context.rounding = rounding
    return context.quantize(value, Decimal((0, (1,), exponent)))


def _on_double(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: math.copysign(function(value), value) if math.isfinite(value) else value


def _logarithm(name: str, code: int, function: Callable[[float], float]) -> Callable[[Any], Any]:
    def refuse(shown: object) -> FilterError:
        return FilterError(code, f"{name}'s argument must be a positive number, but is {shown}")

    def on_double(value: float) -> float:
        if value <= 0:
            raise refuse(f"{value:g}")
        return function(value)

    def on_decimal(value: Decimal) -> Any:
        if value.is_nan():
            return math.nan  # a double, whatever it was
        if value <= 0:
            raise refuse(value)
        raise server_decimal(name)

    return numeric(name, on_double, on_decimal)


def log(value: Any, base: Any) -> Any:
    """`$log` to any base."""
    if is_nullish(value) or is_nullish(base):
        return None
    if not number_type(value):
        raise FilterError(28756, f"$log's argument must be numeric, not {named_type(value)}")
    if not number_type(base):
        raise FilterError(28757, f"$log's base must be numeric, not {named_type(base)}")
    argument, radix = decimal_of(value, 34), decimal_of(base, 34)
    if not argument.is_nan() and argument <= 0:
        raise FilterError(28758, f"$log's argument must be a positive number, but is {value}")
    if not radix.is_nan() and (radix <= 0 or radix == 1):
        raise FilterError(28759, f"$log's base must be a positive number not equal to 1, but is {base}")
    if isinstance(value, Decimal128) or isinstance(base, Decimal128):
        raise server_decimal("$log")
    return math.log(float(value)) / math.log(float(base))


def power(base: Any, exponent: Any) -> Any:
    """`$pow`: an integer where both are and it is one, else a double."""
    first, second = number_type(base), number_type(exponent)
    if is_nullish(base) or is_nullish(exponent):
        return None
    if not first:
        raise FilterError(28762, f"$pow's base must be numeric, not {named_type(base)}")
    if not second:
        raise FilterError(28763, f"$pow's exponent must be numeric, not {named_type(exponent)}")
    if is_zero(base) and decimal_of(exponent, 34).compare(Decimal(0)) == -1:
        raise FilterError(28764, "$pow cannot take a base of 0 and a negative exponent")
    if "decimal" in (first, second):
        raise server_decimal("$pow")
    if "double" in (first, second):
        return _float_power(float(base), float(exponent))
    return _integer_power(int(base), int(exponent), first, second)


def _float_power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:  # zero to a negative power was refused: a negative base, no whole exponent
        return math.nan


def _integer_power(base: int, exponent: int, *kinds: NumberType) -> Any:
    if base in (-1, 0, 1):
        return integer(base ** (exponent if exponent == 0 else 2 + exponent % 2), *kinds)
    if exponent < 0 or exponent > 63:
        return _float_power(float(base), float(exponent))
    result = base**exponent
    if not INT64_MIN <= result <= INT64_MAX:
        return _float_power(float(base), float(exponent))
    return integer(result, *kinds)


def rounded(name: str, rounding: str, on_double: Callable[[float], float]) -> Callable[..., Any]:
    """`$round` and `$trunc`: to so many decimal places, or powers of ten."""

    def evaluate(value: Any, places: Any = 0) -> Any:
        kind = number_type(value)
        if is_nullish(value):
            return None
        if not kind:
            raise FilterError(51081, f"{name} only supports numeric types, not {named_type(value)}")
        if is_nullish(places):
            return None
        digits = coerced(decimal_of(places)) if isinstance(places, Decimal128) else whole_number(places)
        if int32(places) is None:
            raise FilterError(51082, f"precision argument to  {name} must be a integral value")
        if not -20 <= digits <= 100:
            reason = f"cannot apply {name} with precision value {digits} value must be in [-20, 100]"
            raise FilterError(51083, reason)
        return _at_places(name, value, kind, digits, rounding, on_double)

    return evaluate


def _at_places(name: str, value: Any, kind: NumberType, digits: int, rounding: str,
               on_double: Callable[[float], float]) -> Any:  # fmt: skip
    match kind:
        case "double":
            if not math.isfinite(value):
                return float(value)
            if digits == 0:
                return on_double(float(value))
            result = _quantized(decimal_of(value, 34), -digits, rounding)
            return float(value) if result.is_nan() else math.copysign(float(result), value)
        case "decimal":
            number = decimal_of(value)
            result = _quantized(number, -digits, rounding)
            if result.is_nan() and number.is_finite():  # more places than there is room for
                result = _quantized(number, number.adjusted() - 33, rounding)
            return decimal128(result)
        case _:
            if digits >= 0:
                return integer(int(value), kind)
            whole = int(_quantized(Decimal(int(value)), -digits, rounding))
            if not INT64_MIN <= whole <= INT64_MAX:
                reason = f"invalid conversion from Decimal128 result in {name} resulting from arguments: "
                raise FilterError(51080, f"{reason}[{value}, {digits}]")
            if kind == "int" and whole < -(2**31):  # the server loses the upper bits
                return whole + 2**32
            return integer(whole, kind)


NUMERIC: Final[dict[str, Callable[..., Any]]] = {
    "$abs": numeric("$abs", abs, Decimal.copy_abs, _absolute),
    "$ceil": numeric("$ceil", _on_double(math.ceil), _integral("ROUND_CEILING"), _unchanged),
    "$floor": numeric("$floor", _on_double(math.floor), _integral("ROUND_FLOOR"), _unchanged),
    "$sqrt": numeric("$sqrt", _square_root, _decimal_root),
    "$exp": numeric("$exp", _exponential, None),
    "$ln": _logarithm("$ln", 28766, math.log),
    "$log10": _logarithm("$log10", 28761, math.log10),
    "$log": log,
    "$pow": power,
    "$divide": divide,
    "$mod": mod,
    "$round": rounded("$round", "ROUND_HALF_EVEN", _on_double(round)),
    "$trunc": rounded("$trunc", "ROUND_DOWN", _on_double(math.trunc)),
}
