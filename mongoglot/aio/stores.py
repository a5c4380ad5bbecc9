"""Asynchronous stores: opening one, and its collections."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, final

from mongoglot.aio.collections import AsyncCollection
from mongoglot.aio.threads import ThreadedBackend
from mongoglot.engines.asynchronous import AsyncBackend
from mongoglot.engines.base import Verification
from mongoglot.engines.registry import async_opener, open_engine
from mongoglot.pymongo_names import StoreNames
from mongoglot.store.requests import check_name


def connect(url: str, **options: Any) -> Opening:
    """Open a store: `store = await connect(url)`, or `async with connect(url) as store`.

    A store on a MongoDB server is for the event loop that it is opened in; other engines run in threads of theirs.

    Args:
        url: as `mongoglot.connect` takes it.
        options: of the engine.

    Raises:
        UnsupportedError: (when it is awaited) no engine answers to the URL.
        StoreError: (when it is awaited) it cannot be opened.
    """
    return Opening(url, options)


@final
class Opening(Awaitable["AsyncStore"], AbstractAsyncContextManager["AsyncStore"]):
    """A store that is being opened: awaited, or entered with `async with`, it is the store."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._url = url
        self._options = options
        self._store: AsyncStore | None = None

    def __await__(self) -> Generator[Any, None, AsyncStore]:
        return self._opened().__await__()

    async def __aenter__(self) -> AsyncStore:
        self._store = await self._opened()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        if self._store is not None:
            await self._store.close()

    async def _opened(self) -> AsyncStore:
        opener = async_opener(self._url, self._options)
        if opener is not None:
            return AsyncStore(await opener())
        return AsyncStore(await ThreadedBackend.opened(partial(open_engine, self._url, self._options)))


@final
class AsyncStore(StoreNames):
    """An open store; `store["tasks"]` is a collection. Also an asynchronous context manager that closes it."""

    def __init__(self, backend: AsyncBackend) -> None:
        self.backend = backend

    def __getitem__(self, name: str) -> AsyncCollection:
        """A collection; it comes into being with its first document."""
        check_name(name)
        return AsyncCollection(self, name)

    async def collection_names(self) -> list[str]:
        """The names of the collections that hold documents, sorted.

        Raises:
            StoreError: the store cannot be read, or is closed.
        """
        return await self.backend.collection_names()

    async def verify(self) -> Verification:
        """Check what is stored; see `Store.verify`.

        Raises:
            UnsupportedError: the engine has no check; a server has one of its own.
        """
        return await self.backend.verify()

    async def close(self) -> None:
        """Wait for the writes that have begun, and release the file or connection; once more does nothing."""
        await self.backend.close()

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<mongoglot asynchronous store on {self.backend.name}>"
