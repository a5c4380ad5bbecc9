"""`$glob` in SQL alone: the answers of `fnmatch`, for every plain pattern and every string."""

from __future__ import annotations

import datetime
import fnmatch
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from bson import Decimal128, ObjectId

import mongoglot
from mongoglot import Column, Table

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))

TAG = "\U0010ffff"

CHARACTERS = "abc[]!^-*?\\é\0\1\u0002 \n\"'u0&~|" + "\ud7ff\ue000\ufffd\ufffe\uffff" + TAG

TEXTS = (
    "", "a", "b", "é", "\0", "a\0b", "\0\0", "a\1b", "\\u0000", "\\u0000\0", "a\\\0\\", '"\0"', TAG, TAG + "a",
    TAG + "A", TAG + "\0b", TAG + "K2026", "[", "]", "^", "-", "a-b", "\n", "x\nz",
    "\ufffe", "\uffff", "\ufffd", "\ud7ff", "\ue000",
)  # fmt: skip

SETS = (
    "[a]", "[!a]", "[^a]", "[]]", "[!]]", "[]a]", "[a-c]", "[c-a]", "[!c-a]", "[a-]", "[-a]", "[^]",
    "[!^]", "[\\]", "[]-^]", "[+--]", "[--0]", "[!--0]", "[a-c-e]", "[[]", "[!", "[a", "[]", "[!]",
    "[Z-a]", "[\\-^]", "[^-]", "[-^]", "[]^-]", "[!-~]", f"[!{TAG}]", f"[a-{TAG}]", "[\ufffd-\uffff]",
    "[\ud7ff-\ue000]", "[!\ud7ff]", "[!\ue000]", "[a-c][!b]",
)  # fmt: skip


def texts() -> list[str]:
    rng = random.Random(SEED)
    made = ["".join(rng.choices(CHARACTERS, k=rng.randint(1, 5))) for _ in range(300)]
    return [*TEXTS, *CHARACTERS, *made]


def patterns(count: int) -> list[str]:
    rng = random.Random(SEED + 1)
    found = ["*", "", "?", "??", "a*", "*b", "a?b", "*\\u0000*", TAG + "*", "?a", *SETS]
    found += [f"{rng.choice(('', '*', 'a', '?'))}{one}{rng.choice(('', '*', 'b'))}" for one in SETS]
    held = texts()
    for _ in range(count):
        near = list(rng.choice(held))
        for position in range(len(near)):
            if rng.random() < 0.4:
                near[position] = rng.choice(("*", "?", rng.choice(SETS), rng.choice(CHARACTERS)))
        found.append("".join(near))
    return found


NO_TEXTS: tuple[Any, ...] = (
    None, 5, 1.5, True, {}, {"a": "a"}, b"a", Decimal128("1"), ObjectId("0" * 24), datetime.datetime(2026, 1, 1),
    float("nan"), [], [["a"]], ["a", 5], ["b", "a\0b"], [None, TAG + "a"],
)  # fmt: skip

LABELS = Table("columns", (Column("a", "string"),))


@pytest.fixture(scope="module")
def store() -> Iterator[mongoglot.Store]:
    documents = [{"_id": number, "a": value} for number, value in enumerate([*texts(), *NO_TEXTS])]
    with mongoglot.connect("sqlite::memory:", tables=[LABELS]) as store:
        for name in ("documents", "columns"):
            store[name].insert_many([*documents, {"_id": "missing"}])
        yield store


@pytest.mark.parametrize("name", ["documents", "columns"])
def test_sql_alone_answers_as_fnmatch_does(store: mongoglot.Store, name: str) -> None:
    held = [*texts(), *NO_TEXTS]
    matched = 0
    for pattern in patterns(400):
        query = mongoglot.compile({"a": {"$glob": pattern}}, dialect="taskdb")
        expected = {
            number
            for number, value in enumerate(held)
            for item in (value if isinstance(value, list) else [value])
            if isinstance(item, str) and fnmatch.fnmatchcase(item, pattern)
        }
        assert {document["_id"] for document in store[name].find(query)} == expected, pattern
        negated = mongoglot.compile({"a": {"$not": {"$glob": pattern}}}, dialect="taskdb")
        assert store[name].count_documents(negated) == len(held) + 1 - len(expected), pattern
        plain = not set(pattern) & {"\0", "\1"}
        assert (store[name].explain(query)["residual"] is None) is plain
        assert (store[name].explain(negated)["residual"] is None) is plain
        matched += len(expected)
    assert matched > 1000


def test_a_long_pattern_is_tested_again(store: mongoglot.Store) -> None:
    for length, left in ((1000, False), (1001, True), (60_000, True)):
        query = mongoglot.compile(
            {"a": {"$glob": "[!a]" * (length // 4) + "*" * (length % 4)}}, dialect="taskdb"
        )
        assert (query.to_sql().residual is not None) is left
        assert list(store["documents"].find(query)) == []
