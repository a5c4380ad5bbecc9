"""Operators of expressions that read their operand in ways of their own, with the server's errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mongoglot.compiler.expression_ast import Call, Each, Expression, Let, Switch
from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.values import is_array, is_document, value_class
from mongoglot.errors import FilterError
from mongoglot.grammar.array_forms import ARRAY_FORMS
from mongoglot.grammar.date_forms import DATES
from mongoglot.grammar.object_forms import OBJECT_FORMS
from mongoglot.grammar.variables import Scope, check_variable_name

if TYPE_CHECKING:
    from mongoglot.grammar.expressions import ExpressionReader

SpecialForm: TypeAlias = Callable[["ExpressionReader", str, Any, Scope, int], Expression]
"""Reads an operator: the reader, the name, the operand, the variables in scope, and how many places they take."""


def _literal(
    reader: ExpressionReader, _operator: str, operand: Any, _scope: Scope, _places: int
) -> Expression:
    """`$literal`: nothing in it is read."""
    return reader.literal(operand)


def _random(
    _reader: ExpressionReader, operator: str, operand: Any, _scope: Scope, _places: int
) -> Expression:
    """`$rand`, whose operand is empty: a document, or an array."""
    if not is_document(operand) and not is_array(operand):
        raise FilterError(10065, f"invalid parameter: expected an object ({operator})")
    if operand:
        raise FilterError(3040501, "$rand does not currently accept arguments")
    return Call(operator, ())


def _condition(
    reader: ExpressionReader, _operator: str, operand: Mapping[str, Any], scope: Scope, places: int
) -> Expression:
    """`$cond` with names."""
    found: dict[str, Expression] = {}
    for name, value in operand.items():
        if name not in ("if", "then", "else"):
            raise FilterError(17083, f"Unrecognized parameter to $cond: {name}")
        found[name] = reader.operand(value, scope, places)
    for code, name in ((17080, "if"), (17081, "then"), (17082, "else")):
        if name not in found:
            raise FilterError(code, f"Missing '{name}' parameter to $cond")
    return Call("$cond", (found["if"], found["then"], found["else"]))


def _let(reader: ExpressionReader, _operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$let`: a variable is known in `in`, not in the other variables."""
    if not is_document(operand):
        raise FilterError(16874, "$let only supports an object as its argument")
    for name in operand:
        if name not in ("vars", "in"):
            raise FilterError(16875, f"Unrecognized parameter to $let: {name}")
    if "vars" not in operand:
        raise FilterError(16876, "Missing 'vars' parameter to $let")
    if "in" not in operand:
        raise FilterError(16877, "Missing 'in' parameter to $let")
    variables = operand["vars"]
    if is_array(variables):  # a server reads it as a document of which 0 is the first name
        variables = {str(number): value for number, value in enumerate(variables)}
    if not is_document(variables):
        raise FilterError(10065, "invalid parameter: expected an object (vars)")
    values = [reader.operand(value, scope, places) for value in variables.values()]
    inner = dict(scope)
    for place, name in enumerate(variables, places):
        if name != "CURRENT":
            check_variable_name(name, own=True)
        inner[name] = place
    return Let(tuple(values), reader.operand(operand["in"], inner, places + len(values)))


