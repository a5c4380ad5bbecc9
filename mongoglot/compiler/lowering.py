"""What a lowering is, and how the pieces that it makes become one filter.

An engine's author writes a `Lowering`: what a predicate becomes, and what "all of", "some of" and "not" of
such pieces become. Whatever it cannot say exactly it declines by returning None; what may still be pushed to the
store is decided in `residual.py`, never by the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final

from mongoglot.compiler.ast import Leaf, ServerOnly
from mongoglot.compiler.trees import dotted
from mongoglot.errors import UnsupportedError

Code = TypeVar("Code")


@final
@dataclass(frozen=True, slots=True)
class Superset(Generic[Code]):
    """Code that lets through at least every match of a predicate; the matches are checked again."""

    code: Code


@final
@dataclass(frozen=True, slots=True)
class Bounds(Generic[Code]):
    """Two codes for a predicate that cannot be decided everywhere; the matches are checked again.

    Attributes:
        upper: lets through at least every match, and all for which checking it fails.
        lower: lets through only matches.
    """

    upper: Code
    lower: Code


def needs_server(leaf: ServerOnly) -> UnsupportedError:
    """The error of a lowering that meets what only a server can answer."""
    place = f" at {dotted(leaf.path)!r}" if leaf.path else ""
    return UnsupportedError(
        f"{leaf.name}{place} can only be answered by a MongoDB server: it is compiled for the engine 'mongodb' "
        "(connect('mongodb://…') or to_mongodb()) and for no other"
    )


class Lowering(Protocol[Code]):
    """The pass from the tree to one target.

    `Code` is whatever the target needs: SQL nodes, a dict, source text. Every method may return None to decline.
    """

    def predicate(self, leaf: Leaf) -> Code | Superset[Code] | Bounds[Code] | None:
        """Code for one predicate, or for a superset of it, or for bounds of it."""
        ...

    def conjunction(self, parts: Sequence[Code]) -> Code | None:
        """Code that holds where all of two or more parts hold."""
        ...

    def disjunction(self, parts: Sequence[Code]) -> Code | None:
        """Code that holds where some of two or more parts holds."""
        ...

    def negation(self, part: Code) -> Code | None:
        """Code that holds where the part does not: two-valued, so exactly there."""
        ...
