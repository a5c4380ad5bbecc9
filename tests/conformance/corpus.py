"""The recorded cases, read once."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import bson

from tests.conformance.load import cases
from tests.conformance.scope import deferral

Case: TypeAlias = dict[str, Any]

PATH = Path(__file__).with_name("cases.jsonl")


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, with its deferral (a reason or None) and the name of the collection of its documents."""
    collections: dict[bytes, str] = {}
    result = []
    for case in cases(PATH):
        name = collections.setdefault(bson.encode({"": case["docs"]}), f"documents{len(collections)}")
        result.append({**case, "deferral": deferral(case), "collection": name})
    return tuple(result)


@cache
def by_area(*, deferred: bool = False) -> dict[str, list[Case]]:
    """The cases that this version covers, or those that it defers, by area."""
    chosen = [case for case in all_cases() if (case["deferral"] is not None) == deferred]
    chosen.sort(key=lambda case: str(case["area"]))
    return {area: list(group) for area, group in groupby(chosen, key=lambda case: str(case["area"]))}


def identity(value: Any) -> bytes:
    """What two values have in common that are the same in type and order of fields too."""
    return bson.encode({"": value})
