"""Operators that only a server can answer: what of their operands can be checked before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongoglot.compiler.ast import NEAR, Always, And, ElemMatch, Node, Not, Or, ServerOnly
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.trees import dotted
from mongoglot.compiler.values import is_array, value_class
from mongoglot.errors import FilterError


def check_operand(name: str, operand: Any) -> None:
    """Check what stands after `$where` or `$text` (semantics 3.11)."""
    if name == "$where":
        _check_where(operand)
    else:
        _check_text(operand)


def _check_where(operand: Any) -> None:
    match value_class(operand):
        case "scoped code":
            raise FilterError(4649201, "$where no longer supports deprecated BSON type CodeWScope")
        case "string" | "code":
            if not operand:
                raise FilterError(2, "code for $where cannot be empty")
        case _:
            raise FilterError(2, "$where got bad type", hint="write {$where: 'this.a > this.b'}")


_TEXT_FIELDS = {
    "$search": "string",
    "$language": "string",
    "$caseSensitive": "bool",
    "$diacriticSensitive": "bool",
}


def _check_text(operand: Any) -> None:
    if not isinstance(operand, Mapping):
        raise FilterError(2, "$text expects an object", hint="write {$text: {$search: 'words'}}")
    for name, wanted in _TEXT_FIELDS.items():
        if name not in operand:
            if name == "$search":
                raise FilterError(4, 'Missing expected field "$search"')
        elif value_class(operand[name]) != wanted:
            raise FilterError(14, f'"{name}" had the wrong type. Expected {wanted}')
    if operand.keys() - _TEXT_FIELDS:
        raise FilterError(2, "extra fields in $text")


def check_geometry(name: str, document: Mapping[str, Any]) -> None:
    """Check that an operator of places stands alone and has a geometry; which ones there are a server knows."""
    if len(document) > 1:
        extra = list(document)[1]
        shown = f"{extra}: {rendered(document[extra])}"
        raise FilterError(2, f"can't parse extra field: {shown}", hint=f"{name} stands alone under its field")
    operand = document[name]
    if not isinstance(operand, Mapping):
        raise FilterError(2, "geometry must be an object")
    if not operand:
        raise FilterError(
            2, "geo query doesn't have any geometry", hint=f"write {{{name}: {{$geometry: …}}}}"
        )


_NEAR = frozenset({"$near", "$nearSphere", "$geoNear", "$maxDistance", "$minDistance", "$uniqueDocs"})


def check_near(document: Mapping[str, Any]) -> None:
    """Check a document that begins with `$near` or one of its kin: a place, then limits of the distance."""
    place, *rest = document.items()
    if not isinstance(place[1], Mapping) and not is_array(place[1]):
        raise near_is_not_first(document)
    for name, _ in rest:
        if name not in _NEAR:
            raise FilterError(34413, f"invalid argument in geo near query: {name}")


def check_near_is_at_the_top(tree: Node) -> None:
    """Refuse a `$near` anywhere but at the top of a filter or of an `$and` there.

    A server does so at the end, when it has left out what never and what always matches.
    """
    pending: list[tuple[Node, bool]] = [(tree, True)]
    while pending:
        node, at_top = pending.pop()
        match node:
            case ServerOnly(path, name, _) if name in NEAR and not at_top:
                raise FilterError(2, f"geo {name} must be top-level expr", path=dotted(path))
            case And(children) if not _is_never(node):
                pending += [(child, at_top) for child in children]
            case Not(Or(children)):  # a $nor, in which each part is simplified alone
                pending += [(child, False) for child in children if not _is_never(child)]
            case Or(children) if not _is_always(node):
                pending += [(child, False) for child in children if not _is_never(child)]
            case Not(child) | ElemMatch(_, child, _):
                pending.append((child, False))
            case _:
                pass


def _is_never(node: Node) -> bool:
    """Whether a server sees at once that a node matches nothing: for it is `$alwaysFalse`, or `$all: []`."""
    match node:
        case Always(value):
            return not value
        case And(children):
            return any(map(_is_never, children))
        case Or(children):
            return all(map(_is_never, children))
        case _:
            return False


def _is_always(node: Node) -> bool:
    """Whether a server sees at once that a node matches all."""
    match node:
        case Always(value):
            return value
        case And(children):
            return all(map(_is_always, children))
        case Or(children):
            return any(map(_is_always, children))
        case _:
            return False


def near_is_not_first(document: Mapping[str, Any]) -> FilterError:
    """The error of a `$near` behind another operator, or without a place."""
    return FilterError(2, f"near must be first in: {rendered(dict(document))}")
