"""Reading: what an engine finds and counts, within the time that it has."""

from __future__ import annotations

from collections.abc import Iterator

from mongoglot.compiler.deadline import limited
from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.base import Backend, FindRequest, Record


def found(backend: Backend, collection: str, request: FindRequest, limit: int | None) -> Iterator[Record]:
    """The matching documents; a limit is in milliseconds."""
    if limit is None:
        return backend.find(collection, request)
    return limited(lambda: backend.find(collection, request), limit)


def counted(backend: Backend, collection: str, query: BoundPlan, limit: int | None) -> int:
    """How many documents match; a limit is in milliseconds."""
    if limit is None:
        return backend.count(collection, query)
    return next(limited(lambda: iter([backend.count(collection, query)]), limit))
