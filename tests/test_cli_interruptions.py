"""Ctrl-C and kills in the middle of `load` and `dump`: what is there afterwards is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mongoglot

REPOSITORY = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interruption_leaves_whole_documents(tmp_path: Path) -> None:
    target = tmp_path / "slow.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "mongoglot", "load", str(target), "-", "-c", "slow"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write("".join(f'{{"_id": {number}}}\n' for number in range(10_001)))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _count(target, "slow") < 10_000:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was written before is whole" in told
    with mongoglot.connect(f"sqlite:{target}") as store:
        assert store["slow"].count_documents({}) == 10_000
        assert store.verify().ok


def _count(path: Path, name: str) -> int:
    if not path.exists():
        return 0
    try:
        with mongoglot.connect(f"sqlite:{path}") as store:
            return store[name].count_documents({})
    except mongoglot.StoreError:  # it is being made
        return 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("written", [0, 10_000])
def test_a_load_that_was_killed_goes_on(tmp_path: Path, written: int) -> None:
    target, source = tmp_path / "killed.db", tmp_path / "killed.ndjson"
    source.write_text("".join(f'{{"n": {number}}}\n' for number in range(22_000)))
    command = [sys.executable, "-m", "mongoglot", "load", str(target), str(source)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _count(target, "killed") < written and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=60)
    done = subprocess.run([*command, "--resume"], cwd=REPOSITORY, capture_output=True, check=True)
    assert b"documents loaded" in done.stderr
    with mongoglot.connect(f"sqlite:{target}") as store:
        assert [each["n"] for each in store["killed"].find({}, sort="n")] == list(range(22_000))
        assert store.verify().ok


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_dump_that_is_interrupted_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    with mongoglot.connect(f"sqlite:{tmp_path / 'large.db'}") as store:
        store["large"].insert_many({"_id": number, "x": "y" * 100} for number in range(60_000))
    output = tmp_path / "large.ndjson"
    output.write_text("before")
    process = subprocess.Popen(
        [sys.executable, "-m", "mongoglot", "dump", str(tmp_path / "large.db"), "-o", str(output)],
        cwd=REPOSITORY, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(part.stat().st_size for part in tmp_path.glob("*.part")):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "interrupted; what was written before is whole\n")
    assert output.read_text() == "before"
    assert list(tmp_path.glob("*.part")) == []
