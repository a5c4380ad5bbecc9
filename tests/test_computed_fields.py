"""Computed fields in projections: values, fields, their order and errors are those of a real server."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from bson import Code, DBRef, Decimal128

import mongoglot
from mongoglot.errors import FilterError, NotYetError, UnsupportedError
from tests.arena import Arena
from tests.conftest import ENGINES, StoreOpener
from tests.expressions import Generator
from tests.projections import array_documents, array_filter, computed_projection, field_value
from tests.test_projections import (
    DOCUMENTS,
    QUERIES_PER_BATCH,
    SEED,
    Answer,
    Document,
    Question,
    compare,
    engine_find,
    server_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.database import Database


@pytest.fixture(scope="module")
def arenas(server: Database[Document], stores: dict[str, mongoglot.Store]) -> tuple[Arena, Arena]:
    """One arena for the batches, and one to look for the documents that show a difference."""
    return Arena(server, stores, "computed"), Arena(server, stores, "single")


def decide(
    arenas: tuple[Arena, Arena],
    decisions: int,
    documents: Callable[[random.Random], list[Document]],
    question: Callable[[random.Random], Question],
) -> None:
    """Compare so many (find, document) decisions; a find that fails is asked again of single documents."""
    arena, _ = arenas
    rng = random.Random(SEED)
    made, answers = 0, list[Answer]()
    while made < decisions:
        arena.fill(documents(rng))
        questions = [question(rng) for _ in range(QUERIES_PER_BATCH)]
        given = compare(arenas, questions)
        singly = [
            ({"$and": [{"_id": document["_id"]}, query]}, {"projection": options["projection"]})
            for (query, options), answer in zip(questions, given, strict=True)
            if isinstance(answer, str)
            for document in arena.documents[:10]
        ]
        given += compare(arenas, singly)
        made += sum(1 if isinstance(answer, str) else len(answer) for answer in given)
        answers += given
    errors = sum(isinstance(answer, str) for answer in answers)
    assert len(answers) / 20 < errors < len(answers) * 0.8


def options_of(projection: Document, rng: random.Random) -> Document:
    options: Document = {"projection": projection}
    if rng.random() < 0.2:
        options |= {"sort": {"_id": rng.choice((1, -1))}, "skip": rng.randint(0, 2), "limit": rng.randint(0, 3)}
    return options


def question_of_arrays(rng: random.Random) -> Question:
    projection = computed_projection(rng, field_value)
    query = array_filter(rng) if rng.random() < 0.5 else {}
    return query, options_of(projection, rng)


def question_of_expressions(rng: random.Random) -> Question:
    generator = Generator(rng.randrange(2**32))
    depth = rng.choice((1, 1, 2))
    return {}, options_of(computed_projection(rng, lambda _: generator.expression(depth)), rng)


def documents_of_expressions(rng: random.Random) -> list[Document]:
    return Generator(rng.randrange(2**32)).documents(DOCUMENTS)


def test_random_computed_fields(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 10_000, lambda rng: array_documents(rng, DOCUMENTS), question_of_arrays)


def test_random_expressions(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 3_000, documents_of_expressions, question_of_expressions)


@pytest.mark.long
def test_many_random_computed_fields(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 200_000, lambda rng: array_documents(rng, DOCUMENTS), question_of_arrays)
    decide(arenas, 50_000, documents_of_expressions, question_of_expressions)
