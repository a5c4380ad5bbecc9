"""A writer that is killed at any moment: every acknowledged write is there, and none is half."""

from __future__ import annotations

import os
import random
import time
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import pytest

import mongoglot
from tests.faults import children
from tests.faults.writes import TAGS, State, states

QUICK, LONG = 12, 200
SEED = 20261122


def killed_writer(url: str, seed: str, rng: random.Random) -> int:
    """How many writes a writer acknowledged before it was killed: while it opens the file, or later."""
    writer = children.start("writes.write_forever", url, seed)
    acknowledged = 0
    try:
        assert writer.stdout is not None
        assert os.read(writer.stdout.fileno(), 1) == b"!", children.output(writer)
        early = rng.random() < 0.25
        if not early:
            acknowledged += len(os.read(writer.stdout.fileno(), 1))
        time.sleep(rng.uniform(0, 0.05 if early else 0.5))
    finally:
        writer.kill()
    said, wrong = writer.communicate(timeout=children.SECONDS)
    assert writer.returncode == -9, wrong.decode()
    return acknowledged + len(said)


def check(store: mongoglot.Store, path: Path, expected: list[State]) -> State:
    """The state of the file, which is one of those expected, and agrees with its indexes."""
    tasks = store["tasks"]
    found = {each["_id"]: each for each in tasks.find()}
    assert found in expected
    assert list(found) in [list(state) for state in expected]
    checked = store.verify()
    assert checked.ok, checked.problems
    assert checked.documents == len(found)
    assert apsw.Connection(str(path)).pragma("integrity_check") == "ok"
    for tag in TAGS:
        assert tasks.count_documents({"tags": tag}) == sum(tag in each["tags"] for each in found.values())
    return found


@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 2)])
def test_what_a_commit_waits_for(synchronous: str, level: int, tmp_path: Path) -> None:
    for _ in range(2):  # the option is of a connection, not of the file
        with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}", synchronous=synchronous) as store:
            backend: Any = store.backend
            assert backend.file.rows("PRAGMA synchronous") == [(level,)]
            assert backend.file.rows("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("rounds", [QUICK, pytest.param(LONG, marks=pytest.mark.long)])
def test_a_writer_is_killed(rounds: int, tmp_path: Path) -> None:
    rng, path = random.Random(SEED), tmp_path / "store.db"
    state: State = {}
    acknowledged = unsaid = 0
    for number in range(rounds):
        seed = f"{SEED}:{number}"
        count = killed_writer(f"sqlite:{path}", seed, rng)
        acknowledged += count
        # what was acknowledged is there; the write that was under way is there whole, or not at all
        sequence = [state, *(after for _, after in islice(states(seed, state), count + 1))]
        with mongoglot.connect(f"sqlite:{path}") as store:
            found = check(store, path, sequence[-2:])
        unsaid += found != sequence[-2]
        state = found
    print(f"{rounds} kills, {acknowledged:,} acknowledged writes, {unsaid} more done and not acknowledged")
    assert acknowledged >= rounds / 2
