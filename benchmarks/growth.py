"""A collection in SQLite that grows: one size in a process of its own, so that its peak of memory can be told."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
from timing import Row, best, millis, ratio

import mongoglot

SIZES = (10_000, 100_000, 1_000_000)
PER_KEY = 20
"""So many documents have the same key, whatever the size."""

BATCH = 50_000


def rows() -> Iterator[Row]:
    """A row for each size."""
    for size in SIZES:
        command = [sys.executable, __file__, str(size)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ourselves
        yield tuple(json.loads(output))


def _documents(start: int, count: int, size: int) -> list[dict[str, Any]]:
    keys = size // PER_KEY
    return [
        {
            "_id": number,
            "k": (number * 7919) % keys,
            "tags": [f"t{(number * 31 + step) % keys}" for step in range(2)],
            "name": f"document {number}",
        }
        for number in range(start, start + count)
    ]


def _peak_memory() -> str:
    """In MB, where the system tells; the peak of `getrusage` would be the one of the process above this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return "–"
    (line,) = (line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
    return f"{int(line.split()[1]) / 1024:,.0f}"


def measured(size: int) -> list[str]:
    """What a collection of so many documents costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/growth.db"
        with mongoglot.connect(f"sqlite:{path}") as store:
            collection = store["documents"]
            start = time.perf_counter()
            for first in range(0, size, BATCH):
                collection.insert_many(_documents(first, min(BATCH, size - first), size))
            loading = time.perf_counter() - start
            start = time.perf_counter()
            collection.create_index("k")
            collection.create_index("tags")
            indexing = time.perf_counter() - start
            database = apsw.Connection(path)
            database.execute("CREATE INDEX by_hand ON documents (json_extract(_doc, '$.k'))")
            statement = (
                "SELECT json(_doc) FROM documents WHERE json_extract(_doc, '$.k') = ? AND "
                "json_type(_doc, '$.k') IN ('integer', 'real')"
            )

            def by_hand() -> list[Any]:
                return [json.loads(text) for (text,) in database.execute(statement, (7,))]

            def ours() -> list[Any]:
                return list(collection.find({"k": 7}))

            def in_arrays() -> list[Any]:
                return list(collection.find({"tags": "t7"}))

            def scan() -> int:
                return collection.count_documents({"name": "document 7"})

            assert len(ours()) == len(by_hand()) == PER_KEY, len(ours())  # noqa: S101 - a benchmark checks itself
            assert len(in_arrays()) == 2 * PER_KEY, len(in_arrays())  # noqa: S101 - the same
            taken, hand, arrays = best(ours, by_hand, in_arrays, repeats=200)
            (scanning,) = best(scan, repeats=2)
            database.close()
        bytes_on_disk = Path(path).stat().st_size
    return [
        f"{size:,}",
        millis(taken),
        millis(hand),
        ratio(taken, hand, 1.25),
        millis(arrays),
        millis(scanning),
        f"{size / loading:,.0f}",
        f"{indexing:.1f}",
        f"{bytes_on_disk / 1e6:,.0f}",
        _peak_memory(),
    ]


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
