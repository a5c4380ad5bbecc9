"""`$slice`, `$elemMatch` and `a.$`: fields, their order and errors are those of a real server."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson import Decimal128

import mongoglot
from mongoglot.compiler.ast import Node
from mongoglot.engines.python import PythonCode, lower
from mongoglot.errors import FilterError, NotYetError, UnsupportedError
from mongoglot.testing import random_documents, random_filter
from tests.arena import MATCHES, Arena, shrunk
from tests.conftest import ENGINES, StoreOpener
from tests.mongod import decoded
from tests.projections import array_documents, array_filter, array_projection, wrong_projection
from tests.test_expressions import without_sign_of_nan

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.database import Database

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
DOCUMENTS = 25
QUERIES_PER_BATCH = 100
MAX_REPORTED = 5

Document = dict[str, Any]

Question = tuple[Document, Document]
"""A filter and the options of a find."""

Answer = list[bytes] | str
"""Documents, or `'error 2'`."""

NO_SERVER = "needs a server"
"""What only a server computes, such as the logarithm of a decimal."""

BY_INSERTION = {"hint": {"$natural": 1}}
"""Without it, a server may take the index on `_id`, and its order."""


@pytest.fixture(scope="module")
def arenas(server: Database[Document], stores: dict[str, mongoglot.Store]) -> tuple[Arena, Arena]:
    """One arena for the batches, and one to look for the documents that show a difference."""
    return Arena(server, stores, "arrays"), Arena(server, stores, "single")


def as_bson(document: Document) -> bytes:
    """A document as BSON, without the sign of a NaN, which is the processor's."""
    return without_sign_of_nan(bson.encode(document))


def server_answer(arena: Arena, question: Question) -> Answer:
    query, options = question
    hint = {} if "sort" in options else BY_INSERTION
    try:
        return [as_bson(document) for document in arena.server_find(query, **hint, **options)]
    except FilterError as error:
        return f"error {error.code}"


def engine_answer(arena: Arena, engine: str, question: Question) -> Answer:
    query, options = question
    try:
        return [as_bson(document) for document in arena.find(engine, query, **options)]
    except NotYetError as error:
        return f"refused: {error}"
    except UnsupportedError:
        return NO_SERVER
    except FilterError as error:
        return f"error {error.code}"


def agree(engine: str, question: Question, given: Answer, expected: Answer) -> bool:
    """Whether two answers are one; without a sort, the engine of a server may follow an index of `_id`."""
    if given == NO_SERVER:
        return True
    if engine == "mongodb" and "sort" not in question[1] and isinstance(given, list):
        return isinstance(expected, list) and sorted(given) == sorted(expected)
    return given == expected


def difference(single: Arena, engine: str, question: Question) -> str:
    """What an engine and the server answer over the fewest documents that show the difference."""
    shrunk(
        single,
        lambda: (
            not agree(
                engine, question, engine_answer(single, engine, question), server_answer(single, question)
            )
        ),
    )
    answers = engine_answer(single, engine, question), server_answer(single, question)
    here, there = (given if isinstance(given, str) else [*map(decoded, given)] for given in answers)
    return (
        f"{engine}: find({question[0]!r}, {question[1]!r})\n    over {single.documents!r}\n"
        f"    answered {here!r}\n    the server {there!r}"
    )


def compare(arenas: tuple[Arena, Arena], questions: list[Question]) -> list[Answer]:
    """Ask all engines about the documents in the arena; the answers of the server."""
    arena, single = arenas
    reports: list[str] = []
    answers = []
    for question in questions:
        answers.append(server_answer(arena, question))
        for engine in arena.contestants:
            if engine == MATCHES:
                continue
            if not agree(engine, question, engine_answer(arena, engine, question), answers[-1]):
                single.fill(arena.documents)
                reports.append(difference(single, engine, question))
                assert len(reports) < MAX_REPORTED, "\n".join(reports)
    assert not reports, f"with MONGOGLOT_TEST_SEED={SEED}:\n" + "\n".join(reports)
    return answers


