"""Sorting as a server sorts (semantics 6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, final

from bson import Decimal128

from mongoglot.compiler.ast import Path
from mongoglot.compiler.field_path import check_field_path
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import (
    MISSING,
    MISSING_RANK,
    SortKey,
    as_mapping,
    is_array,
    is_document,
    sort_key,
)
from mongoglot.compiler.walk import array_index
from mongoglot.errors import FilterError

Spec: TypeAlias = str | Mapping[str, Any] | Sequence[str | tuple[str, Any]] | None

_EMPTY_ARRAY: Final[SortKey] = (MISSING_RANK,)


@final
@dataclass(frozen=True, slots=True)
class Sort:
    """An order of documents.

    Attributes:
        keys: path and direction (1 or -1), the most significant first.
        natural: 1 or -1 for the order of insertion or its reverse, where there are no keys.
    """

    keys: tuple[tuple[str, int], ...] = ()
    natural: int = 1

    @property
    def spec(self) -> list[tuple[str, int]]:
        """The same as pymongo takes it."""
        return list(self.keys) if self.keys else [("$natural", self.natural)]

    def sorted(self, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The documents in order; equal ones stay as they are."""
        if not self.keys:
            return documents if self.natural == 1 else documents[::-1]
        paths = [tuple(name.split(".")) for name, _ in self.keys]
        directions = [direction for _, direction in self.keys]
        keyed = [(document_key(document, paths, directions), document) for document in documents]
        for position in reversed(range(len(paths))):
            keyed.sort(key=lambda pair: pair[0][position], reverse=directions[position] == -1)
        return [document for _, document in keyed]


def read_sort(spec: Spec) -> Sort | None:
    """Read a sort as pymongo takes it: a name, pairs, names or a document.

    Raises:
        FilterError: with the server's code.
    """
    if spec is None:
        return None
    pairs = _pairs(spec)
    if not pairs:
        return None
    keys: dict[str, int] = {}
    for name, value in pairs:
        if name == "$natural":
            return _read_natural(value, pairs)
        direction = _direction(name, value)
        check_field_path(name, f"sort.{name}" if name else "sort")
        keys.setdefault(name, direction)
    return Sort(tuple(keys.items()))


def _pairs(spec: Any) -> list[tuple[str, Any]]:
    """Names and directions.

    Raises:
        FilterError: code 14, it is none of the forms of a sort.
    """
    if isinstance(spec, str):
        return [(spec, 1)]
    items = spec.items() if isinstance(spec, Mapping) else spec if isinstance(spec, (list, tuple)) else [None]
    pairs: list[Any] = [(item, 1) if isinstance(item, str) else item for item in items]
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            reason = "a sort is a name, a document, or a list of names and of pairs of a name and a direction"
            raise FilterError(14, reason, path="sort")
    return pairs


def _read_natural(value: Any, pairs: list[tuple[str, Any]]) -> Sort:
    if len(pairs) > 1:
        shown = ", ".join(f"{name}: {direction}" for name, direction in pairs)
        raise FilterError(2, f"Cannot include '$natural' in compound sort: {{ {shown} }}", path="sort")
    if isinstance(value, Mapping):
        raise FilterError(2, "$natural cannot be set to an object", path="sort")
    backward = isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0
    return Sort(natural=-1 if backward else 1)


def _direction(name: str, value: Any) -> int:
    if isinstance(value, Mapping):
        raise FilterError(
            17312, "$meta is the only expression supported by $sort right now", path=f"sort.{name}"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal128)):
        reason = f"Illegal key in $sort specification: {name}: {rendered(value)}"
        raise FilterError(15974, reason, path=f"sort.{name}")
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    direction = int(exact) if exact.is_finite() and -2 < exact < 2 else 0
    if direction not in (1, -1):
        reason = "$sort key ordering must be 1 (for ascending) or -1 (for descending)"
        raise FilterError(15975, reason, path=f"sort.{name}")
    return direction


def document_key(document: Mapping[str, Any], paths: list[Path], directions: list[int]) -> list[SortKey]:
    """The sort key of a document: of the candidate tuples the least in the order asked for.

    Raises:
        FilterError: code 2 where two paths end in different arrays.
    """
    tuples = list(_candidates(document, [_End(path) for path in paths], {}))
    for position, direction in enumerate(
        directions
    ):  # the best of the first key, of those the best of the second, …
        if len(tuples) == 1:
            break
        best = (min if direction == 1 else max)(candidate[position] for candidate in tuples)
        tuples = [candidate for candidate in tuples if candidate[position] == best]
    return tuples[0]


@dataclass(frozen=True, slots=True)
class _End:
    """One path of the sort on its way down: what is left of it, and the value where nothing is."""

    left: Path
    value: Any = None
    whole: bool = (
        False  # the value is an array that an index named in another one: one candidate, not expanded
    )


_UNDEFINED: Final = object()


def _candidates(value: Any, ends: list[_End], chosen: dict[int, _End]) -> Iterator[list[SortKey]]:
    """The candidate tuples below an object, as the server extracts index keys from it.

    Args:
        value: the object in which the paths that are not at their end go on.
        ends: the paths.
        chosen: for each path that names an element of the enclosing array by index, where that leads.

    Raises:
        FilterError: code 16746 where a component is both an index and a field of an element.
    """
    ends = list(ends)
    array: Any = None
    expanded: list[int] = []
    for position, end in enumerate(ends):
        if not end.left:
            continue
        ends[position] = end = _step(value, end, chosen.get(position))
        if not is_array(end.value):
            continue
        if array is not None and end.value is not array:
            raise FilterError(2, "cannot sort with keys that are parallel arrays", path="sort")
        array = end.value
        if not end.whole:
            expanded.append(position)
    if not expanded:
        yield [_EMPTY_ARRAY if end.value is _UNDEFINED else sort_key(end.value) for end in ends]
        return
    below = {
        p: _descend(array[i], ends[p].left[1:], True)
        for p in expanded
        if (i := _index(array, ends[p])) is not None
    }
    for item in array if array else [_UNDEFINED]:
        inner = list(ends)
        for position in expanded:
            if not ends[position].left:
                inner[position] = _End((), item)
        yield from _candidates(item if is_document(item) else {}, inner, below)


def _index(array: Any, end: _End) -> int | None:
    """The element of the array that the next component of a path names, or None."""
    index = array_index(end.left[0]) if end.left else None
    return index if index is not None and index < len(array) else None


def _step(value: Any, end: _End, chosen: _End | None) -> _End:
    """Follow a path to its end or to the first array on it."""
    fields = as_mapping(value)
    if end.left[0] in fields:
        if chosen is not None:
            raise FilterError(16746, f"Ambiguous field name found in array: '{end.left[0]}'", path="sort")
        return _descend(fields[end.left[0]], end.left[1:], False)
    return chosen if chosen is not None else _End((), None)


def _descend(value: Any, left: Path, in_array: bool) -> _End:
    while left and is_document(value):
        value = as_mapping(value).get(left[0], MISSING)
        left = left[1:]
        in_array = False
    if is_array(value):
        whole = in_array and not left
        return _End((), _UNDEFINED) if whole and not value else _End(left, value, whole)
    return _End((), None if left or value is MISSING else value)
