"""Filters of strangers: what is not allowed is refused by its place, and what is allowed sees nothing else."""

from __future__ import annotations

import random
import re
from dataclasses import fields
from typing import Any

import pytest
from bson import Code, Regex

import mongoglot
from mongoglot import Allow, FilterError, NotAllowedError, UnsupportedError, compile
from mongoglot.grammar.allowed import DEFAULT_OPERATORS
from mongoglot.grammar.operators import OPERATORS
from mongoglot.grammar.regex_cost import objection
from mongoglot.grammar.text import to_text
from mongoglot.testing import random_documents, random_filter


def nested(levels: int) -> dict[str, Any]:
    query: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        query = {"$and": [query]}
    return query


@pytest.mark.parametrize(
    ("query", "allow", "path", "message"),
    [
        ({"a": 1, "c": 2}, ["a"], "c", "the field 'c' is not allowed here"),
        ({"ab": 1}, ["a"], "ab", "the field 'ab' is not allowed"),
        ({"a": 1}, ["a.b"], "a", "the field 'a' is not allowed"),
        ({"a": {"b": 1}}, ["a.b"], "a", "the field 'a' is not allowed"),
        ({"a": {"$exists": True}}, ["a.b"], "a.$exists", "the field 'a' is not allowed"),
        ({"a": {"$elemMatch": {"b": 1, "c": 1}}}, ["a.b"], "a.$elemMatch.c", "the field 'a.c'"),
        ({"a": {"$elemMatch": {}}}, ["a.b"], "a.$elemMatch", "the field 'a'"),
        ({"a": {"$all": []}}, ["a.b"], "a.$all", "the field 'a'"),
        ({"a": {"$all": [{"$elemMatch": {"c": 1}}]}}, ["a.b"], "a.$all[0].$elemMatch.c", "the field 'a.c'"),
        ({"a": {"$not": {"$gt": 1}}}, ["b"], "a.$not.$gt", "the field 'a'"),
        ({"$nor": [{"b": 1}, {"$or": [{"c": 1}]}]}, ["b"], "$nor[1].$or[0].c", "the field 'c'"),
        ({"$ref": 1}, ["b"], "$ref", r"the field '\$ref'"),
        ({"a": {"$in": []}}, [], "a.$in", "allowed are none"),
        ({"a": {"$gt": 1}}, Allow(operators=["$eq"]), "a.$gt", r"\$gt is not allowed here .*; allowed are \$eq"),
        ({"$or": [{"a": 1}]}, Allow(operators=[]), "$or", "is not allowed"),
        ({"a": re.compile("a")}, Allow(operators=["$in"]), "a", r"\$regex is not allowed"),
        ({"a": {"$in": [Regex("a")]}}, Allow(operators=["$in"]), "a.$in[0]", r"\$regex is not allowed"),
        ({"a": {"$not": re.compile("a")}}, Allow(operators=["$not"]), "a.$not", r"\$regex is not allowed"),
        ({"$expr": {"$gt": ["$a", 1]}}, Allow(), "$expr", "is not allowed"),
        ({"$jsonSchema": {}}, Allow(), "$jsonSchema", "is not allowed"),
        ({"$where": "1"}, Allow(), "$where", "is not allowed"),
        ({"$where": Code("1")}, Allow(), "$where", "is not allowed"),
        ({"$text": {"$search": "a"}}, Allow(), "$text", "is not allowed"),
        ({"$sampleRate": 0.5}, Allow(), "$sampleRate", "is not allowed"),
        ({"a": {"$geoWithin": {"$center": [[0, 0], 1]}}}, Allow(), "a.$geoWithin", "is not allowed"),
        (nested(5), Allow(), "$and[0].$and[0].$and[0].$and[0].$and[0]", "11 levels: at most 10"),
        ({"a": {"$eq": [[[[]]]]}}, Allow(max_depth=5), "a.$eq[0][0][0]", "6 levels"),
        ({"a": {"$in": [1, 2, 3]}}, Allow(max_list=2), "a.$in", "3 members of a list: at most 2"),
        ({"a": 1, "b": {"$gt": 1}}, Allow(max_conditions=2), "b", "3 fields and operators: at most 2"),
        ({"a": "x" * 11}, Allow(max_text=11), "a", "12 characters: at most 11"),
        ({"a": {"$in": [b"xx", "xx", Code("xx")]}}, Allow(max_text=8), "a.$in[2]", "10 characters"),
        ({"a" * 11: 1}, Allow(max_text=10), "", "11 characters: at most 10"),
        ({"a": re.compile("x" * 11)}, Allow(max_text=10), "a", "12 characters: at most 10"),
        ({"a": [[1, 2], [3]]}, Allow(max_list=4), "a[1]", "5 members of a list: at most 4"),
        ({"a": Code("", {"b": {"c": 1}})}, Allow(max_depth=2), "a.b", "3 levels"),
        ({"items.0.sku": 1}, ["items.sku"], "items.0.sku", "the field 'items.0.sku'"),
        ({"a": {"$regex": "x" * 11}}, Allow(max_regex=10), "a.$regex", "11 characters of a pattern"),
        ({"a": {"$regex": "(a+)+"}}, Allow(), "a.$regex", "repeats what varies in length"),
        ({"a": {"$regex": "a# b\n", "$options": "x"}}, Allow(), "a.$regex", "has comments"),
        ({"a": {"$all": [re.compile("(a|b)*")]}}, Allow(), "a.$all[0]", "repeats what varies"),
        ({"a": {"$elemMatch": {"$regex": r"(a)\1"}}}, Allow(), "a.$elemMatch.$regex", "refers back"),
    ],
)  # fmt: skip
def test_what_is_refused(query: dict[str, Any], allow: Any, path: str, message: str) -> None:
    with pytest.raises(NotAllowedError, match=message) as caught:
        compile(query, allow=allow)
    assert (caught.value.path, caught.value.code, caught.value.code_name) == (path, 13, "Unauthorized")
    compile(query)  # nothing else is wrong with it


