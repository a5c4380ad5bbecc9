"""What mongoglot costs, beside what one would write by hand and beside its peers; run by `make bench`.

The tables are printed and written to docs/benchmarks.md. Other modules of this folder measure one thing each.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import apsw
import callables
import growth
import hub
import parquet
import pymongo
import stores
import taskdb
from by_hand import COUNT, FILTERS, documents
from timing import REPEATS, Row

import mongoglot

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = (
    "mongoglot", "apsw", "duckdb", "sqlglot", "lark", "orjson", "pymongo", "mgqpy", "mongomock", "ipyparallel",
)  # fmt: skip


def machine() -> str:
    packages = " ".join(f"{name} {version(name)}," for name in PACKAGES)
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    computer = f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    python = f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}; {packages} {python}; {computer}"


def server(stack: ExitStack) -> Any:
    """A database on a real MongoDB server, with the documents; None where there is none."""
    sys.path.insert(0, str(ROOT))
    from tests import mongod  # what starts it for the tests

    url = os.environ.get(mongod.ENVIRONMENT)
    if url is None and mongod.find_binary() is not None:
        url = stack.enter_context(mongod.running_server())
    if url is None:
        return None
    client: pymongo.MongoClient[dict[str, Any]] = stack.enter_context(pymongo.MongoClient(url))
    database = client["mongoglot_benchmarks"]
    stack.callback(client.drop_database, database.name)
    database["documents"].drop()
    database["documents"].insert_many(documents())
    return database


def measured() -> Iterator[tuple[str, Iterator[Row]]]:
    """The rows of each table of the page."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        database = server(stack)
        collections = {}
        for url in (f"sqlite:{folder}/bench.db", "memory:"):
            collections[url.partition(":")[0]] = stack.enter_context(mongoglot.connect(url))["documents"]
        for collection in collections.values():
            collection.insert_many(documents())
        plain = apsw.Connection(f"{folder}/bench.db")
        stack.callback(plain.close)
        yield "functions", callables.functions()
        yield "selections", callables.selections()
        yield "compilations", callables.compilations()
        yield "imports", callables.imports()
        yield "conditions", stores.conditions(plain)
        yield "finds", stores.finds(collections, database)
        yield "writes", stores.writes(Path(folder), database)
        yield "reads", stores.reads(plain)
        yield "memory", stores.memory()
        yield "growth", growth.rows()
        yield (
            "taskdb",
            taskdb.rows(None if database is None else "mongodb://{}:{}".format(*database.client.address)),
        )
        yield "hub", hub.rows(["DictDB", "MemoryDB", "SQLiteDB"], 400, 4, 0, None)
        yield "parquet", parquet.filters(Path(folder))


def main() -> None:
    tables = {}
    for name, rows in measured():
        tables[name] = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        print(f"{name}\n{tables[name]}\n", flush=True)
    template = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
    text = template.format(machine=machine(), count=f"{COUNT:,}", repeats=REPEATS, **FILTERS, **tables)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
