"""Paths in a JSON document as SQL: what `compiler/walk.py` does, with `jsonb_each` for every array on the way.

Where all components but the last lead through objects, one `json_type(doc, path)` finds the value. Only where an
array stands on the way is the general form needed: a chain of `jsonb_each`, one for each component after the
first, each giving the objects in which the next component is looked up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.walk import array_index
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

MAX_TABLES: Final = 40
"""SQLite joins 64 tables; a path that needs nearly as many goes to the residual."""

_MISSING_OBJECT: Final = "[{}]"
"""What a value that is neither object nor array gives: one object, in which everything is missing."""

_NOTHING: Final = "[]"


def json_path(path: Path) -> str:
    """The JSON path of components that are object keys: `'$."a"."b"'`, right for every key."""
    return "$" + "".join(f".{json.dumps(part)}" for part in path)


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a path ends: a JSON container and the path in it.

    Attributes:
        container: a JSON or JSONB value.
        path: of the value inside it.
        by_index: SQL that is 1 where the value is an element that the last component named by its index, and is
            tested whole; None where it never is.
        whole: whether the value is always tested whole, as the element that `$elemMatch` looks at.
    """

    container: Expression
    path: Expression
    by_index: Expression | None = None
    whole: bool = False

    @property
    def type(self) -> Expression:
        """The value's JSON type as text, NULL where there is no value."""
        return sql.call("json_type", self.container, self.path)

    @property
    def value(self) -> Expression:
        """The value: a number or text, or JSON text of a container."""
        return sql.call("json_extract", self.container, self.path)

    @property
    def blob(self) -> Expression:
        """The value as JSONB."""
        return sql.call("jsonb_extract", self.container, self.path)

    @property
    def spelling(self) -> Expression:
        """JSON text of an array with the value twice, which keeps how a number is spelled: `[5e0,5e0]`."""
        return sql.call("json_extract", self.container, self.path, self.path)

    @property
    def length(self) -> Expression:
        """How many elements the array has that is the value."""
        return sql.call("json_array_length", self.container, self.path)

    def each(self, alias: str) -> Expression:
        """The elements of the array that is the value."""
        return sql.source(sql.call("jsonb_each", self.container, self.path), alias)


Test: TypeAlias = Callable[[Place], Expression]
"""From the place of a value to a condition on it."""


@final
@dataclass(frozen=True, slots=True)
class Root:
    """Where paths start.

    Attributes:
        document: a column, or an element that `$elemMatch` looks at.
        is_array: SQL that is 1 where an array is read as a document with the fields '0', '1', …; None for never.
        element: the place of the element itself, which has the path `()`.
    """

    document: Expression
    is_array: Expression | None = None
    element: Place | None = None


def direct(root: Root, path: Path) -> Place:
    """The place that a path leads to through objects alone."""
    by_name = sql.string(json_path(path))
    index = array_index(path[0])
    if root.is_array is None or index is None:
        return Place(root.document, by_name)
    in_array = sql.string(f"$[{index}]" + json_path(path[1:]).removeprefix("$"))
    return Place(root.document, sql.case([(root.is_array, in_array)], by_name))


def array_on_the_way(root: Root, path: Path) -> Expression:
    """Whether some component before the last leads to an array; the path has two or more components."""
    kinds = [direct(root, path[:end]).type for end in range(1, len(path))]
    return (
        sql.member(sql.string("array"), kinds)
        if len(kinds) > 1
        else sql.equals(kinds[0], sql.string("array"))
    )


def tables_needed(path: Path) -> int:
    """How many tables the general form joins."""
    return sum(
        2 if _forks(part, last=index == len(path) - 1) else 1 for index, part in enumerate(path) if index
    )


def general(root: Root, path: Path, test: Test) -> Expression:
    """Whether the test holds for some value at the end of the path, arrays on the way and all.

    Args:
        root: where the path starts.
        path: two or more components.
        test: is given the place of a value that may be an array, or missing.
    """
    place = direct(root, path[:1])
    sources: list[Expression] = []
    conditions: list[Expression] = []
    for depth, part in enumerate(path[1:], start=1):
        last = depth == len(path) - 1
        fork = f"f{depth}" if _forks(part, last=last) else None
        element = f"e{depth}"
        if fork is not None:
            sources.append(sql.source(sql.call("json_each", sql.string("[0,1]")), fork))
        sources.append(
            sql.source(sql.call("jsonb_each", _entered(place, fork, quirk=last and part == "")), element)
        )
        conditions.append(_enterable(fork, element))
        place = _next(part, fork, element, quirk=last and part == "")
    return sql.exists(sources, sql.all_of([*conditions, test(place)]))


def _forks(part: str, *, last: bool) -> bool:
    """Whether a component has two readings: a name and an index, or (quirk) a name and nothing at all."""
    return array_index(part) is not None or (last and part == "")


def _entered(place: Place, fork: str | None, *, quirk: bool) -> Expression:
    """A JSON array of what the next component is looked up in.

    By name that is an array's elements, or the object itself; by index it is the array, as one element.
    """
    otherwise: Expression = sql.string(_MISSING_OBJECT)
    if place.by_index is not None:  # an element named by index that is neither object nor array gives nothing
        otherwise = sql.case([(place.by_index, sql.string(_NOTHING))], otherwise)
    array, an_object = sql.string("array"), sql.string("object")
    wrapped = sql.call("jsonb_array", place.blob)
    if fork is None:
        return sql.case([(array, place.blob), (an_object, wrapped)], otherwise, place.type)
    by_name = sql.case(
        [(array, sql.string(_NOTHING) if quirk else place.blob), (an_object, wrapped)], otherwise, place.type
    )
    by_index = sql.case([(array, wrapped)], sql.string(_NOTHING), place.type)
    return sql.case([(sql.name("value", fork), by_index)], by_name)


def _enterable(fork: str | None, element: str) -> Expression:
    """Only objects are entered by name; by index it is the array that was wrapped."""
    kind: Expression = sql.string("object")
    if fork is not None:
        kind = sql.case([(sql.name("value", fork), sql.string("array"))], kind)
    return sql.equals(sql.name("type", element), kind)


def _next(part: str, fork: str | None, element: str, *, quirk: bool) -> Place:
    """The place of a component's value in an element."""
    container = sql.name("value", element)
    by_name = sql.string(json_path((part,)))
    if fork is None:
        return Place(container, by_name)
    index = sql.string("$" if quirk else f"$[{array_index(part)}]")
    path = sql.case([(sql.name("value", fork), index)], by_name)
    # by the quirk the array itself is at the end of the path, and is expanded there
    return Place(container, path, None if quirk else sql.name("value", fork))
