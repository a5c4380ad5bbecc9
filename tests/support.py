"""What each engine makes of each operator: asked of the lowerings, for the table of docs/engines.md.

`python -m tests.support` prints the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mongoglot
from mongoglot.compiler.ast import Always
from mongoglot.compiler.residual import split
from mongoglot.engines.sql.table import Table
from mongoglot.errors import FilterError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mongoglot.compiler.lowering import Lowering
    from mongoglot.compiler.plan import BoundPlan

YES, NARROWED, PYTHON, REFUSED = "yes", "narrowed", "Python", "refused"
"""The engine decides it; it leaves out what cannot match, and Python decides; Python decides; nobody does."""

SAMPLES: Final[dict[str, dict[str, Any]]] = {
    "`$eq`, `$ne` with a scalar": {"a": 5},
    "`$eq`, `$ne` with null": {"a": None},
    "`$eq`, `$ne` with a document or array": {"a": {"b": [1]}},
    "`$gt`, `$gte`, `$lt`, `$lte` with a scalar": {"a": {"$gt": 5}},
    "… with a document or array": {"a": {"$gt": {"b": 1}}},
    "… with MinKey or MaxKey": {"a": {"$gt": mongoglot.compile("{a: {$gt: MinKey}}").values[0]}},
    "`$in`, `$nin`": {"a": {"$in": [1, "x", None, {"b": 1}]}},
    "a path of names, arrays on the way": {"a.b.c": 5},
    "a path with a number": {"a.0.b": 5},
    "a path that ends in a dot": {"a.": 5},
    "`$exists`": {"a.b": {"$exists": True}},
    "`$type`": {"a": {"$type": ["string", "date", "array"]}},
    "`$type` of one type of numbers": {"a": {"$type": "int"}},
    "`$mod`": {"a": {"$mod": [4, 1]}},
    "`$bitsAllSet` and its kin": {"a": {"$bitsAllSet": 5}},
    "`$regex`": {"a": {"$regex": "^b"}},
    "`$glob` (task databases)": {"a": {"$glob": "b*"}},
    "`$size`": {"a": {"$size": 3}},
    "`$all`": {"a": {"$all": [1, 2]}},
    "`$elemMatch` of values": {"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}},
    "`$elemMatch` of documents": {"a": {"$elemMatch": {"b": 1, "c": {"$gt": 2}}}},
    "`$and`, `$or`, `$nor`, `$not`": {"$or": [{"a": {"$not": {"$gt": 5}}}, {"$nor": [{"b": 1}]}]},
    "`$expr`": {"$expr": {"$gt": ["$a", "$b"]}},
    "`$jsonSchema`": {"$jsonSchema": {"required": ["a"]}},
    "`$sampleRate`": {"$sampleRate": 0.5},
    "`$where`, `$text`, places": {"$where": "this.a == 1"},
}  # fmt: skip
"""One filter for each row of the table."""


def _sqlite(table: Table) -> Lowering[Any]:
    from mongoglot.engines.sqlite.lowering import SqliteLowering

    return SqliteLowering(table)


def _duckdb(table: Table) -> Lowering[Any]:
    from mongoglot.engines.duckdb.lowering import DocumentLowering

    return DocumentLowering(table)


def _postgresql(table: Table) -> Lowering[Any]:
    from mongoglot.engines.postgresql.lowering import PostgresqlLowering

    return PostgresqlLowering(table, "_doc")


LOWERINGS: Final[dict[str, Callable[[Table], Lowering[Any]]]] = {
    "sqlite": _sqlite, "duckdb": _duckdb, "postgresql": _postgresql,
}  # fmt: skip
"""The engines that have a lowering of their own; `memory` has all that Python decides, `mongodb` is a server."""


def compiled(filter: dict[str, Any]) -> BoundPlan:
    """A filter of MongoDB, or of the task database where that alone has its operator."""
    try:
        return mongoglot.compile(filter)
    except FilterError:
        return mongoglot.compile(filter, dialect="taskdb")


def support(lowering: Lowering[Any], query: BoundPlan) -> str:
    """What a lowering makes of a filter."""
    try:
        halves = split(query.optimised, lowering)
    except UnsupportedError:
        return REFUSED
    if halves.residual is None:
        return YES
    return PYTHON if halves.pushed == Always(True) else NARROWED


def table_of_support() -> str:
    """The table, in Markdown."""
    table = Table("documents", document="_doc")
    lowerings = {engine: make(table) for engine, make in LOWERINGS.items()}
    lines = [
        f"| | {' | '.join(['memory', *lowerings, 'mongodb'])} |",
        "|---" * (len(lowerings) + 3) + "|",
    ]
    for name, filter in SAMPLES.items():
        query = compiled(filter)
        in_python = REFUSED if query.plan.server_only is not None else PYTHON
        cells = [support(lowering, query) for lowering in lowerings.values()]
        lines.append(f"| {' | '.join([name, in_python, *cells, YES])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table_of_support())
