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
from tests.arena import MATCHES, Arena, shrunk
from tests.mongod import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymongo.database import Database

    import mongoglot

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
BATCHES = 12
DOCUMENTS = 25
QUERIES = 40
MAX_REPORTED = 5

INCLUDE = (1, True, 2.5, -1, float("nan"), Decimal128("1"), Int64(1))
EXCLUDE = (0, False, 0.0, -0.0, Decimal128("0E+3"), Int64(0))
DIRECTIONS: tuple[Any, ...] = (*(1, -1) * 6, 1.0, -1.5, Int64(-1), Decimal128("1"))
WRONG_DIRECTIONS: tuple[Any, ...] = (0, 2, 0.5, "a", True, None, [], float("nan"))


Answer = list[bytes] | str
"""Documents, or `'error 2'`."""


@pytest.fixture(scope="module")
def arenas(server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]) -> tuple[Arena, Arena]:
    """One arena for the batches, and one to look for the documents that show a difference."""
    return Arena(server, stores), Arena(server, stores, "single")


def random_path(rng: random.Random) -> str:
    path = ".".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    return (
        path
        if rng.random() < 0.9
        else rng.choice(("_id", "_id.a", "$a", "a.$b", "a.$id", "a..b", ".a", "missing"))
    )


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


def answer(find: Callable[[], Iterable[dict[str, Any]]]) -> Answer:
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


def server_answer(arena: Arena, query: dict[str, Any], options: dict[str, Any]) -> Answer:
    return answer(lambda: arena.server_find(query, **options))


def engine_answer(arena: Arena, engine: str, query: dict[str, Any], options: dict[str, Any]) -> Answer:
    return answer(lambda: arena.find(engine, query, **options))


def exactly(arena: Arena, engine: str, query: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether an engine gives the same documents in the same order, or the same error."""
    return engine_answer(arena, engine, query, options) == server_answer(arena, query, options)


def compare(
    arenas: tuple[Arena, Arena],
    questions: Callable[[random.Random], tuple[dict[str, Any], dict[str, Any]]],
    agrees: Callable[[Arena, str, dict[str, Any], dict[str, Any]], bool],
) -> list[Answer]:
    """Ask random questions of all engines; the answers of the server, after checking that all agree."""
    arena, single = arenas
    reports: list[str] = []
    answers = []
    for rng in batches(arena):
        for _ in range(QUERIES):
            query, options = questions(rng)
            answers.append(server_answer(arena, query, options))
            for engine in engines(arena):
                if len(reports) < MAX_REPORTED and not agrees(arena, engine, query, options):
                    single.fill(arena.documents)
                    reports.append(difference(single, engine, query, options, agrees))
    assert not reports, "\n".join(reports)
    return answers


def difference(
    single: Arena,
    engine: str,
    query: dict[str, Any],
    options: dict[str, Any],
    agrees: Callable[[Arena, str, dict[str, Any], dict[str, Any]], bool],
) -> str:
    """What an engine and the server answer over the fewest documents that show the difference."""
    shrunk(single, lambda: not agrees(single, engine, query, options))
    here, there = engine_answer(single, engine, query, options), server_answer(single, query, options)
    shown = [
        given if isinstance(given, str) else [decoded(item) for item in given] for given in (here, there)
    ]
    return (
        f"{engine}: find({query!r}, {options!r})\n    over {single.documents!r}\n"
        f"    answered {shown[0]!r}\n    the server {shown[1]!r}"
    )


def errors_among(answers: list[Answer]) -> int:
    return sum(isinstance(given, str) for given in answers)


def test_projections(arenas: tuple[Arena, Arena]) -> None:
    answers = compare(arenas, lambda rng: ({}, {"projection": random_projection(rng)}), exactly)
    assert 0 < errors_among(answers) < len(answers) / 2


def test_full_sorts_are_stable(arenas: tuple[Arena, Arena]) -> None:
    answers = compare(arenas, lambda rng: ({}, {"sort": random_sort(rng)}), exactly)
    assert 0 < errors_among(answers) < len(answers) / 2


def test_skip_and_limit_up_to_ties(arenas: tuple[Arena, Arena]) -> None:
    arena, _ = arenas

    def question(rng: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
        query = random_filter(rng, near=arena.documents) if rng.random() < 0.5 else {}
        return query, {"sort": random_sort(rng), "skip": rng.randint(0, 4), "limit": rng.randint(0, 8)}

    answers = compare(arenas, question, up_to_ties)
    assert sum(not isinstance(given, str) and len(given) > 1 for given in answers) > len(answers) / 6


def up_to_ties(arena: Arena, engine: str, query: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether an engine gives documents that stand in the same places of the order, each once."""
    expected, actual = server_answer(arena, query, options), engine_answer(arena, engine, query, options)
    if isinstance(expected, str) or isinstance(actual, str):
        return actual == expected
    ordered = tie_groups(arena, query, options["sort"])
    if isinstance(ordered, str):  # with `_id` as one more key the server finds arrays in parallel
        return len(set(actual)) == len(expected)
    groups = dict(ordered)
    skip, limit = options["skip"], options["limit"]
    wanted = [group for _, group in ordered][skip : skip + limit if limit else None]
    assert [groups[document] for document in expected] == wanted
    return len(set(actual)) == len(actual) and [groups[document] for document in actual] == wanted


def tie_groups(arena: Arena, query: dict[str, Any], sort: dict[str, Any]) -> list[tuple[bytes, int]] | str:
    """The documents in order, each with the number of its group of ties.

    Two documents tie if a last key decides between them; so the order is asked with `_id` up and down, and a
    group ends wherever the two orders have seen the same documents.
    """
    completed = [sort if "_id" in sort else {**sort, "_id": direction} for direction in (1, -1)]
    up, down = (server_answer(arena, query, {"sort": complete}) for complete in completed)
    if isinstance(up, str) or isinstance(down, str):
        return str(up)
    result, group, pending = list[tuple[bytes, int]](), 0, set[bytes]()
    for first, second in zip(up, down, strict=True):
        result.append((first, group))
        pending ^= {first}
        pending ^= {second}
        group += not pending
    return result


def test_the_first_of_several_errors(arenas: tuple[Arena, Arena]) -> None:
    """Skip and limit, then the filter, then the projection, then the sort (semantics 4.6)."""
    arena, _ = arenas
    arena.fill([{"_id": 0, "a": 1}])
    wrong: dict[str, Any] = {"skip": -1, "projection": {"a": 1, "b": 0}, "sort": {"a": 0}}
    for chosen in range(16):
        query = {"a": {"$foo": 1}} if chosen & 8 else {}
        options = {name: option for bit, (name, option) in enumerate(wrong.items()) if chosen & 1 << bit}
        for engine in engines(arena):
            assert exactly(arena, engine, query, options), (engine, query, options)
