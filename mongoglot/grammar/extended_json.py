"""Extended JSON v2, canonical and relaxed: the documents that stand for a value of another type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bson import Code, Int64, MaxKey, MinKey, Regex

from mongoglot.grammar.shell_calls import base64_bytes, binary_of, made, object_id, timestamp_of, uuid_binary
from mongoglot.grammar.shell_dates import instant_of, iso_date
from mongoglot.grammar.shell_values import UnfitError, bson_regex

_SUBTYPE: Final = re.compile(r"[0-9A-Fa-f]{1,2}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1


def _date(value: Any) -> Any:
    if isinstance(value, str):
        return iso_date(value)
    if isinstance(value, Int64):  # {"$date": {"$numberLong": "…"}}, whose inner part has been read
        return instant_of(value)
    return made("Date", True, [value]) if _is_whole(value) else None


def _binary(value: Any, subtype: Any = None) -> Any:
    if subtype is None and isinstance(value, dict) and value.keys() == {"base64", "subType"}:
        value, subtype = value["base64"], value["subType"]
    if not isinstance(value, str) or not isinstance(subtype, str) or not _SUBTYPE.fullmatch(subtype):
        return None
    return binary_of(int(subtype, 16), base64_bytes(value))


def _timestamp(value: Any) -> Any:
    if not isinstance(value, dict) or value.keys() != {"t", "i"} or not all(map(_is_whole, value.values())):
        return None
    return timestamp_of(value)


def _regex(value: Any) -> Regex[str] | None:
    if not isinstance(value, dict) or value.keys() != {"pattern", "options"}:
        return None
    pattern, options = value["pattern"], value["options"]
    both = isinstance(pattern, str) and isinstance(options, str)
    return bson_regex(pattern, options) if both else None


def _code(text: Any, scope: Any = None) -> Code | None:
    if not isinstance(text, str) or not (scope is None or isinstance(scope, dict)):
        return None
    return Code(text, scope)


def _of_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: read(value) if isinstance(value, str) and not isinstance(value, Code) else None


def _refused(reason: str, is_form: Callable[[Any], bool], hint: str | None = None) -> Callable[[Any], Any]:
    def refuse(value: Any) -> None:
        if is_form(value):
            raise UnfitError(reason, hint)

    return refuse


_NO_UNDEFINED: Final = "the BSON type undefined is deprecated, and no driver sends it"
_NO_POINTER: Final = "the BSON type dbPointer is deprecated, and no driver sends it"

_WRAPPERS: Final[Mapping[tuple[str, ...], Callable[..., Any]]] = MappingProxyType(
    {
        ("$oid",): _of_text(object_id),
        ("$date",): _date,
        ("$numberInt",): _of_text(lambda text: made("NumberInt", False, [text])),
        ("$numberLong",): _of_text(lambda text: made("NumberLong", False, [text])),
        ("$numberDouble",): _of_text(lambda text: made("Double", False, [text])),
        ("$numberDecimal",): _of_text(lambda text: made("NumberDecimal", False, [text])),
        ("$binary",): _binary,
        ("$binary", "$type"): _binary,
        ("$uuid",): _of_text(uuid_binary),
        ("$timestamp",): _timestamp,
        ("$regularExpression",): _regex,
        ("$minKey",): lambda value: MinKey() if type(value) is int and value == 1 else None,
        ("$maxKey",): lambda value: MaxKey() if type(value) is int and value == 1 else None,
        ("$code",): _code,
        ("$code", "$scope"): _code,
        ("$symbol",): _of_text(str),
        ("$undefined",): _refused(
            _NO_UNDEFINED, lambda value: value is True, "write null, or leave the field out"
        ),
        ("$dbPointer",): _refused(
            _NO_POINTER,
            lambda value: isinstance(value, dict) and value.keys() == {"$ref", "$id"},
            "write DBRef(…)",
        ),
    }
)
"""The names of each form, sorted, and what reads their values: None where those are of other types."""


def is_wrapper_like(document: Mapping[str, Any]) -> bool:
    """Whether a document has exactly the names of a form of Extended JSON, so that it could be read as one."""
    return 0 < len(document) <= 2 and tuple(sorted(document)) in _WRAPPERS


def unwrapped(document: dict[str, Any]) -> Any:
    """The value that a document of Extended JSON stands for; any other document as it is.

    A form needs exactly its names and values of the right JSON types, so that `{$type: 5}` and
    `{$regex: "a", $options: "i"}` stay operators.

    Raises:
        UnfitError: it has the form, but its text stands for no value: `{"$oid": "5"}`.
    """
    if not is_wrapper_like(document):
        return document
    names = tuple(sorted(document))
    value = _WRAPPERS[names](*(document[name] for name in names))
    return document if value is None else value
