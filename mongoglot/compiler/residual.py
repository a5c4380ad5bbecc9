"""The residual: what part of a filter goes to the store, and what is checked on its candidates.

For each node two bounds are built from the pieces that a lowering gives: an *upper* one that every match
satisfies and a *lower* one that only matches satisfy. Negation swaps them, so that what is pushed under a
`$nor` never loses a match. Where a piece is exact the two are one.

An expression that is not exact may fail for a document, and an upper bound keeps those for which it does. So
behind it in a conjunction nothing is pushed, as that could keep its error from being raised; a disjunction is the
same upside down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, assert_never, final

from mongoglot.compiler.ast import (
    Always,
    And,
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
    Not,
    Or,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.lowering import Bounds, Lowering, Superset
from mongoglot.compiler.trees import conjunction, disjunction

Code = TypeVar("Code")


@final
@dataclass(frozen=True, slots=True)
class Piece(Generic[Code]):
    """A bound: a tree and its code; the code of a constant is None."""

    node: Node
    code: Code | None = None


@final
@dataclass(frozen=True, slots=True)
class Split(Generic[Code]):
    """A filter in two halves whose conjunction is the filter.

    Attributes:
        pushed: what the store checks; `Always` where it checks nothing.
        code: the code of `pushed`; None where that is `Always`.
        residual: what is left to check on what the store lets through; None where nothing is.
    """

    pushed: Node
    code: Code | None
    residual: Node | None


@final
@dataclass(frozen=True, slots=True)
class _Bounds(Generic[Code]):
    upper: Piece[Code]
    lower: Piece[Code]
    may_fail: bool = False

    @property
    def exact(self) -> bool:
        return self.upper is self.lower


def split(node: Node, lowering: Lowering[Code]) -> Split[Code]:
    """Lower a tree as far as the lowering goes.

    Args:
        node: an optimised tree.
        lowering: of the target.
    """
    parts = node.children if isinstance(node, And) else (node,)
    bounds = _until_failing([_bounds(part, lowering) for part in parts])
    left = tuple(part for part, bound in zip(parts, bounds, strict=True) if not bound.exact)
    whole = _all([bound.upper for bound in bounds], lowering)
    if whole is None:  # the pieces cannot be joined: push the first that says something, check all
        first = next(
            (bound.upper for bound in bounds if not isinstance(bound.upper.node, Always)), _everything()
        )
        return Split(first.node, first.code, node)
    return Split(whole.node, whole.code, conjunction(left) if left else None)


def _bounds(node: Node, lowering: Lowering[Code]) -> _Bounds[Code]:
    match node:
        case Always():
            return _exactly(Piece(node))
        case (
            Compare() | In() | Exists() | Glob() | RegexMatch() | HasType() | Mod() | Size() | Bits()
            | ElemMatch() | ServerOnly() | Sample() | JsonSchema() | Expr()
        ):  # fmt: skip
            match lowering.predicate(node):
                case None:
                    return _Bounds(_everything(), _nothing(), isinstance(node, Expr))
                case Superset(code):
                    return _Bounds(Piece(node, code), _nothing())
                case Bounds(upper, lower):
                    return _Bounds(Piece(node, upper), Piece(node, lower), isinstance(node, Expr))
                case code:
                    return _exactly(Piece(node, code))
        case Not(child):
            inner = _bounds(child, lowering)
            return _combined([inner], lambda parts: _negated(parts[0], lowering), swap=True)
        case And(children):
            return _combined(
                [_bounds(child, lowering) for child in children], lambda parts: _all(parts, lowering)
            )
        case Or(children):
            return _combined(
                [_bounds(child, lowering) for child in children], lambda parts: _some(parts, lowering)
            )
        case _:
            assert_never(node)


def _combined(
    inner: list[_Bounds[Code]],
    combine: Callable[[list[Piece[Code]]], Piece[Code] | None],
    *,
    swap: bool = False,
) -> _Bounds[Code]:
    """The bounds of a node from those of its children; a combination that is declined bounds nothing."""
    if all(bound.exact for bound in inner):
        whole = combine([bound.upper for bound in inner])
        return _unknown() if whole is None else _exactly(whole)
    may_fail = any(bound.may_fail for bound in inner)
    inner = _until_failing(inner)
    uppers, lowers = [bound.upper for bound in inner], [bound.lower for bound in inner]
    if swap:
        uppers, lowers = lowers, uppers
    return _Bounds(combine(uppers) or _everything(), combine(lowers) or _nothing(), may_fail)


def _until_failing(bounds: list[_Bounds[Code]]) -> list[_Bounds[Code]]:
    """The bounds of a node's children; those behind the first that may fail are unknown, as it is asked first."""
    first = next((number for number, bound in enumerate(bounds) if bound.may_fail), len(bounds))
    return [bound if number <= first else _unknown() for number, bound in enumerate(bounds)]


def _all(parts: Sequence[Piece[Code]], lowering: Lowering[Code]) -> Piece[Code] | None:
    """The conjunction of pieces, constants folded; None where the lowering declines it."""
    if any(part.node == Always(False) for part in parts):
        return _nothing()
    return _joined([part for part in parts if part.node != Always(True)], conjunction, lowering.conjunction)


def _some(parts: Sequence[Piece[Code]], lowering: Lowering[Code]) -> Piece[Code] | None:
    """The disjunction of pieces, constants folded; None where the lowering declines it."""
    if any(part.node == Always(True) for part in parts):
        return _everything()
    return _joined([part for part in parts if part.node != Always(False)], disjunction, lowering.disjunction)


def _joined(
    parts: list[Piece[Code]],
    join_nodes: Callable[[tuple[Node, ...]], Node],
    join_codes: Callable[[Sequence[Code]], Code | None],
) -> Piece[Code] | None:
    if len(parts) == 1:
        return parts[0]
    node = join_nodes(tuple(part.node for part in parts))
    if isinstance(node, Always):
        return Piece(node)
    code = join_codes([part.code for part in parts if part.code is not None])
    return None if code is None else Piece(node, code)


def _negated(part: Piece[Code], lowering: Lowering[Code]) -> Piece[Code] | None:
    match part.node:
        case Always(value):
            return Piece(Always(not value))
        case node:
            assert part.code is not None  # noqa: S101 - only constants have no code
            code = lowering.negation(part.code)
            return None if code is None else Piece(Not(node), code)


def _exactly(piece: Piece[Code]) -> _Bounds[Code]:
    return _Bounds(piece, piece)


def _everything() -> Piece[Code]:
    return Piece(Always(True))


def _nothing() -> Piece[Code]:
    return Piece(Always(False))


def _unknown() -> _Bounds[Code]:
    return _Bounds(_everything(), _nothing())
