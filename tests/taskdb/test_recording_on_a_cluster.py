"""Tasks of a real cluster of ipyparallel, recorded by the client through the view's executor."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mongoglot.taskdb import TaskDatabase, record
from tests.taskdb import jobs

ipyparallel = pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a cluster starts with
        folder = tmp_path_factory.mktemp("profile")
        cluster = ipyparallel.Cluster(n=1, profile_dir=str(folder), log_level=40)
        client = cluster.start_and_connect_sync(activate=False)
        yield client
        client.close()
        cluster.stop_cluster_sync()


@pytest.mark.filterwarnings("ignore")
def test_a_view(client: Any, tmp_path: Path) -> None:
    def here(number: int) -> int:
        return number + 1

    url = f"sqlite:{tmp_path / 'tasks.db'}"
    with record(client.load_balanced_view().executor, url, label="cluster") as recorder:
        assert recorder.submit(jobs.greet, "ada").result() == {"greeted": "ada", "loud": False}
        assert recorder.submit(here, 4).result() == 5
        with pytest.raises(LookupError, match="not found"):
            recorder.submit(jobs.fail, "not found").result()
        assert [*recorder.map(abs, range(-3, 0))] == [3, 2, 1]
        assert recorder.flush()
        with TaskDatabase(url) as database:
            assert len(database.db_query({"label": "cluster", "completed": {"$ne": None}})) == 6
            (greeted,) = database.db_query({"content.function": "tests.taskdb.jobs.greet"})
            assert (greeted["stdout"], greeted["stderr"]) == ("hello ada\n", "mind the gap\n")
            (failed,) = database.db_query({"error.ename": "LookupError"})
            assert failed["stdout"] == "about to fail\n"
