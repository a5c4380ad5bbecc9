"""ipyparallel's own tests that start clusters, with each of our task databases in the controller."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pymongo
import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from tests.taskdb.clusters import BACKENDS, controller_args

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent
SECONDS = 500


def run(folder: Path, options: list[str], *arguments: str) -> dict[str, int]:
    """How many tests of a suite passed, failed and so on, run in a process of its own."""
    (folder / "pytest.ini").write_text("[pytest]\n")  # not our strict options
    (folder / "ipython").mkdir()
    environment = {
        **os.environ,
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(ROOT),
        "MONGOGLOT_CONTROLLER": "\n".join(options),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:mongoglot",
        "-q",
        "-c",
        str(folder / "pytest.ini"),
        *arguments,
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    counts = re.findall(r"(\d+) (passed|failed|skipped|error)s?\b", done.stdout.splitlines()[-1])
    result = {kind: int(number) for number, kind in counts}
    assert not result.keys() & {"failed", "error"}, done.stdout[-5000:]
    return result


@pytest.fixture(params=[backend for backend in BACKENDS if backend != "NoDB"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Of a controller; the records are removed after the test."""
    name = f"suite_{uuid.uuid4().hex[:12]}"
    if request.param != "MongoDB":
        yield [*controller_args(request.param, None, name), f"--SQLiteDB.location={tmp_path}"]
        return
    url = request.getfixturevalue("mongod_url")
    yield controller_args(request.param, url, name)
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.drop_database(name)


def test_clients(tmp_path: Path, options: list[str]) -> None:
    plugin = ["-p", "tests.taskdb.suites", "--pyargs", "ipyparallel.tests.test_client"]
    assert run(tmp_path, options, *plugin) == {"passed": 45, "skipped": 1}


@pytest.mark.parametrize("name", ["test_balanced_view", "test_direct_view"])
def test_labels(tmp_path: Path, options: list[str], name: str) -> None:
    """Each with records of its own: the first one purges its tasks before the Hub has heard that they ended."""
    tests = str(ROOT / "tests" / "taskdb" / "suites.py")
    assert run(tmp_path, options, tests, "-k", name) == {"passed": 1}
