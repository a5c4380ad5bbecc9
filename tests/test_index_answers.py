"""The same filters with and without random indexes: the same documents in the same order, on every engine."""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter
from typing import Any

import bson
import pytest

import mongoglot
from mongoglot.compiler.values import sort_key
from mongoglot.errors import FilterError, WriteError
from mongoglot.testing import random_filter
from tests.indexed import Document, aimed_filter, indexed_documents, random_index

SEED_VARIABLE = "MONGOGLOT_TEST_SEED"
DOCUMENTS = 40
FILTERS = 200
MAX_REPORTED = 5


def stored_in_both(indexed: mongoglot.Collection, plain: mongoglot.Collection, document: Document) -> None:
    """Store a document that an index does not refuse."""
    try:
        indexed.insert_one(document)
    except WriteError:
        return
    plain.insert_one(document)


def changed_in_both(rng: random.Random, *collections: mongoglot.Collection) -> None:
    """Update one document, or delete it, alike."""
    stored = list(collections[1].find())
    if not stored:
        return
    chosen = rng.choice(stored)
    change = {name: value for name, value in indexed_documents(rng, 1)[0].items() if name != "_id"}
    for collection in collections:
        if not change:
            collection.delete_one({"_id": chosen["_id"]})
            continue
        try:
            collection.update_one({"_id": chosen["_id"]}, {"$set": change})
        except (WriteError, FilterError):
            break  # it is the indexed one that refuses, and it is the first


def with_indexes(rng: random.Random, store: mongoglot.Store, plain: mongoglot.Collection) -> list[list[str]]:
    """Fill a collection that has one to three indexes and one that has none; the paths of the indexes."""
    indexed = store["indexed"]
    indexed.drop()
    plain.drop()
    specs = [random_index(rng) for _ in range(rng.randint(1, 3))]
    late = rng.random() < 0.4
    made = []
    for step in (False, True):
        if step == late:
            for keys, options in specs:
                with contextlib.suppress(WriteError):  # documents that are there cannot be in it
                    indexed.create_index(keys, unique=options["unique"], sparse=options["sparse"])
                    made.append([path for path, _ in keys])
        if not step:
            for document in indexed_documents(rng, DOCUMENTS):
                stored_in_both(indexed, plain, document)
    for _ in range(10):
        changed_in_both(rng, indexed, plain)
    return made


def answers(collection: mongoglot.Collection, query: Document, sort: Any) -> Any:
    try:
        found = [sort_key(document["_id"]) for document in collection.find(query)]
        ordered = (
            [sort_key(document["_id"]) for document in collection.find(query, sort=sort)] if sort else []
        )
        return found, ordered, collection.count_documents(query)
    except FilterError as error:
        return error.code


def compare(stores: dict[str, mongoglot.Store], engine: str, filters: int, seed: int) -> Counter[str]:
    """Compare so many filters; how many there were, matched something, and used an index."""
    rng = random.Random(seed)
    store = stores[engine]
    counts: Counter[str] = Counter()
    plain = stores["memory"]["plain"]  # another engine, without indexes
    reports: list[str] = []
    while counts["filters"] < filters and len(reports) < MAX_REPORTED:
        paths = with_indexes(rng, store, plain)
        indexed, documents = store["indexed"], list(plain.find())
        assert list(map(bson.encode, indexed.find())) == list(map(bson.encode, documents))
        report = store.verify()
        assert report.ok, report.problems
        for _ in range(FILTERS if documents and paths else 0):
            aimed = rng.random() < 0.7
            query = (
                aimed_filter(rng, rng.choice(paths), documents)
                if aimed
                else random_filter(rng, near=documents)
            )
            sort = [(rng.choice(rng.choice(paths)), 1), ("_id", -1)] if rng.random() < 0.2 else None
            expected = answers(plain, query, sort)
            counts["filters"] += 1
            counts["refused"] += isinstance(expected, int)
            counts["matching"] += isinstance(expected, tuple) and bool(expected[0])
            if not isinstance(expected, int):
                counts["indexed"] += indexed.explain(query)["indexes"] not in ([], ["_id_"])
            actual = answers(indexed, query, sort)
            if actual != expected:
                definitions = list(indexed.list_indexes())[1:]
                reports.append(f"{query!r}\n  {definitions}\n  {actual}\n  {expected}\n")
    print(f"\n{engine}: {dict(counts)}; {len(reports)} differences; {SEED_VARIABLE}={seed}")
    assert not reports, "\n".join(reports[:MAX_REPORTED])
    return counts


@pytest.mark.parametrize(("engine", "filters"), [("sqlite", 600), ("postgresql", 300)])
def test_answers_with_and_without_indexes(
    stores: dict[str, mongoglot.Store], engine: str, filters: int
) -> None:
    counts = compare(stores, engine, filters, int(os.environ.get(SEED_VARIABLE, "1")))
    assert counts["indexed"] > counts["filters"] // 3
    assert counts["matching"] > counts["filters"] // 4


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_twenty_thousand_filters(stores: dict[str, mongoglot.Store], engine: str) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    counts = compare(stores, engine, 20_000, int(seed) if seed else random.SystemRandom().randrange(2**32))
    assert counts["indexed"] > counts["filters"] // 3
