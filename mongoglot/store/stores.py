"""Stores: opening one, and its collections."""

from __future__ import annotations

from typing import Any, final

from mongoglot.engines.base import Backend, Verification
from mongoglot.engines.registry import open_engine
from mongoglot.pymongo_names import StoreNames
from mongoglot.store.collections import Collection
from mongoglot.store.requests import check_name


def connect(url: str, **options: Any) -> Store:
    """Open a store.

    Args:
        url: `memory:`, `sqlite:PATH`, `duckdb:PATH`, `postgresql://host/database`, `mongodb://host/database`,
            `null:`, or what another installed engine answers to.
        options: of the engine.

    Raises:
        UnsupportedError: no engine answers to the URL.
        StoreError: it cannot be opened.
    """
    return Store(open_engine(url, options))


@final
class Store(StoreNames):
    """An open store; `store["tasks"]` is a collection. Also a context manager that closes it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def __getitem__(self, name: str) -> Collection:
        """A collection; it comes into being with its first document."""
        check_name(name)
        return Collection(self, name)

    def collection_names(self) -> list[str]:
        """The names of the collections that hold documents, sorted."""
        return self.backend.collection_names()

    def verify(self) -> Verification:
        """Check what is stored: documents can be read, and indexes have the keys of the documents and no others.

        Returns:
            the problems, each a sentence, and how much was checked. A damaged store raises nothing.

        Raises:
            UnsupportedError: the engine has no check; a server has one of its own.
        """
        return self.backend.verify()

    def close(self) -> None:
        """Release the file or connection; calling it again does nothing."""
        self.backend.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mongoglot store on {self.backend.name}>"
