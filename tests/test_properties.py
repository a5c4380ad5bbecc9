"""Random filters over random documents: every engine, and the callable, answer as a real server does."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import bson
import pytest
from hypothesis import HealthCheck, example, given, settings

from mongoglot.testing import each_with_each, random_documents, random_filter
from mongoglot.testing.strategies import queries
from tests.arena import Arena, disagreements

if TYPE_CHECKING:
    from pymongo.database import Database

    import mongoglot

SEED_VARIABLE = "MONGOGLOT_TEST_SEED"

DOCUMENTS_PER_BATCH = 100
FILTERS_PER_BATCH = 250
MATCH_RATE = (0.10, 0.90)
MAX_REPORTED = 5
SETTINGS = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def arenas(server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]) -> tuple[Arena, Arena]:
    """One arena for the batches, and one to ask about single documents."""
    return Arena(server, stores), Arena(server, stores, "single")


def test_shrinkable_queries(arenas: tuple[Arena, Arena]) -> None:
    arena, single = arenas
    matched = decisions = 0

    @settings(SETTINGS)
    @example(([{"_id": 0}], {"a": None}))
    @given(queries())
    def agree(query: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
        nonlocal matched, decisions
        documents, condition = query
        arena.fill(documents)
        expected = arena.expected(condition)
        assert not isinstance(expected, str), f"the generator made an invalid filter: {condition!r}"
        matched, decisions = matched + len(expected), decisions + len(documents)
        assert disagreements(arena, single, condition, expected) == []

    agree()
    assert MATCH_RATE[0] <= matched / decisions <= MATCH_RATE[1]


def test_a_hundred_thousand_decisions(arenas: tuple[Arena, Arena]) -> None:
    decide(*arenas, decisions=100_000, seed=int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_two_million_decisions(arenas: tuple[Arena, Arena]) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    decide(*arenas, decisions=2_000_000, seed=int(seed) if seed else random.SystemRandom().randrange(2**32))


def decide(arena: Arena, single: Arena, decisions: int, seed: int) -> None:
    """Compare so many (filter, document) decisions, and report the differences by single documents."""
    rng = random.Random(seed)
    made = matched = 0
    reports: list[str] = []
    while made < decisions:
        arena.fill(random_documents(rng, DOCUMENTS_PER_BATCH))
        for _ in range(FILTERS_PER_BATCH):
            query = random_filter(rng, near=arena.documents)
            expected = arena.expected(query)
            assert not isinstance(expected, str), f"the generator made an invalid filter: {query!r}"
            made, matched = made + len(arena.documents), matched + len(expected)
            for contestant, differences in disagreements(arena, single, query, expected):
                shown = "\n    ".join(map(repr, differences)) or "(only among other documents)"
                reports.append(f"{contestant}: {query!r}\n    {shown}")
        if len(reports) >= MAX_REPORTED:
            break
    print(
        f"\n{made} decisions on {', '.join(arena.contestants)}; match rate {matched / made:.1%};"
        f" {len(reports)} differences; {SEED_VARIABLE}={seed}"
    )
    assert not reports, f"with {SEED_VARIABLE}={seed}:\n" + "\n".join(reports[:MAX_REPORTED])
    assert MATCH_RATE[0] <= matched / made <= MATCH_RATE[1]


def test_each_scalar_with_each_other(arenas: tuple[Arena, Arena]) -> None:
    arena, single = arenas
    documents, filters = each_with_each()
    arena.fill(documents)
    for query in filters:
        assert disagreements(arena, single, query, arena.expected(query)) == []


@pytest.mark.parametrize("seed", range(3))
def test_documents_come_back_as_from_the_server(arenas: tuple[Arena, Arena], seed: int) -> None:
    arena, _ = arenas
    arena.fill(random_documents(random.Random(seed), 200))
    expected = [bson.encode(document) for document in arena.server_find({})]
    for contestant in arena.contestants[:-1]:
        assert [bson.encode(document) for document in arena.find(contestant, {})] == expected, contestant