def _switch(reader: ExpressionReader, _operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$switch`."""
    if not is_document(operand):
        reason = f"$switch requires an object as an argument, found: {type_name(operand)}"
        raise FilterError(40060, reason)
    branches: list[tuple[Expression, Expression]] = []
    default: Expression | None = None
    for name, value in operand.items():
        match name:
            case "branches":
                if not is_array(value):
                    reason = f"$switch expected an array for 'branches', found: {type_name(value)}"
                    raise FilterError(40061, reason)
                branches = [_branch(reader, item, scope, places) for item in value]
            case "default":
                default = reader.operand(value, scope, places)
            case _:
                raise FilterError(40067, f"$switch found an unknown argument: {name}")
    if not branches:
        raise FilterError(40068, "$switch requires at least one branch")
    return Switch(tuple(branches), default)


def _mapping(reader: ExpressionReader, _operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$map`."""
    if not is_document(operand):
        raise FilterError(16878, "$map only supports an object as its argument")
    for name in operand:
        if name not in ("input", "as", "in"):
            raise FilterError(16879, f"Unrecognized parameter to $map: {name}")
    for code, name in ((16880, "input"), (16882, "in")):
        if name not in operand:
            raise FilterError(code, f"Missing '{name}' parameter to $map")
    source = reader.operand(operand["input"], scope, places)
    inner = scope | {_element_name(operand): places}
    return Each("$map", source, reader.operand(operand["in"], inner, places + 1), None)


def _filter(reader: ExpressionReader, _operator: str, operand: Any, scope: Scope, places: int) -> Expression:
    """`$filter`."""
    if not is_document(operand):
        raise FilterError(28646, "$filter only supports an object as its argument")
    for name in operand:
        if name not in ("input", "as", "cond", "limit"):
            raise FilterError(28647, f"Unrecognized parameter to $filter: {name}")
    for code, name in ((28648, "input"), (28650, "cond")):
        if name not in operand:
            raise FilterError(code, f"Missing '{name}' parameter to $filter")
    source = reader.operand(operand["input"], scope, places)
    inner = scope | {_element_name(operand): places}
    condition = reader.operand(operand["cond"], inner, places + 1)
    limit = reader.operand(operand["limit"], scope, places) if "limit" in operand else None
    return Each("$filter", source, condition, limit)


def _reduction(
    reader: ExpressionReader, _operator: str, operand: Any, scope: Scope, places: int
) -> Expression:
    """`$reduce`."""
    if not is_document(operand):
        reason = f"$reduce requires an object as an argument, found: {type_name(operand)}"
        raise FilterError(40075, reason)
    found: dict[str, Expression] = {}
    inner = scope | {"value": places, "this": places + 1}
    for name, value in operand.items():
        if name not in ("input", "initialValue", "in"):
            raise FilterError(40076, f"$reduce found an unknown argument: {name}")
        inside = name == "in"
        found[name] = reader.operand(value, inner if inside else scope, places + 2 * inside)
    for code, name in ((40077, "input"), (40078, "initialValue"), (40079, "in")):
        if name not in found:
            raise FilterError(code, f"$reduce requires '{name}' to be specified")
    return Each("$reduce", found["input"], found["in"], found["initialValue"])


def _branch(
    reader: ExpressionReader, branch: Any, scope: Scope, places: int
) -> tuple[Expression, Expression]:
    """A branch of `$switch`."""
    if not is_document(branch):
        reason = f"$switch expected each branch to be an object, found: {type_name(branch)}"
        raise FilterError(40062, reason)
    found: dict[str, Expression] = {}
    for name, value in branch.items():
        if name not in ("case", "then"):
            raise FilterError(40063, f"$switch found an unknown argument to a branch: {name}")
        found[name] = reader.operand(value, scope, places)
    if "case" not in found:
        raise FilterError(40064, "$switch requires each branch have a 'case' expression")
    if "then" not in found:
        raise FilterError(40065, "$switch requires each branch have a 'then' expression.")
    return found["case"], found["then"]


def _element_name(operand: Mapping[str, Any]) -> str:
    """What `$map` and `$filter` call an element; what is no string counts as an empty name."""
    if "as" not in operand:
        return "this"
    name = operand["as"] if value_class(operand["as"]) == "string" else ""
    check_variable_name(name, own=True)
    return str(name)


SPECIAL: Final[dict[str, SpecialForm]] = {
    "$literal": _literal,
    "$const": _literal,
    "$let": _let,
    "$switch": _switch,
    "$map": _mapping,
    "$filter": _filter,
    "$reduce": _reduction,
    "$cond": _condition,
    "$rand": _random,
    **OBJECT_FORMS,
    **ARRAY_FORMS,
    **DATES,
}
"""Operator → what reads it; `$cond` only where its operands have names."""
