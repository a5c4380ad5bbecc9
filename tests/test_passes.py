"""The passes keep the meaning and come to rest; plans are shared by shape, and values never are."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, Regex

import mongoglot
from mongoglot.compiler import passes
from mongoglot.compiler.ast import Always, And, Compare, ListSlot, Node, Not, Or, Slot
from mongoglot.compiler.passes import PASSES, Pass, optimise
from mongoglot.compiler.plan import CACHE_SIZE, Plan, PlanCache
from mongoglot.compiler.regex import Pattern
from mongoglot.compiler.values import MISSING
from mongoglot.compiler.walk import elements
from mongoglot.engines import python
from mongoglot.testing import LANGUAGE, random_documents, random_filter
from mongoglot.testing.alphabet import COMPARISONS, EVERY_SCALAR
from tests.alternatives import random_alternatives

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
CONNECTIVES = (And, Or, Not)


OPERATORS = frozenset({"$and", "$or", "$nor", "$not", "$gt", "$lte", "$in", "$nin"})
"""Those that give the passes most to do."""


def documents_and_filters(
    count: int, operators: Set[str] = LANGUAGE
) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    rng = random.Random(SEED)
    for _ in range(count):
        documents = random_documents(rng, 25)
        for _ in range(25):
            yield documents, random_filter(rng, operators=operators, near=documents)


def answers(node: Node, values: list[Any], documents: list[dict[str, Any]]) -> list[bool]:
    return list(map(meaning(node, values), documents))


def meaning(node: Node, values: list[Any]) -> Callable[[dict[str, Any]], bool]:
    """What a tree means, whether passes have seen it or not: only its predicates are lowered."""
    match node:
        case Always(value):
            return lambda _: value
        case And(inner):
            every = [meaning(child, values) for child in inner]
            return lambda document: all(holds(document) for holds in every)
        case Or(inner):
            some = [meaning(child, values) for child in inner]
            return lambda document: any(holds(document) for holds in some)
        case Not(child):
            negated = meaning(child, values)
            return lambda document: not negated(document)
        case Compare(path, op, Slot(_, "null" | "nan" as kind)):  # these have an equality, but no order
            test = EQUAL[kind] if op not in ("$gt", "$lt") else (lambda _: False)
            return lambda document: any(map(test, elements(document, path)))
        case leaf:
            return lowered(leaf).bind(values)


lowered = cache(python.lower)


EQUAL: dict[str, Callable[[Any], bool]] = {
    "null": lambda found: found is None or found is MISSING,
    "nan": lambda found: isinstance(found, (float, Decimal128)) and str(found).lower() == "nan",
}


@pytest.mark.parametrize("step", [*PASSES, optimise], ids=lambda step: step.__name__)
def test_meaning_is_kept(step: Pass) -> None:
    changed = matched = 0
    rng = random.Random(SEED)
    for number, (documents, condition) in enumerate(documents_and_filters(60, operators=OPERATORS)):
        if number % 4 == 1:
            condition = {"$and": [{"$expr": {"$gte": ["$a", "$b"]}}, condition]}
        query = mongoglot.compile(random_alternatives(rng, documents) if number % 4 == 0 else condition)
        node = step(query.ast)
        if node != query.ast:
            expected = answers(query.ast, query.values, documents)
            assert answers(node, query.values, documents) == expected, (condition, node)
            changed, matched = changed + 1, matched + sum(expected)
    assert changed >= 20
    assert matched >= 20


@pytest.mark.parametrize("step", [*PASSES, optimise], ids=lambda step: step.__name__)
def test_a_pass_that_runs_later_keeps_the_meaning_too(step: Pass) -> None:
    """Each pass also meets trees that no parser makes: those of the other passes, wrapped and joined."""
    rng = random.Random(SEED)
    for documents, condition in documents_and_filters(6):
        query = mongoglot.compile(condition)
        node = odd_tree(rng, query.ast)
        expected = answers(node, query.values, documents)
        assert answers(step(node), query.values, documents) == expected, (condition, node)


def odd_tree(rng: random.Random, node: Node) -> Node:
    """The tree inside connectives of few children, doubled negations and constants."""
    for _ in range(rng.randint(1, 4)):
        other = rng.choice((Always(True), Always(False), node, Not(node)))
        node = rng.choice((Not(node), Not(Not(node)), And((node,)), Or((other, node)), And((node, other))))
    return node


def test_the_result_is_a_fixpoint_in_normal_form() -> None:
    for _, condition in documents_and_filters(20):
        node = mongoglot.compile(condition).optimised
        assert all(step(node) == node for step in (*PASSES, optimise)), condition
        for parent in nodes(node):
            for child in children(parent):
                assert not isinstance(child, Always), (condition, node)
                assert type(child) is not type(parent), (condition, node)
            if isinstance(parent, (And, Or)):
                assert len(parent.children) > 1, (condition, node)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from nodes(child)


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case And(inner) | Or(inner):
            return inner
        case Not(child):
            return (child,)
        case _:
            return ()


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ({"a": {"$gt": None}}, {"$nor": [{}]}),
        ({"a": {"$lte": None}}, {"a": None}),
        ({"a": {"$gte": float("nan")}}, {"a": float("nan")}),
        ({"a": {"$lt": Decimal128("NaN")}}, {"$nor": [{}]}),
        ({"a": {"$in": []}}, {"$nor": [{}]}),
        ({"a": {"$nin": []}}, {}),
        ({"a": {"$not": {"$not": {"$gt": 1}}}}, {"a": {"$gt": 1}}),
        ({"$and": [{"$and": [{"a": 1}, {}]}, {"$nor": [{"b": {"$in": []}}]}]}, {"a": 1}),
        ({"$or": [{"a": 1}, {"$or": [{"b": 1}, {"c": {"$gt": None}}]}]}, {"$or": [{"a": 1}, {"b": 1}]}),
        ({"$or": [{"a": 1}, {"a": "x"}, {"a": None}]}, {"a": {"$in": [1, "x", None]}}),
        ({"$or": [{"a": 1}, {"$or": [{"a": {"$in": [2, [3]]}}, {"a": {}}]}]}, {"a": {"$in": [1, 2, [3], {}]}}),
        ({"$nor": [{"a": 1}, {"b": 1}, {"a": 2}]}, {"$nor": [{"a": {"$in": [1, 2]}}, {"b": 1}]}),
        ({"a": {"$elemMatch": {"$or": [{"b": 1}, {"b": 2}]}}}, {"a": {"$elemMatch": {"b": {"$in": [1, 2]}}}}),
    ],
)  # fmt: skip
def test_filters_that_become_one(condition: dict[str, Any], same: dict[str, Any]) -> None:
    assert bound(mongoglot.compile(condition)) == bound(mongoglot.compile(same))


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ({"a": {"$not": {"$gt": 5}}}, {"a": {"$lte": 5}}),
        ({"a": {"$gt": 5, "$lt": 3}}, {"$nor": [{}]}),
        ({"a": {"$ne": None}}, {"a": {"$exists": True}}),
        ({"a": {"$exists": False}}, {"a": None}),
        ({"a": {"$in": [1]}}, {"a": True}),
        ({"$or": [{"a": 1}, {"a.b": 1}]}, {"a": {"$in": [1, 1]}}),
        ({"$and": [{"a": 1}, {"a": 2}]}, {"a": {"$in": [1, 2]}}),
    ],
)
def test_filters_that_never_become_one(condition: dict[str, Any], other: dict[str, Any]) -> None:
    assert bound(mongoglot.compile(condition)) != bound(mongoglot.compile(other))


def test_passes_that_go_round_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrap(node: Node) -> Node:
        return Not(node)

    def unwrap(node: Node) -> Node:
        return node.child.child if isinstance(node, Not) and isinstance(node.child, Not) else node

    monkeypatch.setattr(passes, "PASSES", (wrap, unwrap))
    with pytest.raises(AssertionError, match=r"go round in a circle: .*'wrap', 'unwrap'"):
        optimise(mongoglot.compile({"a": 1}).ast)


def bound(query: mongoglot.Query) -> Any:
    """The optimised tree with the values in the place of their slots, as one can compare it."""

    def shown(part: Any) -> Any:
        match part:
            case Slot(index, kind):
                value = query.values[index]
                return (kind, value) if isinstance(value, Pattern) else (kind, bson.encode({"": value}))
            case ListSlot(_, kinds):
                return kinds, bson.encode({"": part.members(query.values)})
            case tuple():
                return tuple(map(shown, part))
            case _ if dataclasses.is_dataclass(part):
                return type(part), *(shown(getattr(part, item.name)) for item in dataclasses.fields(part))
            case _:
                return part

    return shown(query.optimised)


def test_a_filter_made_of_the_tree_gives_the_tree() -> None:
    for documents, condition in documents_and_filters(20):
        query = mongoglot.compile(condition)
        again = mongoglot.compile(query.to_mongodb())
        assert bound(again) == bound(query), (condition, query.to_mongodb())
        assert list(map(again.matches, documents)) == list(map(query.matches, documents)), condition


def native_filter_of_nothing(_: list[Any], __: Any) -> dict[str, Any]:
    return {}


# ---- plans ---------------------------------------------------------------------------------------


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> PlanCache:
    """An empty plan cache, which `compile` uses."""
    cache = PlanCache()
    monkeypatch.setattr("mongoglot.query._PLANS", cache)
    return cache


def test_queries_of_one_shape_share_a_plan(plans: PlanCache) -> None:
    first = mongoglot.compile({"a": {"$gt": 1, "$in": [1, "x"]}, "$or": [{"b": None}, {"c": "x"}]})
    second = mongoglot.compile({"a": {"$gt": 9, "$in": ["y", "z", 3]}, "$or": [{"b": None}, {"c": ""}]})
    assert first.plan is second.plan
    assert len(plans) == 1
    assert first.to_python().__code__ is second.to_python().__code__
    assert first.to_sql().text == second.to_sql().text
    assert first.to_sql().parameters != second.to_sql().parameters


@pytest.mark.parametrize(
    "others",
    [
        ({"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": None}, {"a": b"1"}, {"a": float("nan")}),
        (
            {"a": 1},
            {"b": 1},
            {"a": {"$gt": 1}},
            {"a": {"$in": [1]}},
            {"a.a": 1},
            {"": 1},
            {"$or": [{"a": 1}]},
        ),
        ({"a": {"$exists": True}}, {"a": {"$exists": False}}),
        ({"a": {"$in": [1]}}, {"a": {"$in": [1, "x"]}}, {"a": {"$in": []}}, {"a": {"$nin": [1]}}),
        ({"a": 1, "b": 1}, {"b": 1, "a": 1}, {"a": 1}, {"$and": [{"a": 1}, {"b": 1}]}),
    ],
)
def test_shapes_that_differ(plans: PlanCache, others: tuple[dict[str, Any], ...]) -> None:
    for condition in others:
        mongoglot.compile(condition)
    assert len(plans) == len(others)


def test_dialects_share_no_plan(plans: PlanCache) -> None:
    assert mongoglot.compile({"a": 1}).plan is not mongoglot.compile({"a": 1}, dialect="taskdb").plan


CONFUSABLE: tuple[Any, ...] = (
    1,
    True,
    1.0,
    "1",
    Int64(1),
    Decimal128("1"),
    0,
    False,
    -0.0,
    None,
    "",
    b"",
    [],
    {},
)


def test_values_do_not_leak_into_the_next_query(plans: PlanCache) -> None:
    for first, second in itertools.permutations(CONFUSABLE, 2):
        held, query = mongoglot.compile({"a": first}), mongoglot.compile({"a": second})
        for one, value in ((held, first), (query, second)):
            assert one.matches({"a": value})
            assert bson.encode({"": one.values[0]}) == bson.encode({"": value})
    assert len(plans) == len({mongoglot.compile({"a": value}).tokens for value in CONFUSABLE})


def test_a_shuffled_crowd_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answers as it does with a cache that keeps nothing."""
    rng = random.Random(SEED)
    documents = [{"a": value} for value in EVERY_SCALAR]
    operands = [value for value in EVERY_SCALAR if not isinstance(value, Regex)]
    wanted = [{"a": {rng.choice(COMPARISONS): rng.choice(operands)}} for _ in range(400)]
    monkeypatch.setattr("mongoglot.query._PLANS", PlanCache(0))
    alone = [list(map(mongoglot.compile(condition).matches, documents)) for condition in wanted]
    monkeypatch.setattr("mongoglot.query._PLANS", PlanCache())
    queries = [mongoglot.compile(condition) for condition in wanted]
    assert len({id(query.plan) for query in queries}) < len(queries) / 3
    assert [list(map(query.matches, documents)) for query in queries] == alone


