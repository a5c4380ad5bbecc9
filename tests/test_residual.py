"""The residual: whatever a lowering declines, what is pushed and what is left are the filter together."""

from __future__ import annotations

import os
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from operator import methodcaller
from typing import Any, Literal, TypeAlias, TypeVar

import bson
import pytest

import mongoglot
from mongoglot.compiler.ast import Always, And, Compare, Leaf, Node, Not
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import Split, split
from mongoglot.compiler.trees import conjunction
from mongoglot.compiler.values import Document, sort_key
from mongoglot.engines import python
from mongoglot.engines.base import FindRequest, LoweringBackend, Record
from mongoglot.errors import DuplicateKeyError
from mongoglot.testing import random_documents, random_filter

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

Code: TypeAlias = Callable[[list[Any], Document], bool]
"""From the values of a query and a document to whether it passes."""

Piece: TypeAlias = Literal["predicate", "conjunction", "disjunction", "negation"]

T = TypeVar("T")

PIECES: tuple[Piece, ...] = ("predicate", "conjunction", "disjunction", "negation")

RATES = (0.0, 0.1, 0.5, 0.9, 1.0)


class RandomLowering:
    """Lowers to Python callables, and declines some of the pieces.

    Args:
        rng: decides which.
        declined: how often, for each of the pieces.
        loose: how often a predicate becomes a superset of itself, which lets through up to everything.
    """

    def __init__(
        self, rng: random.Random, declined: Mapping[Piece, float] | None = None, loose: float = 0.0
    ) -> None:
        self.rng = rng
        self.declined = declined or {}
        self.loose = loose
        self.calls: Counter[Piece] = Counter()

    def predicate(self, leaf: Leaf) -> Code | Superset[Code] | None:
        if self._declines("predicate"):
            return None
        code = exact(leaf)
        return Superset(self._loosened(code)) if self.rng.random() < self.loose else code

    def conjunction(self, parts: Sequence[Code]) -> Code | None:
        assert len(parts) > 1
        if self._declines("conjunction"):
            return None
        return lambda values, document: all(part(values, document) for part in parts)

    def disjunction(self, parts: Sequence[Code]) -> Code | None:
        assert len(parts) > 1
        if self._declines("disjunction"):
            return None
        return lambda values, document: any(part(values, document) for part in parts)

    def negation(self, part: Code) -> Code | None:
        if self._declines("negation"):
            return None
        return lambda values, document: not part(values, document)

    def _declines(self, piece: Piece) -> bool:
        self.calls[piece] += 1
        return self.rng.random() < self.declined.get(piece, 0.0)

    def _loosened(self, code: Code) -> Code:
        salt, percent = self.rng.random(), self.rng.choice((0, 20, 60, 100))
        return lambda values, document: code(values, document) or drawn(salt, document) < percent


def exact(node: Node) -> Code:
    """What the Python engine makes of a node."""
    lowered = python.lower(node)
    return lambda values, document: lowered.bind(values)(document)


def drawn(salt: float, document: Document) -> int:
    """A number from 0 to 99, always the same for one document."""
    return zlib.crc32(repr((salt, document["_id"])).encode()) % 100


def random_lowering(rng: random.Random) -> RandomLowering:
    return RandomLowering(rng, random_rates(rng), rng.choice(RATES))


def random_rates(rng: random.Random) -> dict[Piece, float]:
    return {piece: rng.choice(RATES) for piece in PIECES}


def documents_and_queries(
    count: int, *, filters: int = 30
) -> Iterator[tuple[list[dict[str, Any]], mongoglot.Query]]:
    """Random documents, and random queries about them."""
    rng = random.Random(SEED)
    for _ in range(count):
        documents = random_documents(rng, 30)
        for _ in range(filters):
            yield documents, mongoglot.compile(random_filter(rng, near=documents))


def passes(halves: Split[Code], values: list[Any], document: Document) -> bool:
    """Whether what was pushed lets a document through."""
    if halves.code is None:
        assert isinstance(halves.pushed, Always)
        return halves.pushed.value
    return halves.code(values, document)


