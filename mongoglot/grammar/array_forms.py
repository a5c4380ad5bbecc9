"""`$zip` and `$sortArray`: their operand, with the server's errors (semantics 3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bson import Decimal128

from mongoglot.compiler.expression_ast import Call, Expression
from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.values import as_mapping, is_array, is_document, value_class
from mongoglot.errors import FilterError
from mongoglot.grammar.variables import Scope

if TYPE_CHECKING:
    from mongoglot.grammar.expressions import ExpressionReader


def _zip(reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$zip`: whether the longest array counts, the arrays, and as many defaults, which may be absent."""
    if not is_document(operand):
        reason = f"{operator} only supports an object as an argument, found {type_name(operand)}"
        raise FilterError(34460, reason)
    found: dict[str, list[Expression]] = {"inputs": [], "defaults": []}
    longest = False
    for name, value in as_mapping(operand).items():
        match name:
            case "inputs" | "defaults":
                if not is_array(value):
                    code = 34461 if name == "inputs" else 34462
                    reason = f"{name} must be an array of expressions, found {type_name(value)}"
                    raise FilterError(code, reason)
                found[name] = [reader.operand(item, scope, places) for item in value]
            case "useLongestLength":
                if value_class(value) != "bool":  # the server names the type of the whole operand
                    raise FilterError(34463, "useLongestLength must be a bool, found object")
                longest = value
            case _:
                raise FilterError(34464, f"{operator} found an unknown argument: {name}")
    inputs, defaults = found["inputs"], found["defaults"]
    if not inputs:
        raise FilterError(34465, f"{operator} requires at least one input array")
    if defaults and not longest:
        raise FilterError(34466, "cannot specify defaults unless useLongestLength is true")
    if defaults and len(defaults) != len(inputs):
        raise FilterError(34467, "defaults and inputs must have the same length")
    filling: list[Expression | None] = [*defaults] or [None] * len(inputs)
    return Call(operator, (reader.literal(longest), *inputs, *filling))


def _sort_array(
    reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int
) -> Expression:
    """`$sortArray`: the array, and 1 or -1 or a document of them, which is a constant."""
    if not is_document(operand):
        reason = f"{operator} requires an object as an argument, found: {type_name(operand)}"
        raise FilterError(2942500, reason)
    found: dict[str, Expression] = {}
    order: Any = None
    for name, value in as_mapping(operand).items():
        match name:
            case "input":
                found[name] = reader.operand(value, scope, places)
            case "sortBy":
                order = _order(value)
            case _:
                raise FilterError(2942501, f"{operator} found an unknown argument: {name}")
    if "input" not in found:
        raise FilterError(2942502, f"{operator} requires 'input' to be specified")
    if order is None:
        raise FilterError(2942503, f"{operator} requires 'sortBy' to be specified")
    return Call(operator, (found["input"], reader.literal(order)))


def _order(value: Any) -> int | dict[str, int]:
    """A direction, or one for each path."""
    if not is_document(value):
        if value_class(value) not in ("int", "double", "decimal", "nan"):
            reason = "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort "
            raise FilterError(2942507, f"{reason}embedded fields")
        direction = _direction(value)
        if not direction:
            raise FilterError(2942506, "The $sort element value must be either 1 or -1")
        return direction
    paths = {name: _direction(item) for name, item in as_mapping(value).items()}
    if not paths:
        raise FilterError(2942505, "BadValue: The sort pattern is empty when it should be a set of fields.")
    for path, direction in paths.items():
        if not direction:
            raise FilterError(2942505, "BadValue: The sort element value must be either 1 or -1")
        if not path:
            raise FilterError(2942505, "BadValue: The sort field cannot be empty")
        if not all(path.split(".")):
            reason = "BadValue: The sort field is a dotted field but has an empty part: "
            raise FilterError(2942505, f"{reason}{path}")
    return paths


def _direction(value: Any) -> int:
    """1 or -1 where a number is one, else 0."""
    if value_class(value) not in ("int", "double", "decimal"):
        return 0
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    return int(number) if number in (1, -1) else 0


ARRAY_FORMS: Final = {"$zip": _zip, "$sortArray": _sort_array}
"""Operator → what reads it."""
