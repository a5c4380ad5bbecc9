"""Values as a server gives them back: the check of what comes in, and the copy of it that is kept, in one walk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.compiler.values import (
    INT32_MAX,
    INT32_MIN,
    MAX_DEPTH,
    Document,
    as_mapping,
    check_text,
    regex_of,
    regex_options,
    value_class,
)
from mongoglot.errors import EncodingDepthError, EncodingError, EncodingTypeError

_UNCHANGED: Final = frozenset(
    {type(None), bool, float, ObjectId, Decimal128, Timestamp, MinKey, MaxKey, bytes}
)
"""Classes whose values are immutable, always encodable, and come back as they went in."""


def normalise(value: Any, depth: int = MAX_DEPTH) -> Any:
    """An independent copy of a value as it comes back from a server: what a store keeps (semantics 7).

    Tuples become lists, mappings dicts, instants naive UTC datetimes in milliseconds, ints beyond 32 bits
    `Int64`, compiled patterns `Regex`, subclasses their base.

    Args:
        value: anything.
        depth: how many levels of documents and arrays it may have.

    Raises:
        EncodingTypeError, EncodingRangeError: BSON cannot hold it; the error has the path inside the value.
    """
    kind = value.__class__
    if kind in _UNCHANGED:
        return value
    if kind is str and value.isascii():
        return value
    if kind is int and INT32_MIN <= value <= INT32_MAX:
        return value
    if kind is dict:
        return normalise_fields(value, depth - 1)
    if kind is list:
        return _items(value, depth - 1)
    return _normalise_rare(value, depth)


def _normalise_rare(value: Any, depth: int) -> Any:
    match value_class(value):
        case "null" | "bool" | "decimal" | "objectid" | "timestamp" | "minkey" | "maxkey":
            return value
        case "int":
            short = INT32_MIN <= value <= INT32_MAX and not isinstance(value, Int64)
            return int(value) if short else Int64(value)
        case "nan" | "double":
            return value if isinstance(value, Decimal128) else float(value)
        case "string":
            return str.__str__(value)  # of a subclass, the text and not what it is called
        case "code":
            check_text(value)
            return Code(str.__str__(value))
        case "binary":
            return value if getattr(value, "subtype", 0) else bytes(value)
        case "date":
            return instant(milliseconds(value))
        case "regex":
            return _regex(value)
        case "array":
            return _items(value, depth - 1)
        case "object":
            return normalise_fields(as_mapping(value), depth - 1)
        case "scoped code":
            check_text(value)
            return Code(str.__str__(value), normalise_fields(value.scope, depth - 1))


def normalise_fields(document: Document, depth: int = MAX_DEPTH - 1) -> dict[str, Any]:
    """The fields of a document, each normalised; names are checked as the driver checks them.

    Args:
        document: a mapping.
        depth: how many levels its values may have.
    """
    if depth < 0:
        _refuse_depth()
    result = {}
    for name, value in document.items():
        if name.__class__ is not str or not name.isascii() or "\0" in name:
            name = checked_name(name)
        if value.__class__ in _UNCHANGED or (value.__class__ is str and value.isascii()):
            result[name] = value  # as `normalise` does, without a call for each
            continue
        try:
            result[name] = normalise(value, depth)
        except EncodingError as error:
            error.below(name)
            raise
    return result


def normalise_document(document: Any) -> dict[str, Any]:
    """`normalise` for a whole document.

    Raises:
        EncodingTypeError: it is no mapping, or a value in it is not of BSON's; EncodingRangeError.
    """
    check_mapping(document)
    return normalise_fields(document)


def check_mapping(document: Any) -> None:
    """Whether something may be a document.

    Raises:
        EncodingTypeError: it is no mapping.
    """
    if not isinstance(document, Mapping):
        reason = f"a document is a mapping with string keys, not {type(document).__name__}"
        hint = "read it first, as with json.loads" if isinstance(document, (str, bytes)) else None
        raise EncodingTypeError(reason, hint=hint)


def _items(items: Any, depth: int) -> list[Any]:
    if depth < 0:
        _refuse_depth()
    result = []
    for index, item in enumerate(items):
        try:
            result.append(normalise(item, depth))
        except EncodingError as error:
            error.below(f"[{index}]")
            raise
    return result


def checked_name(name: Any) -> str:
    """A field's name as text.

    Raises:
        EncodingTypeError: BSON has no such names.
    """
    if not isinstance(name, str):
        reason = f"BSON field names are str, not {type(name).__name__}"
        raise EncodingTypeError(reason, path=repr(name), hint=f"write {str(name)!r}")
    if "\0" in name:
        raise EncodingTypeError("BSON field names hold no NUL character", path=repr(name))
    try:
        check_text(name)
    except EncodingTypeError as error:
        error.below(repr(name))
        raise
    return str.__str__(name)


def _regex(value: Any) -> Regex[str]:
    regex = regex_of(value) if isinstance(value, re.Pattern) else value
    pattern = regex.pattern.decode("utf-8") if isinstance(regex.pattern, bytes) else regex.pattern
    if "\0" in pattern:
        raise EncodingTypeError("BSON regex patterns hold no NUL character")
    check_text(pattern)
    return Regex(pattern, regex_options(regex))


def _refuse_depth() -> NoReturn:
    raise EncodingDepthError(f"BSON documents nest at most {MAX_DEPTH} levels")
