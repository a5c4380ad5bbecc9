"""Short ways of reading: documents decoded some at once, and arrays looked into only where a string occurs."""

from __future__ import annotations

import datetime
import json
import random
from typing import Any

import bson
import pytest
from bson import Code, Decimal128, Int64, ObjectId

import mongoglot
from mongoglot.compiler.normalise import normalise_document
from mongoglot.engines.sqlite.encoding import decode, decode_all, encode
from mongoglot.testing import random_documents

SEED = 20261122

ODD: list[dict[str, Any]] = [
    {"a": Int64(5)}, {"a": [Int64(-5), 5]}, {"a": 2**31}, {"a": -(2**31)}, {"a": -(2**31) - 1}, {"a": 2**40},
    {"a": 0.1234567890123456}, {"a": 123456789.25}, {"a": 1234567890.5}, {"a": 12345678901234.0}, {"a": 1e300},
    {"a": [0.1234567890123456, 9876543210]}, {"a": 1e-300}, {"a": 5e-324}, {"a": float("inf")}, {"a": -0.0},
    {"a": [0.00001234567890123456, Int64(1)]}, {"a": "1.2345678901"}, {"a": "12345678901"}, {"a": "0e0"},
    {"a": "é"}, {"a": "\U000fffff"}, {"a": "\U00100000"}, {"a": "\U0010ffffK"}, {"a": "\N{GRINNING FACE}"},
    {"a": ObjectId("0123456789abcdef01234567")}, {"a": Decimal128("1.5")}, {"a": b"\0"}, {"a": None},
    {"a": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}, {"": {"é": [{}]}}, {"a": '],[{"_id":1}'}, {},
]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types."""
    return bson.encode(left) == bson.encode(right)


@pytest.mark.parametrize("together", [1, 2, 3, len(ODD)])
def test_documents_decoded_at_once_are_those_decoded_one_by_one(together: int) -> None:
    rng = random.Random(SEED + together)
    for _ in range(60):
        documents = rng.choices(ODD, k=together) if together < len(ODD) else ODD
        texts = list(map(encode, documents))
        found = decode_all(texts)
        assert len(found) == len(documents)
        for document, each, text in zip(documents, found, texts, strict=True):
            assert same(each, document), document
            assert same(each, decode(text)), document


def test_random_documents_decoded_at_once() -> None:
    rng = random.Random(SEED)
    for _ in range(40):
        texts = [encode(normalise_document(each)) for each in random_documents(rng, 20)]
        for text, document in zip(texts, decode_all(texts), strict=True):
            assert same(document, decode(text))


def test_no_documents() -> None:
    assert decode_all([]) == []


def test_texts_that_are_documents_only_together() -> None:
    for texts in (['{"_id":1},{"_id":2}'], ['{"_id":[1', "2]}"], ["", '{"_id":1},{"_id":2}']):
        with pytest.raises(json.JSONDecodeError):
            decode_all(texts)


STRINGS = [
    "s3", "x", "", "é", "\N{GRINNING FACE}", 'say "x"', "back\\slash", "a\nb", "tab\t", "\0", "nul\0inside",
    "\x7f", "/", "\u2028", "\U0010ffff", "\U0010ffffKx", "'; DROP TABLE tasks", "%_*?[", "\ufeff", "a" * 5000,
]  # fmt: skip


def match_of(operand: Any) -> list[dict[str, Any]]:
    """Filters whose `$elemMatch` asks for a value, some among other things."""
    inner = {"$elemMatch": {"sku": operand, "qty": {"$gte": 1}}}
    return [
        {"items": inner},
        {"items": {"$not": inner}},
        {"$nor": [{"items": inner}, {"items": {"$elemMatch": {"sku": "s3"}}}]},
        {"items": {"$elemMatch": {"$or": [{"sku": operand}, {"qty": 9}]}}},
        {"items": {"$elemMatch": {"sku": {"$ne": operand}}}},
        {"items": {"$elemMatch": {"$eq": operand}}},
        {"items": {"$elemMatch": {"below": {"$elemMatch": {"$eq": operand}}}}},
        {"items": {"$elemMatch": {"below": {"$elemMatch": {"sku": operand}}}}},
        {"items": {"$all": [{"$elemMatch": {"sku": operand}}, {"$elemMatch": {"qty": 9}}]}},
    ]


def test_matches_of_elements_that_hold_a_string() -> None:
    values: list[Any] = [*STRINGS, Code("s3"), Code("x", {}), 3, None, b"s3"]
    documents: list[dict[str, Any]] = [
        {"items": items}
        for value in values
        for items in (
            [{"sku": value, "qty": 1}], [{"sku": [1, value], "qty": 9}, {"qty": 9}], [value, {"sku": "other"}],
            [{"below": [{"sku": value}]}, {"below": [value]}], {"sku": value, "qty": 2}, [[{"sku": value}]],
        )
    ]  # fmt: skip
    documents += [{**each, "filler": "x" * 6000} for each in documents[::5]]
    with mongoglot.connect("sqlite::memory:") as store, mongoglot.connect("memory:") as memory:
        for collection in (store["tasks"], memory["tasks"]):
            collection.insert_many({"_id": number, **each} for number, each in enumerate(documents))
        matched = 0
        for text in STRINGS:
            for query in match_of(text):
                expected = [each["_id"] for each in memory["tasks"].find(query)]
                assert [each["_id"] for each in store["tasks"].find(query)] == expected, query
                matched += 0 < len(expected) < len(documents)
        assert matched > 100
        assert "instr" in store["tasks"].explain(match_of("x")[0])["sql"]


def test_tables_of_others_may_spell_a_string_otherwise() -> None:
    sql = mongoglot.compile({"items": {"$elemMatch": {"sku": "s3"}}}).to_sql()
    assert "instr" not in sql.text
