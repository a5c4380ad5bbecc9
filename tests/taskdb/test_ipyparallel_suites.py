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
SUITES = ROOT / "tests" / "taskdb" / "suites.py"
SECONDS = 500


ASKS_FOR = {
    "hub_history": [
        "test_hub_history", "test_db_query_dt", "test_db_query_in", "test_resubmit", "test_resubmit_aborted",
        "test_resubmit_chain", "test_resubmit_header", "test_purge_all_hub_results", "test_purge_all_results",
        "test_purge_everything", "test_purge_hub_results",
    ],
    "db_query": [
        "test_db_query_default_keys", "test_db_query_get_result", "test_db_query_keys", "test_db_query_msg_id",
    ],
    "get_result, as a client that did not submit the task": ["test_get_execute_result", "test_get_result"],
    "resubmit, of a task whose request is to be found in its record": ["test_resubmit_inflight"],
    "resubmit, of an unknown task: any is, and the error is a KeyError that has a name of its own": [
        "test_resubmit_badkey"
    ],
}  # fmt: skip
"""The tests of clients that no database without records can pass, by what they ask for."""

LABELS = ("test_balanced_view", "test_direct_view")
"""Both ask with db_query for the labels of tasks."""


def run(folder: Path, options: list[str], *arguments: str) -> tuple[dict[str, int], set[str]]:
    """How many tests of a suite passed, failed and so on, run in a process of its own; which did not pass."""
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
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S*::(\w+)", done.stdout, re.MULTILINE))
    if failed:
        print(done.stdout[-5000:])
    return result, failed


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


CLIENTS = ["-p", "tests.taskdb.suites", "--pyargs", "ipyparallel.tests.test_client"]


def test_clients(tmp_path: Path, options: list[str]) -> None:
    assert run(tmp_path, options, *CLIENTS) == ({"passed": 45, "skipped": 1}, set())


@pytest.mark.parametrize("name", LABELS)
def test_labels(tmp_path: Path, options: list[str], name: str) -> None:
    """Each with records of its own: the first one purges its tasks before the Hub has heard that they ended."""
    assert run(tmp_path, options, str(SUITES), "-k", name) == ({"passed": 1}, set())


def test_clients_without_records(tmp_path: Path) -> None:
    """All else works, and what cannot is refused: nothing waits for an answer that never comes."""
    wanted = {name for names in ASKS_FOR.values() for name in names}
    counts, failed = run(tmp_path, controller_args("NoDB", None, ""), *CLIENTS)
    assert failed == wanted
    assert counts == {"passed": 45 - len(wanted), "failed": len(wanted), "skipped": 1}


def test_labels_without_records(tmp_path: Path) -> None:
    counts, failed = run(tmp_path, controller_args("NoDB", None, ""), str(SUITES))
    assert (counts, failed) == ({"failed": len(LABELS)}, set(LABELS))
