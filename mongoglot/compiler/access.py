"""Which index can find the matches of a filter, and by which of its predicates.

What an index gives is a superset of the matches; every candidate is checked by the whole filter. A document
without arrays on the paths of an index has one key there, so all predicates on the indexed fields speak of that
key. A document with an array has several, and two predicates may be true of different ones: `a > 5 and a < 3`
matches `[1, 6]`. So there are two searches, and the one for documents with arrays takes fewer predicates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from mongoglot.compiler.ast import And, Compare, ElemMatch, In, Node, Or, Path
from mongoglot.compiler.index import Index
from mongoglot.compiler.walk import array_index

Constraint: TypeAlias = Compare | In
"""A predicate on one value of a key."""


@final
@dataclass(frozen=True, slots=True)
class Search:
    """Keys of an index: for each of its first fields what is true of the value.

    Attributes:
        fields: of a field either one equality (`Compare` with `$eq`, or `In`), or, only of the last, comparisons
            that are all true of one value. No field: all keys.
    """

    fields: tuple[tuple[Constraint, ...], ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Lookup:
    """What one index is asked.

    Attributes:
        index: the index.
        single: the search among documents without arrays on its paths; None where none of them can match.
        multikey: the search among documents with arrays.
    """

    index: Index
    single: Search | None
    multikey: Search


Access: TypeAlias = tuple[Lookup, ...]
"""Lookups; what one of them finds is a candidate."""


@final
@dataclass(frozen=True, slots=True)
class _Found:
    """A constraint on the values of an indexed path, and the `$elemMatch`es around it with their paths."""

    constraint: Constraint
    scopes: tuple[tuple[Path, ElemMatch], ...] = ()

    @property
    def by_value(self) -> bool:
        """Whether it is about an element as a whole, so that others beside it are about the same element."""
        return bool(self.scopes) and self.scopes[-1][1].by_value


def find_access(node: Node, indexes: Sequence[Index]) -> Access | None:
    """The lookups that find every match of a filter; None where no index helps.

    Args:
        node: an optimised tree.
        indexes: of the collection, in their order.
    """
    best = _best(node, indexes)
    return None if best is None else best[1]


def _best(node: Node, indexes: Sequence[Index]) -> tuple[int, Access] | None:
    """The access that promises the fewest candidates, and how much it promises."""
    parts = node.children if isinstance(node, And) else (node,)
    options: list[tuple[int, Access]] = [
        (_rank(lookup), (lookup,)) for index in indexes if (lookup := _lookup(parts, index)) is not None
    ]
    for part in parts:
        if isinstance(part, Or):
            branches = [_best(child, indexes) for child in part.children]
            found = [branch for branch in branches if branch is not None]
            if len(found) == len(branches):
                lookups = tuple(lookup for _, access in found for lookup in access)
                options.append((min(rank for rank, _ in found) - 1, lookups))
    return max(options, key=lambda option: option[0], default=None)


_UNIQUE: Final = 1000
"""What is promised by equality with a whole key of a unique index."""

_EQUAL: Final = 100
_IN: Final = 80
_INTERVAL: Final = 50
_COMMON: Final = 30
"""What is promised by equality with null or a boolean, which many documents may have."""

_HALF: Final = 10
"""What is promised by one bound."""


def _rank(lookup: Lookup) -> int:
    search = lookup.single or lookup.multikey
    rank = sum(_promise(constraints) for constraints in search.fields)
    whole = len(search.fields) == len(lookup.index.keys)
    if lookup.index.unique and whole and all(is_point(constraints[0]) for constraints in search.fields):
        rank += _UNIQUE
    return rank


def _promise(constraints: tuple[Constraint, ...]) -> int:
    match constraints[0]:
        case In():
            return _IN
        case Compare(_, "$eq", operand):
            return _COMMON if operand.kind in ("null", "bool") else _EQUAL
        case _:
            return _INTERVAL if len(constraints) > 1 else _HALF


def is_point(constraint: Constraint) -> bool:
    """Whether a constraint names values, and not an interval of them."""
    return isinstance(constraint, In) or constraint.op == "$eq"


def _lookup(parts: Sequence[Node], index: Index) -> Lookup | None:
    """What an index can be asked about a conjunction; None where that is nothing."""
    found = [[each for part in parts for each in _constraints(part, path, index)] for path in index.paths]
    multikey = _multikey_search(found, index)
    if not multikey.fields:
        return None
    if any(isinstance(part, ElemMatch) and _leads_to(part.path, index) for part in parts):
        return Lookup(index, None, multikey)
    return Lookup(index, _single_search(found), multikey)


def _leads_to(path: Path, index: Index) -> bool:
    """Whether an array at a path is one on the path of an indexed field."""
    return any(field[: len(path)] == path for field in index.paths)


def _constraints(part: Node, path: Path, index: Index) -> Iterator[_Found]:
    """What a part of a conjunction says of the values at an indexed path."""
    numeric = any(array_index(component) is not None for component in path)
    match part:
        case Compare() | In():
            # null may mean a field that is missing: such documents a sparse index leaves out, and a component that
            # is a number may be missing in some reading of it that has no key
            if part.path == path and _is_usable(part, null=not (numeric or index.sparse)):
                yield _Found(part)
        case ElemMatch() if not numeric:
            yield from _in_elements(part, path, (), ())
        case _:
            pass


def _in_elements(
    match: ElemMatch, path: Path, above: Path, scopes: tuple[tuple[Path, ElemMatch], ...]
) -> Iterator[_Found]:
    """What an `$elemMatch` says of the values at the path, which begins above it."""
    here = above + match.path
    if path[: len(here)] != here:
        return
    rest = path[len(here) :]
    scopes = (*scopes, (here, match))
    for part in match.child.children if isinstance(match.child, And) else (match.child,):
        match part:
            case Compare() | In():
                if part.path == rest and _is_usable(part, null=False):
                    yield _Found(part, scopes)
            case ElemMatch() if rest:
                yield from _in_elements(part, path, here, scopes)
            case _:
                pass


def _is_usable(part: Constraint, *, null: bool) -> bool:
    """Whether all values that a predicate is true of lie in known intervals of keys.

    Args:
        part: the predicate.
        null: whether null, which is also true of missing fields, is in the keys.
    """
    match part:
        case In(_, operand, patterns):
            return not patterns and (null or "null" not in operand.kinds)
        case Compare(_, "$eq", operand):
            return null or operand.kind != "null"
        case Compare(_, _, operand):  # ranges of arrays, and of all values, are in no interval
            return operand.kind not in ("null", "array", "minkey", "maxkey")


def _single_search(found: list[list[_Found]]) -> Search:
    """The search where all constraints are about one key."""
    fields: list[tuple[Constraint, ...]] = []
    for on_field in found:
        direct = [each.constraint for each in on_field if not each.scopes]
        chosen = _chosen(direct)
        if not chosen:
            break
        fields.append(chosen)
        if not is_point(chosen[0]):
            break
    return Search(tuple(fields))


def _chosen(constraints: list[Constraint]) -> tuple[Constraint, ...]:
    """Of constraints on one value an equality, else a list, else all."""
    points = [constraint for constraint in constraints if is_point(constraint)]
    equalities = [point for point in points if isinstance(point, Compare)]
    return tuple((equalities or points)[:1] or constraints)


def _multikey_search(found: list[list[_Found]], index: Index) -> Search:
    """The search where each key is about some values only: of constraints, those that one key has to meet."""
    fields: list[tuple[Constraint, ...]] = []
    used: list[tuple[Path, _Found]] = []
    for path, on_field in zip(index.paths, found, strict=True):
        options = [each for each in on_field if all(_in_one_key(path, each, *other) for other in used)]
        if not options:
            break
        best = max(options, key=lambda each: _promise(_beside(each, options)))
        chosen = _beside(best, options)
        fields.append(chosen)
        used.append((path, best))
        if not is_point(chosen[0]):
            break
    return Search(tuple(fields))


def _beside(found: _Found, options: list[_Found]) -> tuple[Constraint, ...]:
    """A constraint with those that are about the same element."""
    if not found.by_value:
        return (found.constraint,)
    return _chosen([each.constraint for each in options if each.scopes == found.scopes])


def _in_one_key(path: Path, found: _Found, other_path: Path, other: _Found) -> bool:
    """Whether values of two fields that meet their constraints stand in one key.

    They do where no array that is shared by both paths comes below the last `$elemMatch` that is around both.
    """
    shared: Path = ()
    for scope, other_scope in zip(found.scopes, other.scopes, strict=False):
        if scope != other_scope:
            break
        shared = scope[0]
    return path[len(shared) : len(shared) + 1] != other_path[len(shared) : len(shared) + 1]
