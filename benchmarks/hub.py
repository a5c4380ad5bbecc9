"""What a task costs the Hub of a live cluster: processor time of the controller's main process, by task database.

    python benchmarks/hub.py [--tasks 1000] [--rounds 8] [--prints 0] [BACKEND …]

The clusters run side by side and take turns, so that other load of the machine falls on all of them. The time is
that of the controller's main process alone, from /proc: schedulers, engines and this client are others.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from logging import ERROR
from pathlib import Path
from typing import Any

import ipyparallel as ipp
import pymongo
from timing import Row

ROOT = Path(__file__).parent.parent

OLD = "ipyparallel.controller.dictdb.DictDB"
MODULE = "mongoglot.taskdb.ipyparallel"
BACKENDS = ("DictDB", "MemoryDB", "SQLiteDB", "MongoDB", "NoDB")
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 300

AIM = 1.25
"""Our databases may cost so many times what DictDB costs."""


def arguments(backend: str, server: str | None, database: str) -> list[str]:
    """The command line of a controller; DictDB keeps as many records as ours."""
    if backend == "DictDB":
        return [f"--IPController.db_class={OLD}", "--DictDB.record_limit=100000"]
    options = [f"--IPController.db_class={MODULE}.{backend}"]
    if backend == "MongoDB":
        options += [f"--MongoDB.connection_args={server}", f"--MongoDB.database={database}"]
    return options


class Side:
    """A cluster with one task database.

    Attributes:
        backend: its class.
        costs: milliseconds of processor time per task, of each round.
    """

    def __init__(self, backend: str, cluster: Any) -> None:
        self.backend = backend
        self.costs: list[float] = []
        self._client = cluster.connect_client_sync()
        self._client.wait_for_engines(1, timeout=PATIENCE, interactive=False)
        self._controller = cluster.controller.process.pid

    def measure(self, tasks: int, task: Callable[[int], None], prints: int) -> None:
        """Run tasks, and note what they cost."""
        before = self._seconds()
        done = self._client.load_balanced_view().map_async(task, [prints] * tasks, chunksize=1)
        done.wait(PATIENCE)
        self._settle()
        self.costs.append((self._seconds() - before) * 1000 / tasks)

    def _settle(self) -> None:
        """Wait until the Hub has nothing to do: its processor time stands still."""
        last = -1.0
        while (now := self._seconds()) != last:
            last = now
            time.sleep(0.5)

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self._controller}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self) -> None:
        """Disconnect."""
        self._client.close()


def task(prints: int) -> None:
    """What an engine runs."""
    import sys

    for number in range(prints):
        print(number)
        sys.stdout.flush()


@contextmanager
def side(backend: str, folder: Path, server: str | None) -> Iterator[Side]:
    """A running cluster with one engine, and what it costs."""
    database = f"hub_benchmark_{uuid.uuid4().hex[:8]}"
    cluster = ipp.Cluster(
        n=1,
        profile_dir=str(folder / backend),
        log_level=ERROR,
        controller_args=arguments(backend, server, database),
    )
    try:
        cluster.start_cluster_sync()
        found = Side(backend, cluster)
        yield found
        found.close()
    finally:
        cluster.stop_cluster_sync()
        if backend == "MongoDB":
            with pymongo.MongoClient[dict[str, Any]](server) as client:
                client.drop_database(database)


def measured(backends: list[str], tasks: int, rounds: int, prints: int, server: str | None) -> list[Side]:
    """All sides, measured in turns; the first round only warms up."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True))
        )
        os.environ["IPYTHONDIR"] = str(folder / "ipython")
        sides = [stack.enter_context(side(backend, folder, server)) for backend in backends]
        known = ipp.interactive(task)  # by its code: an engine does not know this module
        for number in range(rounds + 1):
            for each in sides:
                each.measure(tasks if number else max(tasks // 4, 1), known, prints)
        for each in sides:
            del each.costs[0]
        return sides


def rows(backends: list[str], tasks: int, rounds: int, prints: int, server: str | None) -> Iterator[Row]:
    """A row for each task database, of its best round: other load only adds."""
    sides = measured(backends, tasks, rounds, prints, server)
    base = min(sides[0].costs)
    for each in sides:
        best = min(each.costs)
        aim = "" if each is sides[0] else f" (≤ {AIM})"
        yield each.backend, f"{best:.2f}", f"{best / base:.2f}{aim}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Processor time of the Hub per task.")
    parser.add_argument("backends", nargs="*", default=list(BACKENDS), help="default: all, DictDB first")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--prints", type=int, default=0, help="lines that a task prints")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests import mongod  # what starts a server for the tests

    with ExitStack() as stack:
        server = os.environ.get(mongod.ENVIRONMENT)
        if server is None and "MongoDB" in options.backends:
            server = stack.enter_context(mongod.running_server())
        backends = list(dict.fromkeys(["DictDB", *options.backends]))
        print("| task database | ms per task | of DictDB's |\n|---|--:|--:|")
        for row in rows(backends, options.tasks, options.rounds, options.prints, server):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
