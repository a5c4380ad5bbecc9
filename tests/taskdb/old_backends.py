"""Old histories, written by ipyparallel's own backends in a process of its own.

They change what `sqlite3` does in a whole process, so they are kept out of that of the tests.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import apsw

ROOT = Path(__file__).parent.parent.parent

Session = tuple[str, list[dict[str, Any]]]
"""A table, empty for one that is named for the session, and the records that were added to it."""


def write_sqlite(files: Mapping[Path, Iterable[Session]], *, kill: bool = False) -> None:
    """Write files as ipyparallel's SQLiteDB does; perhaps killed in the middle of a transaction on the first."""
    _run({"files": [(str(path), list(sessions)) for path, sessions in files.items()], "kill": kill})


def write_mongodb(url: str, database: str, records: list[dict[str, Any]]) -> None:
    """Write a collection as ipyparallel's MongoDB backend does."""
    _run({"url": url, "database": database, "records": records})


def statement(path: Path, text: str, *values: Any) -> None:
    """Run a statement on a file."""
    connection = apsw.Connection(str(path))
    connection.execute(text, values)
    connection.close()


def _run(order: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.taskdb.old_backends"],
        input=pickle.dumps(order),
        cwd=ROOT,
        env={**os.environ, "TZ": "UTC", "PYTHONPATH": str(ROOT)},
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
    for name, sessions in order["files"]:
        for number, session in enumerate(sessions):
            _write_session(SQLiteDB, Path(name), number, session, kill=order["kill"])


def _write_session(kind: Any, path: Path, number: int, session: Session, *, kill: bool) -> None:
    table, records = session
    backend = kind(location=str(path.parent), filename=path.name, table=table, session=f"5e55-10{number}")
    if kill:
        backend._db.execute("PRAGMA cache_size = 1")  # so that a part of the transaction is in the file
    for record in records:
        backend.add_record(record["msg_id"], record)
    if not kill:
        backend.close()
        return
    backend._db.commit()
    for record in records:
        backend.update_record(record["msg_id"], {"stdout": "half" * 2000})
    os._exit(9)


if __name__ == "__main__":
    _main()
