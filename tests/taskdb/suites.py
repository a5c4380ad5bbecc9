"""A plugin for ipyparallel's own tests, and those of labels: their controllers get another task database.

    python -m pytest -p tests.taskdb.suites --pyargs ipyparallel.tests.test_client
    python -m pytest tests/taskdb/suites.py

The environment variable MONGOGLOT_CONTROLLER has the options of the controller, one a line.
"""

from __future__ import annotations

import os
import subprocess
import unittest
from typing import Any

import ipyparallel.tests as suite
from ipyparallel.cluster.launcher import LocalControllerLauncher
from ipyparallel.tests.test_label import TaskLabelTest

OPTIONS = os.environ.get("MONGOGLOT_CONTROLLER", "--dictdb").splitlines()
FLAG = "--dictdb"


def started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process of the suite; a controller among them with our options in the place of its flag."""
    place = command.index(FLAG) if FLAG in command else len(command)
    return subprocess.Popen(command[:place] + OPTIONS * (FLAG in command) + command[place + 1 :], **options)


suite.Popen = started


class TestLabels(TaskLabelTest, unittest.TestCase):  # type: ignore[misc]  # ipyparallel has no types
    def get_controller_launcher(self) -> Any:
        return type("Launcher", (LocalControllerLauncher,), {"controller_args": OPTIONS})

    def tearDown(self) -> None:  # theirs starts two coroutines and runs neither
        self.rc.close()
        self.cluster.stop_cluster_sync()
