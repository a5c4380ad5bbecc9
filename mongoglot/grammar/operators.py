"""The operators of the language: which form each has, per dialect, and which are for a later version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Dialect: TypeAlias = Literal["mongodb", "taskdb"]

Form: TypeAlias = Literal[
    "COMPARE",
    "LIST",
    "EXISTS",
    "TYPE",
    "MOD",
    "SIZE",
    "BITS",
    "ALL",
    "MATCH",
    "NOT",
    "GLOB",
    "REGEX",
    "GEO",
    "NEAR",
    "SERVER",
    "SAMPLE",
    "EXPR",
    "SCHEMA",
    "LOGICAL",
    "COMMENT",
    "CONSTANT",
    "OTHER",
    "LATER",
    "LATER_TOP",
]
"""How the operand of an operator is read; the terminals of `filter.lark` that stand for operators."""

Operators: TypeAlias = Mapping[str, tuple[Form, str]]
"""Operator → its form, and the operator of MongoDB that it stands for."""


def _rows(form: Form, names: str) -> dict[str, tuple[Form, str]]:
    return {name: (form, name) for name in names.split()}


_MONGODB: Final[dict[str, tuple[Form, str]]] = {
    **_rows("COMPARE", "$eq $ne $gt $gte $lt $lte"),
    **_rows("LIST", "$in $nin"),
    **_rows("EXISTS", "$exists"),
    **_rows("NOT", "$not"),
    **_rows("LOGICAL", "$and $or $nor"),
    **_rows("COMMENT", "$comment"),
    **_rows("TYPE", "$type"),
    **_rows("MOD", "$mod"),
    **_rows("SIZE", "$size"),
    **_rows("BITS", "$bitsAllSet $bitsAnySet $bitsAllClear $bitsAnyClear"),
    **_rows("ALL", "$all"),
    **_rows("MATCH", "$elemMatch"),
    **_rows("CONSTANT", "$alwaysTrue $alwaysFalse"),
    **_rows("REGEX", "$regex $options"),
    **_rows("GEO", "$geoWithin $within $geoIntersects"),
    **_rows("NEAR", "$near $nearSphere $geoNear"),
    **_rows("SERVER", "$where $text"),
    **_rows("SAMPLE", "$sampleRate"),
    **_rows("EXPR", "$expr"),
    **_rows("SCHEMA", "$jsonSchema"),
    **_rows(
        "LATER",
        "$_internalExprEq $_internalExprGt $_internalExprGte $_internalExprLt $_internalExprLte "
        "$_internalSchemaAllElemMatchFromIndex $_internalSchemaBinDataEncryptedType "
        "$_internalSchemaBinDataSubType $_internalSchemaEq $_internalSchemaFmod "
        "$_internalSchemaMatchArrayIndex $_internalSchemaMaxItems $_internalSchemaMaxLength "
        "$_internalSchemaMinItems $_internalSchemaMinLength $_internalSchemaObjectMatch "
        "$_internalSchemaType $_internalSchemaUniqueItems",
    ),
    **_rows(
        "LATER_TOP",
        "$_internalSchemaAllowedProperties $_internalSchemaCond $_internalSchemaMaxProperties "
        "$_internalSchemaMinProperties $_internalSchemaRootDocEq $_internalSchemaXor",
    ),
}

OPERATORS: Final[dict[Dialect, Operators]] = {
    "mongodb": _MONGODB,
    # In the documents that define the task database `$ge` means `>` and `$le` means `<`.
    "taskdb": {
        **_MONGODB,
        "$ge": ("COMPARE", "$gt"),
        "$le": ("COMPARE", "$lt"),
        "$glob": ("GLOB", "$glob"),
    },
}

TOP_LEVEL: Final = frozenset(
    name
    for name, (form, _) in _MONGODB.items()
    if form in ("LOGICAL", "COMMENT", "CONSTANT", "SERVER", "SAMPLE", "SCHEMA", "EXPR", "LATER_TOP")
)
"""The operators that stand beside fields and not under one."""

LITERAL_FIELDS: Final = frozenset({"$ref", "$id", "$db"})
"""The parts of a DBRef: at the top of a filter they are fields like any other (semantics 4.1)."""

DIALECT_HINTS: Final = {
    "$ge": "did you mean '$gte'? In the dialect 'taskdb' '$ge' means '$gt'",
    "$le": "did you mean '$lte'? In the dialect 'taskdb' '$le' means '$lt'",
    "$glob": "'$glob' belongs to the dialect 'taskdb'",
}
