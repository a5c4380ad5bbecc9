"""Two writers and four readers of one file, each a process."""

from __future__ import annotations

from pathlib import Path

import pytest

import mongoglot
from tests.faults import children
from tests.faults.load import GROUP, reports

BOUND = 10
"""Seconds that an operation takes at most on any machine; what it took is printed."""


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_writers_and_readers_of_one_file(seconds: int, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    with mongoglot.connect(url) as store:
        for path in ("group", "worker", "n"):
            store["tasks"].create_index(path)
    workers = [
        children.start("load.work", kind, url, number, seconds)
        for kind, count in (("write", 2), ("read", 4))
        for number in range(count)
    ]
    done = [reports(children.output(worker)) for worker in workers]  # no error reached any of them
    with mongoglot.connect(url) as store:
        tasks = store["tasks"]
        expected = sum(each["documents"] for each in done)
        assert len(list(tasks.find())) == tasks.count_documents({}) == expected
        checked = store.verify()
        assert checked.ok, checked.problems
        groups = [each["group"] for each in tasks.find({"group": {"$exists": True}})]
        assert {groups.count(group) for group in groups[:500]} <= {GROUP}
    for kind in ("write", "read"):
        of_kind = [each for each in done if each["kind"] == kind]
        operations, slowest = sum(e["operations"] for e in of_kind), max(e["slowest"] for e in of_kind)
        print(
            f"{kind}: {operations / seconds:,.0f} operations a second, the slowest {slowest * 1000:,.0f} ms"
        )
        assert operations > 0
        assert slowest < BOUND
