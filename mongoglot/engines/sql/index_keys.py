"""Keys of indexes as text: in the order of values, so that what a filter asks for is a few intervals of them.

A key is a mark, `-` of a document without arrays on the indexed paths and `+` of others, and for each field the
identity of its value (`tags.py`), of which none is the beginning of another. The key of `{"a": 5, "b": "x"}` in an
index on `a` and `b` is `-D4100005` and `Ex`, each with its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from mongoglot.compiler.access import Constraint, Search, is_point
from mongoglot.compiler.ast import Compare, In
from mongoglot.compiler.candidates import UNDEFINED
from mongoglot.compiler.index import Keys
from mongoglot.compiler.values import is_array
from mongoglot.engines.sql.tags import TAG, stored_identity

SINGLE, MULTIKEY = "-", "+"

_UNDEFINED: Final = "A"
"""The element of an empty array; the letters of other values follow."""

_AFTER: Final = "Q"
"""Greater than the letter of any value: with a key in front, the end of the keys that begin so."""

LONGEST: Final = 240
"""Characters of an identity that a key holds; a digest of all of it stands for the rest."""

MAX_INTERVALS: Final = 10_000
"""More are not made by multiplying lists; the later field is left to the check of the candidates."""


def key_texts(keys: Keys) -> dict[str, list[Any]]:
    """The keys of a document as text, each with its values."""
    mark = MULTIKEY if keys.multikey else SINGLE
    return {mark + "".join([_part(value) for value in values]): values for values in keys.tuples}


def _part(value: Any) -> str:
    """The part of a key that stands for one value."""
    if value is UNDEFINED:
        return _UNDEFINED
    return shortened(stored_identity(value))


def shortened(text: str) -> str:
    """An identity as keys hold it: of a long one the beginning and a digest."""
    return text if len(text) <= LONGEST else text[:LONGEST] + hashlib.sha256(text.encode()).hexdigest()


def intervals(search: Search | None, values: list[Any], *, short: bool = True) -> list[tuple[str, str]]:
    """The half-open intervals of the keys that a search asks for, without their marks.

    Args:
        search: None for no keys.
        values: of the query.
        short: whether keys hold long identities in a short form.
    """
    if search is None:
        return []
    starts = [""]
    for constraints in search.fields:
        if is_point(constraints[0]):
            parts = _points(constraints[0], values, short=short)
            if len(starts) > 1 and len(starts) * len(parts) > MAX_INTERVALS:
                break
            starts = [start + part for start in starts for part in parts]
        else:
            low, high = _interval(constraints, values)
            return [(start + low, start + high) for start in starts]
    return [(start, start + _AFTER) for start in starts]


def _points(constraint: Constraint, values: list[Any], *, short: bool) -> Sequence[str]:
    """The parts that a value can have that equals the operand, or a member of the list.

    An array as a whole has no key: its elements have, so it is found by the first of them.
    """
    match constraint:
        case In(_, operand, _):
            wanted = operand.members(values)
        case Compare(_, _, operand):
            wanted = [values[operand.index]]
    parts: dict[str, None] = {}
    for value in wanted:
        texts = [stored_identity(value)]
        if is_array(value):
            texts.append(stored_identity(value[0]) if value else _UNDEFINED)
        for text in texts:
            parts[shortened(text) if short else text] = None
    return list(parts)


def _interval(constraints: Sequence[Constraint], values: list[Any]) -> tuple[str, str]:
    """The interval of the parts of values that meet all comparisons, and of some others beside its bounds."""
    lows, highs = [""], [_AFTER]
    for constraint in constraints:
        if isinstance(constraint, In):
            continue
        text = stored_identity(values[constraint.operand.index])
        beginning, end = text[0], chr(ord(text[0]) + 1)  # the values of one type
        long = len(text) > LONGEST
        before = text[:LONGEST]
        after = before + TAG if long else text + _AFTER
        match constraint.op:
            case "$gt":
                low, high = before if long else after, end
            case "$gte":
                low, high = before, end
            case "$lt":
                low, high = beginning, after if long else before
            case _:
                low, high = beginning, after
        lows.append(low)
        highs.append(high)
    return max(lows), min(highs)
