"""The recorded history of the demo, and what else the tests of the task database share."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from bson import json_util

from mongoglot.taskdb import TaskDatabase

DEMO = Path(__file__).parent.parent.parent / "demo"
JSON_OPTIONS = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)

Record: TypeAlias = dict[str, Any]
Opener: TypeAlias = Callable[[str], TaskDatabase]


class History:
    """What the demo's cluster did.

    Attributes:
        records: in the order of submission.
        end: when the recording ended.
        engines: number → uuid; clients: name → uuid.
    """

    def __init__(self) -> None:
        lines = (DEMO / "history.jsonl").read_text(encoding="utf-8").splitlines()
        cluster = json.loads((DEMO / "cluster.json").read_text(encoding="utf-8"))
        self.records: list[Record] = [json_util.loads(line, json_options=JSON_OPTIONS) for line in lines]
        self.end = datetime.fromisoformat(cluster["end"])
        self.hour_ago = self.end - timedelta(hours=1)
        self.engines: dict[str, str] = cluster["engines"]
        self.clients: dict[str, str] = cluster["clients"]

    def load(self, database: TaskDatabase) -> None:
        for record in self.records:
            database.add_record(record["msg_id"], record)


def ids(records: list[Record]) -> str:
    """The ids of records, one letter each."""
    return "".join(sorted(record["msg_id"] for record in records))
