"""Inserting: documents as an engine takes them, a batch at a time, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, TypeAlias

from mongoglot.compiler.stored import as_stored
from mongoglot.engines.base import INSERT_BATCH, Backend, EncodingBackend, Record
from mongoglot.errors import EncodingTypeError
from mongoglot.store.requests import is_server

Progress: TypeAlias = Callable[[int], object]
"""Is called with the number of documents written so far."""


def insert_one(backend: Backend, collection: str, document: Mapping[str, Any]) -> Any:
    """Store a document; its `_id`. See `Collection.insert_one`."""
    encode, insert = _writing(backend)
    key, stored = encode(document)
    insert(collection, [stored])
    return key


def insert_many(
    backend: Backend, collection: str, documents: Iterable[Mapping[str, Any]], progress: Progress | None
) -> list[Any]:
    """Store documents in order; their `_id`s. See `Collection.insert_many`."""
    check_several(documents)
    encode, insert = _writing(backend)
    stored = map(encode, documents)
    first = list(islice(stored, INSERT_BATCH))
    ids: list[Any] = []
    told = progress or untold
    late = is_server(backend)  # it is sent the last documents when there are no more to take
    if first:
        insert(collection, _counted(chain(first, stored), ids, told, whole=not late))
        if late and len(ids) % INSERT_BATCH:
            told(len(ids))
    return ids


def check_several(documents: object) -> None:
    """Refuse one document, and what is none at all, where several are taken.

    Raises:
        EncodingTypeError: it is no iterable of documents.
    """
    if isinstance(documents, Mapping) or not isinstance(documents, Iterable):
        reason = f"insert_many takes several documents, not {type(documents).__name__}"
        raise EncodingTypeError(reason, hint="write a list of documents, or use insert_one")


def identified(document: Mapping[str, Any]) -> tuple[Any, Record]:
    """The `_id` of a document, and what is stored."""
    stored = as_stored(document)
    return stored["_id"], stored


def untold(_: int) -> None:
    """Tell nobody."""


def _writing(
    backend: Backend,
) -> tuple[Callable[[Mapping[str, Any]], tuple[Any, Any]], Callable[[str, Iterable[Any]], None]]:
    """What makes of a document its `_id` and what is stored, and what stores that in a collection."""
    if isinstance(backend, EncodingBackend):
        return backend.encoded, backend.insert_encoded
    return identified, backend.insert


def _counted(
    documents: Iterable[tuple[Any, Any]], ids: list[Any], progress: Progress, *, whole: bool
) -> Iterator[Any]:
    """Documents for an engine, which are written when it asks for the next one; for the end only if `whole`."""
    for key, document in documents:
        ids.append(key)
        yield document
        if not len(ids) % INSERT_BATCH:
            progress(len(ids))
    if whole and len(ids) % INSERT_BATCH:
        progress(len(ids))
