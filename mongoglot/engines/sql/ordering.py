"""Sorts that a database does, with a mark on rows that it may not have placed as a server does (semantics 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, TypeAlias, final

from mongoglot.compiler.ast import Node
from mongoglot.compiler.values import INT64_MAX
from mongoglot.engines.base import FindRequest, Record, checked
from mongoglot.engines.sql.nodes import quoted

Row: TypeAlias = tuple[Any, ...]


@final
@dataclass(frozen=True, slots=True)
class Order:
    """What the rows of a collection are sorted by.

    Attributes:
        text: of ORDER BY; equal rows stay in the order of insertion.
        unsure: the mark of a row, as SQL; None where every row is placed.
        leads: whether rows with the mark come first, so that the first row tells whether there are any.
        parameters: what the text has placeholders for.
    """

    text: str
    unsure: str | None = None
    leads: bool = True
    parameters: tuple[Any, ...] = ()

    @property
    def sorter(self) -> str:
        """Who sorts, for `explain`."""
        return "SQL" if self.unsure is None else "SQL, or Python where it has a row that SQL cannot place"


ROW: Final = "_row"
"""The column with the order of insertion."""

INSERTION: Final = Order(quoted(ROW))


def direction(way: int) -> str:
    """What follows an item of ORDER BY."""
    return "" if way == 1 else " DESC"


def most(request: FindRequest) -> int | None:
    """How many documents are looked at, those that are skipped too; None for all."""
    return min(request.skip + request.limit, INT64_MAX) if request.limit else None


def pushed(request: FindRequest, residual: Node | None, order: Order) -> tuple[str, int]:
    """LIMIT and OFFSET, numbers that have been checked, and how many documents are left to skip.

    What SQL cannot place comes first, so that no row is skipped there.
    """
    skip, wanted = request.skip, most(request)
    if residual is not None:
        return "", skip
    if order.unsure is not None:
        return ("" if wanted is None else f" LIMIT {wanted:d}"), skip
    limit = f" LIMIT {request.limit:d}" if request.limit else ""
    return limit + (f" OFFSET {skip:d}" if skip else ""), 0


def in_order(
    rows: Iterable[Row],
    order: Order,
    request: FindRequest,
    residual: Node | None,
    decoded: Callable[[Iterable[Row]], Iterator[tuple[int, Record]]],
) -> Iterator[Record] | None:
    """The documents asked for; None where SQL has not placed them all.

    Args:
        rows: as `order` and `pushed` say, the mark behind what `decoded` needs: a list, or an iterator that is
            read here as far as needed.
        order: of the rows.
        request: what is asked for.
        residual: what of the filter is checked here.
        decoded: makes documents of rows.
    """
    placed = rows if order.unsure is None else _placed(rows, leads=order.leads)
    if placed is None:
        return None
    pairs = checked(decoded(placed), request.query, residual)
    found = islice((document for _, document in pairs), pushed(request, residual, order)[1], most(request))
    if isinstance(rows, list):
        return found
    try:
        return iter(list(found))
    except _UnsureError:
        return None


class _UnsureError(Exception):
    """A row has the mark."""


def _placed(rows: Iterable[Row], *, leads: bool) -> Iterable[Row] | None:
    """The rows; None where one has the mark."""
    if not leads:
        if isinstance(rows, list):
            return None if any(row[-1] for row in rows) else rows
        return _watched(rows)
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return []
    return None if first[-1] else chain([first], remaining)


def _watched(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        if row[-1]:
            raise _UnsureError
        yield row