def one_by_one(arena: Arena, questions: list[Question], answers: list[Answer]) -> list[Question]:
    """For the finds that an error ended, finds of single documents: each may have another answer."""
    return [
        ({"$and": [{"_id": document["_id"]}, query]}, {"projection": options["projection"]})
        for (query, options), given in zip(questions, answers, strict=True)
        if given in ("error 51246", "error 51247")
        for document in arena.documents[:10]
    ]


def random_options(rng: random.Random) -> Document:
    options: Document = {"projection": array_projection(rng)}
    if rng.random() < 0.3:
        options |= {
            "sort": {"_id": rng.choice((1, -1))},
            "skip": rng.randint(0, 2),
            "limit": rng.randint(0, 3),
        }
    return options


def decide(
    arenas: tuple[Arena, Arena],
    decisions: int,
    documents: Callable[[random.Random, int], list[Document]],
    filters: Callable[[random.Random, list[Document]], Document],
) -> None:
    """Compare so many (find, document) decisions; a find that fails counts for the documents asked singly."""
    arena, _ = arenas
    rng = random.Random(SEED)
    made, failed, answers = 0, 0, list[Answer]()
    while made < decisions:
        arena.fill(documents(rng, DOCUMENTS))
        questions = [(filters(rng, arena.documents), random_options(rng)) for _ in range(QUERIES_PER_BATCH)]
        given = compare(arenas, questions)
        singly = one_by_one(arena, questions, given)
        failed += len(singly)
        made += len(compare(arenas, singly))
        made += DOCUMENTS * sum(not isinstance(answer, str) for answer in given)
        answers += given
    errors = [answer for answer in answers if isinstance(answer, str)]
    assert failed > 0
    assert len(answers) / 20 < len(errors) < len(answers) / 2
    assert sum(map(len, answers)) - sum(map(len, errors)) > len(answers)  # documents were found


def test_random_finds(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 20_000, array_documents, lambda rng, _: array_filter(rng))


def test_random_finds_of_the_shared_alphabet(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 5_000, random_documents, lambda rng, near: random_filter(rng, near=near))


@pytest.mark.long
def test_many_random_finds(arenas: tuple[Arena, Arena]) -> None:
    decide(arenas, 300_000, array_documents, lambda rng, _: array_filter(rng))


CODES = (
    2, 15, 168, 224, 15983, 15998, 16020, 16410, 16412, 16554, 16872, 17124, 17276, 28667, 28724, 31249,
    31250, 31252, 31253, 31254, 31255, 31256, 31271, 31274, 31275, 31276, 31308, 31310, 31325, 31394, 31395,
    40352, 40353, 51270, 5392900,
)  # fmt: skip
"""Every code that a server has for a projection but for computed fields, and some for those."""


def test_wrong_projections(arenas: tuple[Arena, Arena]) -> None:
    """Code for code; some of the filters are wrong too, and come first."""
    arena, _ = arenas
    rng = random.Random(SEED)
    filters: tuple[Document, ...] = ({}, {"a": 1}, {"a": {"$gt": 0}}, {"a": {"$foo": 1}})
    arena.fill(array_documents(rng, 5))
    questions = [(rng.choice(filters), {"projection": wrong_projection(rng)}) for _ in range(5000)]
    answers = compare(arenas, questions)
    errors = {answer for answer in answers if isinstance(answer, str)}
    assert 0.7 < sum(isinstance(answer, str) for answer in answers) / len(answers) < 1
    assert errors >= {f"error {code}" for code in CODES}


def test_each_wrong_projection_on_an_empty_collection(arenas: tuple[Arena, Arena]) -> None:
    arena, _ = arenas
    arena.fill([])
    rng = random.Random(SEED + 1)
    compare(arenas, [({}, {"projection": wrong_projection(rng)}) for _ in range(200)])


# ---- rules, one by one -------------------------------------------------------------------------------

TEN = list(range(10, 20))


def recorded(document: Document, query: Document) -> Any:
    """The index that a filter records, seen through a field of ten elements; None where there is none."""
    with mongoglot.connect("memory:") as store:
        store["a"].insert_one({**document, "ten": TEN})
        try:
            (found,) = store["a"].find(query, {"ten.$": 1, "_id": 0})
        except FilterError as error:
            if error.code == 51246:
                return None
            raise
        return TEN.index(found["ten"][0])


