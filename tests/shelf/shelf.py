# shelf.py
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from itertools import count
from typing import Any, TypeAlias

from mongoglot.compiler.ast import Compare, Leaf, Slot
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import sort_key
from mongoglot.compiler.walk import elements
from mongoglot.engines.base import FindRequest, LoweringBackend, Record
from mongoglot.errors import DuplicateKeyError
from sortedcontainers import SortedList

Lookups: TypeAlias = tuple[tuple[str, str, int], ...]  # the code of this engine: field, comparison, slot


class Equality:
    """Lowers equality of top-level fields and conjunctions of it, and declines the rest."""

    def predicate(self, leaf: Leaf) -> Lookups | Superset[Lookups] | None:
        match leaf:
            case Compare((field,), "$eq", Slot(index, kind)) if kind != "null":
                return ((field, "$eq", index),)
        return None  # equal to null means missing, too, and the index knows nothing of that

    def conjunction(self, parts: Sequence[Lookups]) -> Lookups | None:
        return tuple(lookup for part in parts for lookup in part)

    def disjunction(self, parts: Sequence[Lookups]) -> Lookups | None:
        return None

    def negation(self, part: Lookups) -> Lookups | None:
        return None


class ShelfBackend(LoweringBackend[int, Lookups]):
    """Documents by number, and for each field its values in order, each with the number of its document."""

    name = "shelf"

    def __init__(self, lowering: Equality) -> None:
        self.lowering = lowering
        self.numbers = count()
        self.shelves: dict[str, dict[int, Record]] = {}
        self.index: dict[tuple[str, str], SortedList] = {}

    def candidates(self, collection: str, code: Lookups | None, query: BoundPlan) -> Iterator[Any]:
        shelf = self.shelves.get(collection, {})
        found = set(shelf)
        for field, op, slot in code or ():
            found &= self.looked_up(collection, field, op, sort_key(query.values[slot]))
        return ((number, deepcopy(shelf[number])) for number in sorted(found))

    def looked_up(self, collection: str, field: str, op: str, key: Any) -> set[int]:
        low = (key,) if op != "$lt" and op != "$lte" else None
        high = (key, float("inf")) if op == "$eq" or op.startswith("$lt") else None
        return {number for _, number in self.index.get((collection, field), SortedList()).irange(low, high)}

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        for document in documents:
            if self.looked_up(collection, "_id", "$eq", sort_key(document["_id"])):
                raise DuplicateKeyError(collection, document["_id"])
            self.replace(collection, next(self.numbers), document)

    def replace(self, collection: str, key: int, document: Record) -> None:
        self.remove(collection, [key])
        self.shelves.setdefault(collection, {})[key] = deepcopy(document)
        for field, value in entries(document):
            self.index.setdefault((collection, field), SortedList()).add((value, key))

    def remove(self, collection: str, keys: list[int]) -> None:
        for key in keys:
            for field, value in entries(self.shelves.get(collection, {}).pop(key, {})):
                self.index[collection, field].remove((value, key))

    def drop(self, collection: str) -> None:
        self.remove(collection, list(self.shelves.get(collection, {})))

    def collection_names(self) -> list[str]:
        return sorted(name for name, shelf in self.shelves.items() if shelf)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        return {"engine": self.name}

    def close(self) -> None:
        self.shelves.clear()


def entries(document: Record) -> set[tuple[str, Any]]:
    """What the index has of a document: an array is found by each of its elements and as a whole."""
    return {(field, sort_key(element)) for field in document for element in elements(document, (field,))}


def open_backend(url: str) -> ShelfBackend:
    return ShelfBackend(Equality())
