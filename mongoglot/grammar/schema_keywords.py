"""The keywords of `$jsonSchema` that a server knows, and the errors of those that it does not take."""

from __future__ import annotations

import difflib
from typing import Final

from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.schema_words import Document

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


def refused(code: int, keyword: str, words: str, hint: str | None = None, path: str = "") -> FilterError:
    """The error of a keyword, in the words that a server has for all of them."""
    return FilterError(code, f"$jsonSchema keyword '{keyword}' {words}", path=path, hint=hint)


def check_keywords(document: Document) -> None:
    """Check that all keywords are known, then those that only describe.

    Raises:
        FilterError: codes 9 (unknown, or of JSON Schema and not of the server), 14 (a title that is no text).
    """
    for name in document:
        if name in _UNSUPPORTED:
            error = refused(9, name, "is not currently supported", _UNSUPPORTED[name])
        elif name not in KEYWORDS:
            error = FilterError(9, f"Unknown $jsonSchema keyword: {name}", hint=_keyword_hint(name))
        else:
            continue
        error.path = name
        raise error
    for name in ("description", "title"):
        if name in document and not isinstance(document[name], str):
            error = refused(14, name, "must be of type string")
            error.path = name
            raise error


def _keyword_hint(name: str) -> str | None:
    if name in _USUAL:
        return _USUAL[name]
    if name.startswith("$"):
        return "operators stand beside $jsonSchema, not in it"
    close = difflib.get_close_matches(name, sorted(KEYWORDS), n=1)
    return f"did you mean '{close[0]}'?" if close else "a field is described under 'properties'"


def check_encryption(document: Document) -> None:
    """Refuse the keywords of encrypted fields, which say nothing without a driver that encrypts.

    Raises:
        FilterError: code 14, no object; NotYetError: an object.
    """
    for name in ("encrypt", "encryptMetadata"):
        if name in document:
            error = refused(14, name, "must be an object")
            if isinstance(document[name], dict):
                error = NotYetError(9, f"{name} is not compiled by this version of mongoglot")
            error.path = name
            raise error
