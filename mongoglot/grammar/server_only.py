"""Operators that only a server can answer: what of their operands can be checked before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import value_class
from mongoglot.errors import FilterError


def check_operand(name: str, operand: Any) -> None:
    """Check what stands after `$where` or `$text` (semantics 3.11)."""
    if name == "$where":
        _check_where(operand)
    else:
        _check_text(operand)


def _check_where(operand: Any) -> None:
    match value_class(operand):
        case "scoped code":
            raise FilterError(4649201, "$where no longer supports deprecated BSON type CodeWScope")
        case "string" | "code":
            if not operand:
                raise FilterError(2, "code for $where cannot be empty")
        case _:
            raise FilterError(2, "$where got bad type", hint="write {$where: 'this.a > this.b'}")


_TEXT_FIELDS = {
    "$search": "string",
    "$language": "string",
    "$caseSensitive": "bool",
    "$diacriticSensitive": "bool",
}


def _check_text(operand: Any) -> None:
    if not isinstance(operand, Mapping):
        raise FilterError(2, "$text expects an object", hint="write {$text: {$search: 'words'}}")
    for name, wanted in _TEXT_FIELDS.items():
        if name not in operand:
            if name == "$search":
                raise FilterError(4, 'Missing expected field "$search"')
        elif value_class(operand[name]) != wanted:
            raise FilterError(14, f'"{name}" had the wrong type. Expected {wanted}')
    if operand.keys() - _TEXT_FIELDS:
        raise FilterError(2, "extra fields in $text")


def check_geometry(name: str, operand: Any) -> None:
    """Check that an operator of places has a geometry; which ones there are a server knows."""
    if not isinstance(operand, Mapping):
        raise FilterError(2, "geometry must be an object")
    if not operand:
        raise FilterError(
            2, "geo query doesn't have any geometry", hint=f"write {{{name}: {{$geometry: …}}}}"
        )


def near_is_not_first(document: Mapping[str, Any]) -> FilterError:
    """The error of a `$near` behind another operator, or without a place."""
    return FilterError(2, f"near must be first in: {rendered(dict(document))}")


def near_is_not_at_the_top(name: str) -> FilterError:
    """The error of a `$near` under a `$not` or in a `$elemMatch`."""
    return FilterError(2, f"geo {name} must be top-level expr")