RECORDED: tuple[tuple[Document, Document, int | None], ...] = (
    ({"a": [1, 2, 3]}, {"a": {"$gt": 1, "$lt": 3}}, 0),
    ({"a": [1, 2, 3]}, {"a": {"$lt": 3, "$gt": 1}}, 1),
    # a conjunction takes up those in it, behind its own parts
    ({"a": [0, 1, 2], "b": [5]}, {"$and": [{"a": 1}, {"a": 2}], "b": 5}, 2),
    ({"a": [0, 1, 2], "b": [5]}, {"$and": [{"a": 2}], "b": 5}, 0),
    ({"a": [0, 1, 2], "b": [5]}, {"a": {"$all": [1, 2]}, "b": 5}, 2),
    ({"a": [0, 1, 2], "b": [5]}, {"a": {"$all": [2]}, "b": 5}, 0),
    ({"a": [0, 1, 2], "b": [5]}, {"a": {"$gte": 0, "$gt": 1}, "b": 5}, 0),
    # disjunctions and negations
    ({"a": [1, 2]}, {"$or": [{"a": 2}]}, 1),
    ({"a": [1, 2]}, {"$or": [{"a": 2}, {"b": 1}]}, None),
    ({"a": [1, 2]}, {"$or": [{"a": 2}, {"a": 7}]}, 1),
    ({"a": [1, 2]}, {"$or": [{"a": 2}, {"a": {"$in": [7, 7.0]}}]}, 1),
    ({"a": [1, 2]}, {"$or": [{"a": 2}, {"a": {"$in": [7, 8]}}]}, None),
    ({"a": [1, 2]}, {"$or": [{"a": 2}, {"a": {"$gt": 7}}]}, None),
    ({"a": [1, 2]}, {"$or": [{"a": {"$gt": 1}}, {"$alwaysFalse": 1}]}, 1),
    ({"a": [1, 2]}, {"$or": [{"a": {"$gt": 1}}, {"a": {"$all": []}}]}, 1),
    ({"a": [1, 2]}, {"$or": [{"a": {"$gt": 1}}, {"a": {"$in": []}}]}, None),
    ({"a": [1, 2]}, {"$or": [{"$and": [{"a": 1}, {"a": 2}]}]}, 1),
    ({"a": [1, 2]}, {"a": {"$not": {"$not": {"$eq": 2}}}}, None),
    ({"a": [1, 2]}, {"$nor": [{"$nor": [{"a": 2}]}]}, None),
    ({"a": [1, 2]}, {"a": 2, "b": {"$ne": 9}}, 1),
    # the value is the array itself
    ({"a": [1, 2]}, {"a": [1, 2]}, None),
    ({"a": [1, 2]}, {"a": {"$size": 2}}, None),
    ({"a": [0, [1]]}, {"a": [1]}, 1),
    ({"a": [0, {"b": [1]}]}, {"a.b": {"$size": 1}}, 1),
    ({"a": [1, 2]}, {"a": {"$exists": True}}, 0),
    ({"a": [1, {}]}, {"a": {"$type": "array"}}, None),
    ({"a": [1, {}]}, {"a": {"$type": "object"}}, 1),
    ({"a": [0, {}]}, {"a.b": {"$gte": None}}, 1),
    # the first array on the way counts, but for those that the path names an index of
    ({"a": [7, 7, {"b": [1, {"c": 2}]}]}, {"a.b.c": 2}, 2),
    ({"a": [7, 7, {"b": [1, {"c": 2}]}]}, {"a.2.b.c": 2}, 1),
    ({"a": [1, 2]}, {"a.1": 2}, None),
    ({"a": [9, {"b": 2}]}, {"a.1.b": 2}, None),
    ({"a": [9, {"1": 2}]}, {"a.1": 2}, 1),
    ({"a": [{"b": 1}, {"1": {"b": 3}, "b": 2}, {"1": {"b": 2}}]}, {"a.1.b": 2}, None),
    ({"a": [{"b": 1}, {"1": {"b": 3}, "b": 1}, {"1": {"b": 2}}]}, {"a.1.b": 2}, 2),
    ({"a": [0, [0, 0, 1]]}, {"a.1.": 1}, 2),
    # $elemMatch
    ({"a": [1, 2, 3]}, {"a": {"$elemMatch": {"$gt": 2}}}, 2),
    ({"a": [0, {"b": [1, 2, 3]}]}, {"a.b": {"$elemMatch": {"$gt": 2}}}, 1),
    ({"a": [0, [1, 2, 3]]}, {"a.1": {"$elemMatch": {"$gt": 2}}}, 2),
    ({"a": [0, [1, {"b": 3}]]}, {"a": {"$elemMatch": {"1.b": 3}}}, 1),
)  # fmt: skip


