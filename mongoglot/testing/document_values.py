"""Random values and documents, drawn from any source of choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from bson import DBRef, Regex

from mongoglot.compiler.values import sort_key
from mongoglot.testing import alphabet
from mongoglot.testing.choices import Choices, chance

if TYPE_CHECKING:
    from collections.abc import Sequence


Document: TypeAlias = dict[str, Any]

MAX_DEPTH = 3
"""How deep arrays and objects nest in a generated value."""


def value(choices: Choices, depth: int = MAX_DEPTH) -> Any:
    """Any value: mostly a scalar, else an array or an object."""
    kind = choices.count(0, 9)
    if depth == 0 or kind < 5:
        return choices.choose(choices.choose(alphabet.SCALARS))
    if kind < 8:
        return [value(choices, depth - 1) for _ in range(choices.count(0, 3))]
    return fields(choices, choices.count(0, 3), depth - 1)


def fields(choices: Choices, count: int, depth: int) -> Document:
    """An object of at most so many fields."""
    result = {}
    for _ in range(count):
        odd = depth < MAX_DEPTH and chance(choices, 4)
        name = choices.choose(alphabet.ODD_NAMES if odd else alphabet.NAMES)
        result[name] = value(choices, depth)
    return result


def documents(choices: Choices, count: int) -> list[Document]:
    """Documents with distinct `_id`s: their positions, or now and then another value."""
    result: list[Document] = []
    taken = set()
    for position in range(count):
        key = value(choices, 1) if chance(choices, 10) else position
        if not is_possible_key(key) or sort_key(key) in taken:
            key = f"document {position}"
        taken.add(sort_key(key))
        result.append({"_id": key, **fields(choices, choices.count(0, 4), MAX_DEPTH)})
    return result


def is_possible_key(key: Any) -> bool:
    """Whether a value can be an `_id` (semantics 2.1); 0 to 999 are left to the positions."""
    if isinstance(key, (list, Regex, DBRef)):
        return False
    if isinstance(key, dict):
        return not any(name.startswith("$") for name in key) and all(map(is_inside_a_key, key.values()))
    return not isinstance(key, (int, float)) or isinstance(key, bool) or not 0 <= key < 1000


def is_inside_a_key(part: Any) -> bool:
    """Whether a value can stand inside an `_id`."""
    if isinstance(part, list):
        return all(map(is_inside_a_key, part))
    if isinstance(part, dict):
        return not any(name.startswith("$") for name in part) and all(map(is_inside_a_key, part.values()))
    return not isinstance(part, DBRef)


def place(choices: Choices, document: Document) -> tuple[str, Any]:
    """A path into a document, with or without the indexes of arrays on the way, and the value there."""
    parts: list[str] = []
    here: Any = document
    if chance(choices, 80):  # `_id` is in all documents, which makes it too frequent
        here = {name: part for name, part in document.items() if name != "_id"}
    while True:
        if isinstance(here, dict) and here and (not parts or chance(choices, 75)):
            name = choices.choose(tuple(here))
            parts.append(name)
            here = here[name]
        elif isinstance(here, list) and here and chance(choices, 75):
            index = choices.count(0, len(here) - 1)
            if chance(choices, 30):
                parts.append(str(index))
            here = here[index]
        else:
            return ".".join(parts), here


def similar(choices: Choices, found: Any) -> Any:
    """A value that a careless comparison takes for the one found."""
    way = choices.count(0, 2)
    if isinstance(found, dict) and found:
        name = choices.choose(tuple(found))
        if way == 0:
            return {**found, name: similar(choices, found[name])}
        return dict(reversed(found.items())) if way == 1 else {name: found[name]}
    if isinstance(found, list) and found:
        index = choices.count(0, len(found) - 1)
        if way == 0:
            return [*found[:index], similar(choices, found[index]), *found[index + 1 :]]
        return found[::-1] if way == 1 else found[index]
    return choices.choose(alphabet.LOOKALIKES.get(repr(found), ([found],)))


def near_value(choices: Choices, near: Sequence[Document]) -> Any:
    """Another operand: one found in the documents `near`, or random."""
    if near and chance(choices, 40):
        found = place(choices, choices.choose(near))[1]
        return similar(choices, found) if chance(choices, 30) else found
    return value(choices, 2)
