"""A real cluster for the tests: a controller with one of our task databases, two engines, clients."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from logging import ERROR
from pathlib import Path
from typing import Any

import ipyparallel as ipp
import psutil  # type: ignore[import-untyped]  # it has no types
import pymongo

ENGINES = 2
PATIENCE = 90
"""Seconds that anything may take on a machine that is busy."""

MODULE = "mongoglot.taskdb.ipyparallel"
BACKENDS = ("SQLiteDB", "MemoryDB", "MongoDB", "NoDB")


def controller_args(backend: str, server: str | None, database: str) -> list[str]:
    """The command line that makes a controller use a backend."""
    arguments = [f"--IPController.db_class={MODULE}.{backend}"]
    if backend == "MongoDB":
        arguments += [f"--MongoDB.connection_args={server}", f"--MongoDB.database={database}"]
    return arguments


class RunningCluster:
    """A cluster in a folder of its own.

    Attributes:
        backend: the class of its task database.
        folder: its profile.
    """

    def __init__(self, folder: Path, arguments: list[str], backend: str = "") -> None:
        self.backend = backend
        self.folder = folder / "profile"
        self._arguments = arguments
        self._clients: list[Any] = []
        self._cluster: Any = None
        self._processes: list[Any] = []

    def start(self, engines: int = ENGINES) -> None:
        """Start the controller, and engines if there shall be any."""
        others = set(psutil.Process().children(recursive=True))  # servers of the tests, which stay
        self._cluster = ipp.Cluster(
            n=engines, profile_dir=str(self.folder), log_level=ERROR, controller_args=self._arguments
        )
        self._cluster.config.EngineLauncher.engine_args = ["--InteractiveShell.colors=nocolor"]
        if engines:
            self._cluster.start_cluster_sync()
        else:
            self._cluster.start_controller_sync()
        client = self.client()
        if engines:
            client.wait_for_engines(engines, timeout=PATIENCE, interactive=False)
        self._processes = [each for each in psutil.Process().children(recursive=True) if each not in others]

    def client(self) -> Any:
        """A client that is connected."""
        self._clients.append(self._cluster.connect_client_sync(timeout=PATIENCE))
        return self._clients[-1]

    def stop(self) -> None:
        """Stop in good order, as `ipcluster stop` does, and leave no process."""
        self._disconnect()
        if self._cluster is not None:
            self._cluster.stop_cluster_sync()
            self._cluster = None
        self._end()

    def kill(self) -> None:
        """End the controller, its schedulers and the engines in no order at all."""
        self._disconnect()
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(self._processes, timeout=PATIENCE)
        with contextlib.suppress(Exception):  # it looks for processes that are gone
            self._cluster.stop_cluster_sync()
        self._cluster = None
        self._end()

    def _disconnect(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()

    def _end(self) -> None:
        _, alive = psutil.wait_procs(self._processes, timeout=2)  # nannies outlive their engines
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._processes.clear()


@contextlib.contextmanager
def cluster_folder(folder: Path) -> Iterator[None]:
    """Keeps everything that IPython writes in a folder."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    try:
        yield
    finally:
        if before is None:
            del os.environ["IPYTHONDIR"]
        else:
            os.environ["IPYTHONDIR"] = before


@contextlib.contextmanager
def running_cluster(
    folder: Path, backend: str, server: str | None = None, *more: str
) -> Iterator[RunningCluster]:
    """A cluster with a backend; with MongoDB on the server whose URL is given, in a database of its own."""
    database = f"hub_{uuid.uuid4().hex[:12]}"
    cluster = RunningCluster(folder, [*controller_args(backend, server, database), *more], backend)
    with cluster_folder(folder):
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            if backend == "MongoDB":
                with pymongo.MongoClient[dict[str, Any]](server) as client:
                    client.drop_database(database)


@contextlib.contextmanager
def local_zone(zone: str) -> Iterator[None]:
    """Moves this process, and those that it starts, to a time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def eventually(ask: Callable[[], Any]) -> Any:
    """The first answer that is true: the Hub hears of everything a little later."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, "the Hub does not come to know"
        time.sleep(0.05)
    return answer
