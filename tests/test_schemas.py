"""`$jsonSchema`: random schemas are answered, or refused, by every engine as by a real server."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

import mongoglot
from mongoglot.errors import FilterError, NotYetError
from mongoglot.testing import random_documents
from tests.arena import Arena, disagreements
from tests.schemas import random_document_schema, spoiled_schema
from tests.test_properties import MAX_REPORTED, SEED_VARIABLE

if TYPE_CHECKING:
    from pymongo.database import Database

    from tests.conftest import StoreOpener

Document = dict[str, Any]

DOCUMENTS_PER_BATCH = 60
SCHEMAS_PER_BATCH = 200
MATCH_RATE = (0.05, 0.95)


@pytest.fixture(scope="module")
def arenas(server: Database[Document], open_store: StoreOpener) -> tuple[Arena, Arena]:
    """One arena for the batches, and one to ask about single documents."""
    stores = {engine: open_store(engine) for engine in ("memory", "sqlite")}
    return Arena(server, stores), Arena(server, stores, "single")


def wrapped(rng: random.Random, schema: Document) -> Document:
    """A filter that holds the schema: mostly beside nothing else."""
    condition = {"$jsonSchema": schema}
    match rng.randrange(8):
        case 0:
            return {rng.choice(("$and", "$or", "$nor")): [condition, {"a": 1}]}
        case 1:
            return {"a": {"$elemMatch": condition}}
        case 2:
            return {"$nor": [condition]}
        case _:
            return condition


def compare(arena: Arena, single: Arena, schemas: int, seed: int) -> None:
    """Compare what so many schemas, valid and spoiled, say of documents."""
    rng = random.Random(seed)
    asked = errors = made = matched = 0
    reports: list[str] = []
    while asked < schemas and len(reports) < MAX_REPORTED:
        arena.fill(random_documents(rng, DOCUMENTS_PER_BATCH))
        for _ in range(SCHEMAS_PER_BATCH):
            make = spoiled_schema if rng.random() < 0.3 else random_document_schema
            query = wrapped(rng, make(rng, arena.documents))
            expected = arena.expected(query)
            asked += 1
            if isinstance(expected, str):
                errors += 1
            else:
                made, matched = made + len(arena.documents), matched + len(expected)
            for contestant, differences in disagreements(arena, single, query, expected):
                shown = "\n    ".join(map(repr, differences)) or "(only among other documents)"
                reports.append(f"{contestant}: {query!r}\n    {shown}")
    print(  # noqa: T201
        f"\n{asked} schemas, {errors} of them refused, {made} decisions; match rate {matched / made:.1%};"
        f" {len(reports)} differences; {SEED_VARIABLE}={seed}"
    )
    assert not reports, f"with {SEED_VARIABLE}={seed}:\n" + "\n".join(reports[:MAX_REPORTED])
    assert MATCH_RATE[0] <= matched / made <= MATCH_RATE[1]
    assert 0.1 <= errors / asked <= 0.6


def test_thousands_of_schemas(arenas: tuple[Arena, Arena]) -> None:
    compare(*arenas, schemas=2_000, seed=int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_twenty_thousand_schemas(arenas: tuple[Arena, Arena]) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(*arenas, schemas=20_000, seed=int(seed) if seed else random.SystemRandom().randrange(2**32))
