"""Peers beside mongoglot: how many recorded answers of a server they give, and how long a document takes them.

`python benchmarks/peers.py` prints the table and puts it into README.md and docs/why.md; the peers are the extra
`bench`.
"""

from __future__ import annotations

import logging
import math
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from importlib import import_module
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from by_hand import COUNT, FILTERS, Document, documents
from timing import REPEATS, Row, agreed

import mongoglot
from mongoglot.testing.corpus import Case, all_cases, arranged, expected

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "why.md")
HEADER = (
    "| | asked as | right | wrong | refused | right in plain JSON | µs a document |\n"
    "|---|---|--:|--:|--:|--:|--:|\n"
)
SECONDS = 5
"""How long a peer may take for one question; more counts as refused."""

Find: TypeAlias = Callable[[Document], Iterable[Mapping[str, Any]]]
"""The documents that a filter finds."""

Over: TypeAlias = Callable[[list[Document]], Find]
"""Takes documents, and finds in them."""


class Peer(NamedTuple):
    """One library, and how it is asked.

    Attributes:
        name: of the distribution.
        asked: what was called, in Markdown.
        load: called once; gives a function that takes documents and gives a `Find` of them.
    """

    name: str
    asked: str
    load: Callable[[], Over]


def matcher(make: Callable[[Document], Callable[[Document], Any]]) -> Over:
    """A library that tells of one document whether it matches."""

    def over(stored: list[Document]) -> Find:
        def find(filter: Document) -> Iterable[Document]:
            matches = make(filter)
            return [document for document in stored if matches(document)]

        return find

    return over


def store(collection: Callable[[], Any]) -> Over:
    """A library with collections as pymongo has them."""

    def over(stored: list[Document]) -> Find:
        opened = collection()
        if stored:
            opened.insert_many(stored)
        return lambda filter: list(opened.find(filter))

    return over


def _mongoglot() -> Over:
    return matcher(lambda filter: mongoglot.compile(filter).to_python())


def _mongoglot_sqlite() -> Over:
    opened, numbers = mongoglot.connect("sqlite::memory:"), count()
    return store(lambda: opened[f"c{next(numbers)}"])


def _mgqpy() -> Over:
    query = import_module("mgqpy").Query
    return matcher(lambda filter: query(filter).test)


def _mongoquery() -> Over:
    query = import_module("mongoquery").Query
    return matcher(lambda filter: query(filter).match)


def _mongomock() -> Over:
    applies = import_module("mongomock.filtering").filter_applies
    return matcher(lambda filter: partial(applies, filter))


def _montydb() -> Over:
    import_module("montydb.types").init_bson(use_bson=True)
    return matcher(import_module("montydb.engine.queries").QueryFilter)


def _neosqlite() -> Over:
    connection, numbers = import_module("neosqlite").Connection(":memory:"), count()
    return store(lambda: connection[f"c{next(numbers)}"])


OURS = (
    Peer("mongoglot", "`compile(filter).to_python()`", _mongoglot),
    Peer("mongoglot", '`connect("sqlite:…")`, `find`', _mongoglot_sqlite),
)
PEERS = (
    Peer("mgqpy", "`Query(filter).test`", _mgqpy),
    Peer("mongoquery", "`Query(filter).match`", _mongoquery),
    Peer("mongomock", "`filter_applies`, which its `find` calls", _mongomock),
    Peer("montydb", "`QueryFilter`, which its `find` calls", _montydb),
    Peer("neosqlite", "`find`, in SQLite", _neosqlite),
)


# ---- exactness -----------------------------------------------------------------------------------


def questions() -> list[Case]:
    """The recorded cases that ask for documents alone: no sort, projection or other option."""
    return [case for case in all_cases() if "options" not in case]


def is_plain(value: Any) -> bool:
    """Whether JSON can hold a value as it is."""
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return type(value) in (str, int, bool, type(None)) or (type(value) is float and math.isfinite(value))


@contextmanager
def limited() -> Iterator[None]:
    """Raise `TimeoutError` where a peer does not come back."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judged(case: Case, over: Over) -> str:
    """Whether an answer is right, wrong or refused; where a server refuses the filter, refusing it is right.

    Some peers look at a filter only when they look at a document, so a filter to be refused gets one.
    """
    asked = case["docs"] or ([{"_id": 0, "a": 1}] if "error" in case else [])
    try:
        with limited():
            found = list(over(deepcopy(asked))(deepcopy(case["filter"])))
    except Exception:  # whatever a peer raises, it does not answer
        return "right" if "error" in case else "refused"
    if "error" in case:
        return "wrong"
    return "right" if arranged(case, [document["_id"] for document in found]) == expected(case) else "wrong"


def exactness(peer: Peer) -> Row:
    """How many answers are right, wrong and refused, and the share of right ones where all is plain JSON."""
    over = peer.load()
    kinds = [(judged(case, over), is_plain([case["docs"], case["filter"]])) for case in questions()]
    counts, plain = Counter(kind for kind, _ in kinds), Counter(kind for kind, plain in kinds if plain)
    share = plain["right"] / plain.total()
    return (*(f"{counts[kind]:,}" for kind in ("right", "wrong", "refused")), f"{share:.1%}")


# ---- time ----------------------------------------------------------------------------------------


def times(peers: tuple[Peer, ...]) -> list[str]:
    """Microseconds of processor time for a document, each of the benchmarks' filters; the peers take turns.

    Before anything is timed, all have to find the same documents.
    """
    stored = documents()
    finds = [peer.load()(deepcopy(stored)) for peer in peers]
    cells: list[list[str]] = [[] for _ in peers]
    for filter in FILTERS.values():
        answers = [sorted(document["_id"] for document in find(filter)) for find in finds]
        agreed(answers)
        taken = [math.inf] * len(peers)
        for _ in range(REPEATS):
            for place, find in enumerate(finds):
                start = time.process_time()
                find(filter)
                taken[place] = min(taken[place], time.process_time() - start)
        for row, seconds in zip(cells, taken, strict=True):
            row.append(f"{float(f'{seconds / COUNT * 1e6:.2g}'):g}")
    return [" · ".join(row) for row in cells]


# ---- the table -----------------------------------------------------------------------------------


def rows(peers: tuple[Peer, ...]) -> Iterator[Row]:
    """The rows of the table."""
    for peer, taken in zip(peers, times(peers), strict=True):
        yield f"{peer.name} {version(peer.name)}", peer.asked, *exactness(peer), taken


def write(page: Path, table: str) -> None:
    """Put the table in the place of the one that a page has."""
    old = page.read_text(encoding="utf-8")
    before, after = old.split(HEADER)
    rest = after[re.match(r"(\| .*\n)*", after).end() :]  # type: ignore[union-attr]  # it matches the empty string
    page.write_text(f"{before}{HEADER}{table}{rest}", encoding="utf-8")


def main() -> None:
    logging.disable()  # some log each error that they raise or swallow
    table = ""
    for row in rows((*OURS, *PEERS)):
        table += f"| {' | '.join(row)} |\n"
        print(" | ".join(row), flush=True)
    for page in PAGES:
        write(page, table)


if __name__ == "__main__":
    main()
