"""Compiling, the query, and what it is said as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_type

import mongoglot
from mongoglot import Allow, Column, FilterError, Query, Table, debug
from mongoglot.engines.sql.statement import Sql
from mongoglot.errors import MongoglotError
from mongoglot.explain import Explanation


class Task(dict[str, Any]):
    """A document of a type of its own."""


def compiling(filter: Mapping[str, Any], tasks: list[Task]) -> None:
    query = mongoglot.compile(filter)
    assert_type(query, Query)
    assert_type(mongoglot.compile("{a: 1}", dialect="taskdb"), Query)
    assert_type(mongoglot.compile(filter, allow=Allow(fields=["a"], max_depth=3)), Query)
    assert_type(mongoglot.compile(filter, allow=["a", "b"]), Query)
    assert_type(query.matches({"a": 1}), bool)
    assert_type(query.matches(tasks[0]), bool)
    assert_type(query.filter(tasks), Iterator[Task])  # what goes in comes out
    assert_type(query.to_python(), Callable[[Mapping[str, Any]], bool])
    assert_type(query.to_mongodb(), dict[str, Any])
    assert_type(query.explain(), Explanation)
    assert_type(query.text, str | None)
    assert_type(query.max_time_ms, int | None)


def sql(query: Query, connection: object) -> None:
    table = Table("people", (Column("name", "string"), Column("age", "int", nullable=False)), document=None)
    said = query.to_sql("postgres", table=table)
    assert_type(said, Sql)
    assert_type(said.text, str)
    assert_type(said.parameters, dict[str, Any])
    assert_type(table.columns, tuple[Column, ...])
    assert_type(mongoglot.reflect(connection, "people", schema="public"), Table)
    assert_type(mongoglot.register_functions(connection), None)


def texts(value: Any) -> None:
    assert_type(mongoglot.to_text(value, indent=2), str)
    assert_type(mongoglot.from_text("{a: 1}"), Any)


def stages(query: Query) -> None:
    found = debug.stages(query)
    assert_type(found, debug.Stages)
    assert_type(found.passes, tuple[debug.Pass, ...])
    assert_type(found.sql, tuple[debug.SqlStage, ...])
    assert_type(found.tree, debug.Tree)


def errors(error: MongoglotError) -> None:
    if isinstance(error, FilterError):
        assert_type(error.code, int)
        assert_type(error.code_name, str)
        assert_type(error.path, str)
        assert_type(error.line, int | None)
    if isinstance(error, mongoglot.DuplicateKeyError):
        assert_type(error.index, str)


def refused(query: Query) -> None:
    """What type checkers refuse: a comment without an error below is an error."""
    mongoglot.compile(5)  # type: ignore[arg-type]
    mongoglot.compile({"a": 1}, dialect="mongo")  # type: ignore[arg-type]
    mongoglot.compile({"a": 1}, allow=5)  # type: ignore[arg-type]
    mongoglot.compyle({"a": 1})  # type: ignore[attr-defined]
    query.matches("a")  # type: ignore[arg-type]
    query.match({})  # type: ignore[attr-defined]
    Column("a", "text")  # type: ignore[arg-type]
    Table("t", columns=[Column("a", "number")])  # type: ignore[arg-type]
    Allow(depth=3)  # type: ignore[call-arg]
