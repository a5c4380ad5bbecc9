"""The paths that a projection or a sort names: stricter than those of filters (semantics 6.1)."""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.values import MAX_DEPTH
from mongoglot.errors import FilterError

DBREF_NAMES: Final = frozenset({"$ref", "$id", "$db"})
"""The names with a `$` that a path may have, so that one can look into a DBRef."""


def check_field_path(name: str, place: str) -> None:
    """Check the name of a field in a projection or sort.

    Args:
        name: a path with dots.
        place: where it stands in the query, for the error.

    Raises:
        FilterError: code 40352, 40353, 15 (more than 200 components), 15998 or 16410.
    """
    if not name:
        raise FilterError(40352, "FieldPath cannot be constructed with empty string", path=place)
    if name.endswith("."):
        raise FilterError(40353, "FieldPath must not end with a '.'.", path=place)
    check_length(name, place)
    for part in name.split("."):
        if not part:
            raise FilterError(15998, "FieldPath field names may not be empty strings.", path=place)
        if part.startswith("$") and part not in DBREF_NAMES:
            reason = "FieldPath field names may not start with '$'. Consider using $getField or $setField."
            raise FilterError(16410, reason, path=place)


def check_length(name: str, place: str) -> None:
    """Refuse a path that is longer than any document is deep.

    Raises:
        FilterError: code 15.
    """
    if name.count(".") >= MAX_DEPTH:
        raise FilterError(15, "FieldPath is too long", path=place)
