"""The indexes of a collection: which one is meant, and how they are listed."""

from __future__ import annotations

from collections.abc import Iterable

from mongoglot.compiler.index import Spec, default_name, key_pairs
from mongoglot.engines.base import Record


def index_name(index: Spec) -> str:
    """The name of an index that is given by its name or by its keys."""
    return index if isinstance(index, str) else default_name(key_pairs(index))


def by_name(indexes: Iterable[Record]) -> dict[str, Record]:
    """Indexes as a server lists them by name, with their keys as a list of pairs: pymongo's form."""
    return {
        found["name"]: {
            name: list(value.items()) if name == "key" else value
            for name, value in found.items()
            if name != "name"
        }
        for found in indexes
    }
