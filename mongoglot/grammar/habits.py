"""Words of SQL, of Python, of updates and of pipelines in the place of an operator: what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LIKE: Final = "LIKE 'x%' is {$regex: '^x'} here, and LIKE '%x%' is {$regex: 'x'}"
_NULL: Final = (
    "write {field: null}, which finds documents without the field, too, or {field: {$type: 'null'}}"
)
_PART: Final = "write {$regex: 'part'} for a part of a string; {field: value} finds a value in an array"
_FROM_TEXT: Final = (
    "Extended JSON is read in text: give the JSON as a str, or write the value that it stands for"
)

_USUAL: Final[Mapping[str, str]] = {
    "$like": _LIKE,
    "$ilike": f"{_LIKE}; {{$options: 'i'}} beside it ignores case",
    "$between": "write {$gte: low, $lte: high}",
    "$is": _NULL,
    "$null": _NULL,
    "$isnull": _NULL,
    "$contains": _PART,
    "$has": _PART,
    "$startswith": "write {$regex: '^beginning'}",
    "$endswith": "write {$regex: 'end$'}",
    "$notin": "write $nin",
    "$notequal": "write $ne",
    "$notequals": "write $ne",
    "$neq": "write $ne",
    "$equal": "write $eq",
    "$equals": "write $eq",
    "$lessthan": "write $lt",
    "$greaterthan": "write $gt",
    "$len": "write $size",
    "$length": "write $size",
    "$oid": _FROM_TEXT,
    "$date": _FROM_TEXT,
    "$uuid": _FROM_TEXT,
    "$binary": _FROM_TEXT,
    "$numberlong": _FROM_TEXT,
    "$numberint": _FROM_TEXT,
    "$numberdouble": _FROM_TEXT,
    "$numberdecimal": _FROM_TEXT,
}

_SIGNS: Final[Mapping[str, str]] = {
    "=": "$eq", "==": "$eq", "!=": "$ne", "<>": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte",
}  # fmt: skip

JOINING: Final[Mapping[str, str]] = {
    "and": "write {$and: [{…}, {…}]}", "or": "write {$or: [{…}, {…}]}", "nor": "write {$nor: [{…}, {…}]}",
    "not": "write {$nor: [{…}]}",
}  # fmt: skip
"""Words that join filters, without the `$`."""

SHELL_QUOTES: Final = (
    "in a shell a filter stands in single quotes, which leave its $ alone: '{field: {$gt: 5}}'"
)

_STAGES: Final = frozenset({
    "$addFields", "$count", "$facet", "$group", "$limit", "$lookup", "$project", "$skip", "$sort", "$unwind",
})  # fmt: skip

_UPDATES: Final = frozenset({
    "$addToSet", "$currentDate", "$inc", "$mul", "$pop", "$pull", "$push", "$rename", "$set", "$unset",
})  # fmt: skip


def usual_hint(name: str) -> str | None:
    """What was probably meant by an operator that there is not; None where nobody can tell."""
    if name == "$match":
        return "a filter is what stands in {$match: …}"
    if name in _STAGES:
        return f"{name} is a stage of a pipeline, not of a filter"
    if name in _UPDATES:
        return f"{name} is of updates: update_many(filter, {{{name}: {{field: …}}}})"
    if name[1:] in _SIGNS:
        return f"write {_SIGNS[name[1:]]}"
    return _USUAL.get(name.lower())


def operator_of(word: str) -> str:
    """The operator that a word or a sign without `$` would be: `'$gt'` for `'>'` and for `'gt'`."""
    return _SIGNS.get(word, f"${word}")
