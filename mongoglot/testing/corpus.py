"""The recorded cases, what a MongoDB 6.0.5 server answered, and the assertion that an engine answers the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import bson

from mongoglot.errors import FilterError, UnsupportedError
from mongoglot.testing.deviations import DEVIATIONS, DEVIATIONS_ON_SERVER
from mongoglot.testing.recorded import read_cases

if TYPE_CHECKING:
    from mongoglot.store import Store

Case: TypeAlias = dict[str, Any]
"""A recorded case.

`id`, `area`, `docs`, `filter` and perhaps `options` (sort, skip, limit, projection, collation) say what was asked.
The answer is `expect`, the `_id`s, in order where `ordered` is true, or `expect_docs` under a projection, or
`error`: its code, codeName and errmsg, and whether it comes of an empty collection too (`on_empty`). Added here:
`collection`, a name for equal `docs`, and `deferral`, why this version does not answer it, or None.
"""

Answer: TypeAlias = list[bytes] | str
"""Documents, or `'error 2'`."""

PATH: Final = Path(__file__).with_name("cases.jsonl")

SERVER_AREAS: Final = ("op/where", "op/text", "op/geo")
"""The areas of what only a server can answer."""

NO_SERVER: Final = "needs a server"

NO_ERROR_WITHOUT_COLLECTION: Final = ("op/geo/near-without-index",)
"""A search for places needs an index, of which a server says nothing where there is no collection."""

MAX_SHOWN: Final = 10


@cache
def all_cases() -> tuple[Case, ...]:
    """Every recorded case."""
    collections: dict[bytes, str] = {}
    result = []
    for case in read_cases(PATH):
        name = collections.setdefault(bson.encode({"": case["docs"]}), f"documents{len(collections)}")
        deferral = "uses an internal operator" if case["area"] == "op/internal" else None
        result.append({**case, "deferral": deferral, "collection": name})
    return tuple(result)


@cache
def by_area(*, deferred: bool = False) -> dict[str, list[Case]]:
    """The cases that this version covers, or those that it defers, by area."""
    chosen = [case for case in all_cases() if (case["deferral"] is not None) == deferred]
    chosen.sort(key=lambda case: str(case["area"]))
    return {area: list(group) for area, group in groupby(chosen, key=lambda case: str(case["area"]))}


def assert_recorded(store: Store) -> int:
    """Ask a store every recorded case that mongoglot covers; how many there are.

    The known deviations, which are those of mongoglot itself, have to deviate.

    Args:
        store: empty; collections `documents0` and so on are filled in it.

    Raises:
        AssertionError: answers differ; it shows the first ten, each with its documents.
    """
    fill(store)
    return sum(assert_area(store, area) for area in by_area())


def fill(store: Store) -> None:
    """Insert the documents of all cases."""
    documents = {case["collection"]: case["docs"] for area in by_area().values() for case in area}
    for collection, members in documents.items():
        if members:
            store[collection].insert_many(members)


def assert_area(store: Store, area: str) -> int:
    """Ask the cases of one area of a store that `fill` has filled; how many there are.

    Raises:
        AssertionError: as `assert_recorded`.
    """
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
    assert_none(failures, cases, DEVIATIONS_ON_SERVER if _is_server(store) else DEVIATIONS.keys())
    return len(cases)


def needs_server(store: Store | None, case: Case) -> bool:
    """Whether a case asks what only a server can answer, of a store that has none."""
    return not _is_server(store) and (
        case["area"].startswith(SERVER_AREAS) or "collation" in case.get("options", {})
    )


def _is_server(store: Store | None) -> bool:
    return store is not None and getattr(store.backend, "on_server", False)


def expected(case: Case) -> Answer:
    """What a case expects, in a form to compare with `answer`."""
    if "error" in case:
        return f"error {case['error']['code']}"
    return arranged(case, case["expect_docs"] if "expect_docs" in case else case["expect"])


def answer(case: Case, find: Callable[[], Iterable[Mapping[str, Any]]]) -> Answer:
    """What a collection answers, in the form of what the case expects."""
    try:
        found = list(find())
    except FilterError as error:
        return f"error {error.code}"
    except UnsupportedError:
        return NO_SERVER
    return arranged(case, found if "expect_docs" in case else [document["_id"] for document in found])


def arranged(case: Case, values: Iterable[Any]) -> Answer:
    """Values by what they have in common with equal ones, sorted where the case has no order."""
    identities = [identity(value) for value in values]
    return identities if case.get("ordered") else sorted(identities)


def identity(value: Any) -> bytes:
    """What two values have in common that are the same in type and order of fields too."""
    return bson.encode({"": value})


def assert_none(
    found: list[tuple[Case, Answer]], cases: list[Case], known: AbstractSet[str] = frozenset()
) -> None:
    """Fail with the first few of the cases that were answered wrongly; known deviations have to deviate."""
    deviating = {case["id"] for case, _ in found}
    mended = {case["id"] for case in cases if case["id"] in known} - deviating
    if mended:
        raise AssertionError(f"known deviations that are none: {sorted(mended)}")
    failures = [(case, given) for case, given in found if case["id"] not in known]
    lines = [
        f"{case['id']}: {case['filter']!r} {case.get('options', '')!r}\n"
        f"    documents {case['docs']!r}\n"
        f"    expected {readable(expected(case))}\n    answered {readable(given)}"
        for case, given in failures[:MAX_SHOWN]
    ]
    if failures:
        raise AssertionError(f"{len(failures)} of {len(cases)} cases differ\n" + "\n".join(lines))


def readable(result: Answer) -> str:
    """An answer for a message."""
    return result if isinstance(result, str) else repr([bson.decode(item)[""] for item in result])
