"""Writes vanish; reads raise and say why, so that nobody takes an empty answer for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import FindRequest, Record, Verification
from mongoglot.errors import NoDataError, UnsupportedError


def open_backend(url: str, *, tables: Iterable[Any] = ()) -> NullBackend:  # noqa: ARG001 - this engine has no columns
    """The store for `null:`; declared columns mean nothing to it."""
    if url != "null:":
        raise UnsupportedError(f"the null engine answers to 'null:', not to {url!r}")
    return NullBackend()


class NullBackend:
    """The backend that keeps nothing."""

    name = "null"

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """The documents vanish."""
        for _ in documents:
            pass

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """Raise NoDataError."""
        self._refuse(collection)

    def count(self, collection: str, query: BoundPlan) -> int:
        """Raise NoDataError."""
        self._refuse(collection)

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Nothing is there to update."""
        return 0, 0

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Nothing is there to delete."""
        return 0

    def drop(self, collection: str) -> None:
        """Nothing is there to drop."""

    def collection_names(self) -> list[str]:
        """No collection holds anything."""
        return []

    def create_index(self, collection: str, index: Index) -> None:
        """There is nothing to find."""

    def drop_index(self, collection: str, name: str) -> None:
        """There is nothing to drop."""

    def list_indexes(self, collection: str) -> list[Record]:
        """No collection has any."""
        return []

    def verify(self) -> Verification:
        """Nothing is stored, and nothing is wrong with it."""
        return Verification((), 0, 0)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """Why there is no answer."""
        return {"engine": self.name, "reason": _reason(collection), "residual": None}

    def close(self) -> None:
        """Nothing is held."""

    def _refuse(self, collection: str) -> NoReturn:
        raise NoDataError(_reason(collection))


def _reason(collection: str) -> str:
    return (
        f"nothing can be read from {collection!r}: the store is 'null:', which keeps nothing; "
        "open a 'memory:', 'sqlite:PATH' or 'mongodb://…' store to keep records"
    )
