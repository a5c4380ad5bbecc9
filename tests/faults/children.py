"""Child processes of the tests: they run a function of this package and talk through pipes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 120


def start(function: str, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """A process that calls `module.function(*arguments)` of this package, the arguments as strings."""
    module, _, name = function.rpartition(".")
    code = f"import sys; from tests.faults.{module} import {name}; {name}(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        bufsize=0,  # what is read of a line is not kept from `communicate`
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        **options,
    )


def output(process: subprocess.Popen[bytes], *, ends: bool = True) -> str:
    """All that a process says until its end, which has to be a good one unless `ends` is false."""
    said, wrong = process.communicate(timeout=SECONDS)
    assert not ends or process.returncode == 0, wrong.decode()
    return said.decode()


def run(function: str, *arguments: object, **options: Any) -> str:
    """What the process says that calls a function of this package."""
    return output(start(function, *arguments, **options))


def said_as(user: int, call: Callable[[], object]) -> tuple[int, str]:
    """The exit status of a call, and what it prints, in a copy of this process that belongs to another user.

    A new one could not read an installation that is root's. The call must use nothing but what is loaded.
    """
    output, end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later Pythons warn of threads, of which the copy has none
        child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            os.dup2(end, 1)
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            with open(1, "w", closefd=False) as out, contextlib.redirect_stdout(out):
                call()
            status = 0
        os._exit(status)
    os.close(end)
    with open(output, encoding="utf-8") as file:
        said = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def hashes(folder: Path) -> dict[str, str]:
    """The bytes of all files in a folder, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
