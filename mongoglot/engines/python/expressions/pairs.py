"""Objects as arrays of pairs, and back (semantics 3.9)."""

from __future__ import annotations

from typing import Any, Final

from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import (
    as_mapping,
    is_array,
    is_document,
    value_class,
)
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError


def pairs_of_object(value: Any) -> Any:
    """`$objectToArray`: a document `{k: name, v: value}` for each field."""
    if is_nullish(value):
        return None
    if not is_document(value):
        raise FilterError(40390, f"$objectToArray requires a document input, found: {named_type(value)}")
    return [{"k": name, "v": item} for name, item in as_mapping(value).items()]


def object_of_pairs(array: Any) -> Any:
    """`$arrayToObject`: of `[name, value]`, or of `{k: name, v: value}`; the last of a name counts."""
    if is_nullish(array):
        return None
    if not is_array(array):
        raise FilterError(40386, f"$arrayToObject requires an array input, found: {named_type(array)}")
    result: dict[str, Any] = {}
    arrays = bool(array) and is_array(array[0])
    if array and not arrays and not is_document(array[0]):
        reason = f"Unrecognised input type format for $arrayToObject: {named_type(array[0])}"
        raise FilterError(40398, reason)
    for item in array:
        name, value = _pair(item) if arrays else _field(item)
        result[name] = value
    return result


_CONSISTENT: Final = (
    "$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects."
)


def _pair(item: Any) -> tuple[str, Any]:
    if not is_array(item):
        raise FilterError(40396, f"{_CONSISTENT} Array was detected, now found: {named_type(item)}")
    if len(item) != 2:
        reason = f"$arrayToObject requires an array of size 2 arrays,found array of size: {len(item)}"
        raise FilterError(40397, reason)
    if value_class(item[0]) != "string":
        reason = "$arrayToObject requires an array of key-value pairs, where the key must be of type string. "
        raise FilterError(40395, f"{reason}Found key type: {named_type(item[0])}")
    return _name(4940400, item[0]), item[1]


def _field(item: Any) -> tuple[str, Any]:
    if not is_document(item):
        raise FilterError(40391, f"{_CONSISTENT} Object was detected, now found: {named_type(item)}")
    fields = as_mapping(item)
    if len(fields) != 2:
        reason = "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:"
        raise FilterError(40392, f"{reason}{len(fields)}")
    if "k" not in fields or "v" not in fields:
        reason = "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys from: "
        raise FilterError(40393, f"{reason}{rendered(item)}")
    if value_class(fields["k"]) != "string":
        reason = (
            "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type "
        )
        raise FilterError(40394, f"{reason}string. Found type: {named_type(fields['k'])}")
    return _name(4940401, fields["k"]), fields["v"]


def _name(code: int, name: str) -> str:
    if "\0" in name:
        raise FilterError(code, "Key field cannot contain an embedded null byte")
    return name
