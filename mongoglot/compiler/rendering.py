"""Values as the server writes them in its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bson import Decimal128, Int64

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, ValueClass, as_mapping, regex_options, value_class

_LONGEST: Final = 150
_DEEPEST: Final = 20

_TYPE_NAMES: Final[dict[ValueClass, str]] = {
    "binary": "binData", "objectid": "objectId", "code": "javascript", "scoped code": "javascriptWithScope",
    "minkey": "minKey", "maxkey": "maxKey",
}  # fmt: skip


TYPE_CODES: Final[dict[str, int]] = {
    "double": 1, "string": 2, "object": 3, "array": 4, "binData": 5, "undefined": 6, "objectId": 7, "bool": 8,
    "date": 9, "null": 10, "regex": 11, "dbPointer": 12, "javascript": 13, "symbol": 14, "javascriptWithScope": 15,
    "int": 16, "timestamp": 17, "long": 18, "decimal": 19, "minKey": -1, "maxKey": 127,
}  # fmt: skip
"""The names of types that `$type` and `$convert` take, and their numbers (semantics 3.4)."""


def type_name(value: Any) -> str:
    """The name that the server's messages have for the type of a value: `int`, `long`, `objectId`."""
    kind = value_class(value)
    match kind:
        case "int":
            return "int" if not isinstance(value, Int64) and INT32_MIN <= value <= INT32_MAX else "long"
        case "nan":
            return "decimal" if isinstance(value, Decimal128) else "double"
        case _:
            return _TYPE_NAMES.get(kind, kind)


def name_of_class(kind: ValueClass) -> str:
    """As `type_name`, for a class whose values are of one type."""
    return _TYPE_NAMES.get(kind, kind)


def rendered(value: Any) -> str:
    """The beginning of a value in the server's words: `"x"`, `1.0`, `{ a: 1 }`, `[ 1, 2 ]`, `new Date(1)`, `/a/i`.

    No more of it is looked at than is shown, so it may be as large as it likes.
    """
    text = ""
    for piece in _pieces(value, 0):
        text += piece
        if len(text) > _LONGEST:
            return text[:_LONGEST] + "..."
    return text


def _pieces(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield "..."
        return
    match value_class(value):
        case "string":
            yield f'"{value}"'
        case "null":
            yield "null"
        case "bool":
            yield "true" if value else "false"
        case "double" | "nan":
            yield f"{value}.0" if str(value) in ("nan", "inf", "-inf") else str(value)
        case "objectid":
            yield f"ObjectId('{value}')"
        case "date":
            yield f"new Date({milliseconds(value)})"
        case "regex":
            yield f"/{value.pattern}/{regex_options(value)}"
        case "object":
            fields = as_mapping(value)
            yield "{ " if fields else "{"
            for position, (name, item) in enumerate(fields.items()):
                yield f"{', ' if position else ''}{name}: "
                yield from _pieces(item, depth + 1)
            yield " }" if fields else "}"
        case "array":
            yield "[ " if value else "["
            for position, item in enumerate(value):
                yield ", " if position else ""
                yield from _pieces(item, depth + 1)
            yield " ]" if value else "]"
        case _:
            yield str(value)
