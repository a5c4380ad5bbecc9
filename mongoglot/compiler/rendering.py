"""Values as the server writes them in its messages (semantics, end of section 5)."""

from __future__ import annotations

from typing import Any

from mongoglot.compiler.values import as_mapping, milliseconds, regex_options, value_class

_LONGEST = 150
_DEEPEST = 20


def rendered(value: Any) -> str:
    """A value in the server's words: `"x"`, `1.0`, `{ a: 1 }`, `[ 1, 2 ]`, `new Date(1)`, `/a/i`."""
    text = _rendered(value, 0)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _rendered(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return "..."
    match value_class(value):
        case "string":
            return f'"{value}"'
        case "null":
            return "null"
        case "bool":
            return "true" if value else "false"
        case "double" | "nan":
            return f"{value}.0" if str(value) in ("nan", "inf", "-inf") else str(value)
        case "objectid":
            return f"ObjectId('{value}')"
        case "date":
            return f"new Date({milliseconds(value)})"
        case "regex":
            return f"/{value.pattern}/{regex_options(value)}"
        case "object":
            fields = ", ".join(
                f"{name}: {_rendered(item, depth + 1)}" for name, item in as_mapping(value).items()
            )
            return f"{{ {fields} }}" if fields else "{}"
        case "array":
            items = ", ".join(_rendered(item, depth + 1) for item in value)
            return f"[ {items} ]" if items else "[]"
        case _:
            return str(value)
