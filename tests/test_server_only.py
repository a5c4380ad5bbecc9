"""What only a server can answer, samples, and collations: relayed to it, and refused by name elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Code

import mongoglot
from mongoglot import FilterError, UnsupportedError
from tests.conftest import StoreOpener

FILTERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("$where", {"$where": "this.a > 1"}),
    ("$where", {"b": 1, "$or": [{"$where": Code("this.a > 1")}, {"a": 2}]}),
    ("$text", {"$text": {"$search": "x"}}),
    ("$near", {"a": {"$near": [0, 0], "$maxDistance": 5}}),
    ("$nearSphere", {"a": {"$nearSphere": {"$geometry": {"type": "Point", "coordinates": [0, 0]}}}}),
    (
        "$geoWithin",
        {
            "a": {
                "$geoWithin": {"$box": [[0, 0], [1, 1]]},
            }
        },
    ),
    ("$within", {"a": {"$not": {"$within": {"$center": [[0, 0], 1]}}}}),
    ("$geoIntersects", {"a": {"$geoIntersects": {"$geometry": {"type": "Point", "coordinates": [0, 0]}}}}),
    ("$geoWithin", {"a": {"$elemMatch": {"p": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}}}}),
)


@pytest.mark.parametrize(("name", "condition"), FILTERS)
def test_other_targets_refuse_by_name(name: str, condition: dict[str, Any]) -> None:
    query = mongoglot.compile(condition)
    assert query.to_mongodb() == condition
    for say in (query.to_python, query.to_sql, lambda: query.matches({"a": 1})):
        with pytest.raises(UnsupportedError, match=rf"^\{name}.* for the engine 'mongodb'"):
            say()
    assert name in str(query.explain())


@pytest.mark.parametrize(("name", "condition"), FILTERS)
@pytest.mark.parametrize("url", ["memory:", "sqlite::memory:", "null:"])
def test_stores_refuse_before_they_look(name: str, condition: dict[str, Any], url: str) -> None:
    with mongoglot.connect(url) as store:
        nothing = store["nothing was ever put here"]
        for action in (nothing.find, nothing.count_documents, nothing.delete_many, nothing.find_one):
            with pytest.raises(UnsupportedError, match=rf"^\{name}"):
                action(condition)
        with pytest.raises(UnsupportedError, match=rf"^\{name}"):
            nothing.update_many(condition, {"$set": {"a": 1}})


def test_a_server_answers(open_store: StoreOpener) -> None:
    places = open_store("mongodb")["places"]
    places.insert_many([{"_id": number, "a": [number, number], "n": number} for number in range(5)])
    assert [place["_id"] for place in places.find({"$where": "this.n > 2", "n": {"$ne": 4}})] == [3]
    inside = {"a": {"$geoWithin": {"$box": [[1, 1], [3, 3]]}}}
    assert places.count_documents(inside) == 3
    assert places.delete_many({"a": {"$not": {"$geoWithin": {"$center": [[0, 0], 2]}}}}).deleted_count == 3
    with pytest.raises(FilterError) as caught:
        list(places.find({"a": {"$near": [0, 0]}}))
    assert (caught.value.code, caught.value.code_name) == (291, "NoQueryExecutionPlans")


@pytest.mark.parametrize("engine", ["memory", "sqlite", "mongodb"])
def test_samples(engine: str, open_store: StoreOpener) -> None:
    documents = open_store(engine)["documents"]
    documents.insert_many([{"_id": number, "half": number % 2} for number in range(4000)])
    half = documents.count_documents({"$sampleRate": 0.5})
    assert 1600 < half < 2400  # twelve standard deviations
    assert 600 < documents.count_documents({"half": 1, "$sampleRate": 0.5}) < 1400
    assert 1600 < documents.count_documents({"$nor": [{"$sampleRate": 0.5}]}) < 2400
    assert documents.count_documents({"$sampleRate": 0}) == 0
    assert documents.count_documents({"$sampleRate": 1.0}) == 4000
    assert {documents.count_documents({"$sampleRate": 0.5}) for _ in range(5)} != {half}


def test_collations(open_store: StoreOpener) -> None:
    words = [{"_id": number, "a": word} for number, word in enumerate(["b", "A", "á", "a", "B"])]
    for engine in ("memory", "sqlite", "mongodb"):
        documents = open_store(engine)["documents"]
        documents.insert_many(words)
        simple = documents.find({"a": "a"}, sort="a", collation={"locale": "simple"})
        assert [found["_id"] for found in simple] == [3]
        with pytest.raises(FilterError, match="wrong type"):
            documents.find({}, collation="en")  # type: ignore[arg-type]  # what a user might do
        if engine != "mongodb":
            with pytest.raises(UnsupportedError, match=f"collation .* engine '{engine}'"):
                documents.find({"a": "a"}, collation={"locale": "en", "strength": 1})
            with pytest.raises(UnsupportedError, match="collation"):
                documents.find_one({"a": "a"}, collation={"locale": "en"})
    french = documents.find({"a": "a"}, sort={"_id": -1}, collation={"locale": "fr", "strength": 1})
    assert [found["_id"] for found in french] == [3, 2, 1]
    with pytest.raises(FilterError) as caught:
        list(documents.find({}, collation={"locale": "xx"}))
    assert caught.value.code == 2