def test_both_halves_together_are_the_filter() -> None:
    rng = random.Random(SEED)
    left_over = decided = 0
    for documents, query in documents_and_queries(30):
        halves = split(query.optimised, random_lowering(rng))
        residual = exact(Always(True) if halves.residual is None else halves.residual)
        for document in documents:
            pushed = passes(halves, query.values, document)
            assert pushed or not query.matches(document), (query.ast, halves)
            assert (pushed and residual(query.values, document)) == query.matches(document)
            decided += not pushed
        left_over += halves.residual is not None
    assert left_over > 200
    assert decided > 2000  # the pushed half does keep documents out


def test_code_says_what_the_pushed_tree_says() -> None:
    rng = random.Random(SEED)
    for documents, query in documents_and_queries(15):
        halves = split(query.optimised, RandomLowering(rng, random_rates(rng)))
        tree = exact(halves.pushed)
        for document in documents:
            assert passes(halves, query.values, document) == tree(query.values, document)


def test_nothing_is_left_where_nothing_is_declined() -> None:
    for documents, query in documents_and_queries(10):
        halves = split(query.optimised, RandomLowering(random.Random(0)))
        assert halves.residual is None
        assert halves.pushed == query.optimised
        for document in documents:
            assert passes(halves, query.values, document) == query.matches(document)


def test_everything_is_left_where_everything_is_declined() -> None:
    for _, query in documents_and_queries(5):
        halves = split(query.optimised, RandomLowering(random.Random(0), {"predicate": 1.0}))
        if isinstance(query.optimised, Always):
            assert halves == Split(query.optimised, None, None)
        else:
            assert halves == Split(Always(True), None, query.optimised)


def test_each_predicate_is_lowered_once() -> None:
    lowering = RandomLowering(random.Random(0), loose=0.5)
    query = mongoglot.compile({"$nor": [{"a": 1, "b": 2}, {"c": {"$not": {"$gt": 1, "$lt": 5}}}], "d": 1})
    split(query.optimised, lowering)
    assert lowering.calls["predicate"] == 5


class OnlyEquality:
    """The first lowering that an author writes: equalities, and all of them together."""

    def predicate(self, leaf: Leaf) -> str | None:
        return ".".join(leaf.path) if is_equality(leaf) else None

    def conjunction(self, parts: Sequence[str]) -> str | None:
        return " and ".join(parts)

    def disjunction(self, parts: Sequence[str]) -> None: ...

    def negation(self, part: str) -> None: ...


def is_equality(node: Node) -> bool:
    return isinstance(node, Compare) and node.op == "$eq"


def test_exactly_the_equalities_are_pushed() -> None:
    pushed_some = 0
    for _, query in documents_and_queries(20):
        parts = query.optimised.children if isinstance(query.optimised, And) else (query.optimised,)
        equalities = tuple(part for part in parts if is_equality(part) or isinstance(part, Always))
        others = tuple(part for part in parts if part not in equalities)
        halves = split(query.optimised, OnlyEquality())
        assert halves.pushed == conjunction(equalities)
        assert halves.residual == (conjunction(others) if others else None)
        pushed_some += bool(equalities and others)
    assert pushed_some > 10


def test_what_may_be_pushed_below_a_negation() -> None:
    """`nor` of a declined and a lowered part: the negation of the lowered one lets every match through."""
    query = mongoglot.compile({"$nor": [{"a": 1}, {"b": {"$gt": 1}}]})

    class NoOrder(RandomLowering):
        def predicate(self, leaf: Leaf) -> Code | Superset[Code] | None:
            return exact(leaf) if is_equality(leaf) else None

    halves = split(query.optimised, NoOrder(random.Random(0)))
    assert halves.pushed == Not(mongoglot.compile({"a": 1}).optimised)
    assert halves.residual == query.optimised


