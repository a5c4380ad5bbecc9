"""Functions that the tests of recorded executors run, also in other processes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any


def greet(name: str, *, loud: bool = False) -> dict[str, Any]:
    print(f"hello {name}")
    print("mind the gap", file=sys.stderr)
    return {"greeted": name, "loud": loud}


def fail(reason: str) -> None:
    print("about to fail")
    raise LookupError(reason)


def wait_for(path: Path) -> str:
    """Runs until there is a file."""
    while not path.exists():
        time.sleep(0.01)
    return "seen"


def die() -> None:
    os._exit(3)


class OddError(Exception):
    """Cannot be pickled and read again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


def fail_oddly() -> None:
    raise OddError("one", "two")


def give_a_lock() -> Any:
    import threading

    return threading.Lock()
