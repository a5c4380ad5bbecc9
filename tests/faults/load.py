"""Writers and readers of one file, each a process that reports what it did as JSON."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import mongoglot
from mongoglot import Collection

GROUP = 5
"""Documents that are inserted and deleted together: nobody ever sees some of them."""

Work = Callable[[Collection, str, random.Random, int], int]


def write(tasks: Collection, worker: str, rng: random.Random, number: int) -> int:
    """One write; how many documents there are more."""
    group = f"{worker}:{number}"
    match rng.randrange(5):
        case 0:
            tasks.insert_one({"_id": group, "worker": worker, "n": number})
            return 1
        case 1 | 2:
            tasks.insert_many({"group": group, "worker": worker, "n": number} for _ in range(GROUP))
            return GROUP
        case 3:
            tasks.update_many({"worker": worker, "n": {"$gte": number - 10}}, {"$set": {"seen": number}})
            return 0
        case _:
            return -tasks.delete_many({"group": f"{worker}:{rng.randrange(number + 1)}"}).deleted_count


def read(tasks: Collection, worker: str, rng: random.Random, number: int) -> int:
    """One read, of a state that some writer has left."""
    group = f"{rng.choice('01')}:{rng.randrange(400)}"
    match rng.randrange(3):
        case 0:
            assert tasks.count_documents({"group": group}) in (0, GROUP)
        case 1:
            found = list(tasks.find({"group": group}))
            assert len(found) in (0, GROUP)
            assert len({each.get("seen") for each in found}) <= 1
        case _:
            found = list(tasks.find({"n": {"$gte": number % 300, "$lt": number % 300 + 3}}))
            assert all(number % 300 <= each["n"] < number % 300 + 3 for each in found)
    return 0


def work(kind: str, url: str, worker: str, seconds: str) -> None:
    """Read or write for some seconds, and print a report."""
    step: Work = {"write": write, "read": read}[kind]
    rng = random.Random(worker)
    report: dict[str, Any] = {"kind": kind, "operations": 0, "documents": 0, "slowest": 0.0}
    with mongoglot.connect(url) as store:
        tasks = store["tasks"]
        list(tasks.find({"group": ""}))
        end = time.monotonic() + float(seconds)
        while (start := time.monotonic()) < end:
            report["documents"] += step(tasks, worker, rng, report["operations"])
            report["operations"] += 1
            report["slowest"] = max(report["slowest"], time.monotonic() - start)
    print(json.dumps(report))


def reports(text: str) -> dict[str, Any]:
    """What a process has printed."""
    report: dict[str, Any] = json.loads(text)
    return report
