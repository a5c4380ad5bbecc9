"""Operators of strings: what chance does not draw, because only a server computes it or no BSON holds it."""

from __future__ import annotations

from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot.compiler.normalise import normalise
from mongoglot.engines.python.expressions import evaluator
from mongoglot.errors import EncodingTypeError, FilterError, UnsupportedError
from mongoglot.grammar.expressions import parse_expression


def computed(expression: Any, document: dict[str, Any]) -> Any:
    return evaluator(*parse_expression(normalise(expression, 150)))(document)


def test_characters_are_not_cut_into_bytes() -> None:
    named = {"input": "$a", "find": "", "replacement": "-"}
    assert computed({"$replaceAll": named}, {"a": "ab"}) == "-a-b-"
    assert computed({"$replaceOne": named}, {"a": "é"}) == "-é"
    with pytest.raises(UnsupportedError, match=r"^\$replaceAll of an empty string splits the characters"):
        computed({"$replaceAll": named}, {"a": "é"})


@pytest.mark.parametrize("regex", [r"(?=a\Kb)", "$b"])
def test_patterns_without_an_equal_are_refused_by_name(regex: str) -> None:
    with pytest.raises(UnsupportedError, match=r"\\K in a lookaround is not compiled"):
        computed({"$regexFind": {"input": "$a", "regex": regex}}, {"a": "ab", "b": r"(?=a\Kb)"})


def test_a_step_limit_of_a_pattern_is_an_error() -> None:
    named = {"input": "$a", "regex": "(*LIMIT_MATCH=1)a+b"}
    with pytest.raises(FilterError) as raised:
        computed({"$regexMatch": named}, {"a": "aaacb"})
    assert raised.value.code == 51156


def test_more_matches_than_a_server_may_hold() -> None:
    every = {"$regexFindAll": {"input": "$a", "regex": "x"}}
    assert len(computed(every, {"a": "x" * 50_000})) == 50_000
    with pytest.raises(UnsupportedError, match=r"^\$regexFindAll: more than 6\d\d\d\d matches"):
        computed(every, {"a": "x" * 100_000})


@pytest.mark.parametrize("name", ["$toLower", "$strLenBytes"])
def test_lone_surrogates_are_no_text(name: str) -> None:
    with pytest.raises(EncodingTypeError, match="lone surrogates"):
        computed({name: "$a"}, {"a": "\ud800"})


def test_the_words_of_errors() -> None:
    with pytest.raises(FilterError) as raised:
        mongoglot.compile({"$expr": {"$toLower": {"$literal": DatetimeMS(2**62)}}})
    assert str(raised.value).startswith(
        "Failed to optimize expression :: caused by :: failed while coercing date to string :: caused by :: "
        "Could not convert date to string: date component was outside the supported range of 0-9999: 146140482"
    )
