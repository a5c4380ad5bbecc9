"""The same calls on a blocking and on an asynchronous store, each empty and on the same engine."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import mongoglot
from mongoglot import MongoglotError, aio
from mongoglot.cursor import Cursor
from tests.conftest import with_database

if TYPE_CHECKING:
    import pytest

Place: TypeAlias = tuple[str, dict[str, Any]]
"""A URL and options of an empty store."""


@dataclass(frozen=True)
class Refused:
    """An error, as far as a caller can tell it from another one."""

    kind: type[Exception]
    text: str
    code: int | None


def place(engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where a new, empty store of an engine is; one on a server is in a database or schema of its own."""
    name = f"aio_{uuid.uuid4().hex[:12]}"
    match engine:
        case "sqlite":
            return f"sqlite:{tmp_path_factory.mktemp('sqlite') / 'store.db'}", {}
        case "postgresql":
            return request.getfixturevalue("postgresql"), {"schema": name}
        case "mongodb":
            return with_database(request.getfixturevalue("mongod_url"), name), {}
        case _:
            return f"{engine}:", {}


def asked(collection: mongoglot.Collection, name: str, /, *args: Any, **options: Any) -> Any:
    """What a call gives, or how it is refused."""
    try:
        found = getattr(collection, name)(*args, **options)
        return list(found) if isinstance(found, Cursor) or name == "list_indexes" else found
    except (MongoglotError, TypeError) as error:
        return refused(error)


async def awaited(collection: aio.AsyncCollection, name: str, /, *args: Any, **options: Any) -> Any:
    """The same of an asynchronous collection."""
    try:
        found = getattr(collection, name)(*args, **options)
        found = await found if inspect.isawaitable(found) else found
        return [each async for each in found] if isinstance(found, AsyncIterator) else found
    except (MongoglotError, TypeError) as error:
        return refused(error)


def refused(error: Exception) -> Refused:
    """An error as data."""
    return Refused(type(error), str(error), getattr(error, "code", None))
