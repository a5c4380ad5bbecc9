"""Where a path leads in the keys of a document, arrays on the way and all (semantics 2).

The *direct* place is a JSON path through objects alone. Where an array stands on the way, the *general* form makes
lists of what the path yields, component by component: one of what is reached by names, and, where a component
is an index too, one of what is reached by an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.walk import array_index
from mongoglot.engines.duckdb.conditions import ARRAY, OBJECT, Test, begins
from mongoglot.engines.duckdb.keys import json_path
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

MAX_LENGTH: Final = 20
"""Components of a path; a longer one goes to the residual."""

_MAX_INDEX: Final = 2**31
"""No array of BSON is as long."""


def text(value: Expression) -> Expression:
    """The text of a JSON value; NULL where there is none."""
    return duck.cast(value, "VARCHAR")


def elements(value: Expression) -> Expression:
    """The elements of a JSON value that is an array."""
    return duck.cast(value, "JSON", lists=1)


def extract(value: Expression, path: str) -> Expression:
    """What a path that mongoglot wrote leads to in a JSON value."""
    return sql.call("json_extract", value, sql.string(path))


@final
@dataclass(frozen=True, slots=True)
class Root:
    """Where paths start.

    Attributes:
        document: JSON of an object, or of an element that `$elemMatch` looks at.
        element: whether it is an element: an array is read as a document with the fields '0', '1', ….
    """

    document: Expression
    element: bool = False


def direct(root: Root, path: Path) -> Expression:
    """The value that a path leads to through objects alone."""
    by_name = extract(root.document, json_path(path))
    index = _index(path[0])
    if not root.element or index is None:
        return by_name
    in_array = extract(root.document, f"$[{index}]" + json_path(path[1:]).removeprefix("$"))
    return sql.case([(begins(text(root.document), ARRAY), in_array)], by_name)


def array_on_the_way(root: Root, path: Path) -> Expression:
    """Whether some component before the last leads to an array; the path has two or more components."""
    return sql.some_of([begins(text(direct(root, path[:end])), ARRAY) for end in range(1, len(path))])


def general(root: Root, path: Path, on_name: Test, on_index: Test, level: int) -> Expression:
    """Whether a test holds for something at the end of the path, arrays on the way and all.

    Args:
        root: where the path starts.
        path: two or more components.
        on_name: is given what is reached by name, NULL where the field is missing.
        on_index: is given what is reached as an element of an array by its index.
        level: of nesting, for the names of parameters.
    """
    by_name: Expression = duck.array(direct(root, path[:1]))
    by_index: Expression | None = None
    for depth, part in enumerate(path[1:], start=1):
        quirk = depth == len(path) - 1 and part == ""
        index = _index(part)
        named = _by_name(by_name, part, quirk, level, missing=True)
        chosen = None if index is None else _by_index(by_name, index, level)
        if by_index is not None:
            named = sql.call("list_concat", named, _by_name(by_index, part, quirk, level, missing=False))
            if index is not None and chosen is not None:
                chosen = sql.call("list_concat", chosen, _by_index(by_index, index, level))
        by_name, by_index = named, chosen
    label = f"v{level}"
    found = duck.some_item(by_name, label, on_name)
    if by_index is None:
        return found
    return sql.some_of([found, duck.some_item(by_index, label, on_index)])


def _index(part: str) -> int | None:
    index = array_index(part) if len(part) < len(str(_MAX_INDEX)) + 1 else None
    return index if index is not None and index < _MAX_INDEX else None


def _by_name(values: Expression, part: str, quirk: bool, level: int, *, missing: bool) -> Expression:
    """What a name finds in each value: in an object, in the objects of an array, and nothing in other elements."""
    path = json_path((part,))
    inner = f"e{level}"

    def step(value: Expression) -> Expression:
        in_array: Expression
        if quirk:  # the server reads 'a.' on an array as if the dot were not there
            in_array = duck.array(value)
        else:
            objects = duck.kept(elements(value), inner, lambda item: begins(text(item), OBJECT))
            in_array = duck.mapped(objects, inner, lambda item: extract(item, path))
        otherwise = duck.cast(duck.array(sql.null()) if missing else duck.array(), "JSON", lists=1)
        return sql.case(
            [
                (begins(text(value), OBJECT), duck.array(extract(value, path))),
                (begins(text(value), ARRAY), in_array),
            ],
            otherwise,
        )

    return sql.call("flatten", duck.mapped(values, f"v{level}", step))


def _by_index(values: Expression, index: int, level: int) -> Expression:
    """The element of each array that has so many."""
    label = f"v{level}"
    arrays = duck.kept(values, label, lambda value: begins(text(value), ARRAY))
    chosen = duck.mapped(arrays, label, lambda value: extract(value, f"$[{index}]"))
    return duck.kept(chosen, label, duck.not_null)
