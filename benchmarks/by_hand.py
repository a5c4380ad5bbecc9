"""What is asked, and how one would write it by hand: as Python, and as SQL on the column of a store."""

from __future__ import annotations

import random
from collections.abc import Callable
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
    "array": {"items": {"$elemMatch": {"sku": "s3", "qty": {"$gte": 5}}}},
}


def documents(count: int = COUNT, *, complete: bool = False) -> list[Document]:
    """Documents of one make.

    Args:
        count: how many.
        complete: whether all have all fields; otherwise one in twenty lacks one.
    """
    rng = random.Random(SEED)
    result = []
    for number in range(count):
        inner = {"e": rng.randrange(20), "f": f"k{rng.randrange(20)}"}
        tags = rng.choices(["red", "green", "blue"], k=rng.randint(0, 3))
        items = [{"sku": f"s{rng.randrange(10)}", "qty": rng.randrange(10)} for _ in range(rng.randrange(5))]
        document: Document = {
            "_id": number,
            "a": rng.randrange(20),
            "b": rng.choice("xyz"),
            "c": {"d": inner},
        }
        document |= {"tags": tags, "name": f"document {number}", "price": round(rng.random() * 100, 2)}
        document["items"] = items
        if rng.random() < 0.05 and not complete:
            del document[rng.choice(["a", "b", "c", "tags", "items"])]
        result.append(document)
    return result


# ---- Python, for documents that may lack fields --------------------------------------------------


def _simple(document: Document) -> bool:
    a = document.get("a")
    return a is not None and a >= 10 and document.get("b") == "x"


def _medium(document: Document) -> bool:
    d = document.get("c", {}).get("d", {})
    a = document.get("a")
    chosen = d.get("e") in {1, 2, 3, 5, 8} or d.get("f") == "k7"
    return chosen and a is not None and a < 15 and "red" in document.get("tags", ())


def _array(document: Document) -> bool:
    return any(
        item.get("sku") == "s3" and (qty := item.get("qty")) is not None and qty >= 5
        for item in document.get("items", ())
    )


MATCHES: dict[str, Callable[[Document], bool]] = {"simple": _simple, "medium": _medium, "array": _array}

# ---- Python, for documents that have all fields --------------------------------------------------


def _all_simple(stored: list[Document]) -> list[Document]:
    return [d for d in stored if d["a"] >= 10 and d["b"] == "x"]


def _all_medium(stored: list[Document]) -> list[Document]:
    return [
        d
        for d in stored
        if (d["c"]["d"]["e"] in {1, 2, 3, 5, 8} or d["c"]["d"]["f"] == "k7")
        and d["a"] < 15
        and "red" in d["tags"]
    ]


def _all_array(stored: list[Document]) -> list[Document]:
    return [d for d in stored if any(i["sku"] == "s3" and i["qty"] >= 5 for i in d["items"])]


SELECTIONS: dict[str, Callable[[list[Document]], list[Document]]] = {
    "simple": _all_simple,
    "medium": _all_medium,
    "array": _all_array,
}

# ---- SQL on the same column: right for scalars only, and right for arrays at the end of a path too ----

NAIVE = "json_extract(_doc, '$.{path}') {test}"
CAREFUL = (
    "CASE json_type(_doc, '$.{path}') WHEN 'array' THEN EXISTS "
    "(SELECT 1 FROM json_each(_doc, '$.{path}') WHERE type IN ({types}) AND atom {test}) "
    "ELSE json_type(_doc, '$.{path}') IN ({types}) AND json_extract(_doc, '$.{path}') {test} END"
)
_ITEMS = (
    "EXISTS (SELECT 1 FROM json_each(_doc, '$.items') WHERE "
    "json_extract(value, '$.sku') = 's3' AND json_extract(value, '$.qty') >= 5)"
)
_CAREFUL_ITEMS = (
    "json_type(_doc, '$.items') = 'array' AND EXISTS (SELECT 1 FROM json_each(_doc, '$.items') WHERE "
    "type = 'object' AND json_type(value, '$.sku') = 'text' AND json_extract(value, '$.sku') = 's3' AND "
    "json_type(value, '$.qty') IN ('integer', 'real') AND json_extract(value, '$.qty') >= 5)"
)


def condition(name: str, form: str) -> str:
    """The WHERE of a filter by hand, in one of the two forms."""
    number = partial(form.format, types="'integer', 'real'")
    text = partial(form.format, types="'text'")
    if name == "array":
        return _ITEMS if form == NAIVE else _CAREFUL_ITEMS
    if name == "simple":
        return f"{number(path='a', test='>= 10')} AND " + text(path="b", test="= 'x'")
    chosen = f"{number(path='c.d.e', test='IN (1, 2, 3, 5, 8)')} OR " + text(path="c.d.f", test="= 'k7'")
    tags = CAREFUL.format(path="tags", test="= 'red'", types="'text'")  # an array in any case
    return f"({chosen}) AND {number(path='a', test='< 15')} AND {tags}"
