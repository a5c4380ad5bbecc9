"""`$sortArray`: by whole values, or by paths that lead into the elements (semantics 3.9).

This is not the sort of a find: an array on a path is entered by an index alone, and a field whose name holds a dot
comes before a path. Nor is it stable: see `introsort`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from mongoglot.compiler.values import MISSING, SortKey, as_mapping, is_array, is_document, sort_key
from mongoglot.compiler.walk import array_index
from mongoglot.engines.python.expressions.introsort import STABLE, introsorted
from mongoglot.engines.python.expressions.numbers import is_nullish, named_type
from mongoglot.errors import FilterError

_NULL: Final = sort_key(None)


def sorted_array(array: Any, order: int | dict[str, int]) -> Any:
    """`$sortArray`."""
    if is_nullish(array):
        return None
    if not is_array(array):
        reason = f"The input argument to $sortArray must be an array, but was of type: {named_type(array)}"
        raise FilterError(2942504, reason)
    keys: list[tuple[SortKey, ...]]
    if isinstance(order, int):
        directions, keys = [order], [(sort_key(item),) for item in array]
    else:
        directions, keys = (
            list(order.values()),
            [tuple([_key(item, path) for path in order]) for item in array],
        )
    places = list(range(len(keys)))
    for number in reversed(range(len(directions))):
        places.sort(key=lambda place: keys[place][number], reverse=directions[number] == -1)
    if len(keys) > STABLE and len(set(keys)) < len(keys):
        places = introsorted(_ranks(places, keys))
    return [array[place] for place in places]


def _ranks(places: list[int], keys: list[tuple[SortKey, ...]]) -> list[int]:
    """The rank of each element, from their places in order; equal keys have one rank."""
    ranks = [0] * len(keys)
    for before, place in pairwise(places):
        ranks[place] = ranks[before] + (keys[place] != keys[before])
    return ranks


def _key(value: Any, path: str) -> SortKey:
    """What an element is compared by; what is no document counts as null, as one without the field does."""
    found = _below(value, path) if is_document(value) else MISSING
    return _NULL if found is MISSING else sort_key(found)


def _below(value: Any, path: str) -> Any:
    """The value at a path: the field of that whole name before the one below the first part of it."""
    found = _member(value, path)
    if found is not MISSING or "." not in path:
        return found
    name, _, rest = path.partition(".")
    return _below(_member(value, name), rest)


def _member(value: Any, name: str) -> Any:
    if is_document(value):
        return as_mapping(value).get(name, MISSING)
    index = array_index(name) if is_array(value) else None
    return MISSING if index is None or index >= len(value) else value[index]
