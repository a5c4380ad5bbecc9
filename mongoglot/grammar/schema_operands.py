"""Operands of the keywords of `$jsonSchema` that are no schemas, checked as by the server (semantics 3.10)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from mongoglot.compiler import regex
from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.schema_ast import Bound, Limit, Limited, MultipleOf, Part, Pattern, UniqueItems
from mongoglot.compiler.values import number, unordered_key, value_class
from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.schema_keywords import refused
from mongoglot.grammar.schema_words import Document
from mongoglot.grammar.structural import count_of

Found: TypeAlias = tuple[type[Part], *tuple[Any, ...]]
"""A node: its class and what it has."""

WITH_LITERAL: Final[frozenset[type[Part]]] = frozenset({Bound, MultipleOf, Pattern})
"""Nodes whose last part is an operand."""


def simple(keyword: str, document: Document, whole: bool) -> Found | None:
    """The node of a keyword of strings, numbers or arrays that holds no schema; None where there is none.

    Args:
        keyword: its name.
        document: the schema.
        whole: whether the schema is about a document: a pattern or divisor is not looked at closely then.
    """
    match keyword:
        case "pattern" if keyword in document:
            return Pattern, _pattern(document[keyword], whole)
        case "multipleOf" if keyword in document:
            return MultipleOf, _divisor(document[keyword], whole)
        case "maximum":
            return _bound(keyword, "exclusiveMaximum", "$lt", "$lte", document)
        case "minimum":
            return _bound(keyword, "exclusiveMinimum", "$gt", "$gte", document)
        case "uniqueItems" if keyword in document:
            if not isinstance(document[keyword], bool):
                raise refused(14, keyword, "must be a boolean")
            return (UniqueItems,) if document[keyword] else None
        case "pattern" | "multipleOf" | "uniqueItems":
            return None
        case _:
            return limit(keyword, document)


def limit(keyword: str, document: Document) -> Found | None:
    """The node of a keyword that counts; None where there is none."""
    if keyword not in document:
        return None
    return Limit, cast("Limited", keyword), count_of(keyword, document[keyword])


def _pattern(operand: Any, whole: bool) -> regex.Pattern | None:
    if not isinstance(operand, str):
        raise refused(14, "pattern", "must be a string", "write the text of the pattern, without slashes")
    if whole:
        return None
    pattern = regex.Pattern(operand, "")
    regex.check(pattern)
    return pattern


def name_pattern(name: str) -> regex.Pattern:
    """The pattern of `patternProperties`.

    Raises:
        FilterError: the pattern is wrong (code 2, not that of other patterns).
    """
    pattern = regex.Pattern(name, "")
    try:
        regex.check(pattern)
    except NotYetError:
        raise
    except FilterError as error:
        reason = error.reason.removeprefix("Regular expression is invalid: ")
        raise FilterError(2, f"Invalid regular expression: {reason}", path=name) from None
    return pattern


def _is_number(operand: Any) -> bool:
    return value_class(operand) in ("int", "double", "decimal", "nan")


def _divisor(operand: Any, whole: bool) -> Any:
    if not _is_number(operand):
        raise refused(14, "multipleOf", "must be a number")
    exact = Decimal(number(operand))
    if exact.is_signed() or exact.is_zero():
        raise refused(9, "multipleOf", "must have a positive value")
    if not exact.is_finite() and not whole:
        raise FilterError(2, f"divisor cannot be {'NaN' if exact.is_nan() else 'infinite'}")
    return operand


def _bound(
    keyword: str, exclusive: str, beyond: str, reached: str, document: Document
) -> tuple[type[Part], str, Any] | None:
    if keyword not in document:
        if exclusive in document:
            hint = f"{exclusive} is true or false, beside {keyword}"
            raise refused(9, keyword, f"must be a present if {exclusive} is present", hint, exclusive)
        return None
    if not isinstance(document.get(exclusive, False), bool):
        hint = f"write {{{keyword}: …, {exclusive}: true}}"
        raise refused(14, exclusive, "must be a boolean", hint, exclusive)
    if not _is_number(document[keyword]):
        raise refused(14, keyword, "must be a number")
    return Bound, beyond if document.get(exclusive) else reached, document[keyword]


def document(keyword: str, operand: Any) -> Document:
    """The operand of a keyword that takes an object."""
    if not isinstance(operand, dict):
        raise refused(14, keyword, "must be an object")
    return operand


def members(keyword: str, operand: Any) -> list[Any]:
    """The members of `allOf` and its kin."""
    if not isinstance(operand, list):
        raise refused(14, keyword, "must be an array")
    if not operand:
        raise refused(2, keyword, "must be a non-empty array")
    return operand


def required_names(operand: Any) -> tuple[str, ...]:
    """The names of `required`."""
    if not isinstance(operand, list):
        hint = "'required' is a list of names, beside 'properties'" if isinstance(operand, bool) else None
        words = f"must be an array, but found an element of type {type_name(operand)}"
        raise refused(14, "required", words, hint)
    if not operand:
        raise refused(9, "required", "cannot be an empty array")
    seen = set()
    for item in operand:
        if not isinstance(item, str):
            words = f"must be an array of strings, but found an element of type: {type_name(item)}"
            raise refused(14, "required", words)
        if item in seen:
            raise refused(9, "required", "array cannot contain duplicate values")
        seen.add(item)
    return tuple(operand)


def dependent_names(name: str, operand: Any) -> tuple[str, ...]:
    """The names in an entry of `dependencies`."""
    of_name = f"property '{name}' in $jsonSchema keyword 'dependencies'"
    in_name = f"array '{name}' in $jsonSchema keyword 'dependencies'"
    if not isinstance(operand, list):
        raise FilterError(14, f"{of_name} must be either an object or an array")
    if not operand:
        raise FilterError(9, f"{of_name} cannot be an empty array")
    seen = set()
    for item in operand:
        if not isinstance(item, str):
            words = "can only contain strings, but found element of type:"
            raise FilterError(14, f"{in_name} {words} {type_name(item)}")
        if item in seen:
            raise FilterError(9, f"{in_name} contains duplicate element: {item}")
        seen.add(item)
    return tuple(operand)


def enum_members(operand: Any) -> list[Any]:
    """The members of `enum`."""
    if not isinstance(operand, list):
        words = f"must be an array, but found an element of type {type_name(operand)}"
        raise refused(14, "enum", words)
    if not operand:
        raise refused(9, "enum", "cannot be an empty array")
    if len({unordered_key(member) for member in operand}) < len(operand):
        raise refused(9, "enum", "array cannot contain duplicate values.")
    return operand
