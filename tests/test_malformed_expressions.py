"""Expressions with something wrong in them: refused with a real server's code, or accepted as there."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.errors import EncodingError, FilterError, NotYetError, UnsupportedError
from tests.malformed_expressions import Malformer
from tests.mongod import CODEC_OPTIONS
from tests.test_properties import SEED_VARIABLE

if TYPE_CHECKING:
    from pymongo.database import Database


_READING = CODEC_OPTIONS.with_options(unicode_decode_error_handler="replace")
"""A server cuts its messages inside characters."""


def refused(query: dict[str, Any]) -> int | str | None:
    """The code with which mongoglot refuses a filter."""
    try:
        mongoglot.compile(query)
    except UnsupportedError:
        return "left to a server"
    except NotYetError:
        return "not compiled"
    except FilterError as error:
        return error.code
    except EncodingError:
        return "no BSON"
    return None


def refused_by_server(server: Database[dict[str, Any]], query: dict[str, Any]) -> int | str | None:
    """The code with which the server refuses a filter on a collection without documents."""
    try:
        server.command("find", "nothing", filter=query, codec_options=_READING)
    except OperationFailure as error:
        return error.code
    except InvalidDocument:
        return "no BSON"
    return None


def compare(server: Database[dict[str, Any]], count: int, seed: int) -> None:
    """Compare what becomes of so many expressions, and count."""
    malformer = Malformer(seed)
    server["nothing"].insert_one({"_id": 1})
    server["nothing"].delete_one({"_id": 1})
    wrong = later = 0
    codes: set[Any] = set()
    reports: list[str] = []
    for _ in range(count):
        query = {"$expr": malformer.expression()}
        expected, given = refused_by_server(server, query), refused(query)
        wrong += expected is not None
        codes.add(expected)
        if given == "left to a server" or (given == "not compiled" and expected is None):
            later += 1
        elif given != expected:
            reports.append(f"{query!r}: {given!r} and not {expected!r}")
    print(
        f"\n{count} expressions, {wrong} of them wrong in {len(codes)} ways, {later} not compiled;"
        f" {len(reports)} differences; {SEED_VARIABLE}={seed}"
    )
    assert not reports, f"with {SEED_VARIABLE}={seed}:\n" + "\n".join(reports[:5])
    assert wrong > count / 2


def test_a_thousand_wrong_expressions(server: Database[dict[str, Any]]) -> None:
    compare(server, 1_000, int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_twenty_thousand_wrong_expressions(server: Database[dict[str, Any]]) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(server, 20_000, int(seed) if seed else random.SystemRandom().randrange(2**32))
