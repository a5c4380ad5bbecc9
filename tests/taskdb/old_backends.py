"""Old histories, written by ipyparallel's own backends in a process of its own.

They change what `sqlite3` does in a whole process, so they are kept out of that of the tests.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

Session = tuple[str, list[dict[str, Any]]]
"""A table, empty for one that is named for the session, and the records that were added to it."""


def write_sqlite(path: Path, sessions: Iterable[Session], *, kill: bool = False, zone: str = "UTC") -> None:
    """Write a file as ipyparallel's SQLiteDB does, perhaps killed in the middle of a transaction."""
    _run({"path": str(path), "sessions": list(sessions), "kill": kill}, zone)


def write_mongodb(url: str, database: str, records: list[dict[str, Any]]) -> None:
    """Write a collection as ipyparallel's MongoDB backend does."""
    _run({"url": url, "database": database, "records": records}, "UTC")


def _run(order: dict[str, Any], zone: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.taskdb.old_backends"],
        input=pickle.dumps(order),
        cwd=ROOT,
        env={**os.environ, "TZ": zone, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode != (9 if order.get("kill") else 0):
        raise AssertionError(done.stderr.decode())


def _main() -> None:
    order = pickle.load(sys.stdin.buffer)  # noqa: S301 - it comes from these tests
    if "url" in order:
        from ipyparallel.controller.mongodb import MongoDB

        backend: Any = MongoDB(connection_args=[order["url"]], database=order["database"])
        for record in order["records"]:
            backend.add_record(record["msg_id"], record)
        return
    from ipyparallel.controller.sqlitedb import SQLiteDB
    from tornado.ioloop import PeriodicCallback

    PeriodicCallback.start = lambda *_: None  # type: ignore[method-assign]  # there is no loop here
    path = Path(order["path"])
    for number, (table, records) in enumerate(order["sessions"]):
        backend = SQLiteDB(
            location=str(path.parent), filename=path.name, table=table, session=f"5e55-10{number}"
        )
        if order["kill"]:
            backend._db.execute("PRAGMA cache_size = 1")  # so that a part of the transaction is in the file
        for record in records:
            backend.add_record(record["msg_id"], record)
        if not order["kill"]:
            backend.close()
            continue
        backend._db.commit()
        for record in records:
            backend.update_record(record["msg_id"], {"stdout": "half" * 2000})
        os._exit(9)


if __name__ == "__main__":
    _main()
