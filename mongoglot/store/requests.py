"""What a call asks of an engine: its arguments read and checked, before a store is touched."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias

from bson import Decimal128

from mongoglot.compiler import projection_spec as projections
from mongoglot.compiler import sort as sorts
from mongoglot.compiler.lowering import needs_server
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.values import is_sayable
from mongoglot.engines.base import FindRequest
from mongoglot.errors import FilterError, UnsupportedError
from mongoglot.grammar.operators import Dialect
from mongoglot.projections import IN_PROJECTION
from mongoglot.query import Query, compile

_INT64_MAX: Final = 2**63 - 1

Filter: TypeAlias = Mapping[str, Any] | str | Query
"""A filter as a mapping, as text, or compiled."""


Bound: TypeAlias = float | Decimal128 | None
"""A skip or a limit: a number as a server reads it, cut to a whole one; None is 0."""


class Engine(Protocol):
    """What is asked: a `Backend`, or one that is awaited."""

    name: str


def is_server(engine: Engine) -> bool:
    """Whether a MongoDB server gives the answers."""
    return getattr(engine, "on_server", False)


def check_name(name: str) -> None:
    """Refuse what cannot name a collection.

    Raises:
        UnsupportedError: it is no text, is empty, or has a NUL or a `$`.
    """
    if not is_sayable(name) or "$" in name:
        raise UnsupportedError(
            f"{name!r} cannot name a collection: it needs characters, but no NUL and no '$'"
        )


def compiled(engine: Engine, dialect: Dialect, filter: Filter) -> Query:
    """A filter as a command asks it that begins now.

    Raises:
        FilterError: the filter is wrong.
        UnsupportedError: it needs a MongoDB server, and the engine is none.
    """
    query = filter if isinstance(filter, Query) else compile(filter, dialect=dialect)
    if query.plan.server_only is not None and not is_server(engine):
        raise needs_server(query.plan.server_only)
    return query.started()


def find_request(
    engine: Engine,
    dialect: Dialect,
    filter: Filter | None,
    projection: Any = None,
    *,
    sort: Any = None,
    skip: Any = 0,
    limit: Any = 0,
    collation: Any = None,
) -> FindRequest:
    """What a find asks for, checked in the server's order.

    Raises:
        as `Collection.find`.
    """
    skip, limit = _bound("skip", skip), _bound("limit", limit)
    if collation is not None:
        collation = _collation(engine, collation)
    query = compiled(engine, dialect, {} if filter is None else filter)
    if projection is not None:
        schema = any(token[0] == "SCHEMA" for token in query.tokens)
        projection = projections.read_projection(projection, IN_PROJECTION, schema=schema)
    return FindRequest(query, projection, sorts.read_sort(sort), skip, limit, collation)


def by_id(filter: Any) -> Any:
    """The filter of a `find_one`: what is no mapping and no query is an `_id`."""
    return {"_id": filter} if filter is not None and not isinstance(filter, (Mapping, Query)) else filter


def time_limit(given: Any, query: BoundPlan) -> int | None:
    """The shorter of two limits in milliseconds, that of a call and that of a query; None where there is none.

    Raises:
        UnsupportedError: what is given is no number of milliseconds.
    """
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise UnsupportedError(f"max_time_ms is a number of milliseconds from 1 on, not {given!r}")
    limits = [limit for limit in (given, query.max_time_ms) if limit is not None]
    return min(limits, default=None)


def _collation(engine: Engine, collation: Any) -> Mapping[str, Any] | None:
    """A collation as the engine takes it; None for the order of bytes, which is every engine's own."""
    if not isinstance(collation, Mapping):
        reason = "BSON field 'FindCommandRequest.collation' is the wrong type, expected an object"
        raise FilterError(14, reason, path="collation")
    if not collation or collation.get("locale") == "simple":
        return None
    if not is_server(engine):
        raise UnsupportedError(
            f"collation is for a MongoDB server: the engine {engine.name!r} compares strings by their "
            "bytes (locale 'simple'), the engine 'mongodb' knows others"
        )
    return collation


def _bound(name: str, value: Any) -> int:
    """A skip or limit as a server reads it (semantics 6.5)."""
    if value.__class__ is int and 0 <= value <= _INT64_MAX:
        return int(value)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal128)):
        kind = type(value).__name__
        reason = f"BSON field 'FindCommandRequest.{name}' is the wrong type '{kind}', expected a number"
        raise FilterError(14, reason, path=name, hint=f"write {name}=10")
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    count = 0 if exact.is_nan() else int(min(max(exact, Decimal(-_INT64_MAX)), Decimal(_INT64_MAX)))
    if count < 0:
        reason = f"BSON field '{name}' value must be >= 0, actual value '{count}'"
        raise FilterError(51024, reason, path=name, hint=f"0 is no {name}")
    return count