class ListsBackend(LoweringBackend[int, Code]):
    """The smallest engine on a lowering: lists of numbered documents."""

    def __init__(self, lowering: RandomLowering) -> None:
        self.name = "lists"
        self.lowering = lowering
        self.collections: dict[str, list[tuple[int, Record]]] = {}
        self.numbers = 0

    def candidates(
        self, collection: str, code: Code | None, query: BoundPlan
    ) -> Iterator[tuple[int, Record]]:
        rows = list(self.collections.get(collection, ()))
        return ((key, row) for key, row in rows if code is None or code(query.values, row))

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        rows = self.collections.setdefault(collection, [])
        for document in documents:
            if any(sort_key(row["_id"]) == sort_key(document["_id"]) for _, row in rows):
                raise DuplicateKeyError(collection, document["_id"])
            self.numbers += 1
            rows.append((self.numbers, document))

    def replace(self, collection: str, key: int, document: Record) -> None:
        rows = self.collections[collection]
        rows[:] = [(number, document if number == key else row) for number, row in rows]

    def remove(self, collection: str, keys: list[int]) -> None:
        rows = self.collections[collection]
        rows[:] = [(number, row) for number, row in rows if number not in keys]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = {name: list(rows) for name, rows in self.collections.items()}
        try:
            yield
        except BaseException:
            self.collections = before
            raise

    def drop(self, collection: str) -> None:
        self.collections.pop(collection, None)

    def collection_names(self) -> list[str]:
        return sorted(self.collections)

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        return {"engine": self.name, "collection": collection, "query": request.query.optimised}

    def close(self) -> None:
        self.collections.clear()


def all_do(stores: list[mongoglot.Store], action: Callable[[mongoglot.Collection], T]) -> T:
    """What all stores answer, after checking that it is the same, and that they hold the same afterwards."""
    answers = [action(store["tasks"]) for store in stores]
    assert all(answer == answers[0] for answer in answers)
    held = [found(store["tasks"], query={}, options={}) for store in stores]
    assert all(documents == held[0] for documents in held)
    return answers[0]


@pytest.mark.parametrize("number", range(12))
def test_an_engine_on_a_lowering_is_right_from_its_first_line(number: int) -> None:
    rng = random.Random(SEED * 1000 + number)
    stores = [mongoglot.Store(ListsBackend(random_lowering(rng))) for _ in range(2)]
    stores.append(mongoglot.connect("memory:"))
    documents = random_documents(rng, 40)
    all_do(stores, methodcaller("insert_many", documents))
    matched = 0
    for _ in range(25):
        query = mongoglot.compile(random_filter(rng, near=documents))  # one plan for all of them
        sort = rng.choice((None, "a", [("b", -1)]))
        options = {"sort": sort, "skip": rng.randint(0, 2), "limit": rng.randint(0, 9)}
        all_do(stores, partial(found, query=query, options=options))
        matched += all_do(stores, methodcaller("count_documents", query))
        change = {"$set": {rng.choice("abc"): rng.randint(0, 2)}, "$unset": {"d": ""}}
        all_do(stores, methodcaller("update_one", query, change))
        if rng.random() < 0.2:
            all_do(stores, methodcaller("update_many", query, change))
        all_do(stores, methodcaller("delete_one", query))
    assert matched > 20
    all_do(stores, methodcaller("delete_many", {"a": {"$ne": 1}}))


def found(
    tasks: mongoglot.Collection, *, query: Mapping[str, Any] | mongoglot.Query, options: Mapping[str, Any]
) -> list[bytes] | int:
    """The documents, or the code of the error of a sort by parallel arrays."""
    try:
        return [bson.encode(document) for document in tasks.find(query, **options)]
    except mongoglot.FilterError as error:
        return error.code


def test_an_update_that_fails_leaves_all_as_it_was() -> None:
    backend = ListsBackend(RandomLowering(random.Random(0), {"predicate": 1.0}))
    tasks = mongoglot.Store(backend)["tasks"]
    tasks.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}])
    with pytest.raises(mongoglot.WriteError):
        tasks.update_many({"a": 1}, {"$set": {"_id": 1, "b": 1}})
    assert list(tasks.find()) == [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}]
