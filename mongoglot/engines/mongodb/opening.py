"""Opening a store on a MongoDB server: how long it is waited for, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pymongo
from pymongo import errors

from mongoglot.engines.mongodb.backend import MongoDBBackend
from mongoglot.engines.mongodb.failures import without_topology
from mongoglot.errors import StoreError, UnsupportedError

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds to wait for a server before a call fails."""

_MAX_TIMEOUT: Final = 1_000_000
_OFTEN, _SELDOM = 500, 10_000
"""Milliseconds between two looks of the driver at a server: its least, and its default."""


def open_backend(
    url: str,
    *,
    tables: Iterable[Any] = (),  # noqa: ARG001 - a server has no columns
    timeout: float = DEFAULT_TIMEOUT,
    **options: Any,
) -> MongoDBBackend:
    """A store for `mongodb://…`; the database is the one in the URL, or `mongoglot`.

    Args:
        url: as pymongo takes it.
        tables: declared columns, which mean nothing to a server.
        timeout: seconds to wait for a server, at the start and later. An operation that runs may take longer, as
            long as the server answers the driver, which asks it as often as that.
        options: further keyword arguments of `pymongo.MongoClient`.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise UnsupportedError(f"timeout is a number of seconds, not {type(timeout).__name__}")
    if not 0.001 <= timeout <= _MAX_TIMEOUT:
        raise UnsupportedError(f"timeout is a number of seconds, 0.001 to {_MAX_TIMEOUT:,}, not {timeout}")
    milliseconds = int(timeout * 1000)
    wait: dict[str, Any] = {
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": milliseconds,  # also of the driver's look at the server, which finds one that hangs
        "heartbeatFrequencyMS": min(max(milliseconds, _OFTEN), _SELDOM),
    }
    client: pymongo.MongoClient[Any] | None = None
    try:
        client = pymongo.MongoClient(url, **{**wait, **options})
        backend = MongoDBBackend(client)
        backend.note(client.admin.command("hello"))
    except errors.ConnectionFailure as error:
        reason = f"no MongoDB server answers at {_shown(url)}: {without_topology(error)}"
    except errors.OperationFailure as error:
        reason = f"the MongoDB server at {_shown(url)} refuses: {(error.details or {}).get('errmsg', error)}"
    except (errors.PyMongoError, ValueError, TypeError):
        # the driver's words may quote a part of the password
        reason = (
            f"{_shown(url)} or an option is not valid for a MongoDB server; write mongodb://host:port/database, "
            "user and password percent-encoded (urllib.parse.quote_plus)"
        )
    else:
        return backend
    if client is not None:
        client.close()
    raise StoreError(reason)


def _shown(url: str) -> str:
    """The URL without what may be a password: whatever stands before its last `@`."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else url
