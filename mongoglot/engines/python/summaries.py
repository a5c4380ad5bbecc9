"""What a comment in generated source says of a predicate."""

from __future__ import annotations

from mongoglot.compiler.ast import (
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Mod,
    Node,
    RegexMatch,
    Sample,
    Size,
)


def summary(node: Node) -> str:
    """A comment for the reader: the operator and nothing that a user wrote."""
    match node:
        case Compare(_, op, operand):
            return f"{op} {operand.kind}"
        case In():
            return "$in"
        case Exists():
            return "$exists"
        case Glob():
            return "$glob"
        case RegexMatch():
            return "$regex"
        case Sample():
            return "$sampleRate"
        case Expr():
            return "$expr"
        case JsonSchema():
            return "$jsonSchema"
        case ElemMatch():
            return "$elemMatch"
        case HasType() | Mod() | Size():
            return f"${type(node).__name__.lower().removeprefix('has')}"
        case Bits(_, op, _):
            return op
        case _:
            return type(node).__name__.lower()
