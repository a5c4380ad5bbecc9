"""What is asked, and how one would write it by hand: as Python, and as SQL on the column of a store."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

COUNT = 10_000
SEED = 20261121

Document = dict[str, Any]

FILTERS: dict[str, Document] = {
    "simple": {"a": {"$gte": 10}, "b": "x"},
    "medium": {
        "$or": [{"c.d.e": {"$in": [1, 2, 3, 5, 8]}}, {"c.d.f": "k7"}],
        "a": {"$lt": 15},
        "tags": "red",
    },
}


def documents() -> list[Document]:
    """Documents of one make; one in twenty lacks a field."""
    rng = random.Random(SEED)
    result = []
    for number in range(COUNT):
        inner = {"e": rng.randrange(20), "f": f"k{rng.randrange(20)}"}
        tags = rng.choices(["red", "green", "blue"], k=rng.randint(0, 3))
        document: Document = {
            "_id": number,
            "a": rng.randrange(20),
            "b": rng.choice("xyz"),
            "c": {"d": inner},
        }
        document |= {"tags": tags, "name": f"document {number}", "price": round(rng.random() * 100, 2)}
        if rng.random() < 0.05:
            del document[rng.choice(["a", "b", "c", "tags"])]
        result.append(document)
    return result


def simple_by_hand(document: Document) -> bool:
    a = document.get("a")
    return a is not None and a >= 10 and document.get("b") == "x"


def medium_by_hand(document: Document) -> bool:
    d = document.get("c", {}).get("d", {})
    a = document.get("a")
    chosen = d.get("e") in {1, 2, 3, 5, 8} or d.get("f") == "k7"
    return chosen and a is not None and a < 15 and "red" in document.get("tags", ())


# SQL by hand on the same column: right for scalars only, and right for arrays at the end of a path too
NAIVE = "json_extract(_doc, '$.{path}') {test}"
CAREFUL = (
    "CASE json_type(_doc, '$.{path}') WHEN 'array' THEN EXISTS "
    "(SELECT 1 FROM json_each(_doc, '$.{path}') WHERE type IN ({types}) AND atom {test}) "
    "ELSE json_type(_doc, '$.{path}') IN ({types}) AND json_extract(_doc, '$.{path}') {test} END"
)


def condition(name: str, form: str) -> str:
    number = partial(form.format, types="'integer', 'real'")
    text = partial(form.format, types="'text'")
    if name == "simple":
        return f"{number(path='a', test='>= 10')} AND " + text(path="b", test="= 'x'")
    chosen = f"{number(path='c.d.e', test='IN (1, 2, 3, 5, 8)')} OR " + text(path="c.d.f", test="= 'k7'")
    tags = CAREFUL.format(path="tags", test="= 'red'", types="'text'")  # an array in any case
    return f"({chosen}) AND {number(path='a', test='< 15')} AND {tags}"
