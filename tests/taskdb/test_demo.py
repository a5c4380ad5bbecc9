"""The demo runs on every engine, and its guide lists what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.schema import KEYS, TABLE, Generation
from tests.conftest import INDEXED, with_database
from tests.taskdb.history import DEMO

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = (DEMO.parent / "docs" / "task-database.md").read_text(encoding="utf-8")
SHOWN = {
    "sqlite": ["SELECT json(", "WHERE ", "with\n  :", "SQLite's plan:\n  "],
    "postgresql": ['SELECT "_bson"', "WHERE ", "with\n  $1 = ", "PostgreSQL's plan:\n  "],
    "memory": ["    def select(documents):\n"],
    "mongodb": ["filter:\n  {", "plan:\n  {"],
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO / "demo.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)


@pytest.mark.parametrize("engine", INDEXED)
def test_demo(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'tasks.db'}"}.get(engine)
    if engine == "postgresql":
        url = str(request.getfixturevalue("postgresql"))
    elif url is None:
        server = request.getfixturevalue("server")
        url = with_database(request.getfixturevalue("mongod_url"), server.name)
    for _ in range(2):  # the second time, the records may be there
        done = run("--store", url)
        assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^\d+(?= records)", done.stdout, re.M) == ["428", "9", "84", "121", "228"]
    assert all(
        len(line) <= 100 for line in done.stdout.splitlines() if "mongoglot tasks" not in line and line != url
    )
    assert all(text in done.stdout for text in SHOWN[engine])
    assert "\nstdout           '1000 of 4000: 3.1680" in done.stdout


def test_demo_without_a_store_is_on_sqlite() -> None:
    done = run()
    assert re.match(r"428 records of a real cluster, loaded in [0-9.]+ s into\nsqlite:", done.stdout)
    assert not done.stderr


@pytest.mark.parametrize("url", ["null:", "nothing", "sqlite:"])
def test_demo_on_a_store_that_keeps_nothing(url: str) -> None:
    done = run("--store", url)
    assert done.returncode == 1
    assert re.fullmatch(r"\w+Error: .*\n", done.stderr)


def test_the_guide_lists_the_keys() -> None:
    generations: tuple[Generation, ...] = ("older", "newer", "today")
    for key in KEYS:
        marks = ["✓" if each in key.generations else "" for each in generations]
        row = " | ".join([f"| `{key.name}`", key.type, *marks, f"{key.about} |"]).replace("  ", " ")
        assert f"\n{row}\n" in GUIDE
    types = {key.type for key in KEYS}
    assert len(re.findall(rf"^\| `\w+` \| ({'|'.join(types)}) \|", GUIDE, re.M)) == len(KEYS)
    (sentence,) = re.findall(r"beside the document; (.*?)\sare indexed", GUIDE, re.S)
    assert re.findall(r"`(\w+)`", sentence) == [column.name for column in TABLE.columns if column.indexed]


def test_the_guide_lists_the_calls() -> None:
    listed = set(re.findall(r"`(\w+)\([^`]*\)`", GUIDE.partition("## Asking")[0]))
    calls = {name for name, value in vars(TaskDatabase).items() if name[0] != "_" and callable(value)}
    assert calls <= listed
    assert listed <= calls | {"TaskDatabase", "empty_record"}
