"""Documents as a server stores them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from bson import Code, ObjectId, Timestamp

from mongoglot.compiler.normalise import normalise_fields
from mongoglot.compiler.values import MAX_STORED_DEPTH
from mongoglot.errors import EncodingDepthError, EncodingTypeError, WriteError

_NO_TIME: Final = Timestamp(0, 0)

PLAIN_IDS: Final = frozenset({ObjectId, int, str})
"""Classes all of whose values may be an `_id`."""


def as_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as a server stores it: `_id` first, top-level Timestamp(0, 0) replaced by now (semantics 2.1).

    Raises:
        WriteError: codes 15 (too deep), 52 and 53 (what cannot be an `_id`).
    """
    if not isinstance(document, Mapping):
        raise _no_document(document)
    try:
        fields = normalise_fields(document, MAX_STORED_DEPTH - 1)
    except EncodingDepthError:
        raise WriteError(15, f"cannot insert document because it exceeds {MAX_STORED_DEPTH} levels") from None
    if next(iter(fields), None) != "_id":
        fields = {"_id": fields.pop("_id") if "_id" in fields else ObjectId(), **fields}
    if fields["_id"].__class__ not in PLAIN_IDS:
        _check_id(fields["_id"])
    for name, value in fields.items():
        if value.__class__ is Timestamp and value == _NO_TIME and name != "_id":
            fields[name] = Timestamp(int(time.time()), 1)
    return fields


def _no_document(given: Any) -> EncodingTypeError:
    hint = "insert_many takes several" if isinstance(given, (list, tuple)) else None
    return EncodingTypeError(
        f"a document is a mapping with string keys, not {type(given).__name__}", hint=hint
    )


def _check_id(key: Any) -> None:
    """Refuse what a server refuses as an `_id`: arrays, regexes, and names with a `$` but those of a DBRef."""
    kind = {"list": "array", "Regex": "regex"}.get(type(key).__name__)
    if kind is not None:
        raise WriteError(53, f"The '_id' value cannot be of type {kind}", hint="take another value")
    pending = [key]
    while pending:
        value = pending.pop()
        if isinstance(value, Code) and value.scope is not None:
            value = value.scope
        if isinstance(value, dict):
            for name in _beside_dbref(value):
                if name.startswith("$"):
                    reason = (
                        f"_id fields may not contain '$'-prefixed fields: {name} is not valid for storage."
                    )
                    raise WriteError(52, reason)
                pending.append(value[name])
        elif isinstance(value, list):
            pending.extend(value)


def _beside_dbref(document: dict[str, Any]) -> list[str]:
    """The names in a document that are not those of a DBRef, which is `$ref`, a string, then `$id`, then `$db`."""
    names = list(document)
    if names[:2] != ["$ref", "$id"] or not isinstance(document["$ref"], str):
        return names
    return names[3:] if names[2:3] == ["$db"] else names[2:]
