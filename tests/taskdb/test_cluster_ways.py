"""A controller gets our task database in each way that the guide shows; one that cannot says why, and ends."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mongoglot.taskdb import TaskDatabase

ipp = pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from tests.taskdb.clusters import MODULE, RunningCluster, cluster_folder  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "task-database.md").read_text(encoding="utf-8").partition("in one line\n")[2]
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", GUIDE, re.M | re.S)
STARTING = 60


def block(word: str) -> str:
    """The one block of the guide that has a word."""
    (found,) = (text for text in BLOCKS if word in text)
    return str(found)


def test_from_python(tmp_path: Path) -> None:
    shown: dict[str, Any] = {}
    with cluster_folder(tmp_path):
        exec(block("ipp.Cluster("), shown)  # noqa: S102 - the guide's
        cluster = RunningCluster(tmp_path, shown["cluster"].controller_args)
        assert shown["cluster"].n == 2
        try:
            cluster.start(engines=0)
            assert cluster.client().hub_history() == []
        finally:
            cluster.stop()
    assert (tmp_path / "profile" / "mongoglot-tasks.db").exists()


def test_from_a_profile(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    config = block("ipcontroller_config.py") + "c.SQLiteDB.filename = 'mine.db'\n"
    (profile / "ipcontroller_config.py").write_text(config)
    with cluster_folder(tmp_path):
        cluster = RunningCluster(tmp_path, [])
        try:
            cluster.start(engines=0)
            client = cluster.client()
            assert client.hub_history() == []
            assert client.db_query({"$or": [{"label": "x"}]}) == []  # which no old one answers
        finally:
            cluster.stop()
    with TaskDatabase(f"sqlite:{profile / 'mine.db'}") as database:  # which opens none but ours
        assert database.get_history() == []


def test_command_lines_say_the_same() -> None:
    alone, together = (shlex.split(line) for line in block("ipcluster start").splitlines())
    wanted = f"--IPController.db_class={MODULE}.SQLiteDB"
    assert alone[:2] == ["ipcontroller", wanted]
    assert together == ["ipcluster", "start", "-n", "2", "--", wanted]


def controller(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A controller that is expected to end by itself."""
    command = [
        sys.executable,
        "-m",
        "ipyparallel.controller",
        f"--profile-dir={folder / 'profile'}",
        *options,
    ]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=STARTING
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["SQLiteDB", "--SQLiteDB.filename=junk.db"], "junk.db is not an SQLite database; it was left untouched;"),
        (["MongoDB", "--MongoDB.connection_args=127.0.0.1:1", "--MongoDB.timeout=0.2"],
         "no MongoDB server answers at mongodb://127.0.0.1:1/mongoglot-tasks: "),
    ],
)  # fmt: skip
def test_a_controller_that_cannot_start_says_why(tmp_path: Path, options: list[str], message: str) -> None:
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "junk.db").write_bytes(b"no database at all" * 100)
    name, *rest = options
    done = controller(tmp_path, f"--IPController.db_class={MODULE}.{name}", *rest)
    assert done.returncode == 1
    assert message in done.stderr.replace("\n", "")
