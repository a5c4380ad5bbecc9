"""What an engine may offer to a retention: how much there is, and what is first in an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable


class Totals(NamedTuple):
    """How much a collection holds: how many documents, and the sum of their sizes in bytes."""

    records: int
    bytes: int


class First(NamedTuple):
    """A document: its key in the engine, its `_id`, and its size in bytes."""

    key: Any
    id: Any
    bytes: int


def sum_of(document: Mapping[str, Any], sizes: Sequence[str]) -> int:
    """The size of a document; what it does not say is 0."""
    return sum([document.get(name) or 0 for name in sizes])


@runtime_checkable
class CullingBackend(Protocol):
    """A backend that finds what is to be culled by its indexes. Sizes are fields that hold numbers."""

    def totals(self, collection: str, sizes: Sequence[str]) -> Totals:
        """How many documents there are, and the sum of the sizes."""
        ...

    def cull(
        self,
        collection: str,
        field: str,
        sizes: Sequence[str],
        limit: int,
        chosen: Callable[[list[First]], list[First]],
        before: Any = None,
    ) -> list[First]:
        """Delete documents from the start of an order; those that were deleted.

        The order is that of a field that holds dates. Documents with null there, or without it, have no place in
        it; what is no date comes before the dates.

        Args:
            collection: its name.
            field: at the top of a document.
            sizes: fields that hold numbers.
            limit: how many are looked at.
            chosen: those of them that are to go. What it is asked about is still so when they go.
            before: a naive datetime in UTC: only those with an earlier date.
        """
        ...