@pytest.mark.parametrize(
    ("query", "allow"),
    [
        ({"a": 1, "a.b.c": {"$gt": 5}}, ["a"]),
        ({"a.b": 1, "a.b.0": 2, "a": {"$elemMatch": {"b": 1}}}, ["a.b"]),
        ({"a": {"$elemMatch": {"$gt": 1}}}, ["a"]),
        ({}, []),
        (nested(4), None),
        ({"a": {"$regex": "^x.*y$", "$options": "i"}}, ["a"]),
        ({"$expr": {"$gt": ["$a", 1]}}, Allow(operators=["$expr"])),
        ({"$comment": "x", "a": None}, ["a"]),
    ],
)
def test_what_is_allowed(query: dict[str, Any], allow: Any) -> None:
    bounded, free = compile(query, allow=allow), compile(query)
    documents = random_documents(random.Random(1), 50)
    assert list(bounded.filter(documents)) == list(free.filter(documents))


BEYOND: dict[str, tuple[Allow, dict[str, Any]]] = {
    "fields": (Allow(fields=["b"]), {"a": 1}),
    "operators": (Allow(operators=["$gt"]), {"a": {"$lt": 1}}),
    "max_depth": (Allow(max_depth=3), {"a": {"b": {"c": {"d": 1}}}}),
    "max_conditions": (Allow(max_conditions=5), {"$or": [{"a": number} for number in range(5)]}),
    "max_list": (Allow(max_list=10), {"a": {"$in": list(range(11))}}),
    "max_regex": (Allow(max_regex=10), {"a": re.compile("x" * 11)}),
    "max_text": (Allow(max_text=20), {"a": "x" * 20}),
}
"""A filter beyond each bound."""


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("bound", [each.name for each in fields(Allow)])
def test_every_bound_holds_in_both_forms(bound: str, as_text: bool) -> None:
    if bound == "max_time_ms":  # which is no bound of what is written
        query = {"a": 1}
        assert compile(to_text(query) if as_text else query, allow=Allow(max_time_ms=7)).max_time_ms == 7
        return
    allow, query = BEYOND[bound]
    form = to_text(query) if as_text else query
    compile(form, allow=Allow())
    with pytest.raises(NotAllowedError) as caught:
        compile(form, allow=allow)
    assert (caught.value.line is not None) == (as_text and bound != "max_text")


@pytest.mark.parametrize(
    "text",
    ["{a:" * 50 + "1" + "}" * 50, "{a: {$in: [" + "1, " * 5000 + "1]}}", "{a: [" + "[1], " * 900 + "]}"],
)
def test_the_usual_bounds_hold_for_text(text: str) -> None:
    compile(text)
    with pytest.raises(NotAllowedError, match=r"levels|members of a list"):
        compile(text, allow=Allow())


def test_a_text_is_refused_by_line_and_column() -> None:
    with pytest.raises(NotAllowedError, match="line 2, column 3") as caught:
        compile("{a: 1,\n  secret: 2}", allow=["a"])
    assert caught.value.excerpt == "    secret: 2}\n    ^"
    with pytest.raises(NotAllowedError, match="30 characters"):
        compile("{a: 1}".ljust(30), allow=Allow(max_text=29))


def test_a_wrong_filter_is_refused_as_without_bounds() -> None:
    with pytest.raises(FilterError, match=r"unknown operator: \$gtt") as caught:
        compile({"a": {"$gtt": 1}}, allow=["b"])
    assert not isinstance(caught.value, NotAllowedError)


