"""Computed fields in projections: values, fields, their order and errors are those of a real server."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from bson import Code, CodecOptions, DBRef, Decimal128
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.engines.mongodb.messages import decoded
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
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.database import Database


RAW = CodecOptions(document_class=RawBSONDocument)


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
    assert len(answers) / 20 < errors < len(answers) * 0.95


def options_of(projection: Document, rng: random.Random) -> Document:
    options: Document = {"projection": projection}
    if rng.random() < 0.2:
        options |= {
            "sort": {"_id": rng.choice((1, -1))},
            "skip": rng.randint(0, 2),
            "limit": rng.randint(0, 3),
        }
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


# ---- rules, one by one -------------------------------------------------------------------------------

COMPUTED: tuple[tuple[Document, Document, Document, Document | str], ...] = (
    # computed fields come last, in their own order; objects that are gone through keep their places
    ({"a": 1, "b": 2}, {}, {"a": "$b", "b": 1}, {"_id": 0, "b": 2, "a": 2}),
    ({"a": 1, "b": 2}, {}, {"z": "$b", "y": "$a"}, {"_id": 0, "z": 2, "y": 1}),
    ({"a": 5, "b": 2}, {}, {"z": "x", "b": 1, "a.c": "$a"}, {"_id": 0, "a": {"c": 5}, "b": 2, "z": "x"}),
    ({"c": {"d": 1, "e": 2}}, {}, {"c.d": "$c.e", "c.e": 1}, {"_id": 0, "c": {"e": 2, "d": 2}}),
    ({"a": 1}, {}, {"c.d": 1, "z": "$a", "c.e": "$a"}, {"_id": 0, "c": {"e": 1}, "z": 1}),
    # the _id
    ({"a": 1, "b": 2}, {}, {"_id": "$a", "b": 1}, {"b": 2, "_id": 1}),
    ({"a": 1, "b": 2}, {}, {"_id": "$a", "b": "$a"}, {"_id": 1, "b": 1}),
    ({"a": 1}, {}, {"_id": "$nope"}, {}),
    ({"a": 1}, {}, {"b": "$a", "_id.x": "$a"}, {"_id": {"x": 1}, "b": 1}),
    ({"a": 1}, {}, {"_id": 0, "z": "$_id"}, {"z": 0}),
    # a path goes through arrays of any depth and puts objects in the place of what is none
    ({"a": [1, [2, {"b": 3, "c": 4}], {"c": 5}, []]}, {}, {"a.b": "$_id", "a.c": 1},
     {"_id": 0, "a": [{"b": 0}, [{"b": 0}, {"c": 4, "b": 0}], {"c": 5, "b": 0}, []]}),
    ({"a": [1, {"b": 2}]}, {}, {"a.b": "$nope"}, {"_id": 0, "a": [{}, {}]}),
    ({"a": 1}, {}, {"z.y": "$$REMOVE"}, {"_id": 0, "z": {}}),
    ({"a": {"b": 1}}, {}, {"a": {"b": "$a", "c.d": "$a.b"}}, {"_id": 0, "a": {"b": {"b": 1}, "c": {"d": 1}}}),
    # expressions see the document as it is stored
    ({"a": 1, "b": 2}, {}, {"a": "$b", "b": "$a"}, {"_id": 0, "a": 2, "b": 1}),
    ({"a": 1}, {}, {"a": "$$ROOT"}, {"_id": 0, "a": {"_id": 0, "a": 1}}),
    # literals
    ({"a": 1}, {}, {"a": None, "b": ["$a", "$nope"], "c": "", "d": []},
     {"_id": 0, "a": None, "b": [1, None], "c": "", "d": []}),
    ({"a": 1}, {}, {"z": {"$literal": {"x": "$a"}}}, {"_id": 0, "z": {"x": "$a"}}),
    ({"a": 1}, {}, {"z": DBRef("x", "$a")}, {"_id": 0, "z": {"$ref": "x", "$id": 1}}),
    ({"a": {"$ref": "x", "$id": 3}}, {}, {"a": DBRef("y", 1)}, {"_id": 0, "a": {"$id": 3, "$ref": "y"}}),
    ({"a": 1}, {}, {"z": Code("x", {"y": 1})}, {"_id": 0, "z": Code("x", {"y": 1})}),
    ({"a": 1}, {}, {"z": Decimal128("NaN")}, {"_id": 0}),
    # beside parts of arrays
    ({"a": [1, 2]}, {}, {"a": {"$slice": 1}, "z": "$a"}, {"_id": 0, "a": [1], "z": [1, 2]}),
    ({"a": [1, 2]}, {}, {"a": {"$slice": ["$a", -1]}}, {"_id": 0, "a": [2]}),
    ({"a": [1, 2], "b": 3}, {}, {"z": "x", "a": {"$elemMatch": {"$gt": 1}}, "y": "y", "b": 1},
     {"_id": 0, "b": 3, "z": "x", "a": [2], "y": "y"}),
    ({"a": [{"b": [1, 2]}, 7]}, {}, {"a.b": {"$slice": 1}, "a.c": "x"},
     {"_id": 0, "a": [{"b": [1], "c": "x"}, {"c": "x"}]}),
    ({"a": [0, 1]}, {"a": 1}, {"a.$": 1, "z": "$a"}, {"_id": 0, "a": [1], "z": [0, 1]}),
    ({"a": [0, 1], "b": [{"c": 3}, 5]}, {"a": 1}, {"b.c.$": 1, "b.d": "$a"}, {"_id": 0, "b": [{"d": [0, 1]}]}),
    ({"b": [0, 1]}, {"b": 1}, {"a": ["x", "y"], "k.a.$": 1}, {"_id": 0, "a": ["x", "y"], "k": {"a": ["y"]}}),
    # errors of constants come in the order of the tree of paths, those of documents in the order of the fields
    ({}, {}, {"a.x": "$b", "b": {"$divide": [1, 0]}, "a.y": {"$add": ["x", 1]}}, "error 16554"),
    ({}, {}, {"a": {"$divide": [1, 0]}, "b": "$"}, "error 16872"),
    ({"a": "x", "b": 0}, {}, {"y": {"$add": ["$a", 1]}, "z": {"$divide": [1, "$b"]}}, "error 16554"),
    ({"a": [], "b": 0}, {}, {"a.z": {"$divide": [1, "$b"]}}, {"_id": 0, "a": []}),
    # what is named twice, or excluded
    ({}, {}, {"a": "x", "a.b": 1}, "error 31249"),
    ({}, {}, {"a.b": "x", "a": {"b": 1}}, "error 31250"),
    ({}, {}, {"a": 1, "a.b": {"$add": "$"}}, "error 16872"),
    ({}, {}, {"a": 0, "b": "$a"}, "error 31310"),
    ({}, {}, {"a": 0, "b": {"$add": "$"}}, "error 31252"),
    ({}, {}, {"b": "x", "a": 0}, "error 31254"),
    ({}, {}, {"a": {"b": {}}}, "error 51270"),
    # no result nests deeper than a server writes
    ({"a": 1}, {}, {".".join("z" * 200): ["$a"]}, "error 15"),
    ({}, {}, {"z": {"$reduce": {"input": {"$range": [0, 200]}, "initialValue": 1, "in": ["$$value"]}}},
     "error 15"),
)  # fmt: skip


@pytest.mark.parametrize(("document", "query", "projection", "expected"), COMPUTED)
def test_what_is_computed(
    document: Document, query: Document, projection: Document, expected: Document | str
) -> None:
    with mongoglot.connect("memory:") as store:
        store["a"].insert_one({"_id": 0, **document})
        given = engine_find(store, query, projection)
    assert given == (expected if isinstance(expected, str) else list(expected.items()))


def test_a_server_computes_the_same(server: Database[Document]) -> None:
    for document, query, projection, expected in COMPUTED:
        server["one"].delete_many({})
        server["one"].insert_one({"_id": 0, **document})
        command = {"find": "one", "filter": query, "projection": projection}
        given: Document | str
        try:
            (raw,) = server.command(command, codec_options=RAW)["cursor"]["firstBatch"]
            given = decoded(raw.raw)
        except OperationFailure as error:
            given = f"error {error.code}"
        assert given == expected, (document, query, projection)
        assert isinstance(given, str) or list(given) == list(expected)


@pytest.mark.parametrize("depth", [198, 199])
def test_deep_results(depth: int) -> None:
    nested = {"$reduce": {"input": {"$range": [0, depth]}, "initialValue": "$a", "in": ["$$value"]}}
    with mongoglot.connect("memory:") as store:
        store["a"].insert_one({"a": 1})
        found = store["a"].find_one({}, {"_id": 0, "z": nested})
    assert found is not None
    value = found["z"]
    for _ in range(depth):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_find_one_sort_and_explain(engine: str, open_store: StoreOpener) -> None:
    shelf = open_store(engine)["shelf"]
    shelf.insert_many([{"_id": 1, "a": 3, "b": 0}, {"_id": 2, "a": 1, "b": 2}])
    half = {"half": {"$divide": [4, "$b"]}}
    assert shelf.find_one({"a": 1}, half) == {"_id": 2, "half": 2.0}
    assert [found["a"] for found in shelf.find({}, {"a": "$_id"}, sort="a")] == [2, 1]
    assert shelf.explain({}, half)["projection"] == half
    found = shelf.find({}, half)
    with pytest.raises(FilterError, match="divide by zero") as caught:
        list(found)
    assert caught.value.code == 2
    with pytest.raises(FilterError) as caught:
        shelf.explain({}, {"a": {"$eq": 1}})
    assert caught.value.code == 16020


@pytest.mark.parametrize("engine", ENGINES)
def test_results_and_projections_are_copies(engine: str, open_store: StoreOpener) -> None:
    shelf = open_store(engine)["shelf"]
    shelf.insert_many([{"_id": number, "a": [{"b": 1}]} for number in range(2)])
    projection: Document = {"x": [[1]], "y": "$a", "z": "$a", "a": 1, "w.v": "$a"}
    first, second = shelf.find({}, projection)
    for name in "xyza":
        first[name].append(2)
    first["w"]["v"][0]["b"] = 2
    same = {"a": [{"b": 1}], "w": {"v": [{"b": 1}]}, "x": [[1]], "y": [{"b": 1}], "z": [{"b": 1}]}
    assert second == {"_id": 1, **same}
    assert first["y"] == first["z"] == first["a"] == [{"b": 1}, 2]
    assert projection["x"] == [[1]]
    assert shelf.find_one({"_id": 0}, projection) == {"_id": 0, **same}


MESSAGES: tuple[tuple[Document, int, str], ...] = (
    ({"a": {"$divide": [1, 0]}}, 2, "can't $divide by zero (at a)"),
    ({"a": {"b": {"$eq": 1}}}, 16020, "Expression $eq takes exactly 2 arguments. 1 were passed in. (at a.b)"),
    ({"a": "$$FOO"}, 17276, "Use of undefined variable: FOO (at a)"),
    ({"b": 0, "a": [1]}, 31310, "Cannot use an expression a: [ 1 ] in an exclusion projection (at a)"),
)


@pytest.mark.parametrize(("projection", "code", "text"), MESSAGES)
def test_messages(projection: Document, code: int, text: str) -> None:
    with mongoglot.connect("memory:") as store, pytest.raises(FilterError) as caught:
        store["a"].find({}, projection)
    assert (caught.value.code, str(caught.value)) == (code, text)


LATER = {"$_internalJsEmit": "$a"}
"""An operator that this version will not compile."""


@pytest.mark.parametrize(
    ("projection", "name"),
    [({"a": LATER}, "$_internalJsEmit"), ({"a": [LATER]}, "$_internalJsEmit"),
     ({"a.b": {"c": "$$SEARCH_META"}}, "$$SEARCH_META"),
     ({"a": {"$meta": "textScore"}}, "$meta"), ({"b": 0, "a": {"$meta": "textScore"}}, "$meta"),
     ({"a": {"$slice": [LATER, 1]}}, "$_internalJsEmit")]
)  # fmt: skip
@pytest.mark.parametrize("engine", ENGINES)
def test_later_operators_are_refused_by_name(
    engine: str, projection: Document, name: str, open_store: StoreOpener
) -> None:
    shelf = open_store(engine)["shelf"]
    with pytest.raises(NotYetError, match=f"^{re.escape(name)} in a computed field is not compiled"):
        shelf.find({}, projection)


@pytest.mark.parametrize(
    "wrong", [{"b": 0}, {"b": {"$divide": [1, 0]}}, {"b": "$"}, {"a.b": 1}, {"a": {"$foo": 1}}]
)
def test_what_is_wrong_comes_before_what_is_refused(wrong: Document) -> None:
    with mongoglot.connect("memory:") as store, pytest.raises(FilterError) as caught:
        store["a"].find({}, {"a": LATER, **wrong})
    assert not isinstance(caught.value, NotYetError)


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_what_a_server_alone_computes(engine: str, open_store: StoreOpener) -> None:
    shelf = open_store(engine)["shelf"]
    shelf.insert_one({"_id": 1, "a": Decimal128("2")})
    with pytest.raises(UnsupportedError, match="can only be computed by a MongoDB server"):
        shelf.find_one({}, {"z": {"$ln": "$a"}})
