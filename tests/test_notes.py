"""Notes on filters that are right and surely mean something else: all of each text, and that no answer changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import Regex
from click.testing import CliRunner

import mongoglot
from mongoglot.cli.main import main
from mongoglot.debug import stages
from mongoglot.engines.sql.table import Column, Table
from mongoglot.explain import Explanation

ABSENT = "{$type: 'null'} asks for null alone, and {$exists: false} for no field at all"
PRESENT = "{$exists: true} beside it leaves them out"
TEXT_ALONE = "a text is compared with texts alone"
LIKE = "LIKE 'x%' is {$regex: '^x'} here, and LIKE '%x%' is {$regex: 'x'}"
ELEMENTS = "{$all: […]} asks for all of them, and {$in: […]} for any"
A_DATE = 'a date is ISODate("2026-01-31") in text, and a datetime in Python'
DATE = f"{TEXT_ALONE}, and no date matches (at a); {A_DATE}"
A_PATTERN = "a regular expression is {$regex: 'abc'}, or in text /abc/ without quotes"
SLASHES = f"this is a text with slashes (at a); {A_PATTERN}"
EMPTY = "no value is in an empty list (at a); leave the condition out where the list is empty"
EXACT = "only a document with exactly these fields, in this order, matches (at a)"
LIST = "only a list with exactly these elements, in this order, matches, or one that holds such a list (at a)"
TRUE = "a text is true here, whatever it says"
OID = "0123456789abcdef01234567"

NOTED: list[tuple[Any, str]] = [
    ({"a": None}, f"documents without 'a' match, too (at a); {ABSENT}"),
    ({"a.b": {"$eq": None}}, f"documents without 'a.b' match, too (at a.b); {ABSENT}"),
    ({"a": {"$in": [1, None]}}, f"documents without 'a' match, too (at a); {ABSENT}"),
    ({"a": {"$gte": None}}, f"documents without 'a' match, too (at a); {ABSENT}"),
    ({"a": {"$elemMatch": {"b": None}}}, f"elements without 'b' match, too (at a.b); {ABSENT}"),
    ({"a": {"$ne": 5}}, f"documents without 'a' match, too (at a); {PRESENT}"),
    ({"a": {"$nin": [5]}}, f"documents without 'a' match, too (at a); {PRESENT}"),
    ({"a": {"$not": {"$gt": 5}}}, f"documents without 'a' match, too (at a); {PRESENT}"),
    ({"a": {"$not": Regex("x")}}, f"documents without 'a' match, too (at a); {PRESENT}"),
    ({"$nor": [{"a": 5}]}, f"documents without 'a' match, too (at a); {PRESENT}"),
    ({"a": {"$elemMatch": {"b": {"$ne": 5}}}}, f"elements without 'b' match, too (at a.b); {PRESENT}"),
    ({"a": {"$in": []}}, EMPTY),
    ({"a": {"$nin": []}}, EMPTY),
    ({"a": {"b": 1}}, f"{EXACT}; 'a.b' asks for one field in it"),
    ({"a": {"b": 1, "$gt": 5}}, f"{EXACT}; 'a.b' asks for one field in it"),
    ({"a": {"gt": 5}}, "'gt' is the name of a field here, and no operator (at a); write {$gt: …}"),
    ({"a": {">=": 5}}, "'>=' is the name of a field here, and no operator (at a); write {$gte: …}"),
    ({"a": ["x", "y"]}, f"{LIST}; {ELEMENTS}"),
    (
        {"a": {"$gte": "2026-01-31"}},
        DATE,
    ),
    (
        {"a": "2026-01-31T12:00:00Z"},
        DATE,
    ),
    ({"a": {"$gt": "18"}}, f"{TEXT_ALONE}, and no number matches (at a); write 18 without quotes"),
    ({"a": "true"}, "this is the text 'true', and no constant (at a); write it without quotes"),
    (
        {"a": "/abc/i"},
        SLASHES,
    ),
    (
        {"a": {"$regex": "/abc/"}},
        "the slashes are part of the pattern (at a); write it without them, {$regex: 'abc'}",
    ),
    ({"a": {"$regex": "%abc%"}}, f"% stands for itself in a pattern (at a); {LIKE}"),
    ({"a": "abc%"}, f"% stands for itself (at a); {LIKE}"),
    ({"_id": OID}, f'a text never equals an ObjectId (at _id); write ObjectId("{OID}")'),
    (
        {"a[0].b": 1},
        "'a[0]' is the name of a field here, brackets and all (at a[0].b); an element of a list is 'a.0'",
    ),
    ({"a": {"$exists": "false"}}, f"{TRUE} (at a.$exists); write {{$exists: false}} or {{$exists: true}}"),
    (
        {"$or": [{"a": {"$exists": "no"}}]},
        f"{TRUE} (at $or[0].a.$exists); write {{$exists: false}} or {{$exists: true}}",
    ),
    ({"$expr": {"$gt": ["a", 5]}}, "the expression reads no field (at $expr); a field is written '$field'"),
]

NOT_NOTED: list[Any] = [
    {},
    {"a": 5}, {"a": "x"}, {"a": {"$ne": None}}, {"a": {"$ne": 5, "$exists": True}}, {"a": {"$gt": 5, "$ne": 7}},
    {"a": {"$nin": [None]}}, {"a": {"$exists": False}}, {"a": {"$exists": 0}}, {"a": {"$regex": "5%5"}},
    {"a": "%"}, {"a": "5"}, {"a": "2026"}, {"b": OID}, {"a.0": 1}, {"a": {"$elemMatch": {"$eq": None}}},
    {"$expr": {"$gt": ["$a", 5]}}, {"$expr": {"$lt": [{"$rand": {}}, 0.5]}}, {"a": {"$all": ["x", "y"]}},
    {"a": {"$size": 0}}, {"$sampleRate": 0.5}, {"$jsonSchema": {"required": ["a"]}}, {"$where": "1"},
]  # fmt: skip


@pytest.mark.parametrize(("filter", "note"), NOTED, ids=[str(filter)[:60] for filter, _ in NOTED])
def test_a_note(filter: Any, note: str) -> None:
    explanation = mongoglot.compile(filter).explain()
    assert [str(each) for each in explanation.notes] == [note]
    assert str(explanation).endswith(f"Notes\n-----\n{note}\n")
    assert stages(filter).notes == tuple(explanation.notes)


@pytest.mark.parametrize("filter", NOT_NOTED, ids=str)
def test_nothing_to_note(filter: Any) -> None:
    explanation = mongoglot.compile(filter).explain()
    assert explanation.notes == []
    assert "Notes" not in [title for title, _ in explanation.sections()]


def test_a_text_for_truth_is_the_same_query_to_a_store() -> None:
    text, truth = (mongoglot.compile({"a": {"$exists": value}}) for value in ("false", True))
    assert text.to_mongodb() == truth.to_mongodb() == {"a": {"$exists": True}}
    assert text.ast == truth.ast
    assert [text.matches(document) for document in ({}, {"a": None})] == [False, True]


@pytest.mark.parametrize(
    ("kind", "filter", "note"),
    [
        (
            "date", {"sold": "yesterday"},
            (
                'the column \'sold\' holds dates, and no text (at sold); write ISODate("2026-01-31") in text, '
                "and a datetime in Python"
            ),
        ),
        (
            "number", {"sold": {"$in": ["5"]}},
            "the column 'sold' holds numbers, and no text (at sold); write the number",
        ),
    ],
)  # fmt: skip
def test_a_text_for_a_column_of_another_type(kind: Any, filter: Any, note: str) -> None:
    query = mongoglot.compile(filter)
    notes = Explanation(query, Table("t", (Column("sold", kind),))).notes
    assert [str(each) for each in notes] == [note]
    assert Explanation(query, Table("t", (Column("sold", "string"),))).notes == []


def test_check_tells_of_them_and_finds_nothing_wrong(tmp_path: Path) -> None:
    file = tmp_path / "filters.txt"
    file.write_text("{a: 5}\n{a: null}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["check", "--lines", str(file)])
    assert result.exit_code == 0
    note = f"documents without 'a' match, too (at a); {ABSENT}"
    assert result.stderr == f"{file}:2: note: {note}\n2 filters, 0 wrong\n"


def test_explain_tells_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with mongoglot.connect("sqlite:people.db") as store:
        store["people"].insert_one({"a": 1})
    note = f"documents without 'a' match, too (at a); {ABSENT}"
    for more in ([], ["--stages"]):
        shown = CliRunner().invoke(main, ["explain", "people.db", "{a: null}", *more]).stdout
        assert shown.count(note) == 1


def test_a_notebook_shows_them() -> None:
    assert (
        "documents without &#x27;a&#x27; match, too" in mongoglot.compile({"a": None}).explain()._repr_html_()
    )
    assert ">Notes<" not in mongoglot.compile({"a": 5}).explain()._repr_html_()
