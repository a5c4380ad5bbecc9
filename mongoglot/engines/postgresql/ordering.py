"""Sorts in PostgreSQL (semantics 6.4): by type, and inside a type by number or by text.

Rows that have a document or an array at a path, or an array on the way, are not placed: they come first, with a
mark. `_id` alone is sorted by its key, which an index has; of a long key a digest stands for the rest.
"""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.sort import Sort
from mongoglot.engines.postgresql.encoding import field_name
from mongoglot.engines.postgresql.layouts import DOCUMENT, KEY
from mongoglot.engines.sql.index_keys import LONGEST
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.ordering import INSERTION, Order, direction
from mongoglot.engines.sql.tags import ESCAPED, LETTERS, TAG

_IS_LONG: Final = f"length({quoted(KEY)}) > {LONGEST}"

_MAX_LENGTH: Final = 20
"""Components of a path; a longer one is sorted by in Python."""

_TAG: Final = f"chr({ord(TAG)})"


def of_documents(sort: Sort | None, first: int) -> Order | None:
    """The order of a collection's rows; None where a path is too long for SQL.

    Args:
        sort: what is asked for.
        first: the number of the first parameter that is free.
    """
    if sort is None:
        return INSERTION
    if not sort.keys:
        return Order(INSERTION.text + direction(sort.natural))
    split = [(tuple(name.split(".")), way) for name, way in sort.keys]
    if any(len(path) > _MAX_LENGTH for path, _ in split):
        return None
    if split[0][0] == ("_id",) and len(split) == 1:
        return Order(quoted(KEY) + direction(split[0][1]), _IS_LONG, leads=False)
    items: list[str] = []
    unsure: list[str] = []
    parameters: list[list[str]] = []
    for path, way in split:
        if path == ("_id",):
            unsure.append(_IS_LONG)
            items.append(quoted(KEY) + direction(way))
            continue
        places = [
            f"({quoted(DOCUMENT)} #> ${first + len(parameters) + n}::text[])" for n, _ in enumerate(path)
        ]
        parameters += _prefixes(path)
        unsure += [f"jsonb_typeof({place}) = 'array'" for place in places[:-1]]
        unsure.append(f"jsonb_typeof({places[-1]}) IN ('object', 'array')")
        items += _of_value(places[-1], way)
    mark = f"coalesce({' OR '.join(unsure)}, FALSE)"
    return Order(", ".join([f"{mark} DESC", *items, INSERTION.text]), mark, parameters=tuple(parameters))


def _prefixes(path: Path) -> list[list[str]]:
    names = [field_name(part) for part in path]
    return [names[:end] for end in range(1, len(names) + 1)]


def _of_value(place: str, way: int) -> list[str]:
    """The letter of a value's type, its number, and its text; NaN has no number, and is the least."""
    text = f"({place} #>> '{{}}')"
    letter = f"substr({text}, 2, 1)"
    string = LETTERS["string"]
    tagged = f"CASE {letter} WHEN '{ESCAPED[-1]}' THEN '{string}' ELSE {letter} END"
    kind = (
        f"CASE jsonb_typeof({place}) "
        f"WHEN 'number' THEN '{LETTERS['int']}' WHEN 'boolean' THEN '{LETTERS['bool']}' "
        f"WHEN 'string' THEN CASE WHEN starts_with({text}, {_TAG}) THEN {tagged} ELSE '{string}' END "
        f"ELSE '{LETTERS['null']}' END"
    )
    number = f"CASE jsonb_typeof({place}) WHEN 'number' THEN {text}::numeric END"
    words = f"CASE WHEN jsonb_typeof({place}) IN ('string', 'boolean') THEN {text} END"
    nulls = " NULLS FIRST" if way == 1 else " NULLS LAST"
    by_bytes = ' COLLATE "C"'
    return [
        f"({kind}){by_bytes}{direction(way)}",
        f"({number}){direction(way)}{nulls}",
        f"({words}){by_bytes}{direction(way)}{nulls}",
    ]