def test_a_query_is_independent_of_the_filter_it_came_from() -> None:
    condition: dict[str, Any] = {"a": {"$in": [1, [2]]}, "b": {"c": [3]}}
    query = mongoglot.compile(condition)
    condition["a"]["$in"][1].append(9)
    condition["a"]["$in"].append(4)
    condition["b"]["c"][0] = 9
    assert query.matches({"a": [2], "b": {"c": [3]}})
    assert not query.matches({"a": 4, "b": {"c": [3]}})


def test_the_cache_is_bounded(plans: PlanCache) -> None:
    for number in range(CACHE_SIZE + 50):
        assert mongoglot.compile({f"field {number}": 1}).matches({f"field {number}": 1})
    assert len(plans) == CACHE_SIZE


def test_what_was_used_last_stays() -> None:
    cache = PlanCache(3)
    made: list[str] = []

    def get(name: str) -> Plan:
        return cache.get(name, maker(name, made))

    for name in "abcadacabe":
        get(name)
    assert made == ["a", "b", "c", "d", "b", "e"]
    assert len(cache) == 3


def maker(name: str, made: list[str]) -> Callable[[], Plan]:
    def make() -> Plan:
        made.append(name)
        return Plan(Always(True), native_filter_of_nothing)

    return make


def test_many_threads_compile_at_once(plans: PlanCache) -> None:
    start = threading.Barrier(8)

    def compile_all(_: int) -> list[int]:
        start.wait()
        found = []
        for number in range(60):
            query = mongoglot.compile(
                {f"a{number}.b": {"$gte": number}, "$or": [{"c": 1}, {"d": {"$ne": "x"}}]}
            )
            assert query.matches({f"a{number}": {"b": number}})
            assert not query.matches({f"a{number}": {"b": number - 1}})
            found.append(id(query.plan))
        return found

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(compile_all, range(8)))
    assert all(found == results[0] for found in results)
    assert len(plans) == 60


def test_a_plan_is_lowered_once_for_a_target() -> None:
    plan, calls = Plan(Always(True), native_filter_of_nothing), list[str]()

    def lower(target: str) -> str:
        def lowered(_: Node) -> str:
            calls.append(target)
            time.sleep(0.01)
            return target

        return plan.lowered(target, lowered)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lower, ["x", "y"] * 8)) == ["x", "y"] * 8
    assert sorted(calls) == ["x", "y"]
