"""From the operand of `$expr` to the tree of an expression, with the server's errors (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson import DBRef

from mongoglot.compiler.expression_ast import (
    ROOT,
    ArrayOf,
    Call,
    Each,
    Expression,
    Let,
    Literal,
    ObjectOf,
    Removed,
    Switch,
    Variable,
)
from mongoglot.compiler.expressions import EXPRESSIONS
from mongoglot.compiler.rendering import rendered, type_name
from mongoglot.compiler.values import MAX_DEPTH, is_array, is_document, value_class
from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.expression_forms import ANY, POSITIONAL, SPECIAL

_ADVICE: Final = ". Consider using $getField or $setField."

_LATER_VARIABLES: Final = frozenset({"NOW", "CLUSTER_TIME", "JS_SCOPE", "IS_MR", "SEARCH_META"})
"""Variables of the server that this version refuses by name."""

Scope = dict[str, int | None]
"""Variable → its place; None for `$$REMOVE`."""

_TOP: Final[Scope] = {"ROOT": ROOT, "CURRENT": ROOT, "REMOVE": None}


def parse_expression(value: Any) -> tuple[Expression, tuple[Any, ...]]:
    """The tree of an expression, and its literals.

    Args:
        value: an independent copy of what was written, which BSON can hold.

    Raises:
        FilterError: with the server's code, what the server says of this expression.
        NotYetError: it has an operator or a variable that this version does not compile, and no other error.
    """
    reader = _Reader()
    try:
        expression = reader.operand(value, _TOP, 1)
    except RecursionError:
        raise FilterError(15, "the expression nests deeper than this process can compile") from None
    if reader.later is not None:
        raise NotYetError(2, f"{reader.later} in $expr is not compiled by this version of mongoglot")
    return expression, tuple(reader.literals)


class _Reader:
    """One walk down an expression.

    Attributes:
        literals: the constants read so far.
        later: the first operator or variable that this version does not compile.
    """

    def __init__(self) -> None:
        self.literals: list[Any] = []
        self.later: str | None = None

    def literal(self, value: Any) -> Literal:
        """A constant."""
        self.literals.append(value)
        return Literal(len(self.literals) - 1, value_class(value))

    def not_yet(self, name: str) -> Expression:
        """What stands for an operator that is refused once the rest was read without an error."""
        self.later = self.later or name
        return Removed()

    def operand(self, value: Any, scope: Scope, places: int) -> Expression:
        """Whatever may stand for a value: a field path, a variable, an expression, a literal.

        Args:
            value: what is written.
            scope: the variables that it may use.
            places: how many are taken.
        """
        if isinstance(value, str) and value[:1] == "$" and value_class(value) == "string":
            return self.path(value, scope)
        if is_array(value):
            return ArrayOf(tuple([self.operand(item, scope, places) for item in value]))
        if is_document(value):
            fields = value.as_doc() if isinstance(value, DBRef) else value
            if next(iter(fields), "")[:1] == "$":
                return self.call(fields, scope, places)
            return self.object(fields, scope, places)
        return self.literal(value)

    def object(self, fields: Mapping[str, Any], scope: Scope, places: int) -> Expression:
        """A document that is no operator: its fields are computed."""
        computed = []
        for name, value in fields.items():
            _check_name(name)
            if "." in name:
                raise FilterError(16412, f"FieldPath field names may not contain '.'{_ADVICE}")
            computed.append(self.operand(value, scope, places))
        return ObjectOf(tuple(fields), tuple(computed))

    def path(self, text: str, scope: Scope) -> Expression:
        """A string that begins with `$`: a field path, or with `$$` a variable."""
        if text == "$":
            raise FilterError(16872, "'$' by itself is not a valid FieldPath")
        if text[1] != "$":
            names = text[1:].split(".")
            _check_path(text[1:], names, 1)
            place = scope["CURRENT"]
        else:
            name, dot, below = text[2:].partition(".")
            check_variable_name(name)
            if name not in scope and name not in _LATER_VARIABLES:
                raise FilterError(17276, f"Use of undefined variable: {name}")
            names = below.split(".") if dot else []
            if dot:
                _check_path(below, names, 1)
            if name not in scope:
                return self.not_yet(f"$${name}")
            place = scope[name]
        return Removed() if place is None else Variable(place, tuple(names))

    def call(self, fields: Mapping[str, Any], scope: Scope, places: int) -> Expression:
        """An operator: the only field of a document."""
        if len(fields) != 1:
            reason = "An object representing an expression must have exactly one field: "
            raise FilterError(15983, reason + rendered(fields))
        ((name, operand),) = fields.items()
        if name not in EXPRESSIONS:
            raise FilterError(168, f"Unrecognized expression '{name}'")
        if name in SPECIAL or (name == "$cond" and is_document(operand)):
            return self.special(name, operand, scope, places)
        if name not in POSITIONAL:
            return self.not_yet(name)
        items = operand if is_array(operand) else [operand]
        operands = tuple([self.operand(item, scope, places) for item in items])
        _check_count(name, len(operands))
        return Call(name, operands)

    def special(self, name: str, operand: Any, scope: Scope, places: int) -> Expression:
        """An operator that reads its operand in a way of its own."""
        match name:
            case "$literal" | "$const":
                return self.literal(operand)
            case "$let":
                return self.let(operand, scope, places)
            case "$switch":
                return self.switch(operand, scope, places)
            case "$map":
                return self.mapping(operand, scope, places)
            case "$filter":
                return self.filter(operand, scope, places)
            case "$reduce":
                return self.reduction(operand, scope, places)
            case "$cond":
                return self.condition(operand, scope, places)
            case _:
                raise AssertionError(name)

    def condition(self, operand: Mapping[str, Any], scope: Scope, places: int) -> Expression:
        """`$cond` with names."""
        found: dict[str, Expression] = {}
        for name, value in operand.items():
            if name not in ("if", "then", "else"):
                raise FilterError(17083, f"Unrecognized parameter to $cond: {name}")
            found[name] = self.operand(value, scope, places)
        for code, name in ((17080, "if"), (17081, "then"), (17082, "else")):
            if name not in found:
                raise FilterError(code, f"Missing '{name}' parameter to $cond")
        return Call("$cond", (found["if"], found["then"], found["else"]))

    def let(self, operand: Any, scope: Scope, places: int) -> Expression:
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
        if not is_document(operand["vars"]):
            raise FilterError(10065, "invalid parameter: expected an object (vars)")
        values, inner = [], dict(scope)
        for number, (name, value) in enumerate(operand["vars"].items()):
            if name != "CURRENT":
                check_variable_name(name, own=True)
            values.append(self.operand(value, scope, places))
            inner[name] = places + number
        return Let(tuple(values), self.operand(operand["in"], inner, places + len(values)))

    def switch(self, operand: Any, scope: Scope, places: int) -> Expression:
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
                    branches = [self.branch(item, scope, places) for item in value]
                case "default":
                    default = self.operand(value, scope, places)
                case _:
                    raise FilterError(40067, f"$switch found an unknown argument: {name}")
        if not branches:
            raise FilterError(40068, "$switch requires at least one branch")
        return Switch(tuple(branches), default)

    def mapping(self, operand: Any, scope: Scope, places: int) -> Expression:
        """`$map`."""
        if not is_document(operand):
            raise FilterError(16878, "$map only supports an object as its argument")
        for name in operand:
            if name not in ("input", "as", "in"):
                raise FilterError(16879, f"Unrecognized parameter to $map: {name}")
        for code, name in ((16880, "input"), (16882, "in")):
            if name not in operand:
                raise FilterError(code, f"Missing '{name}' parameter to $map")
        source = self.operand(operand["input"], scope, places)
        inner = scope | {_element_name(operand): places}
        return Each("$map", source, self.operand(operand["in"], inner, places + 1), None)

    def filter(self, operand: Any, scope: Scope, places: int) -> Expression:
        """`$filter`."""
        if not is_document(operand):
            raise FilterError(28646, "$filter only supports an object as its argument")
        for name in operand:
            if name not in ("input", "as", "cond", "limit"):
                raise FilterError(28647, f"Unrecognized parameter to $filter: {name}")
        for code, name in ((28648, "input"), (28650, "cond")):
            if name not in operand:
                raise FilterError(code, f"Missing '{name}' parameter to $filter")
        source = self.operand(operand["input"], scope, places)
        inner = scope | {_element_name(operand): places}
        condition = self.operand(operand["cond"], inner, places + 1)
        limit = self.operand(operand["limit"], scope, places) if "limit" in operand else None
        return Each("$filter", source, condition, limit)

    def reduction(self, operand: Any, scope: Scope, places: int) -> Expression:
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
            found[name] = self.operand(value, inner if inside else scope, places + 2 * inside)
        for code, name in ((40077, "input"), (40078, "initialValue"), (40079, "in")):
            if name not in found:
                raise FilterError(code, f"$reduce requires '{name}' to be specified")
        return Each("$reduce", found["input"], found["in"], found["initialValue"])

    def branch(self, branch: Any, scope: Scope, places: int) -> tuple[Expression, Expression]:
        """A branch of `$switch`."""
        if not is_document(branch):
            reason = f"$switch expected each branch to be an object, found: {type_name(branch)}"
            raise FilterError(40062, reason)
        found: dict[str, Expression] = {}
        for name, value in branch.items():
            if name not in ("case", "then"):
                raise FilterError(40063, f"$switch found an unknown argument to a branch: {name}")
            found[name] = self.operand(value, scope, places)
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


def _check_count(name: str, count: int) -> None:
    """Whether an operator takes so many operands."""
    lowest, highest = POSITIONAL[name]
    if name == "$setEquals" and count < 2:
        raise FilterError(17045, f"$setEquals needs at least two arguments had: {count}")
    if name == "$ifNull" and count < 2:
        raise FilterError(1257300, f"$ifNull needs at least two arguments, had: {count}")
    if lowest == highest and count != lowest:
        reason = f"Expression {name} takes exactly {lowest} arguments. {count} were passed in."
        raise FilterError(16020, reason)
    if count < lowest or (highest != ANY and count > highest):
        reason = f"Expression {name} takes at least {lowest} arguments, and at most {highest}"
        raise FilterError(28667, f"{reason}, but {count} were passed in.")


def check_variable_name(name: str, *, own: bool = False) -> None:
    """Whether a variable may have this name.

    Args:
        name: without `$$`.
        own: whether it is one that the expression defines: those begin with a small letter.
    """
    if not name:
        raise FilterError(9, "empty variable names are not allowed")
    first = name[0]
    if first.isascii() and not (("a" <= first <= "z") or (not own and "A" <= first <= "Z")):
        raise FilterError(9, f"'{name}' starts with an invalid character for a user variable name")
    for character in name:
        if character.isascii() and not (character.isalnum() or character == "_"):
            reason = f"'{name}' contains an invalid character for a variable name: '{character}'"
            raise FilterError(9, reason)


def _check_path(text: str, names: list[str], above: int) -> None:
    """Whether a field path is one; `above` counts the variable in front of it."""
    if text[-1:] == ".":
        raise FilterError(40353, "FieldPath must not end with a '.'.")
    if len(names) + above > MAX_DEPTH:
        raise FilterError(15, "FieldPath is too long")
    for name in names:
        _check_name(name)


def _check_name(name: str) -> None:
    if not name:
        raise FilterError(15998, "FieldPath field names may not be empty strings.")
    if name[0] == "$":
        raise FilterError(16410, f"FieldPath field names may not start with '$'{_ADVICE}")
    if "\0" in name:
        raise FilterError(16411, "FieldPath field names may not contain '\\0'.")
