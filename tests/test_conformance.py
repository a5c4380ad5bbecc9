"""Every recorded case that this version covers, on every engine, result for result and error for error."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.errors import FilterError, NotYetError, UnsupportedError, code_name
from tests.conformance.corpus import Case, all_cases, by_area, identity
from tests.conformance.deviations import DEVIATIONS, DEVIATIONS_OF_MATCHES, DEVIATIONS_ON_SERVER
from tests.conformance.scope import SERVER_AREAS
from tests.conftest import ENGINES, StoreOpener
from tests.mongod import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from pymongo.database import Database

COVERED = 2751

DEFERRED = {"uses an internal operator": 20}
"""How many cases each reason leaves to a later version: a case can move, but not vanish."""

NO_SERVER = "needs a server"

NO_ERROR_WITHOUT_COLLECTION = ("op/geo/near-without-index",)
"""A search for places needs an index, of which a server says nothing where there is no collection."""

Answer = list[bytes] | str
"""Documents, or `'error 2'`."""


def expected(case: Case) -> Answer:
    if "error" in case:
        return f"error {case['error']['code']}"
    return arranged(case, case["expect_docs"] if "expect_docs" in case else case["expect"])


def answer(case: Case, find: Callable[[], Iterable[Mapping[str, Any]]]) -> Answer:
    """What a collection answers, in the form of what the case expects."""
    try:
        found = list(find())
    except FilterError as error:
        return f"error {error.code}"
    except OperationFailure as error:
        return f"error {error.code}"
    except UnsupportedError:
        return NO_SERVER
    return arranged(case, found if "expect_docs" in case else [document["_id"] for document in found])


def arranged(case: Case, values: Iterable[Any]) -> Answer:
    identities = [identity(value) for value in values]
    return identities if case.get("ordered") else sorted(identities)


def assert_none(
    found: list[tuple[Case, Answer]], cases: list[Case], known: AbstractSet[str] = frozenset()
) -> None:
    """Fail with the first few of the cases that were answered wrongly; known deviations have to deviate."""
    deviating = {case["id"] for case, _ in found}
    mended = {case["id"] for case in cases if case["id"] in known} - deviating
    assert not mended, f"known deviations that are none: {sorted(mended)}"
    failures = [(case, given) for case, given in found if case["id"] not in known]
    lines = [
        f"{case['id']}: {case['filter']!r} {case.get('options', '')!r}\n"
        f"    expected {readable(expected(case))}\n    answered {readable(given)}"
        for case, given in failures[:10]
    ]
    assert not failures, f"{len(failures)} of {len(cases)} cases differ\n" + "\n".join(lines)


def readable(result: Answer) -> str:
    return result if isinstance(result, str) else repr([decoded(item)[""] for item in result])


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
    documents = {case["collection"]: case["docs"] for area in by_area().values() for case in area}
    for collection, members in documents.items():
        if members:
            opened[collection].insert_many(members)
    return opened


@pytest.mark.parametrize("area", by_area())
def test_engines(store: mongoglot.Store, area: str) -> None:
    cases = by_area()[area]
    failures = []
    for case in cases:
        collections = [case["collection"]]
        if "error" in case and case["error"]["on_empty"] and area not in NO_ERROR_WITHOUT_COLLECTION:
            collections.append("nothing was ever put here")
        for collection in collections:
            given = answer(case, lambda: store[collection].find(case["filter"], **case.get("options", {})))  # noqa: B023 - called at once
            if given != expected(case) and not (given == NO_SERVER and needs_server(store, case)):
                failures.append((case, given))
    on_server = store.backend.name == "mongodb"
    assert_none(failures, cases, DEVIATIONS_ON_SERVER if on_server else DEVIATIONS.keys())


def needs_server(store: mongoglot.Store | None, case: Case) -> bool:
    """Whether a case asks what only a server can answer, of a store that has none."""
    return (store is None or store.backend.name != "mongodb") and (
        case["area"].startswith(SERVER_AREAS) or "collation" in case.get("options", {})
    )


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
    reply = database.command(command, codec_options=database.codec_options)
    found: list[dict[str, Any]] = reply["cursor"]["firstBatch"]
    return found
