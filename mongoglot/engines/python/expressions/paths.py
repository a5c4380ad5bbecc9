"""Field paths: the value below a variable; arrays on the way give an array (semantics 3.9)."""

from __future__ import annotations

from typing import Any

from mongoglot.compiler.values import MISSING, as_mapping, is_array, is_document


def read_path(value: Any, path: tuple[str, ...]) -> Any:
    """The value below another; of an array those below its documents, and nothing of arrays in it."""
    for depth, name in enumerate(path):
        if is_document(value):
            value = as_mapping(value).get(name, MISSING)
        elif is_array(value):
            below = path[depth:]
            found = [read_path(item, below) for item in value if is_document(item)]
            return [item for item in found if item is not MISSING]
        else:
            return MISSING
    return value
