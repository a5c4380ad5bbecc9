"""What the old backends have written in the tests of imports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mongoglot.taskdb.schema import empty_record
from tests.taskdb.history import Record

TOKYO = timezone(timedelta(hours=9))
NOON = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=TOKYO)
IN_STORE = datetime(2024, 5, 1, 3, 0, 0, 123000, tzinfo=UTC)


def old_record(msg_id: str, **values: Any) -> Record:
    """A record as a Hub made it."""
    header = {"msg_id": msg_id, "date": NOON, "username": "ada", "session": "s", "version": "5.3"}
    return {
        **empty_record(),
        "msg_id": msg_id,
        "header": header,
        "metadata": {"after": [], "started": "2024-05-01T12:00:00Z"},
        "content": {"code": "2024-01-01T00:00:00Z"},
        "buffers": [b"one", b"", b"\xff\x00" * 300],
        "submitted": NOON,
        "client_uuid": "c1",
        "queue": "task",
        **values,
    }


def finished(msg_id: str, **values: Any) -> Record:
    result = {
        "started": NOON + timedelta(seconds=1),
        "completed": NOON + timedelta(seconds=2),
        "received": NOON + timedelta(seconds=3),
        "engine_uuid": "e1",
        "result_header": {"date": NOON, "msg_type": "apply_reply"},
        "result_content": {"status": "ok", "big": 2**70},
        "result_buffers": [b"result"],
        "execute_result": {"data": {"text/plain": "'x'"}, "n": 1},
        "error": {"ename": "E", "traceback": ["a", "b"]},
        "stdout": "printed\n",
    }
    return old_record(msg_id, **{**result, **values})


SESSIONS = [
    ("ipython-tasks", [finished("a", label="first"), old_record("b"), old_record("late", stdout="x")]),
    ("ipython-tasks_2", [finished("d"), finished("late", label="whole")]),
    ("ipython-tasks_10", [old_record("d"), old_record("none", buffers=None, submitted=None, header=None)]),
    ("", [finished("f")]),
]


LARGE = [finished(f"large {n}", buffers=[bytes([n]) * 50_000]) for n in range(3)]
PAGES = [finished(f"{number:04}", stdout="x" * 500) for number in range(300)]

FILES = {
    "all": SESSIONS,
    "begun": [("ipython-tasks", [old_record("a"), old_record("b"), old_record("mine")])],
    "letters": [("t", [finished(name) for name in "abcdefgh"])],
    "pages": [("t", PAGES), ("u", [finished("other")])],
    "large": [("t", LARGE), ("u", [old_record(f"{n:05}", buffers=[]) for n in range(600)])],
    "many": [("t", [old_record(f"{number:04}") for number in range(700)])],
}
