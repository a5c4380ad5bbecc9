"""Rows of a table, each its number and the JSON text of its document, to documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from mongoglot.engines.base import Record
from mongoglot.engines.sqlite import encoding
from mongoglot.errors import StoreError

AT_ONCE: Final = 50
"""Documents that are decoded at once."""


def documents_of(rows: list[tuple[Any, ...]], path: str) -> Iterator[Record]:
    """The documents of rows; decoded as they are taken, some at once.

    Args:
        rows: in any number.
        path: of the file that they stand in.

    Raises:
        StoreError: as `decoded`, in the place of the document.
    """
    if len(rows) <= AT_ONCE:
        return iter(_decoded_at_once(rows, path))
    starts = range(0, len(rows), AT_ONCE)
    return chain.from_iterable(_decoded_at_once(rows[start : start + AT_ONCE], path) for start in starts)


def _decoded_at_once(rows: list[tuple[Any, ...]], path: str) -> Iterable[Record]:
    try:
        documents = encoding.decode_all([text for _, text in rows])
        for document in documents:
            document["_id"]
    except Exception:  # one of them is damaged: those before it come first
        return (document for _, document in decoded(rows, path))
    return documents


def decoded(rows: Iterable[tuple[Any, ...]], path: str) -> Iterator[tuple[int, Record]]:
    """Rows with their documents in the place of the texts.

    Raises:
        StoreError: the file is damaged.
    """
    for row, text in rows:
        try:
            document = encoding.decode(text)
            document["_id"]  # which every document has
        except Exception as error:  # damaged bytes may raise anything
            reason = f"the document in row {row} cannot be decoded ({type(error).__name__})"
            raise StoreError(f"{path} is damaged: {reason}") from None
        yield row, document
