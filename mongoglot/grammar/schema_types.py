"""The types that a `$jsonSchema` names."""

from __future__ import annotations

import difflib
from typing import Any, Final, Literal

from mongoglot.compiler.schema_ast import Types
from mongoglot.errors import FilterError
from mongoglot.grammar.schema_keywords import refused
from mongoglot.grammar.schema_words import Document
from mongoglot.grammar.structural import NUMBER_CODES, TYPE_CODES, type_codes

JSON_TYPES: Final[dict[str, frozenset[int]]] = {
    "array": frozenset({TYPE_CODES["array"]}),
    "boolean": frozenset({TYPE_CODES["bool"]}),
    "null": frozenset({TYPE_CODES["null"]}),
    "number": NUMBER_CODES,
    "object": frozenset({TYPE_CODES["object"]}),
    "string": frozenset({TYPE_CODES["string"]}),
}
"""The names of `type`; those of `bsonType` are those of the operator `$type`."""


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
        raise refused(9, "encrypt", f"cannot be used in conjunction with '{keyword}', {implied}")
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
        raise refused(14, keyword, "must be either a string or an array of strings", hint)
    names: list[str] = []
    for item in [operand] if isinstance(operand, str) else operand:
        if not isinstance(item, str):
            raise refused(14, keyword, "array elements must be strings")
        if item == "integer":
            hint = "write bsonType: 'int', 'long' or both"
            raise FilterError(9, "$jsonSchema type 'integer' is not currently supported.", hint=hint)
        if item in names:
            raise refused(9, keyword, f"has duplicate value: {item}")
        names.append(item)
    if not names:
        raise refused(9, keyword, "must name at least one type")
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
