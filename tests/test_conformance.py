"""Every recorded case that this version covers, on every engine, result for result and error for error."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.errors import FilterError, NotYetError, code_name
from mongoglot.testing.corpus import (
    NO_SERVER,
    Case,
    all_cases,
    answer,
    assert_area,
    assert_none,
    by_area,
    expected,
    fill,
    needs_server,
)
from mongoglot.testing.deviations import DEVIATIONS_OF_MATCHES
from tests.conftest import ENGINES, StoreOpener

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymongo.database import Database

COVERED = 2751

DEFERRED = {"uses an internal operator": 20}
"""How many cases each reason leaves to a later version: a case can move, but not vanish."""


def test_each_case_is_covered_or_deferred_for_a_counted_reason() -> None:
    counts = Counter(case["deferral"] for case in all_cases())
    assert counts.pop(None) == COVERED
    assert dict(counts) == DEFERRED


def test_the_names_of_codes() -> None:
    recorded = {(case["error"]["code"], case["error"]["codeName"]) for case in all_cases() if "error" in case}
    assert {(code, code_name(code)) for code, _ in recorded} == recorded


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, open_store: StoreOpener) -> mongoglot.Store:
    """A store of each engine with the documents of all covered cases."""
    opened = open_store(request.param)
    fill(opened)
    return opened


@pytest.mark.parametrize("area", by_area())
def test_engines(store: mongoglot.Store, area: str) -> None:
    assert assert_area(store, area) > 0


def test_a_wrong_answer_fails(open_store: StoreOpener) -> None:
    with open_store("memory") as opened, pytest.raises(AssertionError, match="cases differ"):
        assert_area(opened, "op/all")  # which has none of the documents


@pytest.mark.parametrize("area", by_area())
def test_matches(area: str) -> None:
    cases = [case for case in by_area()[area] if "options" not in case]
    failures = []
    for case in cases:
        given = answer(case, lambda: mongoglot.compile(case["filter"]).filter(case["docs"]))  # noqa: B023 - called at once
        if given != expected(case) and not (given == NO_SERVER and needs_server(None, case)):
            failures.append((case, given))
    assert_none(failures, cases, DEVIATIONS_OF_MATCHES)


@pytest.mark.parametrize("area", by_area(deferred=True))
def test_deferred_filters_are_refused(area: str) -> None:
    cases = [case for case in by_area(deferred=True)[area] if case["deferral"].startswith("uses ")]
    for case in cases:
        with pytest.raises(FilterError) as caught:
            mongoglot.compile(case["filter"])
        same_error = answer(case, lambda: raise_it(caught.value)) == expected(case)
        assert isinstance(caught.value, NotYetError) or same_error, case["id"]


def raise_it(error: Exception) -> Iterable[Mapping[str, Any]]:
    raise error


@pytest.fixture(scope="module")
def recorded(server: Database[dict[str, Any]]) -> Database[dict[str, Any]]:
    """The real server with the documents of all cases."""
    for collection, members in {case["collection"]: case["docs"] for case in all_cases()}.items():
        if members:
            server[collection].insert_many(members)
    return server


@pytest.mark.parametrize("area", sorted({str(case["area"]) for case in all_cases()}))
def test_the_server_still_answers_as_recorded(recorded: Database[dict[str, Any]], area: str) -> None:
    cases = [case for case in all_cases() if case["area"] == area]
    failures = []
    for case in cases:
        given = answer(case, lambda: server_find(recorded, case))  # noqa: B023 - called at once
        if given != expected(case):
            failures.append((case, given))
    assert_none(failures, cases)


def server_find(database: Database[dict[str, Any]], case: Case) -> list[dict[str, Any]]:
    """What the server answers to the bare command: the driver's own checks are no part of the language."""
    command = {
        "find": case["collection"],
        "filter": case["filter"],
        "singleBatch": True,
        **case.get("options", {}),
    }
    try:
        reply = database.command(command, codec_options=database.codec_options)
    except OperationFailure as error:
        raise FilterError(error.code or 0, str(error)) from None
    found: list[dict[str, Any]] = reply["cursor"]["firstBatch"]
    return found
