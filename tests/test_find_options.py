"""Random projections, sorts, skips and limits: as the server does, up to ties."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson import Decimal128, Int64

from mongoglot.errors import FilterError
from mongoglot.testing import random_documents, random_filter
from mongoglot.testing.alphabet import NAMES
from tests.arena import MATCHES, Arena
from tests.mongod import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymongo.database import Database

    import mongoglot

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
BATCHES = 12
DOCUMENTS = 25
QUERIES = 40

INCLUDE = (1, True, 2.5, -1, float("nan"), Decimal128("1"), Int64(1))
EXCLUDE = (0, False, 0.0, -0.0, Decimal128("0E+3"), Int64(0))
DIRECTIONS: tuple[Any, ...] = (*(1, -1) * 6, 1.0, -1.5, Int64(-1), Decimal128("1"))
WRONG_DIRECTIONS: tuple[Any, ...] = (0, 2, 0.5, "a", True, None, [], float("nan"))


@pytest.fixture(scope="module")
def arena(server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]) -> Arena:
    return Arena(server, stores)


def random_path(rng: random.Random) -> str:
    path = ".".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    return path if rng.random() < 0.9 else rng.choice(("_id", "_id.a", "$a", "a.$b", "a..b", ".a", "missing"))


def random_projection(rng: random.Random) -> dict[str, Any]:
    """Mostly of one mode; about one in five is an error."""
    values = rng.choice((INCLUDE, EXCLUDE))
    count = rng.choice((0, 1, 1, 2, 2, 3))
    projection: dict[str, Any] = {random_path(rng): rng.choice(values) for _ in range(count)}
    if rng.random() < 0.3:
        projection["_id"] = rng.choice((*INCLUDE, *EXCLUDE))
    if rng.random() < 0.15:
        projection[random_path(rng)] = rng.choice((*INCLUDE, *EXCLUDE))
    if rng.random() < 0.05:
        projection[random_path(rng)] = {random_path(rng): rng.choice(values)}
    return projection


def random_sort(rng: random.Random) -> dict[str, Any]:
    """Mostly a valid sort, by up to three paths."""
    sort = {random_path(rng): rng.choice(DIRECTIONS) for _ in range(rng.choice((1, 1, 2, 3)))}
    if rng.random() < 0.03:
        sort[random_path(rng)] = rng.choice(WRONG_DIRECTIONS)
    return sort


def answer(find: Callable[[], Iterable[dict[str, Any]]]) -> list[bytes] | str:
    """The documents found, or the error."""
    try:
        return [bson.encode(document) for document in find()]
    except FilterError as error:
        return f"error {error.code}"


def batches(arena: Arena) -> Iterable[random.Random]:
    """Fill the arena several times, with a generator for the questions about it."""
    rng = random.Random(SEED)
    for _ in range(BATCHES):
        arena.fill(random_documents(rng, DOCUMENTS))
        yield rng


def engines(arena: Arena) -> list[str]:
    return [contestant for contestant in arena.contestants if contestant != MATCHES]


def test_projections(arena: Arena) -> None:
    errors = 0
    for rng in batches(arena):
        for _ in range(QUERIES):
            projection = random_projection(rng)
            expected = answer(lambda: arena.server_find({}, projection=projection))  # noqa: B023
            errors += isinstance(expected, str)
            for engine in engines(arena):
                actual = answer(lambda: arena.find(engine, {}, projection=projection))  # noqa: B023
                assert actual == expected, explained(engine, projection, actual, expected)
    assert 0 < errors < BATCHES * QUERIES / 2


def explained(engine: str, question: object, actual: list[bytes] | str, expected: list[bytes] | str) -> str:
    """The first place where two answers differ."""
    if not isinstance(actual, str) and not isinstance(expected, str):
        for one, other in zip(actual, expected, strict=False):
            if one != other:
                return f"{engine}, {question!r}: {decoded(one)!r}, the server {decoded(other)!r}"
        return f"{engine}, {question!r}: {len(actual)} documents, the server {len(expected)}"
    counts = [result if isinstance(result, str) else f"{len(result)} found" for result in (actual, expected)]
    return f"{engine}, {question!r}: {counts[0]}, the server {counts[1]}"


def test_full_sorts_are_stable(arena: Arena) -> None:
    errors = 0
    for rng in batches(arena):
        for _ in range(QUERIES):
            sort = random_sort(rng)
            expected = answer(lambda: arena.server_find({}, sort=sort))  # noqa: B023
            errors += isinstance(expected, str)
            for engine in engines(arena):
                actual = answer(lambda: arena.find(engine, {}, sort=list(sort.items())))  # noqa: B023
                assert actual == expected, explained(engine, sort, actual, expected)
    assert 0 < errors < BATCHES * QUERIES / 2


def tie_groups(arena: Arena, query: dict[str, Any], sort: dict[str, Any]) -> list[tuple[bytes, int]]:
    """The documents in order, each with the number of its group of ties.

    Two documents tie if a last key decides between them; so the order is asked with `_id` up and down, and a
    group ends wherever the two orders have seen the same documents.
    """
    completed = [sort if "_id" in sort else {**sort, "_id": direction} for direction in (1, -1)]
    orders = [list(map(bson.encode, arena.server_find(query, sort=complete))) for complete in completed]
    result, group, open_documents = list[tuple[bytes, int]](), 0, set[bytes]()
    for up, down in zip(*orders, strict=True):
        result.append((up, group))
        open_documents ^= {up}
        open_documents ^= {down}
        group += not open_documents
    return result


def test_skip_and_limit_up_to_ties(arena: Arena) -> None:
    compared = 0
    for rng in batches(arena):
        for _ in range(QUERIES):
            query = random_filter(rng, near=arena.documents) if rng.random() < 0.5 else {}
            sort = random_sort(rng)
            skip, limit = rng.randint(0, 4), rng.randint(0, 8)
            expected = answer(lambda: arena.server_find(query, sort=sort, skip=skip, limit=limit))  # noqa: B023
            if isinstance(expected, str):
                groups = {}
            else:
                ordered = tie_groups(arena, query, sort)
                groups = dict(ordered)
                wanted = [group for _, group in ordered][skip : skip + limit if limit else None]
                assert [groups[document] for document in expected] == wanted
                compared += len(set(wanted)) > 1
            for engine in engines(arena):
                actual = answer(
                    lambda: arena.find(engine, query, sort=list(sort.items()), skip=skip, limit=limit)  # noqa: B023
                )
                if isinstance(actual, str) or isinstance(expected, str):
                    assert actual == expected, (engine, query, sort, skip, limit)
                else:
                    question = (query, sort, skip, limit)
                    assert len(set(actual)) == len(actual), (engine, question)
                    assert [groups[document] for document in actual] == wanted, (engine, question)
    assert compared > BATCHES * QUERIES / 6


def test_the_first_of_several_errors(arena: Arena) -> None:
    """Skip and limit, then the filter, then the projection, then the sort (semantics 4.6)."""
    arena.fill([{"_id": 0, "a": 1}])
    wrong = {"skip": -1, "projection": {"a": 1, "b": 0}, "sort": {"a": 0}}
    for chosen in range(16):
        query = {"a": {"$foo": 1}} if chosen & 8 else {}
        options = {name: option for bit, (name, option) in enumerate(wrong.items()) if chosen & 1 << bit}
        expected = answer(lambda: arena.server_find(query, **options))  # noqa: B023
        for engine in engines(arena):
            assert answer(lambda: arena.find(engine, query, **options)) == expected, (engine, query, options)  # noqa: B023