@pytest.mark.parametrize("wrong", [1, "a", b"a", {"a": 1}, [1], object()])
def test_what_is_no_choice_of_fields(wrong: Any) -> None:
    with pytest.raises(UnsupportedError, match="list of names"):
        compile({}, allow=wrong)


def test_what_an_allow_refuses() -> None:
    with pytest.raises(UnsupportedError, match=r"\$expr may look at any field"):
        Allow(fields=["a"], operators=["$expr"])
    with pytest.raises(UnsupportedError, match=r"no field of a filter is called '\$a'"):
        Allow(fields=["$a"])
    Allow(fields=["$ref", "a.$id"])  # of a DBRef
    with pytest.raises(UnsupportedError, match="max_list is a number"):
        Allow(max_list=-1)
    with pytest.raises(UnsupportedError, match=r"no operator '\$gtt'"):
        Allow(operators=["$gtt"])


def test_every_operator_is_allowed_or_not_by_name() -> None:
    known = OPERATORS["taskdb"].keys()
    assert known >= DEFAULT_OPERATORS  # and none that a later version brings
    assert not {"$where", "$text", "$expr", "$jsonSchema", "$sampleRate", "$near"} & DEFAULT_OPERATORS


def test_an_allowed_filter_sees_no_other_field() -> None:
    """Whatever the documents hold elsewhere, the answer stays the same."""
    rng = random.Random(7)
    others = random_documents(rng, 200)
    allowed = refused = matched = 0
    for document in random_documents(rng, 200):
        for _ in range(10):
            query = random_filter(rng, near=[document])
            try:
                bounded = compile(query, allow=["a", "_id"])
            except NotAllowedError:
                refused += 1
                continue
            allowed += 1
            seen: dict[str, Any] = {name: document[name] for name in ("_id", "a") if name in document}
            other = {**rng.choice(others), "b": {"a": 1}}
            changed = {name: value for name, value in other.items() if name not in ("_id", "a")} | seen
            assert bounded.matches(seen) == bounded.matches(changed) == bounded.matches(document)
            matched += bounded.matches(document)
    assert min(allowed, refused, matched) > 100


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^a.*b$", None), (r"\(a+\)+", None), ("[*+]{3}(a)+", None), ("(a{3}){4}", None), ("(?>a)+(?=b)", None),
        ("[]a+]+", None), ("[^]+]*", None), ("x{,3}", None), ("(ab?)?", None), ("(?i)x(?-i:y)", None),
        (r"(?:\Q(+\E)+", None), (r"[\]+]+", None), ("[[:alpha:]+]+", None), ("(?<n>a)+", None),
        ("(a+)+", "repeats what varies in length"), ("(a?)*", "repeats what varies in length"),
        ("(a|b){2}", "repeats what varies in length"), ("((a*)b)+", "repeats what varies in length"),
        ("(a{2,3}){4,}", "repeats what varies in length"), ("a**", "repeats what varies in length"),
        ("a?" * 11, "varies in length in more than 10 places"),
        (r"(a)\1", "refers back"), (r"(?<n>a)\k<n>", "refers back"), ("(?R)", "refers back"),
        ("(?1)", "refers back"), ("(?P>n)", "refers back"), (r"\g{-1}", "refers back"),
        ("(a", "leaves a parenthesis open"), ("a)", "has a parenthesis too many"), ("(?x)#(", "has comments"),
    ],
)  # fmt: skip
def test_the_cost_of_patterns(pattern: str, expected: str | None) -> None:
    assert objection(pattern) == expected


def test_a_pattern_without_objection_is_searched_in_bounded_steps() -> None:
    """None of these needs more steps than the library's limit on a text that is made to make it backtrack."""
    rng = random.Random(3)
    pieces = [
        "a",
        "b",
        ".",
        "[ab]",
        "a*",
        "a+",
        "a?",
        ".*",
        "(ab)",
        "(a|b)",
        "(a+)",
        "(?:ab)+",
        "(a*)*",
        "(a|a)+",
    ]
    searched = refused = 0
    for _ in range(1500):
        pattern = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 6))) + "c"
        if objection(pattern):
            refused += 1
            continue
        compile({"a": {"$regex": pattern}}, allow=["a"]).matches({"a": "ab" * 20 + "a" * 20})
        searched += 1
    assert min(searched, refused) > 300


def test_the_bounds_are_for_find_too() -> None:
    """A compiled filter is asked like any other."""
    with mongoglot.connect("memory:") as store:
        store["c"].insert_many([{"_id": 1, "a": 1, "b": 2}, {"_id": 2, "a": 2}])
        query = compile("{a: {$gte: 1}}", allow=["a"])
        assert [found["_id"] for found in store["c"].find(query, ["a"])] == [1, 2]
