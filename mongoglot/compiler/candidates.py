"""The values that a server takes from a document for the keys of a sort or of an index (semantics 6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.values import MISSING, as_mapping, is_array, is_document
from mongoglot.compiler.walk import array_index


@final
class Undefined:
    """The type of `UNDEFINED`, which stands for the elements of an empty array."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


class ParallelArraysError(Exception):
    """Two paths lead into different arrays; `first` and `second` are the names of these."""

    def __init__(self, first: str, second: str) -> None:
        self.first, self.second = first, second
        super().__init__(first, second)


class AmbiguousNameError(Exception):
    """A component of a path is both an index of an array and a field of an element of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def without_arrays(document: Mapping[str, Any], paths: Sequence[Path]) -> list[Any] | None:
    """The one candidate of a document that has no array on any of the paths or at its end; None for others."""
    found = []
    for path in paths:
        value: Any = document
        for part in path:
            if not is_document(value):
                if is_array(value):
                    return None
                value = MISSING
                break
            value = as_mapping(value).get(part, MISSING)
        if value.__class__ is list or is_array(value):
            return None
        found.append(value)
    return found


def candidates(document: Mapping[str, Any], paths: Sequence[Path]) -> Iterator[list[Any]]:
    """The tuples of values at the ends of the paths: one, or one for each element of an array on the way.

    MISSING stands for a field that is not there, UNDEFINED for the element of an empty array.

    Raises:
        ParallelArraysError, AmbiguousNameError: as the classes say.
    """
    if len(paths) == 1 and (array := _array_at_end(document, paths[0])) is not None:
        yield from ([item] for item in array) if array else ([UNDEFINED],)
    else:
        yield from _below(document, [_End(path, path) for path in paths], {})


def _array_at_end(document: Mapping[str, Any], path: Path) -> list[Any] | None:
    """The array at the end of a path that leads through objects alone: what most arrays are."""
    value: Any = document
    for part in path:
        if value.__class__ is not dict:
            return None
        value = value.get(part)
    return value if value.__class__ is list else None


@dataclass(frozen=True, slots=True)
class _End:
    """One path on its way down.

    Attributes:
        path: all of it.
        left: what is left of it.
        value: where nothing is left, or an array is in the way.
        whole: the value is an array that an index named in another one: one candidate, not expanded.
    """

    path: Path
    left: Path
    value: Any = None
    whole: bool = False

    @property
    def name(self) -> str:
        """The component that was followed last."""
        return self.path[len(self.path) - len(self.left) - 1]


def _below(value: Any, ends: list[_End], chosen: dict[int, _End]) -> Iterator[list[Any]]:
    """The candidate tuples below an object.

    Args:
        value: the object in which the paths that are not at their end go on.
        ends: the paths.
        chosen: for each path that names an element of the enclosing array by index, where that leads.
    """
    ends = list(ends)
    array: Any = None
    name = ""
    expanded: list[int] = []
    for position, end in enumerate(ends):
        if not end.left:
            continue
        ends[position] = end = _step(value, end, chosen.get(position))
        if not is_array(end.value):
            continue
        if array is not None and end.value is not array:
            raise ParallelArraysError(end.name, name)
        array, name = end.value, end.name
        if not end.whole:
            expanded.append(position)
    if not expanded:
        yield [end.value for end in ends]
        return
    below = {
        p: _descend(ends[p], array[i], ends[p].left[1:], True)
        for p in expanded
        if (i := _index(array, ends[p])) is not None
    }
    for item in array if array else [UNDEFINED]:
        inner = list(ends)
        for position in expanded:
            if not ends[position].left:
                inner[position] = _End(ends[position].path, (), item)
        yield from _below(item if is_document(item) else {}, inner, below)


def _index(array: Any, end: _End) -> int | None:
    """The element of the array that the next component of a path names, or None."""
    index = array_index(end.left[0]) if end.left else None
    return index if index is not None and index < len(array) else None


def _step(value: Any, end: _End, chosen: _End | None) -> _End:
    """Follow a path to its end or to the first array on it."""
    fields = as_mapping(value)
    if end.left[0] in fields:
        if chosen is not None:
            raise AmbiguousNameError(end.left[0])
        return _descend(end, fields[end.left[0]], end.left[1:], False)
    return chosen if chosen is not None else _End(end.path, (), MISSING)


def _descend(end: _End, value: Any, left: Path, in_array: bool) -> _End:
    while left and is_document(value):
        value = as_mapping(value).get(left[0], MISSING)
        left = left[1:]
        in_array = False
    if is_array(value):
        whole = in_array and not left
        return _End(end.path, (), UNDEFINED) if whole and not value else _End(end.path, left, value, whole)
    return _End(end.path, (), MISSING if left else value)
