"""Documents: one field of them, and what is made of several (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mongoglot.compiler.rendering import rendered, type_name
from mongoglot.compiler.values import MISSING, as_mapping, is_array, is_document
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError

Delayed = Callable[[], Any]


def field_of(name: str, value: Any) -> Any:
    """`$getField`: a name is no path, and of what is no document there is no field."""
    if is_document(value):
        return as_mapping(value).get(name, MISSING)
    return value if value is None else MISSING


def _with_field(operator: str) -> Callable[..., Any]:
    """`$setField`, and `$unsetField`, which has no third operand."""

    def evaluate(name: Delayed, document: Delayed, value: Delayed = lambda: MISSING) -> Any:
        found = document()
        if is_nullish(found):  # and the value is not even computed
            return None
        if not is_document(found):
            reason = f"{operator} requires 'input' to evaluate to type Object, but got {named_type(found)}"
            raise FilterError(4161105, reason)
        result, field, new = dict(as_mapping(found)), name(), value()
        if new is MISSING:
            result.pop(field, None)
        else:
            result[field] = new
        return result

    return evaluate


def merged(*operands: Delayed) -> dict[str, Any]:
    """`$mergeObjects`: the fields of all, of the last that has one; an array alone stands for its elements."""
    result: dict[str, Any] = {}
    for operand in operands:
        value = operand()
        for document in value if len(operands) == 1 and is_array(value) else [value]:
            if is_nullish(document):
                continue
            if not is_document(document):
                reason = "$mergeObjects requires object inputs, but input "
                reason += f"{rendered(document)} is of type {type_name(document)}"
                raise FilterError(40400, reason)
            result.update(as_mapping(document))
    return result


OBJECTS: Final[dict[str, Callable[..., Any]]] = {"$getField": field_of}

DELAYED_OBJECTS: Final[dict[str, Callable[..., Any]]] = {
    "$setField": _with_field("$setField"),
    "$unsetField": _with_field("$unsetField"),
    "$mergeObjects": merged,
}
