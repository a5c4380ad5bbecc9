"""The tree of an expression as text."""

from __future__ import annotations

from typing import assert_never

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Each,
    Expression,
    Let,
    Literal,
    Now,
    ObjectOf,
    Removed,
    Switch,
    Variable,
    parts,
)


def expression_text(expression: Expression, indent: str = "") -> str:
    """A tree over lines, a node each; `int[0]` is the first of the literals, `variable 1` the first of `$let`."""
    below = "".join("\n" + expression_text(part, indent + "  ") for part in parts(expression))
    return f"{indent}{_title(expression)}{below}"


def _title(expression: Expression) -> str:
    match expression:
        case Literal(index, kind):
            return f"{kind}[{index}]"
        case Variable(0, ()):
            return "document"
        case Variable(0, path):
            return f"field {'.'.join(path)}"
        case Variable(place, path):
            return ".".join((f"variable {place}", *path))
        case Removed():
            return "missing"
        case Now():
            return "now"
        case ObjectOf(names, _):
            return f"object of {', '.join(names)}" if names else "object"
        case ArrayOf():
            return "array"
        case Call(operator, _) | Each(operator, _, _, _):
            return operator
        case Let():
            return "$let"
        case Switch():
            return "$switch"
        case _:
            assert_never(expression)
