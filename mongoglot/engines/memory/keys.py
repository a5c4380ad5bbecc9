"""Keys of an index: which documents have each, by key and by interval of keys.

A key is the sort keys of the values of its fields, one after the other: in an index on `a` and `b`, the document
`{"a": 5, "b": "x"}` has `(10, 1, 5, 15, "x")`. No sort key is the beginning of another one, so that keys compare
field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, final

from sortedcontainers import SortedList

from mongoglot.compiler.access import Constraint, Search, is_point
from mongoglot.compiler.ast import Compare, In
from mongoglot.compiler.candidates import UNDEFINED
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import MISSING_RANK, RANK, SortKey, is_array, sort_key

MAX_COMBINATIONS: Final = 10_000
"""More keys are not made by multiplying lists; the later field is left to the check of the candidates."""

_UNDEFINED: Final[SortKey] = (MISSING_RANK,)
"""The element of an empty array; no value has such a key."""

_NULL: Final[SortKey] = (RANK["null"],)
_STRING: Final = RANK["string"]
_DATE: Final = RANK["date"]

AFTER: Final = RANK["maxkey"] + 1
"""Greater than what the key of any value begins with: with a key in front, the end of the keys that begin so."""


@final
@dataclass(slots=True)
class Keys:
    """Keys with the rows of the documents that have them.

    Attributes:
        rows: by key.
        order: the keys in order. It is made for the first interval that is asked for, and kept up from then on.
    """

    rows: dict[SortKey, set[int]] = field(default_factory=dict)
    order: Any = field(default=None, compare=False)  # a SortedList, which has no types of its own

    def add(self, key: SortKey, row: int) -> None:
        """Add a key of a document."""
        rows = self.rows.get(key)
        if rows is not None:
            rows.add(row)
            return
        self.rows[key] = {row}
        if self.order is not None:
            self.order.add(key)

    def remove(self, key: SortKey, row: int) -> None:
        """Take away a key of a document."""
        rows = self.rows[key]
        rows.discard(row)
        if not rows:
            del self.rows[key]
            if self.order is not None:
                self.order.remove(key)

    def width(self, low: SortKey, high: SortKey) -> int:
        """How many keys there are from `low` on, and below `high`."""
        order = self._ordered()
        count: int = order.bisect_left(high) - order.bisect_left(low)
        return max(count, 0)

    def between(self, low: SortKey, high: SortKey) -> Iterator[set[int]]:
        """The rows of the keys from `low` on, and below `high`."""
        return map(self.rows.__getitem__, self._ordered().irange(low, high, (True, False)))

    def _ordered(self) -> Any:
        if self.order is None:
            self.order = SortedList(self.rows)
        return self.order


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """The keys that a search asks for: some by themselves, or half-open intervals of them."""

    keys: Sequence[SortKey] = ()
    intervals: Sequence[tuple[SortKey, SortKey]] = ()


def wanted(search: Search, values: list[Any], fields: int) -> Wanted:
    """The keys that a search asks for.

    Args:
        search: what is true of the values of the first fields.
        values: of the query.
        fields: how many the index has.
    """
    starts: Sequence[SortKey] = [()]
    for constraints in search.fields:
        if not is_point(constraints[0]):
            low, high = _interval(constraints, values)
            return Wanted(intervals=[(start + low, start + high) for start in starts])
        parts = points(constraints[0], values)
        if len(starts) > 1 and len(starts) * len(parts) > MAX_COMBINATIONS:
            break
        starts = [start + part for start in starts for part in parts]
    else:
        if len(search.fields) == fields:
            return Wanted(starts)
    return Wanted(intervals=[(start, (*start, AFTER)) for start in starts])


def quick_sort_key(value: Any) -> SortKey | None:
    """The `sort_key` of a value of the types that most ids and indexed fields have; None of others."""
    if value is None:
        return _NULL
    kind = value.__class__
    if kind is str:
        return (_STRING, value)
    return (_DATE, milliseconds(value)) if kind is datetime else None


def key_of(values: Iterable[Any]) -> SortKey:
    """The key of the values of some fields."""
    key: SortKey = ()
    for value in values:
        key += _UNDEFINED if value is UNDEFINED else sort_key(value)
    return key


def points(constraint: Constraint, values: list[Any]) -> list[SortKey]:
    """The keys that a value can have that equals the operand, or a member of the list.

    An array as a whole has no key: its elements have, so it is found by the first of them.
    """
    match constraint:
        case In(_, operand, _):
            wanted = operand.members(values)
        case Compare(_, _, operand):
            wanted = [values[operand.index]]
    keys = [sort_key(value) for value in wanted]
    keys += [key_of(value[:1] or [UNDEFINED]) for value in wanted if is_array(value)]
    return list(dict.fromkeys(keys))


def _interval(constraints: Sequence[Constraint], values: list[Any]) -> tuple[SortKey, SortKey]:
    """The half-open interval of the keys of values that meet all comparisons."""
    lows: list[SortKey] = []
    highs: list[SortKey] = []
    for comparison in [each for each in constraints if isinstance(each, Compare)]:
        key = sort_key(values[comparison.operand.index])
        low: SortKey = key[:1]  # the values of one type
        high: SortKey = (key[0] + 1,)
        match comparison.op:
            case "$gt":
                low = (*key, AFTER)
            case "$gte":
                low = key
            case "$lt":
                high = key
            case _:
                high = (*key, AFTER)
        lows.append(low)
        highs.append(high)
    return max(lows), min(highs)
