"""From a written expression to its tree, with the server's errors (semantics 3.9)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from bson import DBRef

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Expression,
    Literal,
    ObjectOf,
    Removed,
    Variable,
)
from mongoglot.compiler.expressions import EXPRESSIONS
from mongoglot.compiler.field_path import DBREF_NAMES
from mongoglot.compiler.rendering import rendered, type_name
from mongoglot.compiler.values import MAX_DEPTH, is_array, is_document, value_class
from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.expression_forms import ANY, CONVERSIONS, NAMED, POSITIONAL, Named
from mongoglot.grammar.expression_special import SPECIAL
from mongoglot.grammar.variables import LATER_VARIABLES, TOP, Scope, check_variable_name

_ADVICE: Final = ". Consider using $getField or $setField."


def parse_expression(value: Any, place: str = "$expr") -> tuple[Expression, tuple[Any, ...]]:
    """The tree of an expression, and its literals.

    Args:
        value: an independent copy of what was written, which BSON can hold.
        place: what holds it, for the error of what is not compiled.

    Raises:
        FilterError: with the server's code, what the server says of this expression.
        NotYetError: it has an operator or a variable that this version does not compile, and no other error.
    """
    reader = ExpressionReader()
    try:
        expression = reader.operand(value, TOP, 1)
    except RecursionError:
        raise FilterError(15, "the expression nests deeper than this process can compile") from None
    if reader.later is not None:
        raise NotYetError(2, f"{reader.later} in {place} is not compiled by this version of mongoglot")
    return expression, tuple(reader.literals)


class ExpressionReader:
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
            _check_path(text, names, 1)
            place = scope["CURRENT"]
        else:
            name, dot, below = text[2:].partition(".")
            check_variable_name(name)
            if name not in scope and name not in LATER_VARIABLES:
                raise FilterError(17276, f"Use of undefined variable: {name}")
            names = below.split(".") if dot else []
            if dot:
                _check_path(text, names, 1)
            if name not in scope:
                return self.not_yet(f"$${name}")
            place = scope[name]
        if isinstance(place, int):
            return Variable(place, tuple(names))
        return Removed() if names else place  # a date has no fields

    def call(self, fields: Mapping[str, Any], scope: Scope, places: int) -> Expression:
        """An operator: the only field of a document."""
        if len(fields) != 1:
            reason = "An object representing an expression must have exactly one field: "
            raise FilterError(15983, reason + rendered(fields))
        ((name, operand),) = fields.items()
        if name not in EXPRESSIONS:
            close = difflib.get_close_matches(name, sorted(EXPRESSIONS), n=1)
            hint = f"did you mean '{close[0]}'?" if close else None
            raise FilterError(168, f"Unrecognized expression '{name}'", hint=hint)
        if name in NAMED:
            return self.named(name, NAMED[name], operand, scope, places)
        if name in SPECIAL and (name != "$cond" or is_document(operand)):
            return SPECIAL[name](self, name, operand, scope, places)
        if name not in POSITIONAL:
            return self.not_yet(name)
        items = operand if is_array(operand) else [operand]
        operands = tuple([self.operand(item, scope, places) for item in items])
        _check_count(name, len(operands))
        return Call(name, operands)

    def named(self, name: str, form: Named, operand: Any, scope: Scope, places: int) -> Expression:
        """An operator whose operands have names."""
        if not is_document(operand):
            reason = form.not_object[1].format(type=type_name(operand), value=rendered(operand))
            raise FilterError(form.not_object[0], reason)
        found: dict[str, Expression] = {}
        for parameter, value in operand.items():
            if parameter not in form.names:
                raise FilterError(form.unknown[0], form.unknown[1].format(name=parameter))
            if not form.order:
                found[parameter] = self.operand(value, scope, places)
        for parameter, (code, reason) in form.missing.items():
            if parameter not in operand:
                raise FilterError(code, reason)
        for parameter in form.order:
            if parameter in operand:
                found[parameter] = self.operand(operand[parameter], scope, places)
        return Call(name, tuple([found.get(parameter) for parameter in form.names]))


def _check_count(name: str, count: int) -> None:
    """Whether an operator takes so many operands."""
    lowest, highest = POSITIONAL[name]
    if name == "$setEquals" and count < 2:
        raise FilterError(17045, f"$setEquals needs at least two arguments had: {count}")
    if name == "$ifNull" and count < 2:
        raise FilterError(1257300, f"$ifNull needs at least two arguments, had: {count}")
    if name in CONVERSIONS and count != 1:
        raise FilterError(50723, f"{name} requires a single argument, got {count}")
    if lowest == highest and count != lowest:
        reason = f"Expression {name} takes exactly {lowest} arguments. {count} were passed in."
        raise FilterError(16020, reason)
    if count < lowest or (highest != ANY and count > highest):
        reason = f"Expression {name} takes at least {lowest} arguments, and at most {highest}"
        raise FilterError(28667, f"{reason}, but {count} were passed in.")


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
    if name[0] == "$" and name not in DBREF_NAMES:
        raise FilterError(16410, f"FieldPath field names may not start with '$'{_ADVICE}")
    if "\0" in name:
        raise FilterError(16411, "FieldPath field names may not contain '\\0'.")


COMPILED: Final = POSITIONAL.keys() | NAMED.keys() | SPECIAL.keys()
"""The operators that this version compiles."""
