"""`$jsonSchema`: random schemas are answered, or refused, by every engine as by a real server."""

from __future__ import annotations

import os
import pickle
import random
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.errors import FilterError, NotYetError
from mongoglot.testing import random_documents
from tests.arena import Arena, disagreements
from tests.schemas import random_document_schema, spoiled_schema
from tests.test_properties import MAX_REPORTED, SEED_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

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
    print(
        f"\n{asked} schemas, {errors} of them refused, {made} decisions; match rate {matched / made:.1%};"
        f" {len(reports)} differences; {SEED_VARIABLE}={seed}"
    )
    assert not reports, f"with {SEED_VARIABLE}={seed}:\n" + "\n".join(reports[:MAX_REPORTED])
    assert MATCH_RATE[0] <= matched / made <= MATCH_RATE[1]
    assert 0.1 <= errors / asked <= 0.6


def test_thousands_of_schemas(arenas: tuple[Arena, Arena]) -> None:
    compare(*arenas, schemas=1_000, seed=int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_twenty_thousand_schemas(arenas: tuple[Arena, Arena]) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(*arenas, schemas=20_000, seed=int(seed) if seed else random.SystemRandom().randrange(2**32))


# ---- errors ----------------------------------------------------------------------------------------


MESSAGES: tuple[tuple[Document, int, str], ...] = (
    ({"properties": {"a": {"minimum": "x"}}}, 14,
     "$jsonSchema keyword 'minimum' must be a number (at $jsonSchema.properties.a.minimum)"),
    ({"properties": {"a": {"type": "integer"}}}, 9,
     ("$jsonSchema type 'integer' is not currently supported. (at $jsonSchema.properties.a.type); write bsonType: "
     "'int', 'long' or both")),
    ({"items": [{}, {"format": "date"}]}, 9,
     ("$jsonSchema keyword 'format' is not currently supported (at $jsonSchema.items[1].format); say it with "
     "'pattern', or with 'bsonType' for dates and ids")),
    ({"anyOf": [{}, {"not": {"$ref": "#/a"}}]}, 9,
     ("$jsonSchema keyword '$ref' is not currently supported (at $jsonSchema.anyOf[1].not.$ref); a server "
     "resolves no references: write the schema itself in this place")),
    ({"type": "date"}, 2, "Unknown type name alias: date (at $jsonSchema.type); 'date' is a name of bsonType"),
    ({"bsonType": "boolean"}, 2,
     "Unknown type name alias: boolean (at $jsonSchema.bsonType); did you mean 'bool'?"),
    ({"proprties": {}}, 9,
     "Unknown $jsonSchema keyword: proprties (at $jsonSchema.proprties); did you mean 'properties'?"),
    ({"const": 1}, 9, "Unknown $jsonSchema keyword: const (at $jsonSchema.const); write {enum: [value]}"),
    ({"exclusiveMinimum": 5}, 9,
     ("$jsonSchema keyword 'minimum' must be a present if exclusiveMinimum is present (at "
     "$jsonSchema.exclusiveMinimum); exclusiveMinimum is true or false, beside minimum")),
    ({"properties": {"a": {"required": True}}}, 14,
     ("$jsonSchema keyword 'required' must be an array, but found an element of type bool (at "
     "$jsonSchema.properties.a.required); 'required' is a list of names, beside 'properties'")),
    ({"dependencies": {"a": {"patternProperties": {"(": {}}}}}, 2,
     "Invalid regular expression: missing ) (at $jsonSchema.dependencies.a.patternProperties.()"),
)  # fmt: skip


@pytest.mark.parametrize(("schema", "code", "text"), MESSAGES)
def test_messages(schema: Document, code: int, text: str) -> None:
    with pytest.raises(FilterError) as found:
        mongoglot.compile({"$jsonSchema": schema})
    assert (found.value.code, str(found.value)) == (code, text)


def test_the_path_goes_through_the_filter() -> None:
    with pytest.raises(FilterError) as found:
        mongoglot.compile({"$or": [{"a": 1}, {"b": {"$elemMatch": {"$jsonSchema": {"title": 1}}}}]})
    assert found.value.path == "$or[1].b.$elemMatch.$jsonSchema.title"


@pytest.mark.parametrize("keyword", ["encrypt", "encryptMetadata"])
def test_what_is_about_encrypted_fields_is_refused_by_name(keyword: str) -> None:
    with pytest.raises(NotYetError, match=f"^{keyword} is not compiled by this version"):
        mongoglot.compile({"$jsonSchema": {"properties": {"a": {keyword: {"keyId": "/a"}}}}})


SPOILING: tuple[Document, ...] = (
    {"type": 1}, {"type": "string", "bsonType": "string"}, {"enum": 1}, {"required": 1}, {"properties": 1},
    {"properties": {"z": {"foo": 1}}}, {"patternProperties": 1}, {"patternProperties": {"(": {}}},
    {"additionalProperties": 1}, {"minProperties": -1}, {"maxProperties": 1.5}, {"minLength": "x"},
    {"maxLength": -1}, {"minItems": -1}, {"maxItems": -1}, {"dependencies": 1}, {"minimum": "x"}, {"maximum": "x"},
    {"exclusiveMinimum": 1, "minimum": 1}, {"exclusiveMaximum": True}, {"multipleOf": 0},
    {"multipleOf": float("nan")}, {"pattern": 1}, {"pattern": "("}, {"items": 1}, {"additionalItems": 1},
    {"uniqueItems": 1}, {"allOf": []}, {"anyOf": 1}, {"oneOf": [{"not": 1}]}, {"not": 1}, {"title": 1},
    {"description": 1}, {"encrypt": 1}, {"$ref": 1}, {"foo": 1},
)  # fmt: skip


def test_the_first_of_two_errors_is_the_servers(server: Database[Document]) -> None:
    """With the text: many have one code."""
    for first in SPOILING:
        for second in SPOILING:
            if first.keys() & second.keys():
                continue
            query = {"$jsonSchema": {"properties": {"a": {**first, **second}}}}
            with pytest.raises(FilterError) as found:
                mongoglot.compile(query)
            with pytest.raises(OperationFailure) as wanted:
                server["documents"].find_one(query)
            told = (wanted.value.details or {})["errmsg"].strip()
            assert (found.value.code, found.value.reason) == (wanted.value.code, told), query


# ---- projections, nesting, plans -------------------------------------------------------------------


@pytest.mark.parametrize(
    "projection", [{"a.$": 1}, {"b": {"$elemMatch": {"$jsonSchema": 1}}}, {"a.$": 1, "c": {"$foo": 1}}]
)
def test_no_schema_in_a_projection(arenas: tuple[Arena, Arena], projection: Document) -> None:
    arena, _ = arenas
    query = {"$jsonSchema": {"required": ["a"]}}
    with pytest.raises(FilterError) as wanted:
        arena.server_find(query, projection=projection)
    with pytest.raises(FilterError) as found:
        arena.find("memory", query, projection=projection)
    assert found.value.code == wanted.value.code == 224


def nested(wrap: Callable[[Document], Document], levels: int) -> Document:
    """A schema in schemas."""
    schema: Document = {"minProperties": 1}
    for _ in range(levels):
        schema = wrap(schema)
    return schema


NESTING: tuple[tuple[Callable[[Document], Document], int], ...] = (
    (lambda schema: {"not": schema}, 198),
    (lambda schema: {"not": schema, "maxProperties": 9}, 198),
    (lambda schema: {"properties": {"a": schema}}, 99),
    (
        lambda schema: {
            "required": ["a"],
            "minProperties": 1,
            "properties": {"a": schema},
            "maxProperties": 9,
        },
        99,
    ),
    (lambda schema: {"anyOf": [{"required": ["b"]}, schema]}, 98),
    (lambda schema: {"oneOf": [schema, {"required": ["b"]}]}, 98),
    (lambda schema: {"additionalProperties": {"items": {"type": "string"}, **schema}}, 197),
    (lambda schema: {"items": schema}, 198),
    (lambda schema: {"dependencies": {"a": schema}}, 99),
)


@pytest.mark.parametrize(("wrap", "levels"), NESTING)
def test_schemas_nest(arenas: tuple[Arena, Arena], wrap: Callable[[Document], Document], levels: int) -> None:
    """As deep as BSON; a server is asked about fewer levels, as some schemas of so many bring 6.0.5 down."""
    arena, single = arenas
    deep: Any = 1
    for _ in range(150):
        deep = {"a": deep}
    arena.fill([{"_id": 0, **deep}, {"_id": 1}, {"_id": 2, "b": 1}])
    query = {"$jsonSchema": nested(wrap, 8)}
    assert disagreements(arena, single, query, arena.expected(query)) == []
    deepest = mongoglot.compile({"$jsonSchema": nested(wrap, levels)})
    assert all(deepest.matches(document) in (True, False) for document in arena.documents)
    assert str(deepest.explain())
    with pytest.raises(FilterError) as found:
        mongoglot.compile({"$jsonSchema": nested(wrap, levels + 1)})
    assert found.value.code == 15


def test_schemas_of_one_shape_share_a_plan_and_no_operand() -> None:
    def query(low: Any, high: Any, member: Any, pattern: str) -> mongoglot.Query:
        schema = {"minimum": low, "maximum": high, "enum": [member, 5], "multipleOf": low}
        below = {"pattern": pattern, "patternProperties": {pattern: {"type": "null"}}}
        return mongoglot.compile({"$jsonSchema": {"properties": {"a": schema, "b": below}}})

    first, second = query(1, 5, 3, "x"), query(2.5, 9, "y", "y")
    assert first.plan is second.plan
    documents: list[Document] = [{"a": 3}, {"a": 5}, {"b": "x"}, {"b": "y"}, {"b": {"x": 1}}]
    assert [first.matches(document) for document in documents] == [True, True, True, False, False]
    assert [second.matches(document) for document in documents] == [False, True, False, True, True]


def test_a_schema_is_independent_of_what_it_was_compiled_from() -> None:
    schema: Document = {"properties": {"a": {"enum": [{"b": [1]}]}}}
    query = mongoglot.compile({"$jsonSchema": schema})
    schema["properties"]["a"]["enum"][0]["b"].append(2)
    assert query.matches({"a": {"b": [1]}})
    again = pickle.loads(pickle.dumps(query))  # noqa: S301 - our own
    assert again.matches({"a": {"b": [1]}})
    assert again.to_mongodb() == {"$jsonSchema": {"properties": {"a": {"enum": [{"b": [1]}]}}}}


def test_what_is_left_of_a_schema_for_python_is_shown() -> None:
    told = str(mongoglot.compile({"a": 1, "$jsonSchema": {"required": ["b"]}}).explain())
    assert "required ['b']" in told.partition("SQLite, residual")[2]
