"""Projections as data: which fields of a document a find returns, and what of them (semantics 6.1 to 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import Document

Tree: TypeAlias = dict[str, "Tree | None"]
"""Field → what of it is meant; None where the whole field is."""

Evaluate: TypeAlias = Callable[[Document], Any]
"""From a document to the value of an expression; `MISSING` where it has none."""


@final
@dataclass(frozen=True, slots=True)
class Slice:
    """A part of an array (semantics 6.2).

    Attributes:
        skip: how many elements to leave out, from the end where it is negative; None where the limit says all.
        limit: how many elements at most; without a skip, a negative one counts from the end.
    """

    skip: int | None
    limit: int

    def of(self, items: list[Any]) -> list[Any]:
        """The part of these elements."""
        if self.skip is None:
            return items[: self.limit] if self.limit >= 0 else items[self.limit :]
        start = self.skip if self.skip >= 0 else max(len(items) + self.skip, 0)
        return items[start : start + self.limit]


@final
@dataclass(frozen=True, slots=True)
class FoundElement:
    """The one element that the filter found in an array: what `path.$` leaves of it (semantics 6.3)."""


@final
@dataclass(frozen=True, slots=True)
class Projection:
    """What of a document is returned.

    Attributes:
        fields: the fields that are included or excluded, those of slices and of `a.$` among the included; of the
            path to a computed field the objects on the way.
        include: which of the two.
        with_id: whether `_id` is returned.
        spec: the same as a server takes it.
        arrays: what is left of the arrays at some of the paths, in the order in which that is done.
        added: the computed fields, in order, and among them the fields with a `$elemMatch`: the filter
            `{field: {$elemMatch: …}}` whose first matching element is left of its array.
    """

    fields: Tree
    include: bool
    with_id: bool
    spec: dict[str, Any]
    arrays: tuple[tuple[Path, Slice | FoundElement], ...] = ()
    added: tuple[tuple[Path, BoundPlan | Evaluate], ...] = ()
