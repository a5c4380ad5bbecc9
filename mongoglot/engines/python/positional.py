"""The index that a filter records for `path.$`: that of the last array predicate that matched (semantics 6.3).

It is computed from the tree as it was parsed, because the order of the conjuncts decides; what a server
rewrites before it matches is rewritten here too, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from mongoglot.compiler.ast import (
    Always,
    And,
    Compare,
    ElemMatch,
    Glob,
    In,
    Leaf,
    Node,
    Not,
    Or,
    Path,
    RegexMatch,
    Size,
)
from mongoglot.compiler.passes import optimise
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import MISSING, Document, as_mapping, is_array, is_document, sort_key
from mongoglot.compiler.walk import array_index
from mongoglot.engines.python.elements import item_test
from mongoglot.engines.python.lowering import lower
from mongoglot.engines.python.operands import element_test

Recorder: TypeAlias = Callable[[Document], "int | None"]
"""What a predicate records on a document; None where it does not match, or matches no element of an array."""


@final
@dataclass(frozen=True, slots=True)
class _AnyOf:
    """Equalities at one path, of which one has to hold: what a server makes a `$in` of."""

    path: Path
    leaves: tuple[Leaf, ...]


_Part: TypeAlias = Leaf | _AnyOf | None
"""One conjunct of a filter; None is one that records nothing: a negation, or a disjunction."""


def index_recorder(query: BoundPlan) -> Recorder:
    """The index that a filter records on a document that it matches.

    Each predicate overwrites what those before it have recorded, so the last one is asked first.
    """
    parts = reversed(_conjuncts(query.ast, query.values) or ())
    recorders = [recorder for part in parts for recorder in _recorders(part, query)]

    def recorded(document: Document) -> int | None:
        found = (record(document) for record in recorders)
        return next((index for index in found if index is not None), None)

    return recorded


def _conjuncts(node: Node, values: list[Any]) -> tuple[_Part, ...] | None:
    """The conjuncts of a filter in the order in which a server matches them; None where nothing matches."""
    match node:
        case Always(value):
            return () if value else None
        case And(children):
            return _all_of([_conjuncts(child, values) for child in children])
        case Or(children):
            return _some_of([_conjuncts(child, values) for child in children], values)
        case Not():
            return (None,)
        case leaf:
            return (leaf,)


def _all_of(children: list[tuple[_Part, ...] | None]) -> tuple[_Part, ...] | None:
    """A conjunction takes up the conjunctions in it, behind all that it has itself (measured on 6.0.5)."""
    own: list[_Part] = []
    taken: list[_Part] = []
    for parts in children:
        if parts is None:
            return None
        (taken if len(parts) > 1 else own).extend(parts)
    return (*own, *taken)


def _some_of(children: list[tuple[_Part, ...] | None], values: list[Any]) -> tuple[_Part, ...] | None:
    """A disjunction records only where one branch is left of it, or nothing but equalities at one path."""
    left = [parts for parts in children if parts is not None]
    if () in left:
        return ()
    if len(left) < 2:
        return left[0] if left else None
    leaves = [_equality(parts[0], values) if len(parts) == 1 else None for parts in left]
    equalities = tuple(leaf for leaf in leaves if leaf is not None)
    paths = {leaf.path for leaf in equalities}
    if len(equalities) < len(left) or len(paths) > 1:
        return (None,)
    return (_AnyOf(paths.pop(), equalities),)


def _equality(part: _Part, values: list[Any]) -> Leaf | None:
    """A part that a server can put into a `$in`: an equality, with anything but a regex, or a pattern."""
    match part:
        case Compare(_, "$eq", operand):
            return part if operand.kind != "regex" else None
        case In(_, list_operand, patterns):
            members = {sort_key(member) for member in list_operand.members(values)}
            return part if len(members) + len({values[slot.index] for slot in patterns}) == 1 else None
        case Glob() | RegexMatch():
            return part
        case _:
            return None


def _recorders(part: _Part, query: BoundPlan) -> Iterator[Recorder]:
    """What records the index for a conjunct, or nothing."""
    match part:
        case None:
            return
        case _AnyOf(path, leaves):
            tests = [element_test(leaf, query.values) for leaf in leaves]
            yield _leaf_recorder(path, lambda element: any(test(element) for test in tests))
        case In(path, _, patterns) if patterns:
            yield _leaf_recorder(path, element_test(part, query.values))
        case leaf:
            match optimise(leaf):
                case ElemMatch() as match:
                    yield _match_recorder(match, query)
                case Always() | And() | Or() | Not():
                    return  # it matches nothing
                case decided:
                    expand = not isinstance(decided, Size)
                    yield _leaf_recorder(decided.path, element_test(decided, query.values), expand=expand)


def _leaf_recorder(path: Path, test: Callable[[Any], bool], *, expand: bool = True) -> Recorder:
    """The index of the first element that passes; which one is first decides, as it may have no index."""

    def recorded(document: Document) -> int | None:
        found = _elements(document, path, expand)
        return next((index for element, index in found if test(element)), None)

    return recorded


def _match_recorder(leaf: ElemMatch, query: BoundPlan) -> Recorder:
    """For `$elemMatch`, the index in the array itself where none on the way to it was recorded."""
    first = first_match(leaf, query)

    def recorded(document: Document) -> int | None:
        for element, index in _elements(document, leaf.path, expand=False):
            inner = first(element) if is_array(element) else None
            if inner is not None:
                return inner if index is None else index
        return None

    return recorded


def first_match(leaf: ElemMatch, query: BoundPlan) -> Callable[[Sequence[Any]], int | None]:
    """The index of the first element of an array that a `$elemMatch` matches, or None.

    Args:
        leaf: optimised.
        query: that it is a part of.
    """
    code = query.plan.lowered(("element", leaf), lambda _: lower(leaf.child))
    holds = item_test(code.bind(query.values), by_value=leaf.by_value)
    return lambda items: next((index for index, item in enumerate(items) if holds(item)), None)


def _elements(document: Document, path: Path, expand: bool) -> Iterator[tuple[Any, int | None]]:
    """The elements that a path yields, each with the index that a server records for it.

    That is the index in the first array on the way which the path does not name an index of. The order is the
    server's, so that the first element that matches is the same.
    """
    child, rest = document.get(path[0], MISSING), path[1:]
    if not rest:
        yield from _at_end(child, expand)
    elif is_document(child):
        yield from _elements(as_mapping(child), rest, expand)
    elif is_array(child):
        yield from _of_array(child, rest, expand)
    else:
        yield MISSING, None


def _of_array(items: Any, path: Path, expand: bool) -> Iterator[tuple[Any, int | None]]:
    if path == ("",):  # the server reads 'a.' on an array as if the dot were not there
        yield from _at_end(items, expand)
        return
    chosen = array_index(path[0])
    for index, item in enumerate(items):
        if is_document(item):
            for element, _ in _elements(as_mapping(item), path, expand):
                yield element, index
        if index != chosen:
            continue
        if len(path) == 1:
            yield item, None
        elif is_document(item):
            yield from _elements(as_mapping(item), path[1:], expand)
        elif is_array(item):
            yield from _of_array(item, path[1:], expand)


def _at_end(value: Any, expand: bool) -> Iterator[tuple[Any, int | None]]:
    if expand and is_array(value):
        for index, item in enumerate(value):
            yield item, index
    yield value, None
