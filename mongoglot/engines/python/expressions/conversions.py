"""`$convert` and its short forms: a value as one of another type (semantics 3.9)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128, Int64, ObjectId

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.compiler.rendering import TYPE_CODES, type_name
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, value_class
from mongoglot.engines.python.expressions.arrays import int32
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.dates.parsing import parse_date_text
from mongoglot.engines.python.expressions.numbers import (
    ABSENT,
    decimal128,
    decimal_of,
    is_nullish,
    number_type,
)
from mongoglot.engines.python.expressions.parsed_numbers import (
    CONVERSION_FAILURE,
    is_tiny,
    parsed_decimal,
    parsed_double,
    parsed_integer,
)
from mongoglot.engines.python.expressions.text_of import date_text, double_text
from mongoglot.errors import FilterError

_NAMES: Final = {code: name for name, code in TYPE_CODES.items()} | {0: "missing"}
"""What `to` may be as a number; as a name it is one of these."""

_OBJECT_ID: Final = re.compile("[0-9a-fA-F]{24}")

_LEAST_NORMAL: Final = 2.2250738585072014e-308


def convert(input_of: Callable[[], Any], target_of: Callable[[], Any], on_error: Callable[[], Any],
            on_null: Callable[[], Any]) -> Any:  # fmt: skip
    """`$convert`: what to make of it is computed before what it is made of, and checked after it.

    Raises:
        FilterError: 9 and 2, there is no such type; 241, no such conversion, unless `onError` answers it.
    """
    wanted = target_of()
    value = input_of()
    target = None if is_nullish(wanted) else _target(wanted)
    if is_nullish(value):
        instead = on_null()
        return None if instead is ABSENT else instead
    if target is None:
        return None
    try:
        return converted(value, target)
    except FilterError as error:
        if error.code != CONVERSION_FAILURE:
            raise
        instead = on_error()
        if instead is ABSENT:
            raise
        return instead


def _target(wanted: Any) -> str:
    """The name of a type that `to` has by name or by number."""
    if number_type(wanted):
        code = int32(wanted)
        if code is None:
            raise FilterError(9, "In $convert, numeric 'to' argument is not an integer")
        if code not in _NAMES:
            reason = f"In $convert, numeric value for 'to' does not correspond to a BSON type: {code}"
            raise FilterError(9, reason)
        return _NAMES[code]
    if value_class(wanted) != "string":
        reason = f"$convert's 'to' argument must be a string or number, but is {type_name(wanted)}"
        raise FilterError(9, reason)
    if wanted not in TYPE_CODES and wanted != "missing":
        raise FilterError(2, f"Unknown type name: {wanted}")
    return str(wanted)


def converted(value: Any, target: str) -> Any:
    """A value as one of the type of that name; it is neither null nor missing.

    Raises:
        FilterError: 241, there is no such conversion, or none of this value; 18537, a date that has no text.
    """
    match target:
        case "bool":
            return is_true(value)
        case "int" if value_class(value) != "date":
            return int(_whole(value, target, INT32_MIN, INT32_MAX))
        case "long":
            return Int64(_whole(value, target, INT64_MIN, INT64_MAX))
        case "double":
            return _double(value)
        case "decimal":
            return _decimal(value)
        case "string":
            return _text(value)
        case "date":
            return _date(value)
        case "objectId":
            return _object_id(value)
        case _:
            raise _unsupported(value, target)


def _whole(value: Any, target: str, least: int, greatest: int) -> int:
    """The whole part of a value within bounds; a double must be within them with its fraction."""
    match value_class(value):
        case "string":
            return parsed_integer(value, least, greatest)
        case "bool":
            return int(value)
        case "date":
            return milliseconds(value)
        case "nan":
            raise _failure("Attempt to convert NaN value to integer type")
        case "int" | "double" | "decimal":
            number = value.to_decimal() if isinstance(value, Decimal128) else value
            if number in (math.inf, -math.inf):
                raise _failure("Attempt to convert infinity value to integer type")
            if isinstance(number, Decimal):
                # no long has 20 digits, and a decimal may have thousands
                number = int(number) if not number or number.adjusted() < 20 else INT64_MAX + 1
            if not least <= number <= greatest:
                raise _overflow()
            return int(number)
        case _:
            raise _unsupported(value, target)


def _double(value: Any) -> float:
    match value_class(value):
        case "string":
            return parsed_double(value)
        case "bool" | "int" | "double":
            return float(value)
        case "date":
            return float(milliseconds(value))
        case "decimal" | "nan" if isinstance(value, Decimal128):
            return _nearest_double(value.to_decimal())
        case "nan":
            return float(value)
        case _:
            raise _unsupported(value, "double")


def _nearest_double(number: Decimal) -> float:
    value = float(number)
    if not number.is_finite():
        return value
    if math.isinf(value) or (number and not value):
        raise _overflow()
    if number and abs(value) <= _LEAST_NORMAL and is_tiny(number, value):
        raise _overflow()
    return value


def _decimal(value: Any) -> Decimal128:
    match value_class(value):
        case "string":
            return parsed_decimal(value)
        case "bool":
            return Decimal128(str(int(value)))
        case "date":
            return Decimal128(str(milliseconds(value)))
        case "int" | "double" | "nan" | "decimal":
            return value if isinstance(value, Decimal128) else decimal128(decimal_of(value))
        case _:
            raise _unsupported(value, "decimal")


def _text(value: Any) -> str:
    match value_class(value):
        case "string" | "objectid":
            return str(value)
        case "bool":
            return "true" if value else "false"
        case "int":
            return str(int(value))
        case "nan":
            return "NaN"
        case "double":
            return f"{'-' if value < 0 else ''}Infinity" if math.isinf(value) else double_text(value)
        case "decimal":
            return str(value)
        case "date":
            return date_text(value)
        case _:
            raise _unsupported(value, "string")


def _date(value: Any) -> Any:
    match value_class(value):
        case "date":
            return value
        case "string":
            return instant(parse_date_text(value))
        case "timestamp":
            return instant(value.time * 1000)
        case "objectid":
            return instant(int.from_bytes(value.binary[:4], "big", signed=True) * 1000)
        case "int" | "double" | "nan" | "decimal" if number_type(value) != "int":
            return instant(_whole(value, "date", INT64_MIN, INT64_MAX))
        case _:
            raise _unsupported(value, "date")


def _object_id(value: Any) -> ObjectId:
    match value_class(value):
        case "objectid":
            return ObjectId(value)
        case "string" if _OBJECT_ID.fullmatch(value):
            return ObjectId(str(value))
        case "string":
            raise _failure(f"Failed to parse objectId '{value}'")
        case _:
            raise _unsupported(value, "objectId")


def _overflow() -> FilterError:
    return _failure("Conversion would overflow target type")


def _unsupported(value: Any, target: str) -> FilterError:
    return _failure(f"Unsupported conversion from {type_name(value)} to {target}")


def _failure(reason: str) -> FilterError:
    return FilterError(CONVERSION_FAILURE, f"{reason} in $convert with no onError value")


def _to(target: str) -> Callable[[Any], Any]:
    return lambda value: None if is_nullish(value) else converted(value, target)


SHORT_FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "$toBool": _to("bool"),
    "$toInt": _to("int"),
    "$toLong": _to("long"),
    "$toDouble": _to("double"),
    "$toDecimal": _to("decimal"),
    "$toString": _to("string"),
    "$toObjectId": _to("objectId"),
    "$toDate": _to("date"),
}