WITH_GAPS: Document = {"x": [{"y": 1, "z": 1}, 3, {"y": 2}], "a": [0, 1, 2]}

PROJECTED: tuple[tuple[Document, Document, Document, Document | str], ...] = (
    # $slice goes into the objects of an array, and into no array in it
    ({"a": [{"b": [1, 2]}, [{"b": [3, 4]}], 5]}, {}, {"a.b": {"$slice": 1}},
     {"a": [{"b": [1]}, [{"b": [3, 4]}], 5]}),
    ({"a": [{"b": [1, 2]}, [{"b": [3, 4]}], 5]}, {}, {"a.b": {"$slice": 1}, "c": 1},
     {"a": [{"b": [1]}, [{"b": [3, 4]}]]}),
    ({"a": [1, 2, 3]}, {}, {"a": {"$slice": Decimal128("1.9")}}, {"a": [1, 2]}),
    ({"a": [1, 2, 3]}, {}, {"a": {"$slice": Decimal128("2.5")}}, {"a": [1, 2]}),
    ({"a": [1, 2, 3]}, {}, {"a": {"$slice": 2.9}}, {"a": [1, 2]}),
    ({"a": [1, 2, 3]}, {}, {"a": {"$slice": [-2, 1]}}, {"a": [2]}),
    ({"a": [1, 2, 3]}, {}, {"a": {"$slice": [-7, 1]}}, {"a": [1]}),
    ({"a": {"$ref": "x", "$id": 2}}, {}, {"a.$id": 1}, {"a": {"$id": 2}}),
    # what is left of the other fields, and where a field of $elemMatch stands
    ({"a": [1, 2], "b": 3}, {}, {"a": {"$slice": 1}}, {"a": [1], "b": 3}),
    ({"a": [1, 2], "b": 3}, {}, {"a": {"$slice": 1}, "_id": 1}, {"a": [1]}),
    ({"a": [1, 2], "b": 3}, {}, {"a": {"$elemMatch": {"$gt": 1}}}, {"a": [2]}),
    ({"a": [1, 2], "b": 3}, {}, {"a": {"$elemMatch": {"$gt": 1}}, "b": 1}, {"b": 3, "a": [2]}),
    ({"a": [1, 2], "b": 3, "c": 4}, {}, {"a": {"$elemMatch": {"$gt": 1}}, "c": 0}, {"a": [2], "b": 3}),
    ({"a": [1, 2], "b": [3, 4]}, {}, {"b": {"$elemMatch": {"$gt": 1}}, "a": {"$slice": 1}}, {"a": [1], "b": [3]}),
    ({"a": [1, 2], "b": 3}, {}, {"a": {"$elemMatch": {"$gt": 2}}, "b": 1}, {"b": 3}),
    ({"a": 1, "b": 3}, {}, {"a": {"$elemMatch": {"$gt": 0}}, "b": 1}, {"b": 3}),
    ({"a": 1, "b": 3}, {}, {"a": {"$elemMatch": {"$gt": 0}}, "c": 0}, {"b": 3}),
    # a.$ keeps an element of the first array on its path, with what is included of it
    (WITH_GAPS, {"a": 2}, {"x.y.$": 1}, {"x": [{"y": 2}]}),
    (WITH_GAPS, {"a": 1}, {"x.y.$": 1}, "error 51247"),
    (WITH_GAPS, {"a": 0}, {"x.y.$": 1}, {"x": [{"y": 1}]}),
    ({"a": [0, 1], "x": [5]}, {"a": 1}, {"x.$": 1}, "error 51247"),
    ({"a": [0, 1], "x": {"y": [5, 6]}}, {"a": 1}, {"x.$": 1}, {"x": {"y": [5, 6]}}),
    ({"a": [0, 1], "x": {"y": [5, 6], "z": 7}}, {"a": 1}, {"x.z": 1, "x.y.$": 1}, {"x": {"y": [6], "z": 7}}),
    ({"a": [0, 1], "x": 5}, {"a": 1}, {"x.$": 1}, {"x": 5}),
    ({"a": [0, 1], "x": [3, 4]}, {}, {"x.$": 1}, "error 51246"),
    # the server's oddities: of what is no object it looks for the rest of the path beside it
    ({"a": [0, 1], "b": 7}, {"a": 1}, {"b.a.$": 1, "a": 1}, {"a": [0, 1], "b": {"a": [1]}}),
    ({"x": {"y": 4, "a": [0, 1]}, "a": [2, 3]}, {"a": 3}, {"x.y.a.$": 1, "x.a": 1},
     {"x": {"y": {"a": [1]}, "a": [0, 1]}}),
    ({"a": [0, 1]}, {"a": 1}, {"a": {"$slice": 1}, "b.a.$": 1}, "error 51247"),
    ({"a": [0, 1]}, {"a": 1}, {"b.a.$": 1, "a": {"$slice": 1}}, {"a": [0], "b": {"a": [1]}}),
)  # fmt: skip


