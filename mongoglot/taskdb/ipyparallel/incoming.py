"""What is stored of what the Hub hands over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from logging import Logger
from typing import Any, Final

from mongoglot.taskdb.schema import BUFFERS, DATES

_DATES: Final = frozenset(DATES)


def kept(msg_id: str, rec: Mapping[str, Any], log: Logger, *, buffers: bool) -> Mapping[str, Any]:
    """A record with dates that are datetimes, and with its buffers if they are wanted."""
    if not _DATES.isdisjoint(rec):
        for key in DATES:
            value = rec.get(key)
            if value is not None and not isinstance(value, datetime):
                rec = {**rec, key: _date(msg_id, key, value, log)}
    return rec if buffers else {key: value for key, value in rec.items() if key not in BUFFERS}


def _date(msg_id: str, key: str, value: Any, log: Logger) -> datetime | None:
    """The instant that is meant by what is no datetime; a task that has completed stays completed."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        instead = datetime.now(UTC) if key == "completed" else None
    log.warning(
        "task %r: %r is %.100r, which is no date; recorded is %s. Give it a datetime, or ISO 8601 as text",
        msg_id, key, value, instead,
    )  # fmt: skip
    return instead
