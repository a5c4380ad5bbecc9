"""Sorting as a server sorts (semantics 6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, final

from bson import Decimal128

from mongoglot.compiler.ast import Path
from mongoglot.compiler.candidates import UNDEFINED, AmbiguousNameError, ParallelArraysError, candidates
from mongoglot.compiler.field_path import check_field_path
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import MISSING, MISSING_RANK, SortKey, sort_key
from mongoglot.compiler.written_keys import check_name
from mongoglot.errors import FilterError

Spec: TypeAlias = str | Mapping[str, Any] | Sequence[str | tuple[str, Any]] | None

_DIRECTIONS: Final = "write 1 for ascending or -1 for descending"

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
        FilterError: code 14, it is none of the forms of a sort, or a text that says more than a name.
    """
    if isinstance(spec, str):
        check_name(spec, "sort")
        return [(spec, 1)]
    items = spec.items() if isinstance(spec, Mapping) else spec if isinstance(spec, (list, tuple)) else [None]
    pairs: list[Any] = [(item, 1) if isinstance(item, str) else item for item in items]
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            reason = "a sort is a name, a document, or a list of names and of pairs of a name and a direction"
            hint = "write {field: 1}, or [(field, -1)] for descending"
            raise FilterError(14, reason, path="sort", hint=hint)
    return pairs


def _read_natural(value: Any, pairs: list[tuple[str, Any]]) -> Sort:
    if len(pairs) > 1:
        shown = ", ".join(f"{name}: {direction}" for name, direction in pairs)
        raise FilterError(2, f"Cannot include '$natural' in compound sort: {{ {shown} }}", path="sort")
    if isinstance(value, Mapping):
        raise FilterError(2, "$natural cannot be set to an object", path="sort", hint=_DIRECTIONS)
    backward = isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0
    return Sort(natural=-1 if backward else 1)


def _direction(name: str, value: Any) -> int:
    if isinstance(value, Mapping):
        raise FilterError(
            17312, "$meta is the only expression supported by $sort right now", path=f"sort.{name}"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal128)):
        reason = f"Illegal key in $sort specification: {name}: {rendered(value)}"
        raise FilterError(15974, reason, path=f"sort.{name}", hint=_DIRECTIONS)
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
    tuples = _candidates(document, paths)
    for position, direction in enumerate(
        directions
    ):  # the best of the first key, of those the best of the second, …
        if len(tuples) == 1:
            break
        best = (min if direction == 1 else max)(candidate[position] for candidate in tuples)
        tuples = [candidate for candidate in tuples if candidate[position] == best]
    return tuples[0]


def _candidates(document: Mapping[str, Any], paths: list[Path]) -> list[list[SortKey]]:
    """The candidate tuples, as sort keys."""
    try:
        return [list(map(_key, candidate)) for candidate in candidates(document, paths)]
    except ParallelArraysError:
        raise FilterError(2, "cannot sort with keys that are parallel arrays", path="sort") from None
    except AmbiguousNameError as error:
        reason = f"Ambiguous field name found in array: '{error.name}'"
        raise FilterError(16746, reason, path="sort") from None


def _key(value: Any) -> SortKey:
    if value is UNDEFINED:
        return _EMPTY_ARRAY
    return sort_key(None if value is MISSING else value)
