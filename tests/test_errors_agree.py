"""Wrong filters: the server's error code, before any store is touched."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

import mongoglot
from mongoglot.errors import FilterError
from tests.arena import Arena
from tests.invalid_filters import spoiled_filter

if TYPE_CHECKING:
    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
MAX_REPORTED = 5


@pytest.fixture(scope="module")
def arena(server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]) -> Arena:
    result = Arena(server, stores)
    result.fill([{"_id": 0, "a": 1}])
    return result


def compiled(query: dict[str, Any]) -> str:
    try:
        mongoglot.compile(query)
    except FilterError as error:
        return f"error {error.code} ({type(error).__name__})"
    return "valid"


def at_server(arena: Arena, query: dict[str, Any]) -> str:
    expected = arena.expected(query)
    return f"{expected} (FilterError)" if isinstance(expected, str) else "valid"


def test_spoiled_filters(arena: Arena) -> None:
    agree(arena, 4000, SEED)


@pytest.mark.long
def test_many_spoiled_filters(arena: Arena) -> None:
    seed = os.environ.get("MONGOGLOT_TEST_SEED")
    agree(arena, 30_000, int(seed) if seed else random.SystemRandom().randrange(2**32))


def agree(arena: Arena, total: int, seed: int) -> None:
    rng = random.Random(seed)
    wrong, reports = 0, []
    for _ in range(total):
        query = spoiled_filter(rng)
        expected = at_server(arena, query)
        wrong += expected != "valid"
        if compiled(query) != expected:
            reports.append(f"{query!r}: server {expected}, here {compiled(query)}")
    reports.sort(key=len)
    print(f"\n{total} filters, {wrong} of them wrong; {len(reports)} differences; MONGOGLOT_TEST_SEED={seed}")
    assert not reports, f"with MONGOGLOT_TEST_SEED={seed}: {len(reports)} of {total} differ:\n" + "\n".join(
        reports[:MAX_REPORTED]
    )
    assert 0.7 <= wrong / total < 1


def test_engines_refuse_the_same(arena: Arena) -> None:
    rng = random.Random(SEED)
    for _ in range(300):
        query = spoiled_filter(rng)
        expected = arena.expected(query)
        for contestant in arena.contestants:
            assert arena.actual(contestant, query) == expected, (contestant, query)


def junctions(depth: int) -> dict[str, Any]:
    query: dict[str, Any] = {"a": 1}
    for _ in range(depth):
        query = {"$and": [query]}
    return query


def negations(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"$gt": 1}
    for _ in range(depth):
        condition = {"$not": condition}
    return {"a": condition}


def literals(depth: int) -> dict[str, Any]:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return {"a": value}


@pytest.mark.parametrize("shape", [junctions, negations, literals])
@pytest.mark.parametrize("depth", [*range(97, 103), *range(194, 203)])
def test_depth(arena: Arena, shape: Any, depth: int) -> None:
    query = shape(depth)
    assert compiled(query) == at_server(arena, query)


@pytest.mark.parametrize("shape", [junctions, negations, literals])
def test_depths_that_the_driver_cannot_send(shape: Any) -> None:
    assert compiled(shape(20_000)) == "error 15 (FilterError)"
