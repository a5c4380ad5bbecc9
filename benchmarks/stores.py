"""Stores: what queries cost beside SQL by hand and beside a MongoDB server, writes, reads, and memory."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pymongo
from by_hand import CAREFUL, COUNT, FILTERS, NAIVE, Document, condition, documents
from timing import Row, Run, agreed, best, micros, millis, ratio, times_faster

import mongoglot
from mongoglot.engines.sqlite.encoding import decode

if TYPE_CHECKING:
    from pymongo.database import Database

Server = "Database[dict[str, Any]] | None"


def conditions(database: apsw.Connection) -> Iterator[Row]:
    """The ids of the matches: SQL beside SQL, on one connection."""

    def ids(text: str, parameters: Any = ()) -> list[int]:
        statement = f"SELECT _row FROM documents WHERE {text}"  # noqa: S608 - texts of ours
        return [row for (row,) in database.execute(statement, parameters)]

    table = mongoglot.Table("documents", (), "_doc", "_key")
    for name, query in FILTERS.items():
        compiled = mongoglot.compile(query).to_sql(table=table)
        runs: list[Run] = [partial(ids, compiled.text, compiled.parameters)]
        runs += [partial(ids, condition(name, form)) for form in (NAIVE, CAREFUL)]
        agreed([run() for run in runs])
        ours, naive, careful = best(*runs)
        yield (
            name,
            *map(millis, (ours, naive, careful)),
            ratio(ours, naive, 2),
            ratio(ours, careful, 1.25),
        )


def finds(stores: dict[str, mongoglot.Collection], server: Database[dict[str, Any]] | None) -> Iterator[Row]:
    """Whole documents: every engine beside MongoDB with its driver."""
    for name, query in FILTERS.items():
        runs: list[Run] = [lambda c=c, q=query: list(c.find(q)) for c in stores.values()]  # type: ignore[misc]  # mypy infers no lambda with defaults
        if server is not None:
            runs.append(lambda q=query: list(server["documents"].find(q)))  # type: ignore[misc]  # the same
        agreed([run() for run in runs])
        times = best(*runs)
        ratios = [ratio(taken, times[-1], 1) if server is not None else "–" for taken in times[: len(stores)]]
        yield name, *map(millis, times), *([] if server is not None else ["–"]), *ratios


def writes(folder: Path, server: Database[dict[str, Any]] | None) -> Iterator[Row]:
    """Documents a second."""
    stored = documents()
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

    def on_server() -> None:
        if server is not None:
            server["written"].drop()
            server["written"].insert_many(stored)

    ours, by_hand = best(insert_many, executemany, repeats=3)
    (theirs,) = best(on_server, repeats=3)
    compared = f"{theirs / ours:.2f} (≥ 0.6)" if server is not None else "–"
    shown = f"{COUNT / theirs:,.0f}" if server is not None else "–"
    yield "`insert_many`", f"{COUNT / ours:,.0f}", f"{COUNT / by_hand:,.0f}", shown, compared

    few = stored[:300]
    with mongoglot.connect(f"sqlite:{next(names)}") as store:

        def insert_one() -> None:
            store["documents"].drop()
            for document in few:
                store["documents"].insert_one(document)

        def journaled() -> None:
            if server is not None:
                durable = server["single"].with_options(write_concern=pymongo.WriteConcern(w=1, j=True))
                durable.drop()
                for document in few:
                    durable.insert_one(document)

        ours, theirs = best(insert_one, journaled, repeats=3)
        compared = f"{theirs / ours:.2f} (≥ 10)" if server is not None else "–"
        shown = f"{len(few) / theirs:,.0f}" if server is not None else "–"
        yield "`insert_one`, durable", f"{len(few) / ours:,.0f}", "–", shown, compared


def reads(database: apsw.Connection) -> Iterator[Row]:
    """Decoding what is stored, beside `json.loads` of the same texts."""
    texts = [text for (text,) in database.execute("SELECT json(_doc) FROM documents")]
    ours, plain = best(lambda: list(map(decode, texts)), lambda: list(map(json.loads, texts)))
    yield "documents above", micros(ours / len(texts)), micros(plain / len(texts)), ratio(ours, plain, 1)


def memory() -> Iterator[Row]:
    """Look-ups in 100,000 documents in memory, and what a copy of a result costs."""
    stored = documents(100_000)
    rng = random.Random(1)
    with mongoglot.connect("memory:") as store:
        collection = store["documents"]
        collection.insert_many(stored)
        collection.create_index("price")
        chosen = rng.sample(range(100_000), 100)
        queries: dict[str, Document] = {
            "one `_id`": {"_id": 77_777},
            "`$in` of 100 ids": {"_id": {"$in": chosen}},
            "a range of an indexed field": {"price": {"$gte": 50.0, "$lt": 50.1}},
        }
        for name, query in queries.items():
            found = list(collection.find(query))
            (taken,) = best(lambda q=query: list(collection.find(q)))  # type: ignore[misc]  # as above
            target = " (≤ 1)" if "100" in name else ""
            yield name, str(len(found)), f"{taken * 1e3:.3f}{target}", "–"
        ours, theirs = best(lambda: list(collection.find({})), lambda: copy.deepcopy(stored), repeats=2)
        yield "all, beside `copy.deepcopy`", "100000", millis(ours), times_faster(ours, theirs, 1)