@pytest.mark.parametrize(("document", "query", "projection", "expected"), PROJECTED)
def test_what_is_left(
    document: Document, query: Document, projection: Document, expected: Document | str
) -> None:
    with mongoglot.connect("memory:") as store:
        store["a"].insert_one({"_id": 0, **document})
        given = engine_find(store, query, projection)
    wanted = expected if isinstance(expected, str) else [("_id", 0), *expected.items()]
    assert given == wanted


def engine_find(store: mongoglot.Store, query: Document, projection: Document) -> list[Any] | str:
    """The fields of the only document, in order, or the error."""
    try:
        return [field for found in store["a"].find(query, projection) for field in found.items()]
    except FilterError as error:
        return f"error {error.code}"


def test_a_server_leaves_the_same(arenas: tuple[Arena, Arena]) -> None:
    arena, _ = arenas
    for document, query, projection, expected in PROJECTED:
        arena.fill([{"_id": 0, **document}])
        given = server_answer(arena, (query, {"projection": projection}))
        wanted = expected if isinstance(expected, str) else [bson.encode({"_id": 0, **expected})]
        assert given == wanted, (document, query, projection)


@pytest.mark.parametrize(("document", "query", "index"), RECORDED)
def test_recorded_indexes(document: Document, query: Document, index: int | None) -> None:
    assert recorded(document, query) == index


def test_a_server_records_the_same_indexes(arenas: tuple[Arena, Arena]) -> None:
    arena, _ = arenas
    for document, query, index in RECORDED:
        arena.fill([{"_id": 0, **document, "ten": TEN}])
        given = server_answer(arena, (query, {"projection": {"ten.$": 1, "_id": 0}}))
        expected = "error 51246" if index is None else [bson.encode({"ten": [TEN[index]]})]
        assert given == expected, (document, query)


@pytest.mark.parametrize("engine", ENGINES)
def test_find_one_and_explain(engine: str, open_store: StoreOpener) -> None:
    shelf = open_store(engine)["shelf"]
    shelf.insert_many([{"_id": 1, "a": [1, 2, 3]}, {"_id": 2, "a": [3, 1]}])
    assert shelf.find_one({"a": 3}, {"a.$": 1}, sort=[("_id", -1)]) == {"_id": 2, "a": [3]}
    assert shelf.find_one(1, {"a": {"$slice": -1}}) == {"_id": 1, "a": [3]}
    assert shelf.explain({"a": 3}, {"a.$": 1})["projection"] == {"a.$": 1}
    with pytest.raises(FilterError) as caught:
        shelf.explain({}, {"a.$": 1, "b.$": 1})
    assert caught.value.code == 31276
    found = shelf.find({}, {"a.$": 1})
    with pytest.raises(FilterError) as caught:
        list(found)
    assert caught.value.code == 51246


