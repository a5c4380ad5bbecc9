"""What processes do to one task database at the same time; see tests/taskdb/test_long_runs.py."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from mongoglot.taskdb import Retention, TaskDatabase


def run_tasks(path: str, journal: str, name: str, count: str, kept: str) -> None:
    """Be a controller: record tasks from request to result, and print the ids of all that were recorded."""
    retention = Retention(max_records=int(kept), max_age=timedelta(days=1)) if int(kept) else None
    with TaskDatabase(f"sqlite:{path}", journal=journal, retention=retention) as database:
        for number in range(int(count)):
            msg_id, now = f"{name}{number}", datetime.now(UTC)
            database.add_record(msg_id, {"submitted": now, "completed": None, "buffers": [b"x" * 3000]})
            database.update_record(msg_id, {"started": now, "engine_uuid": name})
            record = database.get_record(msg_id)
            database.update_record(msg_id, {"stdout": f"{record['engine_uuid']} {number}"})
            database.update_record(msg_id, {"completed": now, "result_buffers": [b"y" * 3000]})
            print(msg_id, flush=True)


def read_slowly(path: str, seconds: str) -> None:
    """Read a task database for a while, and print how long the longest read took."""
    longest, end = 0.0, time.monotonic() + float(seconds)
    with TaskDatabase(f"sqlite:{path}") as database:
        print("open", flush=True)
        while time.monotonic() < end:
            start = time.monotonic()
            database.db_query({"completed": None}, ["msg_id"])
            longest = max(longest, time.monotonic() - start)
    print(longest, flush=True)
