"""`$getField`, `$setField` and `$unsetField`: their operand, with the server's errors (semantics 3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mongoglot.compiler.expression_ast import Call, Expression, Literal
from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.values import as_mapping, is_document
from mongoglot.errors import FilterError
from mongoglot.grammar.variables import Scope

if TYPE_CHECKING:
    from mongoglot.grammar.expressions import ExpressionReader


class _FieldCodes(NamedTuple):
    """The codes of what may not be the name of a field: a path, what must be computed, a constant no string."""

    path: int
    computed: int
    kind: int


_OF_GET: Final = _FieldCodes(5654600, 5654601, 5654602)
_OF_SET: Final = _FieldCodes(4161108, 4161106, 4161107)


def _check_field(operator: str, written: Any, field: Expression, codes: _FieldCodes) -> None:
    """Whether what was written for `field` is a constant string."""
    if isinstance(field, Literal):
        if field.kind != "string":
            reason = f"{operator} requires 'field' to evaluate to type String, but got "
            raise FilterError(codes.kind, reason + type_name(_constant(written)))
    elif isinstance(written, str):
        name = written[2:] if written[1] == "$" else f"CURRENT.{written[1:]}"
        reason = f"'${name}' is a field path reference which is not allowed in this context. "
        raise FilterError(codes.path, f"{reason}Did you mean {{$literal: '${name}'}}?")
    else:
        reason = f"{operator} requires 'field' to evaluate to a constant, but got a non-constant argument"
        raise FilterError(codes.computed, reason)


def _constant(written: Any) -> Any:
    """The value of a literal, which may stand in `$literal`."""
    return next(iter(as_mapping(written).values())) if is_document(written) else written


def _get_field(
    reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int
) -> Expression:
    """`$getField`: of the document where its operand is a name, or what computes one."""
    names = as_mapping(operand) if is_document(operand) else None
    if names is None or next(iter(names), "")[:1] == "$":
        field = reader.operand(operand, scope, places)
        _check_field(operator, operand, field, _OF_GET)
        return Call(operator, (field, reader.path("$$CURRENT", scope)))
    found: dict[str, Expression] = {}
    for name, value in names.items():
        if name not in ("field", "input"):
            raise FilterError(3041701, f"{operator} found an unknown argument: {name}")
        found[name] = reader.operand(value, scope, places)
    for code, name in ((3041702, "field"), (3041703, "input")):
        if name not in found:
            raise FilterError(code, f"{operator} requires '{name}' to be specified")
    _check_field(operator, names["field"], found["field"], _OF_GET)
    return Call(operator, (found["field"], found["input"]))


def _set_field(
    reader: ExpressionReader, operator: str, operand: Any, scope: Scope, places: int
) -> Expression:
    """`$setField`, and `$unsetField`, which has no value."""
    if not is_document(operand):
        raise FilterError(4161100, f"{operator} only supports an object as its argument")
    names = as_mapping(operand)
    required = {"field": 4161102, "value": 4161103, "input": 4161109}
    if operator == "$unsetField":
        del required["value"]
    found: dict[str, Expression] = {}
    for name, value in names.items():
        if name not in required:
            raise FilterError(4161101, f"{operator} found an unknown argument: {name}")
        found[name] = reader.operand(value, scope, places)
    for name, code in required.items():
        if name not in found:
            raise FilterError(code, f"{operator} requires '{name}' to be specified")
    _check_field(operator, names["field"], found["field"], _OF_SET)
    return Call(operator, tuple([found[name] for name in ("field", "input", "value") if name in found]))


OBJECT_FORMS: Final = {"$getField": _get_field, "$setField": _set_field, "$unsetField": _set_field}
"""Operator → what reads it."""
