"""The mongodb engine: a server, replica set or sharded cluster through pymongo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from mongoglot.engines.mongodb.lowering import to_filter

if TYPE_CHECKING:
    from mongoglot.engines.mongodb.asynchronous import AsyncMongoDBBackend
    from mongoglot.engines.mongodb.backend import MongoDBBackend

__all__ = ["open_async_backend", "open_backend", "to_filter"]

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds to wait for a server before a call fails."""


def open_backend(
    url: str,
    *,
    tables: Iterable[Any] = (),  # noqa: ARG001 - a server has no columns
    timeout: float = DEFAULT_TIMEOUT,
    **options: Any,
) -> MongoDBBackend:
    """A store for `mongodb://…`; the database is the one in the URL, or `mongoglot`.

    pymongo is loaded here, when the first one is opened.

    Args:
        url: as pymongo takes it.
        tables: declared columns, which mean nothing to a server.
        timeout: seconds to wait for a server, at the start and later. An operation that runs may take longer, as
            long as the server answers the driver, which asks it as often as that.
        options: further keyword arguments of `pymongo.MongoClient`.
    """
    from mongoglot.engines.mongodb.opening import open_backend as opened

    return opened(url, timeout, options)


async def open_async_backend(
    url: str,
    *,
    tables: Iterable[Any] = (),  # noqa: ARG001 - a server has no columns
    timeout: float = DEFAULT_TIMEOUT,
    **options: Any,
) -> AsyncMongoDBBackend:
    """The same store through `pymongo.AsyncMongoClient`, for the event loop that runs."""
    from mongoglot.engines.mongodb.opening import open_async_backend as opened

    return await opened(url, timeout, options)
