"""Dates in expressions: what can be said without a server; the values below were measured on MongoDB 6.0.5."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.normalise import normalise
from mongoglot.engines.python.expressions import evaluator
from mongoglot.engines.python.expressions.dates.formatting import iso_text
from mongoglot.engines.python.expressions.dates.parsing import parse_date_text
from mongoglot.errors import FilterError, UnsupportedError
from mongoglot.grammar.expressions import parse_expression

NEW_YEAR = 1_577_836_800_000
"""2020-01-01 in milliseconds."""


def computed(expression: Any, document: dict[str, Any] | None = None) -> Any:
    return evaluator(*parse_expression(normalise(expression, 150)))(document or {})


def code_of(expression: Any) -> int:
    with pytest.raises(FilterError) as caught:
        computed(expression)
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("2020-01-01", NEW_YEAR),
        ("2020-01", NEW_YEAR),
        ("20200101", NEW_YEAR),
        ("2020-01-01T00:00:00Z", NEW_YEAR),
        (" 2020-01-01 00:00 ", NEW_YEAR),
        ("2020-01-01T03:30:00.001+03:30", NEW_YEAR + 1),
        ("2019-12-31 19:00:00 EST", NEW_YEAR),
        ("1/1/2020", NEW_YEAR),
        ("January 1, 2020", NEW_YEAR),
        ("1 Jan 2020 00:00:00.5 GMT", NEW_YEAR + 500),
        ("1969-12-31T23:59:59.9999Z", 0),
        ("-0001-01-01", -62_198_755_200_000),
    ],
)
def test_texts_that_are_dates(text: str, millis: int) -> None:
    assert parse_date_text(text) == millis


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "foo",
        "now",
        "12",
        "2020-02-30",
        "2020-13-01",
        "2020-01-32",
        "2020-01-01T24:00:00Z",
        "2020-01-01!",
    ],
)
def test_texts_that_are_none(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_date_text(text)
    assert caught.value.code == 241


@pytest.mark.parametrize(
    "text", ["@0", "1577836800000", "2020-W05", "Thu, 02 Jan 2020", "2020-01-02 3pm", "20200102T0304"]
)
def test_texts_that_only_a_server_reads(text: str) -> None:
    with pytest.raises(UnsupportedError, match="can only be read as a date by a MongoDB server"):
        parse_date_text(text)


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (NEW_YEAR, "2020-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
    ],
)
def test_dates_as_text(millis: int, text: str) -> None:
    assert iso_text(millis) == text
    with pytest.raises(FilterError, match="outside the supported range of 0-9999: 10000"):
        iso_text(253_402_300_800_000)


def test_parts_beyond_the_calendar_of_python() -> None:
    first, last = DatetimeMS(-(2**63)), DatetimeMS(2**63 - 1)
    names = ["$year", "$month", "$dayOfMonth", "$week", "$isoWeek", "$dayOfWeek"]
    assert computed([{name: "$d"} for name in names], {"d": first}) == [-292275055, 5, 16, 20, 19, 1]
    assert computed([{name: "$d"} for name in names], {"d": last}) == [292278994, 8, 17, 33, 33, 1]


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(1, 59, "2020-03-08T06:59"), (2, 30, "2020-03-08T07:30"), (3, 0, "2020-03-08T07:00")],
)
def test_a_clock_put_forward_shows_some_times_never(hour: int, minute: int, expected: str) -> None:
    parts = {
        "year": 2020,
        "month": 3,
        "day": 8,
        "hour": hour,
        "minute": minute,
        "timezone": "America/New_York",
    }
    assert computed({"$dateFromParts": parts}) == datetime.datetime.fromisoformat(expected)


def test_a_clock_put_back_shows_some_times_twice() -> None:
    twice = datetime.datetime(2020, 11, 1, 5, 30), datetime.datetime(2020, 11, 1, 6, 30)
    parts = {"year": 2020, "month": 11, "day": 1, "hour": 1, "minute": 30, "timezone": "America/New_York"}
    assert computed({"$dateFromParts": parts}) == twice[1]
    for moment in twice:  # what is added keeps the clock's daylight saving time
        addition = {"startDate": moment, "unit": "day", "amount": 0, "timezone": "America/New_York"}
        assert computed({"$dateAdd": addition}) == moment


def test_the_last_of_a_month_and_what_a_server_loses_before_1970() -> None:
    assert computed(
        {"$dateAdd": {"startDate": datetime.datetime(2020, 1, 31), "unit": "month", "amount": 1}}
    ) == datetime.datetime(2020, 2, 29)
    lost = {"startDate": datetime.datetime(1969, 12, 31, 23, 59, 59, 1000), "unit": "year", "amount": -1}
    assert milliseconds(computed({"$dateAdd": lost})) == -31_536_001_999


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"$year": []}, 40536),
        ({"$year": {}}, 40539),
        ({"$year": {"date": "$d", "x": 1}}, 40535),
        ({"$year": 5}, 16006),
        ({"$hour": {"date": datetime.datetime(2020, 1, 1), "timezone": "utc"}}, 40485),
        ({"$hour": {"date": datetime.datetime(2020, 1, 1), "timezone": "localtime"}}, 40485),
        ({"$dateFromParts": {"month": 1}}, 40516),
        ({"$dateFromParts": {"year": 2020, "isoWeek": 1}}, 40489),
        ({"$dateFromParts": {"isoWeekYear": 2020, "day": 1}}, 40525),
        ({"$dateFromParts": {"year": 10000}}, 40523),
        ({"$dateFromParts": {"year": 2020, "month": 32768}}, 31034),
        ({"$dateToString": {"date": None, "format": "%q"}}, 18536),
        ({"$dateFromString": {"dateString": "2020-01-01T00:00Z", "timezone": "UTC"}}, 241),
        ({"$dateAdd": {"startDate": 5, "unit": "bad", "amount": 1}}, 5166403),
    ],
)
def test_codes(expression: Any, code: int) -> None:
    assert code_of(expression) == code


def test_a_filter_on_a_date() -> None:
    query = mongoglot.compile({"$expr": {"$eq": [{"$year": {"date": "$d", "timezone": "Asia/Tokyo"}}, 2021]}})
    assert query.matches({"d": datetime.datetime(2020, 12, 31, 15)})
    assert not query.matches({"d": datetime.datetime(2020, 12, 31, 14, 59)})
    assert not query.matches({})
