"""Filters as Python functions, beside functions by hand and other matchers; compiling and importing."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import mgqpy
from by_hand import COUNT, FILTERS, MATCHES, SELECTIONS, Document, documents
from mongomock.filtering import filter_applies
from timing import Row, Run, agreed, best, micros, ratio, times_faster

import mongoglot


def functions() -> Iterator[Row]:
    """A document at a time."""
    stored = documents()
    for name, query in FILTERS.items():
        peers = [
            mongoglot.compile(query).to_python(),
            MATCHES[name],
            mgqpy.Query(query).test,
            partial(filter_applies, query),
        ]
        runs = [partial(_hits, matches, stored) for matches in peers]
        hits = agreed([run() for run in runs])
        times = best(*runs[:3]) + best(runs[3], repeats=2)
        ours, by_hand, other, imitation = times
        target = 1.3 if name == "array" else 1.4
        yield (
            name,
            f"{hits / COUNT:.1%}",
            *(micros(seconds / COUNT) for seconds in times),
            ratio(ours, by_hand, target),
            times_faster(ours, other, 5),
            times_faster(ours, imitation, 30),
        )


def selections() -> Iterator[Row]:
    """Many documents at once, beside a list comprehension that takes all fields for granted."""
    stored = documents(complete=True)
    for name, query in FILTERS.items():
        compiled = mongoglot.compile(query)
        runs: list[Run] = [lambda q=compiled: list(q.filter(stored)), partial(SELECTIONS[name], stored)]  # type: ignore[misc]  # mypy infers no lambda with defaults
        hits = len(agreed([run() for run in runs]))
        ours, raw = best(*runs)
        yield name, f"{hits / COUNT:.1%}", micros(ours / COUNT), micros(raw / COUNT), ratio(ours, raw, 1.7)


def _hits(matches: Callable[[Document], bool], stored: list[Document]) -> int:
    return sum(map(matches, stored))


COMPILING = {  # microseconds aimed at: known shape, new shape to Python, new shape to SQL
    "simple": (6, 600, 1500),
    "medium": (15, 600, 3000),
}


def compilations() -> Iterator[Row]:
    """Microseconds; a new shape has field names that no filter had before."""
    numbers = count()

    def known(name: str) -> mongoglot.Query:
        return mongoglot.compile(FILTERS[name])

    def fresh(name: str) -> mongoglot.Query:
        return mongoglot.compile(_renamed(FILTERS[name], f"n{next(numbers)}"))

    def to_python(query: Callable[[str], mongoglot.Query], name: str) -> object:
        return query(name).to_python()

    def to_sql(query: Callable[[str], mongoglot.Query], name: str) -> object:
        return query(name).to_sql()

    for name, (known_target, python_target, sql_target) in COMPILING.items():
        for kind, query, repeats in (("known", known, 500), ("new", fresh, 60)):
            runs: list[Run] = [partial(query, name)]
            runs += [partial(target, query, name) for target in (to_python, to_sql)]
            best(*runs, repeats=2)  # the first of all loads sqlglot and Lark's tables
            compiled, python, sql = map(micros, best(*runs, repeats=repeats))
            if kind == "known":
                yield f"{name}, known", f"{compiled} (≤ {known_target})", python, sql
            else:
                yield f"{name}, new", compiled, f"{python} (≤ {python_target})", f"{sql} (≤ {sql_target})"


def _renamed(value: Any, suffix: str) -> Any:
    """A filter with other names for its fields."""
    if isinstance(value, list):
        return [_renamed(item, suffix) for item in value]
    if not isinstance(value, dict):
        return value
    return {key if key[0] == "$" else key + suffix: _renamed(item, suffix) for key, item in value.items()}


def imports() -> Iterator[Row]:
    """Milliseconds of processor time, without the start of Python."""

    def load(statement: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603 - our own words
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(load("pass") for _ in range(10))
    for statement, target in (
        ("import mongoglot", " (≤ 60)"),
        ("from mongoglot import compile", ""),
        ("from mongoglot import connect", ""),
        ("import bson", ""),
        ("import pymongo", ""),
    ):
        taken = min(load(statement) for _ in range(10))
        yield f"`{statement}`", f"{(taken - bare) * 1e3:.0f}{target}"
