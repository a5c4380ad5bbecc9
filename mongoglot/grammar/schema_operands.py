"""Operands of the keywords of `$jsonSchema` that are no schemas, checked as by the server (semantics 3.10)."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, cast

from mongoglot.compiler import regex
from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.schema_ast import Bound, Limit, Limited, MultipleOf, Part, Pattern, Types, UniqueItems
from mongoglot.compiler.values import number, unordered_key, value_class
from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.structural import NUMBER_CODES, TYPE_CODES, count_of, type_codes

Document: TypeAlias = dict[str, Any]

Found: TypeAlias = tuple[type[Part], *tuple[Any, ...]]
"""A node: its class and what it has."""

WITH_LITERAL: Final[frozenset[type[Part]]] = frozenset({Bound, MultipleOf, Pattern})
"""Nodes whose last part is an operand."""

JSON_TYPES: Final[dict[str, frozenset[int]]] = {
    "array": frozenset({TYPE_CODES["array"]}),
    "boolean": frozenset({TYPE_CODES["bool"]}),
    "null": frozenset({TYPE_CODES["null"]}),
    "number": NUMBER_CODES,
    "object": frozenset({TYPE_CODES["object"]}),
    "string": frozenset({TYPE_CODES["string"]}),
}
"""The names of `type`; those of `bsonType` are those of the operator `$type`."""

KEYWORDS: Final = frozenset(
    """
    additionalItems additionalProperties allOf anyOf bsonType dependencies description encrypt encryptMetadata enum
    exclusiveMaximum exclusiveMinimum items maxItems maxLength maxProperties maximum minItems minLength
    minProperties minimum multipleOf not oneOf pattern patternProperties properties required title type uniqueItems
    """.split()
)

_UNSUPPORTED: Final = {
    "$ref": "a server resolves no references: write the schema itself in this place",
    "$schema": "leave it out: the server knows one version, draft 4",
    "default": "leave it out: a schema adds no values",
    "definitions": "write each schema where it is used",
    "format": "say it with 'pattern', or with 'bsonType' for dates and ids",
    "id": "leave it out; a field of this name belongs under 'properties'",
}

_USUAL: Final = {
    "const": "write {enum: [value]}",
    "$comment": "write 'description'",
    "$defs": "write each schema where it is used",
    "$id": "leave it out; a field of this name belongs under 'properties'",
    "dependentRequired": "write 'dependencies'",
    "dependentSchemas": "write 'dependencies'",
    "prefixItems": "write {items: [{…}, {…}]}",
}


def _refused(code: int, keyword: str, words: str, hint: str | None = None, path: str = "") -> FilterError:
    return FilterError(code, f"$jsonSchema keyword '{keyword}' {words}", path=path, hint=hint)


def check_keywords(document: Document) -> None:
    """Check that all keywords are known, then those that only describe.

    Raises:
        FilterError: codes 9 (unknown, or of JSON Schema and not of the server), 14 (a title that is no text).
    """
    for name in document:
        if name in _UNSUPPORTED:
            error = _refused(9, name, "is not currently supported", _UNSUPPORTED[name])
        elif name not in KEYWORDS:
            error = FilterError(9, f"Unknown $jsonSchema keyword: {name}", hint=_keyword_hint(name))
        else:
            continue
        error.path = name
        raise error
    for name in ("description", "title"):
        if name in document and not isinstance(document[name], str):
            error = _refused(14, name, "must be of type string")
            error.path = name
            raise error


def _keyword_hint(name: str) -> str | None:
    if name in _USUAL:
        return _USUAL[name]
    if name.startswith("$"):
        return "operators stand beside $jsonSchema, not in it"
    close = difflib.get_close_matches(name, sorted(KEYWORDS), n=1)
    return f"did you mean '{close[0]}'?" if close else "a field is described under 'properties'"


def types_in(document: Document) -> Types | None:
    """The types that `type` or `bsonType` names; None where there is neither.

    Raises:
        FilterError: codes 2 (unknown), 9 (both, none, twice, 'integer'), 14 (no string).
    """
    if "type" in document and "bsonType" in document:
        raise FilterError(9, "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'")
    keyword: Literal["type", "bsonType"] = "type" if "type" in document else "bsonType"
    if "encrypt" in document and keyword in document:
        implied = "'encrypt' implies type 'bsonType::BinData'"
        raise _refused(9, "encrypt", f"cannot be used in conjunction with '{keyword}', {implied}")
    if "encrypt" in document and "encryptMetadata" in document:
        raise FilterError(9, "Cannot specify both $jsonSchema keywords 'encrypt' and 'encryptMetadata'")
    if keyword not in document:
        return None
    try:
        return _types(keyword, document[keyword])
    except FilterError as error:
        error.path = keyword + error.path
        raise


def _types(keyword: Literal["type", "bsonType"], operand: Any) -> Types:
    if not isinstance(operand, (str, list)):
        hint = "names, no numbers: 'int'" if isinstance(operand, int) else None
        raise _refused(14, keyword, "must be either a string or an array of strings", hint)
    names: list[str] = []
    for item in [operand] if isinstance(operand, str) else operand:
        if not isinstance(item, str):
            raise _refused(14, keyword, "array elements must be strings")
        if item == "integer":
            hint = "write bsonType: 'int', 'long' or both"
            raise FilterError(9, "$jsonSchema type 'integer' is not currently supported.", hint=hint)
        if item in names:
            raise _refused(9, keyword, f"has duplicate value: {item}")
        names.append(item)
    if not names:
        raise _refused(9, keyword, "must name at least one type")
    codes = [_codes(keyword, name) for name in names]
    return Types(frozenset().union(*codes), len(names) == 1)


def _codes(keyword: Literal["type", "bsonType"], name: str) -> frozenset[int]:
    if keyword == "bsonType":
        return type_codes(name)
    if name not in JSON_TYPES:
        hint = f"'{name}' is a name of bsonType" if name in TYPE_CODES else None
        close = difflib.get_close_matches(name.lower(), JSON_TYPES, n=1)
        hint = hint or (f"did you mean '{close[0]}'?" if close else None)
        raise FilterError(2, f"Unknown type name alias: {name}", hint=hint)
    return JSON_TYPES[name]


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
                raise _refused(14, keyword, "must be a boolean")
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
        raise _refused(14, "pattern", "must be a string", "write the text of the pattern, without slashes")
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
        raise _refused(14, "multipleOf", "must be a number")
    exact = Decimal(number(operand))
    if exact.is_signed() or exact.is_zero():
        raise _refused(9, "multipleOf", "must have a positive value")
    if not exact.is_finite() and not whole:
        raise FilterError(2, f"divisor cannot be {'NaN' if exact.is_nan() else 'infinite'}")
    return operand


def _bound(
    keyword: str, exclusive: str, beyond: str, reached: str, document: Document
) -> tuple[type[Part], str, Any] | None:
    if keyword not in document:
        if exclusive in document:
            hint = f"{exclusive} is true or false, beside {keyword}"
            raise _refused(9, keyword, f"must be a present if {exclusive} is present", hint, exclusive)
        return None
    if not isinstance(document.get(exclusive, False), bool):
        hint = f"write {{{keyword}: …, {exclusive}: true}}"
        raise _refused(14, exclusive, "must be a boolean", hint, exclusive)
    if not _is_number(document[keyword]):
        raise _refused(14, keyword, "must be a number")
    return Bound, beyond if document.get(exclusive) else reached, document[keyword]


def check_encryption(document: Document) -> None:
    """Refuse the keywords of encrypted fields, which say nothing without a driver that encrypts.

    Raises:
        FilterError: code 14, no object; NotYetError: an object.
    """
    for name in ("encrypt", "encryptMetadata"):
        if name in document:
            error = _refused(14, name, "must be an object")
            if isinstance(document[name], dict):
                error = NotYetError(9, f"{name} is not compiled by this version of mongoglot")
            error.path = name
            raise error


def document(keyword: str, operand: Any) -> Document:
    """The operand of a keyword that takes an object."""
    if not isinstance(operand, dict):
        raise _refused(14, keyword, "must be an object")
    return operand


def members(keyword: str, operand: Any) -> list[Any]:
    """The members of `allOf` and its kin."""
    if not isinstance(operand, list):
        raise _refused(14, keyword, "must be an array")
    if not operand:
        raise _refused(2, keyword, "must be a non-empty array")
    return operand


def required_names(operand: Any) -> tuple[str, ...]:
    """The names of `required`."""
    if not isinstance(operand, list):
        hint = "'required' is a list of names, beside 'properties'" if isinstance(operand, bool) else None
        words = f"must be an array, but found an element of type {type_name(operand)}"
        raise _refused(14, "required", words, hint)
    if not operand:
        raise _refused(9, "required", "cannot be an empty array")
    seen = set()
    for item in operand:
        if not isinstance(item, str):
            words = f"must be an array of strings, but found an element of type: {type_name(item)}"
            raise _refused(14, "required", words)
        if item in seen:
            raise _refused(9, "required", "array cannot contain duplicate values")
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
        raise _refused(14, "enum", words)
    if not operand:
        raise _refused(9, "enum", "cannot be an empty array")
    if len({unordered_key(member) for member in operand}) < len(operand):
        raise _refused(9, "enum", "array cannot contain duplicate values.")
    return operand
