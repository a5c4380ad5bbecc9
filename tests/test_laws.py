"""Laws of the language, on random documents: in plain Python, and in a store of each kind."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mongoglot
from mongoglot.testing.alphabet import LANGUAGE
from mongoglot.testing.generate import is_plain_literal
from mongoglot.testing.strategies import documents, filters

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import StoreOpener

Document = dict[str, Any]

SETTINGS = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)

Law = tuple[Document, Document]
"""Two filters that mean the same."""


def paths_of(*filters: Document) -> list[str]:
    """The fields that some filters ask for."""
    return [path for query in filters for path in query if not path.startswith("$")] or ["a"]


def not_in(a: Document, b: Document, choose: random.Random) -> Law:
    path = choose.choice(paths_of(a, b))
    members = [value for value in (a.get(path), b.get(path), 1, None, "a") if is_plain_literal(value)]
    return {path: {"$nin": members}}, {path: {"$not": {"$in": members}}}


def not_equal(a: Document, b: Document, choose: random.Random) -> Law:
    path = choose.choice(paths_of(a, b))
    value = choose.choice([value for value in (a.get(path), b.get(path), 1) if is_plain_literal(value)])
    return {path: {"$ne": value}}, {path: {"$not": {"$eq": value}}}


def is_in(a: Document, b: Document, choose: random.Random) -> Law:
    path = choose.choice(paths_of(a, b))
    members = [value for value in (a.get(path), b.get(path), 1, None) if is_plain_literal(value)]
    return {path: {"$in": members}}, {"$or": [{path: {"$eq": value}} for value in members]}


def all_of(a: Document, b: Document, choose: random.Random) -> Law:
    path = choose.choice(paths_of(a, b))
    members = [query[path] for query in (a, b) if is_plain_literal(query.get(path, {"$in": []}))] or [1]
    return {path: {"$all": members}}, {"$and": [{path: {"$eq": value}} for value in members]}


def nor(a: Document, b: Document, _: random.Random) -> Law:
    return {"$nor": [a, b]}, {"$and": [{"$nor": [a]}, {"$nor": [b]}]}


def de_morgan(a: Document, b: Document, _: random.Random) -> Law:
    return {"$nor": [{"$and": [a, b]}]}, {"$or": [{"$nor": [a]}, {"$nor": [b]}]}


def double_negation(a: Document, _: Document, __: random.Random) -> Law:
    return {"$nor": [{"$nor": [a]}]}, a


def double_not(a: Document, b: Document, choose: random.Random) -> Law:
    path = choose.choice(paths_of(a, b))
    value = a.get(path, 1)
    operators = {"$eq": value} if is_plain_literal(value) else value
    if not isinstance(operators, dict):  # a regex as a pattern
        operators = {"$regex": operators}
    return {path: {"$not": {"$not": operators}}}, {path: operators}


def flattening(a: Document, b: Document, _: random.Random) -> Law:
    return {"$and": [a, {"$and": [b, a]}]}, {"$and": [a, b]}


def absorption(a: Document, b: Document, _: random.Random) -> Law:
    return {"$or": [a, {"$and": [a, b]}]}, a


def distribution(a: Document, b: Document, _: random.Random) -> Law:
    return {"$and": [a, {"$or": [b, {"$nor": [a]}]}]}, {"$and": [a, b]}


def order_of_clauses(a: Document, b: Document, _: random.Random) -> Law:
    both = {"$and": [a, b], **a}
    return both, dict(reversed(both.items()))


def order_of_alternatives(a: Document, b: Document, _: random.Random) -> Law:
    return {"$or": [a, b]}, {"$or": [b, a]}


def excluded_middle(a: Document, _: Document, __: random.Random) -> Law:
    return {"$or": [a, {"$nor": [a]}]}, {}


def contradiction(a: Document, _: Document, __: random.Random) -> Law:
    return {"$and": [a, {"$nor": [a]}]}, {"$alwaysFalse": 1}


LAWS = (
    not_in, not_equal, is_in, all_of, nor, de_morgan, double_negation, double_not, flattening, absorption,
    distribution, order_of_clauses, order_of_alternatives, excluded_middle, contradiction,
)  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_laws(law: Callable[[Document, Document, random.Random], Law], open_store: StoreOpener) -> None:
    stored = open_store("sqlite")["documents"]
    some = matched = 0

    @SETTINGS
    @given(documents(2, 6), st.data(), st.integers(0, 10**6))
    def holds(inserted: list[Document], data: st.DataObject, seed: int) -> None:
        nonlocal some, matched
        operators = LANGUAGE - {"$sampleRate", "$comment"}  # which stand at the very top, or say nothing
        first, second = (data.draw(filters(operators=operators, near=inserted)) for _ in range(2))
        left, right = law(first, second, random.Random(seed))
        left_matches, right_matches = mongoglot.compile(left).matches, mongoglot.compile(right).matches
        found = [left_matches(document) for document in inserted]
        assert found == [right_matches(document) for document in inserted], (left, right)
        stored.delete_many({})
        stored.insert_many(inserted)
        assert stored.count_documents(left) == stored.count_documents(right) == sum(found), (left, right)
        some, matched = some + 1, matched + sum(found)

    holds()
    assert some >= 40
    assert law is contradiction or matched > 0
