"""The driver's errors as ours: they stop here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import bson
from pymongo import errors

from mongoglot.engines.base import Record
from mongoglot.errors import (
    DuplicateKeyError,
    FilterError,
    MongoglotError,
    StoreError,
    TimeLimitError,
    UnsupportedError,
    WriteError,
)


class BulkError(Exception):
    """A bulk write that failed, with the server's details."""

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details
        super().__init__()


@contextmanager
def translated() -> Iterator[None]:
    """Turn pymongo's errors into ours."""
    try:
        yield
    except errors.BulkWriteError as error:
        raise BulkError(dict(error.details)) from None
    except errors.WriteError as error:
        raise WriteError(error.code or 0, str(error)) from None
    except errors.DocumentTooLarge as error:
        raise WriteError(_TOO_LARGE, f"the document is larger than a server stores: {error}") from None
    except errors.ExecutionTimeout:
        raise TimeLimitError from None
    except errors.OperationFailure as error:
        raise _failure(error) from None
    except errors.ServerSelectionTimeoutError as error:  # nothing was sent
        raise StoreError(f"no MongoDB server answers: {without_topology(error)}") from None
    except errors.ConnectionFailure as error:
        raise StoreError(
            f"the connection to the MongoDB server broke: {without_topology(error)}; a write that was under way "
            "may have been done"
        ) from None
    except (errors.PyMongoError, bson.errors.BSONError) as error:
        if "after close" in str(error):
            raise StoreError("the store on the MongoDB server is closed") from None
        raise StoreError(f"the MongoDB server cannot be used: {without_topology(error)}") from None


@contextmanager
def explained(collection: str) -> Iterator[None]:
    """Turn a duplicate key into the error that says which."""
    try:
        yield
    except errors.DuplicateKeyError as error:
        raise duplicate(collection, None, error.details or {}) from None


@contextmanager
def of_insert(collection: str, document: Mapping[str, Any]) -> Iterator[None]:
    """Turn what a single document is refused for into the errors that say so."""
    try:
        yield
    except errors.DuplicateKeyError as error:
        raise duplicate(collection, document["_id"], error.details or {}) from None
    except errors.WriteError as error:
        raise WriteError(error.code or 0, str((error.details or {}).get("errmsg", error))) from None
    except errors.WriteConcernError as error:
        raise unconfirmed([error.details]) from None


@contextmanager
def of_index(collection: str) -> Iterator[None]:
    """Turn what an index is refused for into the errors that say so."""
    try:
        with explained(collection):
            yield
    except errors.OperationFailure as error:
        if error.code not in _OF_INDEXES:
            raise
        raise WriteError(error.code or 0, str((error.details or {}).get("errmsg", error))) from None


def duplicate(collection: str, key: Any, details: Mapping[str, Any]) -> DuplicateKeyError:
    """The error of a key that is there already: an `_id`, or one of a unique index."""
    found = re.search(r" index: (.*) dup key: ", str(details.get("errmsg", "")), re.S)
    if found is None or found[1] == "_id_":
        return DuplicateKeyError(collection, key)
    return DuplicateKeyError(collection, dict(details.get("keyValue", {})), found[1])


_OF_INDEXES: Final = frozenset({2, 14, 26, 27, 67, 72, 85, 86, 171, 197, 13103, 16746})
"""Codes of refused definitions, and of documents that cannot be in an index."""

_TOO_LARGE: Final = 10334
DUPLICATE: Final = 11000
_NOT_ALLOWED: Final = frozenset({13, 18, 33, 8000})


def _failure(error: errors.OperationFailure) -> MongoglotError:
    reason = str((error.details or {}).get("errmsg", error))
    match error.code:
        case code if code == _TOO_LARGE:
            return WriteError(_TOO_LARGE, reason)
        case code if code in _NOT_ALLOWED:
            return StoreError(f"the MongoDB server does not allow it: {reason}")
        case code:
            return FilterError(code or 0, reason)


def without_topology(error: Exception) -> str:
    """What happened, without pymongo's picture of the whole cluster."""
    return str(error).partition(", Timeout:")[0].partition(", Topology")[0]


def server_checks_itself() -> UnsupportedError:
    """Why a store on a server is not verified."""
    return UnsupportedError("a MongoDB server checks itself: run its command validate on the collection")


def unconfirmed(reasons: Any) -> StoreError:
    """The error of a write that the servers did not confirm as they were asked to."""
    return StoreError(f"the MongoDB server did not confirm a write: {reasons}")


def insert_error(collection: str, documents: list[Record], details: dict[str, Any]) -> MongoglotError:
    """The error of a batch of inserts, by what the driver says of its first failure."""
    if not details.get("writeErrors"):
        return unconfirmed(details.get("writeConcernErrors"))
    first = details["writeErrors"][0]
    if first["code"] == DUPLICATE:
        return duplicate(collection, documents[first["index"]]["_id"], first)
    return WriteError(first["code"], first["errmsg"])
