"""Documents, accumulators and the elements of arrays in expressions: what random ones rarely meet."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64

import mongoglot
from mongoglot.engines.python.expressions import evaluator
from mongoglot.errors import FilterError, UnsupportedError
from mongoglot.grammar.expressions import parse_expression


def value(expression: Any, **document: Any) -> Any:
    return evaluator(*parse_expression(expression))(document)


def code(expression: Any, **document: Any) -> int | None:
    with pytest.raises(FilterError) as caught:
        value(expression, **document)
    return caught.value.code


def code_at_compile_time(expression: Any) -> int | None:
    with pytest.raises(FilterError) as caught:
        mongoglot.compile({"$expr": expression})
    return caught.value.code


def test_names_that_are_no_paths() -> None:
    document: dict[str, Any] = {"a.b": 1, "$c": 2, "": 3}
    assert value({"$getField": {"field": "a.b", "input": "$d"}}, d=document) == 1
    assert value({"$getField": {"field": {"$literal": "$c"}, "input": "$d"}}, d=document) == 2
    assert value({"$getField": {"field": "", "input": "$d"}}, d=document) == 3
    changed = {"$setField": {"field": "a.b", "input": "$d", "value": {"$add": [1, 1]}}}
    assert value(changed, d=document) == {"a.b": 2, "$c": 2, "": 3}
    assert document["a.b"] == 1


@pytest.mark.parametrize(
    ("field", "expected"),
    [("$a", 5654600), ("$$ROOT", 5654600), (["a"], 5654601), ({"$add": [1]}, 5654601), (1, 5654602)],
)
def test_the_field_is_a_constant_string(field: Any, expected: int) -> None:
    assert code_at_compile_time({"$getField": {"field": field, "input": "$a"}}) == expected


@pytest.mark.parametrize(
    "expression",
    [
        {"$setField": {"field": "a", "input": "$a", "value": {"$divide": [1, 0]}}},
        {"$getField": {"field": "a", "input": {"$divide": [1, 0]}}},
        {"$firstN": {"n": {"$divide": [1, 0]}, "input": "$a"}},
    ],
)
def test_what_a_server_does_not_fold_fails_when_a_document_comes(expression: Any) -> None:
    query = mongoglot.compile({"$expr": expression})
    with pytest.raises(FilterError) as caught:
        query.matches({"a": {}})
    assert caught.value.code == 2


def test_a_value_of_no_document_is_not_computed() -> None:
    assert value({"$setField": {"field": "a", "input": None, "value": {"$divide": [1, 0]}}}) is None


def test_one_array_stands_for_its_elements_and_several_do_not() -> None:
    assert value({"$sum": "$a"}, a=[1, 2, [3]]) == 3
    assert value({"$sum": ["$a", 4]}, a=[1, 2, [3]]) == 4
    assert value({"$max": ["$a", 4]}, a=[1, 2]) == [1, 2]
    assert value({"$mergeObjects": "$a"}, a=[{"x": 1}, None, {"x": 2}]) == {"x": 2}
    assert code({"$mergeObjects": ["$a", "$a"]}, a=[{"x": 1}]) == 40400


def test_an_average_adds_ints_as_doubles_and_longs_exactly() -> None:
    assert value({"$avg": ["$a", 1.1, 1]}, a=0.3) == 0.8000000000000002
    assert value({"$avg": ["$a", 1.1, Int64(1)]}, a=0.3) == 0.7999999999999999


def test_how_many() -> None:
    assert value({"$firstN": {"n": Decimal128("1.0000000000000000000001"), "input": "$a"}}, a=[1, 2]) == [1]
    assert code({"$firstN": {"n": 1.5, "input": "$a"}}, a=[]) == 5787903
    assert code({"$firstN": {"n": float("inf"), "input": "$a"}}, a=[]) == 31109
    assert code({"$firstN": {"n": Decimal128("Infinity"), "input": "$a"}}, a=[]) == 5787903
    assert code({"$maxN": {"n": 0, "input": {"$size": 1}}}) == 5787908


def test_which_of_equal_values_is_kept() -> None:
    assert repr(value({"$maxN": {"n": 2, "input": "$a"}}, a=[1, 1.0, 2])) == "[2, 1.0]"
    assert repr(value({"$maxN": {"n": 2, "input": "$a"}}, a=[2, 1, 1.0])) == "[2, 1]"
    assert repr(value({"$minN": {"n": 2, "input": "$a"}}, a=[None, 1.0, 1, 0])) == "[0, 1.0]"


def test_a_missing_default_of_zip_is_left_to_a_server() -> None:
    zipped = {"$zip": {"inputs": ["$a", "$b"], "useLongestLength": True, "defaults": ["$nope", "$nope"]}}
    assert value(zipped, a=[1], b=[2]) == [[1, 2]]
    with pytest.raises(UnsupportedError, match=r"\$zip with a default that is missing can only be computed"):
        value(zipped, a=[1], b=[2, 3])


def test_a_sum_keeps_what_a_server_keeps_of_small_parts() -> None:
    parts = {"$sum": ["$b", "$c", "$c", "$a", Decimal128("0")]}
    assert value(parts, a=0.3, b=1e16, c=1 / 3) == Decimal128("10000000000000000.96666666666666667")
    assert (
        value({"$add": ["$c", "$f", 1311765503]}, c=0.009000000000000001, f=762231742) == 2073997245.0089998
    )


def test_an_intersection_has_the_values_of_the_smaller_set() -> None:
    assert repr(value({"$setIntersection": ["$a", "$b"]}, a=[0, 1.0], b=[1])) == "[1]"
    assert repr(value({"$setIntersection": ["$a", "$b"]}, a=[0, 1.0], b=[1, 2])) == "[1.0]"
