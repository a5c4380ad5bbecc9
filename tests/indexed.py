"""Random indexes, and filters that are aimed at them."""

from __future__ import annotations

import random
from typing import Any

from bson import Decimal128, Int64

from mongoglot.compiler.walk import elements
from mongoglot.testing import random_documents
from mongoglot.testing.alphabet import NAMES

Document = dict[str, Any]

PARTS = [name for name in NAMES if name]
RANGES = ("$gt", "$gte", "$lt", "$lte")


def random_path(rng: random.Random) -> str:
    path = ".".join(rng.choice(PARTS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    return path if rng.random() < 0.97 else rng.choice(("_id.a", "_id.b"))


def random_index(rng: random.Random) -> tuple[list[tuple[str, int]], dict[str, bool]]:
    """The keys of an index, one to three paths, and its options."""
    count = rng.choice((1, 1, 1, 2, 2, 3))
    around = rng.choice(("a.", "b.")) if rng.random() < 0.4 else ""  # fields of the elements of one array
    keys = {around + random_path(rng): rng.choice((1, 1, -1)) for _ in range(count)}
    return list(keys.items()), {"unique": rng.random() < 0.25, "sparse": rng.random() < 0.3}


NUMBERS = (*range(6), 2.0, Int64(3), Decimal128("4.0"), 2.5, None)


def regular_value(rng: random.Random, depth: int = 3) -> Any:
    """A number, an array of numbers or of objects, or an object: what most fields of real documents are."""
    match rng.choice((0, 6, 7, 7, 7, 9) if depth == 3 else range(10 if depth else 6)):
        case 6:
            return [regular_value(rng, 0) for _ in range(rng.randrange(4))]
        case 7 | 8:
            return [regular_object(rng, depth - 1) for _ in range(rng.randrange(4))]
        case 9:
            return regular_object(rng, depth - 1)
        case _:
            return rng.choice(NUMBERS)


def regular_object(rng: random.Random, depth: int) -> Document:
    return {name: regular_value(rng, depth) for name in ("a", "b", "c") if rng.random() < 0.7}


def indexed_documents(rng: random.Random, count: int) -> list[Document]:
    """Documents of the shared alphabet, with values of all types, or regular ones, of which filters find more."""
    if rng.random() < 0.3:
        return random_documents(rng, count)
    return [{"_id": number, **regular_object(rng, 3)} for number in range(count)]


def operand(rng: random.Random, path: str, documents: list[Document]) -> Any:
    """A value that some document has at the path, or that no one has."""
    found = list(elements(rng.choice(documents), tuple(path.split("."))))
    found = [value for value in found if repr(value) != "MISSING"]
    if found and rng.random() < 0.85:
        return rng.choice(found)
    return next(iter(random_documents(rng, 1)[0].values()))


def condition(rng: random.Random, path: str, documents: list[Document]) -> Document:
    """What an index can answer about one path, and sometimes more."""
    match rng.randrange(8):
        case 0 | 1:
            return {"$eq": operand(rng, path, documents)}
        case 2:
            return {"$in": [operand(rng, path, documents) for _ in range(rng.randint(1, 4))]}
        case 3:
            return {rng.choice(RANGES): operand(rng, path, documents)}
        case 4 | 5:
            low, high = rng.choice(("$gt", "$gte")), rng.choice(("$lt", "$lte"))
            bounds = {low: operand(rng, path, documents), high: operand(rng, path, documents)}
            return bounds if rng.random() < 0.6 else {"$elemMatch": bounds}
        case 6:
            return {"$eq": None} if rng.random() < 0.5 else {"$in": [None, operand(rng, path, documents)]}
        case _:
            return {"$elemMatch": {"$eq": operand(rng, path, documents)}}


def aimed_filter(rng: random.Random, paths: list[str], documents: list[Document]) -> Document:
    """A filter of the paths of an index: conjunctions, alternatives, `$elemMatch` around some of the paths."""
    if rng.random() < 0.2:
        return {"$or": [aimed_filter(rng, paths, documents) for _ in range(rng.randint(1, 3))]}
    if rng.random() < 0.6:  # of one document, which so has all the values
        documents = rng.sample(documents, 1)
    first = paths[0].split(".")
    if len(first) > 1 and rng.random() < 0.4:  # around all paths that begin as the first one does
        cut = rng.randint(1, len(first) - 1)
        around = ".".join(first[:cut])
        below = [path for path in paths if path.startswith(f"{around}.")]
        inner = {
            path[len(around) + 1 :]: condition(rng, path, documents) for path in below if rng.random() < 0.8
        }
        outer = {path: condition(rng, path, documents) for path in paths if path not in below}
        return {around: {"$elemMatch": inner}, **(outer if rng.random() < 0.5 else {})}
    parts = [{path: condition(rng, path, documents)} for path in paths if rng.random() < 0.8]
    if rng.random() < 0.2:
        parts.append({paths[0]: condition(rng, paths[0], documents)})
    return {"$and": parts} if parts else {paths[0]: condition(rng, paths[0], documents)}
