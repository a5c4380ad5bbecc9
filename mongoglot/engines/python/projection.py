"""Projections as functions of a document (semantics 6.1 to 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, assert_never

from mongoglot.compiler.ast import ElemMatch, Path
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.projection import Evaluate, FoundElement, Projection, Slice, Tree
from mongoglot.engines.python.computed_fields import Record, field_setter
from mongoglot.engines.python.positional import first_match, index_recorder
from mongoglot.errors import FilterError

_Step: TypeAlias = Callable[[Record, Record], Record]
"""From the document and what was made of it so far to what is made of it next."""


def projector(projection: Projection, query: BoundPlan) -> Callable[[Record], Record]:
    """The function that makes of a document what a find returns of it.

    Args:
        projection: what to return.
        query: the filter of the find, which the documents match: `a.$` asks it for the element.

    The function raises FilterError, codes 51246 and 51247, for `a.$` on a document in whose array the filter has
    found no element, and for a computed field what its expression raises.
    """
    gaps = any(isinstance(part, FoundElement) for _, part in projection.arrays)
    gaps = gaps or any(len(path) > 1 for path, _ in projection.added)
    reduced = (_included_with_gaps if gaps else _included) if projection.include else _excluded
    steps = [_added_step(path, part) for path, part in projection.added]
    steps.extend(_array_step(path, part, query) for path, part in projection.arrays)
    if gaps:
        steps.append(lambda _, result: _without_gaps(result))
    computes_id = any(path == ("_id",) for path, _ in projection.added)
    prepend_id = (
        projection.include and projection.with_id and "_id" not in projection.fields and not computes_id
    )

    def project(document: Record) -> Record:
        result = reduced(document, projection.fields)
        for step in steps:
            result = step(document, result)
        if prepend_id and "_id" in document:
            return {"_id": document["_id"], **result}
        if not projection.with_id:
            result.pop("_id", None)
        return result

    return project


def _added_step(path: Path, part: BoundPlan | Evaluate) -> _Step:
    return _match_step(path[0], part) if isinstance(part, BoundPlan) else field_setter(path, part)


def _array_step(path: Path, part: Slice | FoundElement, query: BoundPlan) -> _Step:
    match part:
        case Slice():
            return lambda _, result: _sliced(result, path, part)
        case FoundElement():
            record = index_recorder(query)
            return lambda source, result: _with_found_element(result, path, lambda: record(source))
        case _:
            assert_never(part)


# ---- inclusion and exclusion -----------------------------------------------------------------------


def _included(document: Record, fields: Tree) -> Record:
    result = {}
    for name, value in document.items():
        if name not in fields:
            continue
        below = fields[name]
        if below is None:
            result[name] = value
        elif isinstance(value, dict):
            result[name] = _included(value, below)
        elif isinstance(value, list):
            result[name] = _included_items(value, below)
    return result


def _included_items(items: list[Any], fields: Tree) -> list[Any]:
    """Of an array, what is no object at any depth is dropped."""
    return [
        _included(item, fields) if isinstance(item, dict) else _included_items(item, fields)
        for item in items
        if isinstance(item, (dict, list))
    ]


def _excluded(value: Record, fields: Tree) -> Record:
    result = {}
    for name, item in value.items():
        below = fields.get(name, ...)
        if below is None:
            continue
        result[name] = item if below is ... else _excluded_value(item, below)
    return result


def _excluded_value(value: Any, fields: Tree) -> Any:
    if isinstance(value, dict):
        return _excluded(value, fields)
    if isinstance(value, list):
        return [_excluded_value(item, fields) for item in value]
    return value


# ---- arrays ------------------------------------------------------------------------------------------


def _sliced(document: Record, path: Path, part: Slice) -> Record:
    """The document with the arrays at a path cut; objects in an array are gone through, arrays in it are not."""
    name, *rest = path
    value = document.get(name)
    if isinstance(value, list):
        below = tuple(rest)
        items = (
            [_sliced(item, below, part) if isinstance(item, dict) else item for item in value]
            if below
            else part.of(value)
        )
        return {**document, name: items}
    if isinstance(value, dict) and rest:
        return {**document, name: _sliced(value, tuple(rest), part)}
    return document


def _match_step(name: str, plan: BoundPlan) -> _Step:
    """Reduce an array to its first matching element; the field goes where there is none (semantics 6.2).

    Args:
        name: of the field.
        plan: the filter `{name: {$elemMatch: …}}`.

    In an exclusion the field keeps its place; in an inclusion, which has left it out, it comes last.
    """
    leaf = plan.optimised
    first: Callable[[Sequence[Any]], int | None]
    first = (
        first_match(leaf, plan) if isinstance(leaf, ElemMatch) else lambda _: None
    )  # else it never matches

    def matched(source: Record, result: Record) -> Record:
        value = source.get(name)
        index = first(value) if isinstance(value, list) else None
        if isinstance(value, list) and index is not None:
            return {**result, name: [value[index]]}
        result.pop(name, None)
        return result

    return matched


# ---- the positional operator -------------------------------------------------------------------------


def _with_found_element(result: Record, path: Path, found: Callable[[], int | None]) -> Record:
    """Put one element in the place of the first array on a path.

    The server does two odd things here (measured on 6.0.5): of a field that is no object it looks for the rest of
    the path beside it; and it puts the element where the path says, not where it found the array.

    Args:
        result: what is included, with gaps; it is changed.
        path: of `path.$`, without the `$`.
        found: the index that the filter recorded.
    """
    place = result
    for length, name in enumerate(path, 1):
        value = place.get(name)
        if isinstance(value, dict):
            place = value
        elif isinstance(value, list):
            _put(result, path[:length], [_element(value, found())])
            break
    return result


def _element(items: list[Any], index: int | None) -> Any:
    if index is None:
        raise FilterError(51246, "positional operator '.$' couldn't find a matching element in the array")
    if index >= len(items) or items[index] is _GAP:
        raise FilterError(51247, "positional operator '.$' element mismatch")
    return items[index]


def _put(document: Record, path: Path, value: Any) -> None:
    """Set a value at a path, with objects on the way in the place of what is none."""
    for name in path[:-1]:
        if not isinstance(document.get(name), dict):
            document[name] = {}
        document = document[name]
    document[path[-1]] = value


class _Gap:
    """The type of `_GAP`, which keeps the place of what an inclusion drops."""

    __slots__ = ()


_GAP: Final = _Gap()


def _included_with_gaps(document: Record, fields: Tree) -> Record:
    """As `_included`, but what is dropped for being no object leaves a gap, so that indexes and order stay."""
    result = {}
    for name, value in document.items():
        if name in fields:
            below = fields[name]
            result[name] = value if below is None else _value_with_gaps(value, below)
    return result


def _value_with_gaps(value: Any, fields: Tree) -> Any:
    if isinstance(value, dict):
        return _included_with_gaps(value, fields)
    if isinstance(value, list):
        return [_value_with_gaps(item, fields) for item in value]
    return _GAP


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_gaps(item) for name, item in value.items() if item is not _GAP}
    if isinstance(value, list):
        return [_without_gaps(item) for item in value if item is not _GAP]
    return value