@pytest.mark.parametrize("engine", ENGINES)
def test_patterns_of_the_task_dialect(engine: str, open_store: StoreOpener) -> None:
    words = open_store(engine)["words"].with_dialect("taskdb")
    words.insert_one({"_id": 1, "a": ["x", "yes", "z"]})
    assert words.find_one({"a": {"$glob": "y*"}}, {"a.$": 1}) == {"_id": 1, "a": ["yes"]}
    assert words.find_one({"$or": [{"a": {"$glob": "y*"}}, {"a": "q"}]}, {"a.$": 1}) == {
        "_id": 1,
        "a": ["yes"],
    }


def test_the_matcher_is_compiled_once_for_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(node: Node) -> PythonCode[Any]:
        calls.append(node)
        return lower(node)

    monkeypatch.setattr("mongoglot.engines.python.positional.lower", counted)
    with mongoglot.connect("memory:") as store:
        store["a"].insert_many([{"a": [{"only here": 1}, {"only here": 2}]} for _ in range(5)])
        for wanted in (1, 2):
            query = {"a": {"$elemMatch": {"only here": wanted}}}
            found = list(store["a"].find(query, {"a.$": 1, "_id": 0}))
            assert found == [{"a": [{"only here": wanted}]}] * 5
            assert list(store["a"].find({}, {**query, "_id": 0})) == found
    assert len(calls) == 1  # the filter of the projection is one of the same shape


def test_results_are_copies() -> None:
    with mongoglot.connect("memory:") as store:
        store["a"].insert_one({"_id": 1, "a": [{"b": [1, 2]}]})
        projections: tuple[Document, ...] = ({"a": {"$slice": 1}}, {"a": {"$elemMatch": {}}}, {"a.$": 1})
        for projection in projections:
            (found,) = store["a"].find({"a.b": 1}, projection)
            found["a"][0]["b"].append(3)
        assert store["a"].find_one() == {"_id": 1, "a": [{"b": [1, 2]}]}


BOTH_SLICES = (
    "Invalid $slice syntax. The given syntax {} did not match the find() syntax because :: {} :: The given syntax "
    "did not match the expression $slice syntax. :: caused by :: {} (at {})"
)

MESSAGES: tuple[tuple[Document, int, str], ...] = (
    ({"a": {"$elemMatch": {"b": {"$gtt": 1}}}}, 2,
     "unknown operator: $gtt (at a.$elemMatch.b.$gtt); did you mean '$gt'?"),
    ({"a": {"$elemMatch": 2**40}}, 31274, "elemMatch: Invalid argument, object required, but got long (at a)"),
    ({"a": {"$elemMatch": {"$jsonSchema": {}}}}, 224,
     "$jsonSchema is not allowed in this context (at a.$elemMatch.$jsonSchema)"),
    ({"a": {"$slice": [1, 0]}}, 28724, "First argument to $slice must be an array, but is of type: int (at a)"),
    ({"a": {"$slice": "x"}}, 28667, BOTH_SLICES.format(
        '{ $slice: "x" }', "Location31273: $slice only supports numbers and [skip, limit] arrays",
        "Expression $slice takes at least 2 arguments, and at most 3, but 1 were passed in.", "a")),
    ({"a": {"$slyce": 1}}, 31325, "Unknown expression $slyce (at a)"),
    ({"a": {"b": 1}, "a.b": {"c": 1}}, 31250, "Path collision at a.b (at a.b)"),
    ({"a": 1, "a.b.c": {"$slice": [1, 1]}}, 31249, BOTH_SLICES.format(
        "{ $slice: [ 1, 1 ] }", "Location31249: Path collision at a.b.c remaining portion b.c",
        "Path collision at a.b.c remaining portion b.c", "a.b.c")),
)  # fmt: skip


@pytest.mark.parametrize(("projection", "code", "text"), MESSAGES)
def test_messages(projection: Document, code: int, text: str) -> None:
    with mongoglot.connect("memory:") as store, pytest.raises(FilterError) as caught:
        store["a"].find({}, projection)
    assert (caught.value.code, str(caught.value)) == (code, text)
