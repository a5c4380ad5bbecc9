"""What mongoglot costs, beside what one would write by hand; run by `make bench`.

The sides of a ratio run in one process and take turns, so that a busy machine slows both; the best of several runs
counts for each. The tables are printed and written to docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import apsw
from by_hand import (
    CAREFUL,
    COUNT,
    FILTERS,
    NAIVE,
    Document,
    condition,
    documents,
    medium_by_hand,
    simple_by_hand,
)

import mongoglot
from mongoglot.engines.sqlite.encoding import decode

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
REPEATS = 7

Run = Callable[[], Any]
Row = tuple[str, ...]


def best(*runs: Run, repeats: int = REPEATS) -> list[float]:
    """The best time of each, in seconds."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def callables(stored: list[Document]) -> Iterator[Row]:
    for name, by_hand in (("simple", simple_by_hand), ("medium", medium_by_hand)):
        matches = mongoglot.compile(FILTERS[name]).to_python()
        runs = [partial(hits_of, function, stored) for function in (matches, by_hand)]
        hits = agreed([run() for run in runs])
        ours, theirs = best(*runs)
        yield name, f"{hits / COUNT:.1%}", micros(ours / COUNT), micros(theirs / COUNT), ratio(ours, theirs)


def hits_of(function: Callable[[Document], bool], stored: list[Document]) -> int:
    return sum(map(function, stored))


def compilations() -> Iterator[Row]:
    numbers = count()

    def known(name: str) -> mongoglot.Query:
        return mongoglot.compile(FILTERS[name])

    def fresh(name: str) -> mongoglot.Query:  # a name that no query had makes a new shape
        return mongoglot.compile({**FILTERS[name], f"new{next(numbers)}": 1})

    def to_python(query: Callable[[str], mongoglot.Query], name: str) -> object:
        return query(name).to_python()

    def to_sql(query: Callable[[str], mongoglot.Query], name: str) -> object:
        return query(name).to_sql()

    for name in FILTERS:
        for kind, query, repeats in (("known", known, 500), ("new", fresh, 60)):
            runs: list[Run] = [partial(query, name)]
            runs += [partial(target, query, name) for target in (to_python, to_sql)]
            best(*runs, repeats=2)  # the first of all loads sqlglot and Lark's tables
            yield f"{name}, {kind}", *map(micros, best(*runs, repeats=repeats))


def queries(collection: mongoglot.Collection, database: apsw.Connection) -> Iterator[Row]:
    def select(what: str, text: str) -> list[Any]:
        return [row for (row,) in database.execute(f"SELECT {what} FROM documents WHERE {text}")]  # noqa: S608

    def finding(query: Document) -> Any:
        return list(collection.find(query))

    def counted(text: str) -> Any:
        return select("count(*)", text)[0]

    def found(text: str) -> Any:
        return list(map(json.loads, select("json(_doc)", text)))

    for name, query in FILTERS.items():
        by_hand = [condition(name, form) for form in (NAIVE, CAREFUL)]
        for verb, ours, theirs in (("count", collection.count_documents, counted), ("find", finding, found)):
            runs: list[Run] = [partial(ours, query), *(partial(theirs, text) for text in by_hand)]
            agreed([run() for run in runs])
            taken = best(*runs)
            ratios = (ratio(taken[0], other) for other in taken[1:])
            yield f"{verb}, {name}", *(f"{seconds * 1e3:.1f}" for seconds in taken), *ratios


def storage(stored: list[Document], folder: Path, database: apsw.Connection) -> Iterator[Row]:
    names = (str(folder / f"file{number}.db") for number in count())

    def insert_many() -> None:
        with mongoglot.connect(f"sqlite:{next(names)}") as store:
            store["documents"].insert_many(stored)

    def executemany() -> None:
        plain = apsw.Connection(next(names))
        plain.execute("PRAGMA journal_mode = wal; PRAGMA synchronous = normal")
        plain.execute("CREATE TABLE d (number INTEGER PRIMARY KEY, key NOT NULL UNIQUE, doc BLOB NOT NULL)")
        with plain:
            rows = ((document["_id"], json.dumps(document)) for document in stored)
            plain.executemany("INSERT INTO d (key, doc) VALUES (?, jsonb(?))", rows)
        plain.close()

    texts = [text for (text,) in database.execute("SELECT json(_doc) FROM documents")]
    readers: list[Run] = [lambda: list(map(decode, texts)), lambda: list(map(json.loads, texts))]
    for what, taken in (
        ("`insert_many`, beside `executemany` of `json.dumps`", best(insert_many, executemany, repeats=3)),
        ("decoding what is stored, beside `json.loads`", best(*readers)),
    ):
        yield what, *(f"{COUNT / seconds:,.0f}" for seconds in taken), ratio(*taken)


def imports() -> Iterator[Row]:
    def load(module: str) -> None:
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)  # noqa: S603

    modules = ("sys", "mongoglot", "bson", "pymongo")
    bare, *taken = best(*(partial(load, module) for module in modules))
    yield from ((f"`{name}`", f"{(t - bare) * 1e3:.0f}") for name, t in zip(modules[1:], taken, strict=True))


def agreed(answers: list[Any]) -> Any:
    """The answer of all; a benchmark of different answers would mean nothing."""
    assert all(answer == answers[0] for answer in answers), answers  # noqa: S101
    return answers[0]


def micros(seconds: float) -> str:
    return f"{seconds * 1e6:.2f}" if seconds < 1e-5 else f"{seconds * 1e6:.0f}"


def ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}"


def machine() -> str:
    packages = " ".join(
        f"{name} {version(name)}," for name in ("mongoglot", "apsw", "sqlglot", "lark", "pymongo")
    )
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    computer = f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    python = f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}; {packages} {python}; {computer}"


def main() -> None:
    stored = documents()
    with tempfile.TemporaryDirectory() as folder, mongoglot.connect(f"sqlite:{folder}/bench.db") as store:
        store["documents"].insert_many(stored)
        database = apsw.Connection(f"{folder}/bench.db")
        measured = {
            "callables": callables(stored),
            "compilations": compilations(),
            "queries": queries(store["documents"], database),
            "storage": storage(stored, Path(folder), database),
            "imports": imports(),
        }
        tables = {
            name: "\n".join(f"| {' | '.join(row)} |" for row in rows) for name, rows in measured.items()
        }
        database.close()
    template = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
    text = template.format(machine=machine(), count=f"{COUNT:,}", repeats=REPEATS, **FILTERS, **tables)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
