"""The Hub of ipyparallel without a cluster: its own code, around a task database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ipyparallel.controller.hub import Hub

from tests.taskdb.backends import LOG
from tests.taskdb.defects import NOON

DONE = {
    "completed": NOON,
    "result_header": {"msg_type": "apply_reply"},
    "result_content": {"status": "ok"},
    "result_buffers": [b"x"],
}
"""What the Hub learns when a task has ended well."""


class FakeHub:
    """The real Hub's own code, with nothing around it but a database."""

    _extract_record = Hub._extract_record

    def __init__(self, database: Any) -> None:
        self.db, self.log, self.query = database, LOG, None
        self.pending: set[str] = set()
        self.all_completed: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.session = SimpleNamespace(send=lambda *_, **message: self.sent.append(message))

    def results(self, *names: str) -> dict[str, Any]:
        """What a client gets that asks for results: content and buffers."""
        Hub.get_results(self, b"", {"content": {"msg_ids": list(names), "status_only": False}})
        return self.sent[-1]

    def print(self, msg_id: str, text: str) -> None:
        """What happens when a task prints."""
        message = {
            "parent_header": {"msg_id": msg_id},
            "header": {"msg_type": "stream"},
            "content": {"name": "stdout", "text": text},
        }
        Hub.save_iopub_message(self, [], message)
