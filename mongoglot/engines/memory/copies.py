"""Copies of documents, cheaper than `copy.deepcopy`: what cannot change is shared, and classes are known."""

from __future__ import annotations

from typing import Any, Final

from bson import Code

_CHANGEABLE: Final[frozenset[type]] = frozenset({dict, list, Code})
"""Classes of normalised values that hold others."""


def copied(value: Any) -> Any:
    """An independent copy of a normalised value.

    A dict or a list is copied as a whole, which takes no step for each item, and then the items that hold others
    are replaced by copies of them.
    """
    if value.__class__ is dict:
        fields = value.copy()
        for name, item in value.items():
            if item.__class__ in _CHANGEABLE:
                fields[name] = copied(item)
        return fields
    if value.__class__ is list:
        items = value.copy()
        if not _CHANGEABLE.isdisjoint(map(type, items)):
            for position, item in enumerate(value):
                if item.__class__ in _CHANGEABLE:
                    items[position] = copied(item)
        return items
    if value.__class__ is Code and value.scope is not None:
        return Code(str.__str__(value), copied(value.scope))
    return value
