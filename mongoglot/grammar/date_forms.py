"""Operators on dates that read their operand in ways of their own, with the server's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mongoglot.compiler.expression_ast import Call, Expression
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import as_mapping, is_array, is_document
from mongoglot.errors import FilterError
from mongoglot.grammar.variables import Scope

if TYPE_CHECKING:
    from mongoglot.grammar.expressions import ExpressionReader


def _part(reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$year` and its like: of a date, of a list of one, or of a date in a time zone."""
    if is_array(operand):
        if len(operand) != 1:
            reason = (
                f"{operator} accepts exactly one argument if given an array, but was given {len(operand)}"
            )
            raise FilterError(40536, reason)
        return Call(operator, (reader.operand(operand[0], scope, places),))
    if not is_document(operand) or next(iter(as_mapping(operand)), "")[:1] == "$":
        return Call(operator, (reader.operand(operand, scope, places),))
    found: dict[str, Expression] = {}
    for name, value in operand.items():
        if name not in ("date", "timezone"):
            raise FilterError(40535, f'unrecognized option to {operator}: "{name}"')
        found[name] = reader.operand(value, scope, places)
    if "date" not in found:
        shown = rendered(operand)
        raise FilterError(40539, f"missing 'date' argument to {operator}, provided: {operator}: {shown}")
    return Call(operator, tuple([found[name] for name in ("date", "timezone") if name in found]))


_NATURAL: Final = ("year", "month", "day")
_CLOCK: Final = ("hour", "minute", "second", "millisecond")
_ISO: Final = ("isoWeekYear", "isoWeek", "isoDayOfWeek")
_FROM_PARTS: Final = (*_NATURAL, *_CLOCK, *_ISO, "timezone")


def _from_parts(
    reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int
) -> Expression:
    """`$dateFromParts`: of a year, or of the year of an ISO week."""
    if not is_document(operand):
        raise FilterError(40519, f"{operator} only supports an object as its argument")
    found = as_mapping(operand)
    for name in found:
        if name not in _FROM_PARTS:
            raise FilterError(40518, f"Unrecognized argument to {operator}: {name}")
    if "year" not in found and "isoWeekYear" not in found:
        raise FilterError(40516, f"{operator} requires either 'year' or 'isoWeekYear' to be present")
    if "year" in found and any(name in found for name in _ISO):
        raise FilterError(40489, f"{operator} does not allow mixing natural dates with ISO dates")
    if "isoWeekYear" in found and any(name in found for name in _NATURAL):
        raise FilterError(40525, f"{operator} does not allow mixing ISO dates with natural dates")
    operands = [reader.operand(found[name], scope, places) if name in found else None for name in _FROM_PARTS]
    return Call(operator, tuple(operands))


_PARTS: Final = (
    "$year $month $dayOfMonth $dayOfWeek $dayOfYear $hour $minute $second $millisecond "
    "$week $isoWeek $isoWeekYear $isoDayOfWeek"
)

DATES: Final = {**dict.fromkeys(_PARTS.split(), _part), "$dateFromParts": _from_parts}
"""Operator → what reads it."""
