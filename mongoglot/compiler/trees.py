"""Filters' trees, put together and searched."""

from __future__ import annotations

from collections.abc import Iterator

from mongoglot.compiler.ast import Always, And, ElemMatch, Expr, Leaf, Node, Not, Or, Path, ServerOnly


def conjunction(children: tuple[Node, ...]) -> Node:
    """The children as one node: an `And` only where there are several."""
    match children:
        case ():
            return Always(True)
        case (child,):
            return child
        case _:
            return And(children)


def disjunction(children: tuple[Node, ...]) -> Node:
    """The children as one node: an `Or` only where there are several."""
    match children:
        case ():
            return Always(False)
        case (child,):
            return child
        case _:
            return Or(children)


def leaves(node: Node) -> Iterator[Leaf]:
    """The predicates of a tree, left to right."""
    pending = [node]
    while pending:
        match pending.pop():
            case And(children) | Or(children):
                pending.extend(reversed(children))
            case Not(child):
                pending.append(child)
            case Always():
                pass
            case leaf:
                yield leaf


def server_only(node: Node) -> ServerOnly | None:
    """The first predicate that only a server can answer, in `$elemMatch` too."""
    pending = list(leaves(node))[::-1]
    while pending:
        match pending.pop():
            case ServerOnly() as leaf:
                return leaf
            case ElemMatch(_, child, _):
                pending.extend(leaves(child))
            case _:
                pass
    return None


def expressions(node: Node) -> Iterator[Expr]:
    """The `$expr` of a tree; none stands in an `$elemMatch`."""
    return (leaf for leaf in leaves(node) if isinstance(leaf, Expr))


def dotted(path: Path) -> str:
    """The path as it is written in a filter."""
    return ".".join(path)
