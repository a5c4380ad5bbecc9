"""Keys of rows and of indexes: text in the order of values, short enough for PostgreSQL's B-trees."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from mongoglot.compiler.access import Lookup
from mongoglot.compiler.index import ID_INDEX, Index, keys_of
from mongoglot.engines.base import Record
from mongoglot.engines.sql.index_keys import MULTIKEY, SINGLE, intervals, key_texts, shortened
from mongoglot.engines.sql.tags import TAG, identity

LONGEST_KEY: Final = 600
"""Characters of a key, of up to four bytes each; a B-tree holds 2,704 bytes, and a digest stands for the rest."""


def id_key(value: Any) -> str:
    """The key of an `_id`: equal for equal values."""
    return shortened(identity(value))


def id_keys(values: list[Any]) -> list[str]:
    """The keys of several of them, each once."""
    return list(dict.fromkeys(map(id_key, values)))


def entries(document: Record, index: Index) -> dict[str, list[Any]]:
    """The keys of a document in an index, each with its values.

    Raises:
        WriteError: as `keys_of`.
    """
    return {_bounded(key): values for key, values in key_texts(keys_of(document, index)).items()}


def _bounded(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    return key[:LONGEST_KEY] + hashlib.sha256(key.encode()).hexdigest()


def wanted_entries(lookup: Lookup, values: list[Any]) -> list[tuple[str, str]]:
    """The half-open intervals of the keys that one lookup asks for, and no fewer."""
    single, multikey = intervals(lookup.single, values), intervals(lookup.multikey, values)
    if lookup.index is ID_INDEX:  # its keys have no mark, and `_id` is never an array
        found = single
    else:
        found = [(SINGLE + low, SINGLE + high) for low, high in single]
        found += [(MULTIKEY + low, MULTIKEY + high) for low, high in multikey]
    return [(low[:LONGEST_KEY], _end(high)) for low, high in found]


def _end(high: str) -> str:
    return high if len(high) <= LONGEST_KEY else high[:LONGEST_KEY] + TAG
