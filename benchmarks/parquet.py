"""Files in place: the three filters on a Parquet file of a million rows, beside SQL by hand on the same file.

The two take turns in processor time, as DuckDB works on all cores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from by_hand import FILTERS
from timing import Row, Run, agreed, millis, ratio

import mongoglot

ROWS = 1_000_000
REPEATS = 5

_NUMBER = "CAST(hash(row, {salt}) % {count} AS INTEGER)"


def _chosen(salt: str, count: int) -> str:
    """A number of 0 to `count` that is the same whenever the file is made."""
    return _NUMBER.format(salt=salt, count=count)


TABLE = f"""
    SELECT row AS _id, {_chosen("'a'", 20)} AS a, ['x', 'y', 'z'][1 + {_chosen("'b'", 3)}] AS b,
        {{'d': {{'e': {_chosen("'e'", 20)}, 'f': 'k' || {_chosen("'f'", 20)}}}}} AS c,
        [['red', 'green', 'blue'][1 + {_chosen("'tag' || n", 3)}] for n in range({_chosen("'tags'", 4)})] AS tags,
        'document ' || row AS name, {_chosen("'price'", 10000)} / 100 AS price,
        [{{'sku': 's' || {_chosen("'sku' || n", 10)}, 'qty': {_chosen("'qty' || n", 10)}}}
            for n in range({_chosen("'items'", 5)})] AS items
    FROM range({ROWS}) AS rows(row)
"""  # noqa: S608 - numbers and names of ours

BY_HAND = {
    "simple": "a >= 10 AND b = 'x'",
    "medium": "(c.d.e IN (1, 2, 3, 5, 8) OR c.d.f = 'k7') AND a < 15 AND list_contains(tags, 'red')",
    "array": "len(list_filter(items, lambda item: item.sku = 's3' AND item.qty >= 5)) > 0",
}


def best(*runs: Run) -> list[float]:
    """The least processor time of each, in seconds."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(REPEATS):
        for run, taken in zip(runs, times, strict=True):
            start = time.process_time()
            run()
            taken.append(time.process_time() - start)
    return [min(taken) for taken in times]


def filters(folder: Path) -> Iterator[Row]:
    """A count, the ids and whole documents, by mongoglot and by hand."""
    path = str(folder / "million.parquet")
    with duckdb.connect() as plain, mongoglot.connect("duckdb:") as store:
        plain.execute(f"COPY ({TABLE}) TO '{path}'")
        rows = store[path]

        def by_hand(columns: str, condition: str) -> list[Any]:
            found: list[Any] = plain.execute(
                f"SELECT {columns} FROM read_parquet('{path}') WHERE {condition}"  # noqa: S608 - texts of ours
            ).fetchall()
            return found

        for name, query in FILTERS.items():
            condition = BY_HAND[name]
            runs: list[Run] = [
                lambda q=query: rows.count_documents(q),  # type: ignore[misc]  # mypy infers no lambda with defaults
                lambda c=condition: by_hand("count(*)", c)[0][0],  # type: ignore[misc]
                lambda q=query: [found["_id"] for found in rows.find(q, {"_id": 1})],  # type: ignore[misc]
                lambda c=condition: [row[0] for row in by_hand("_id", c)],  # type: ignore[misc]
                lambda q=query: [tuple(found.values()) for found in rows.find(q)],  # type: ignore[misc]
                lambda c=condition: by_hand("*", c),  # type: ignore[misc]
            ]
            count = agreed([run() for run in runs[:2]])
            agreed([run() for run in runs[2:4]])
            agreed([run() for run in runs[4:]])
            times = best(*runs)
            pairs = [(times[start], times[start + 1]) for start in (0, 2, 4)]
            shown = [
                word for ours, hand in pairs for word in (millis(ours), millis(hand), ratio(ours, hand, 1.5))
            ]
            yield name, f"{count:,}", *shown
