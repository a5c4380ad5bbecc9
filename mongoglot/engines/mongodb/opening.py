"""Opening a store on a server: its options, and why it cannot be opened."""

from __future__ import annotations

import re
from typing import Any, Final

from pymongo import AsyncMongoClient, MongoClient, errors

from mongoglot.engines.mongodb.asynchronous import AsyncMongoDBBackend
from mongoglot.engines.mongodb.backend import MongoDBBackend
from mongoglot.engines.mongodb.failures import without_topology
from mongoglot.errors import StoreError, UnsupportedError

_MAX_TIMEOUT: Final = 1_000_000
_OFTEN, _SELDOM = 500, 10_000
"""Milliseconds between two looks of the driver at a server: its least, and its default."""

_REFUSED: Final = (errors.PyMongoError, ValueError, TypeError)
"""What the driver raises for a server that does not answer, and for a URL or an option that is wrong."""


def open_backend(url: str, timeout: float, options: dict[str, Any]) -> MongoDBBackend:
    """A store on a server that answers; see `mongoglot.engines.mongodb.open_backend`."""
    waits = _waits(timeout)
    client: MongoClient[Any] | None = None
    try:
        client = MongoClient(url, **{**waits, **options})
        backend = MongoDBBackend(client)
        backend.note(client.admin.command("hello"))
    except _REFUSED as error:
        reason = _reason(url, error, options)
    else:
        return backend
    if client is not None:
        client.close()
    raise StoreError(reason)


async def open_async_backend(url: str, timeout: float, options: dict[str, Any]) -> AsyncMongoDBBackend:
    """The same through the driver's own asynchronous client."""
    waits = _waits(timeout)
    client: AsyncMongoClient[Any] | None = None
    try:
        client = AsyncMongoClient(url, **{**waits, **options})
        backend = AsyncMongoDBBackend(client)
        await client.admin.command("hello")
    except BaseException as error:
        if client is not None:
            await client.close()
        if not isinstance(error, _REFUSED):
            raise
        reason = _reason(url, error, options)
    else:
        return backend
    raise StoreError(reason)


def _waits(timeout: float) -> dict[str, Any]:
    """The driver's options that say how long it waits."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise UnsupportedError(f"timeout is a number of seconds, not {type(timeout).__name__}")
    if not 0.001 <= timeout <= _MAX_TIMEOUT:
        raise UnsupportedError(f"timeout is a number of seconds, 0.001 to {_MAX_TIMEOUT:,}, not {timeout}")
    milliseconds = int(timeout * 1000)
    return {
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": milliseconds,  # also of the driver's look at the server, which finds one that hangs
        "heartbeatFrequencyMS": min(max(milliseconds, _OFTEN), _SELDOM),
    }


def _reason(url: str, error: Exception, options: dict[str, Any]) -> str:
    """Why a store cannot be opened."""
    shown = _shown(url)
    match error:
        case errors.ConnectionFailure():
            return f"no MongoDB server answers at {shown}: {without_topology(error)}"
        case errors.OperationFailure():
            return f"the MongoDB server at {shown} refuses: {(error.details or {}).get('errmsg', error)}"
        case _:  # the driver's words may quote a part of the password
            if (wrong := _wrong_part(url, str(error), options)) is not None:
                return f"{shown} is not valid for a MongoDB server: {wrong}"
            return (
                f"{shown} or an option is not valid for a MongoDB server; write mongodb://host:port/database, "
                "user and password percent-encoded (urllib.parse.quote_plus)"
            )


def _wrong_part(url: str, said: str, options: dict[str, Any]) -> str | None:
    """Which option or port the driver refuses, as far as it can be said without its words."""
    for name in options:
        if re.search(rf"\b{re.escape(name)}\b", said, re.IGNORECASE):
            known = "is not known" if said.startswith("Unknown option") else "has a value that is not valid"
            return f"the option {name!r} {known}"
    hosts = url.partition("://")[2].rpartition("@")[2].partition("/")[0].partition("?")[0]
    for host in hosts.split(",") if hosts.count("[") == hosts.count("]") else ():
        _, colon, port = host.rpartition("]")[2].partition(":")
        if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:9]) < 65536):
            return f"the port {port[:20]!r} is no number from 1 to 65535"
    return None


def _shown(url: str) -> str:
    """The URL without what may be a password: whatever stands before its last `@`."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else url
