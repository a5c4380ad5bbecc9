"""Retention: how long and how much a task database keeps, enforced as it is written.

Only finished tasks go, those that finished longest ago first, and they are found by an index. What there is is
counted in one pass over an index, once for as many writes as are culled at a time. In between, writes add up.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, final

from mongoglot.engines.culling import CullingBackend, First, Totals
from mongoglot.engines.sql.table import Column
from mongoglot.errors import UnsupportedError
from mongoglot.taskdb.records import SIZES

log: Final = logging.getLogger("mongoglot.taskdb")

SIZE_COLUMNS: Final = tuple(Column(field, "number", indexed=True) for field in SIZES.values())
"""They stand in columns, too, where a store has any."""

FINISHED: Final = "completed"

BATCH: Final = 200
"""Tasks that are culled at once: a Hub waits for some milliseconds, not for all of them."""

_LOOKS, _SELDOM = 100, 60.0
"""So often within `max_age`, and at least after so many seconds, a write looks for tasks that are older."""

_REMEMBERED: Final = 10_000
"""Ids of culled tasks that are remembered, for what arrives late."""


@final
@dataclass(frozen=True, slots=True)
class Retention:
    """What a task database keeps; None is no limit.

    Attributes:
        max_age: since the task was completed.
        max_records: in the database.
        max_bytes: of the buffers and result buffers of all records.
        cull_fraction: where a limit is exceeded, this part of it is culled at a time.
    """

    max_age: timedelta | None = None
    max_records: int | None = None
    max_bytes: int | None = None
    cull_fraction: float = 0.1

    def __post_init__(self) -> None:
        age: Any = self.max_age
        if age is not None and (not isinstance(age, timedelta) or age <= timedelta(0)):
            raise UnsupportedError(f"max_age is a timedelta above 0, not {age!r}")
        for name in ("max_records", "max_bytes"):
            limit = getattr(self, name)
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
                raise UnsupportedError(f"{name} is a number from 1 on, not {limit!r}")
        part: Any = self.cull_fraction
        if isinstance(part, bool) or not isinstance(part, (int, float)) or not 0 <= part < 1:
            raise UnsupportedError(f"cull_fraction is a number from 0 to below 1, not {part!r}")

    def excess(self, totals: Totals, *, after: bool = False) -> bool:
        """Whether there is more than the limits allow, or after a cull, more than is to be left.

        Args:
            totals: how many records there are, and how many bytes.
            after: whether a cull has begun.
        """
        records, size = self.max_records, self.max_bytes
        if after:  # one is too many when a cull begins
            records = records and min(records, records + 1 - int(records * self.cull_fraction))
            size = size and math.floor(size * (1 - self.cull_fraction))
        return (records is not None and totals.records > records) or (
            size is not None and totals.bytes > size
        )


@final
class Keeper:
    """Enforces a retention on one collection."""

    def __init__(
        self, retention: Retention, backend: CullingBackend, collection: str, *, alone: bool = False
    ) -> None:
        """Take a collection.

        Args:
            retention: to enforce.
            backend: of the collection.
            collection: its name.
            alone: whether nobody else writes to it: then it is rarely counted.
        """
        self._counted = 1.0 if alone else retention.cull_fraction
        self.retention = retention
        self._backend = backend
        self._collection = collection
        self._sizes = tuple(SIZES.values()) if retention.max_bytes is not None else ()
        self._totals = Totals(0, 0)
        self._until_count = 0
        self._culling = self._stuck = False
        self._next_look = -math.inf
        self._gone: OrderedDict[Any, None] = OrderedDict()

    def enforce(self) -> None:
        """Cull all that is too much: where a database is opened."""
        while self._cull_old():
            pass
        self._count()
        while self._culling:
            self._cull()

    def is_gone(self, key: Any) -> bool:
        """Whether a task was culled here, not long ago."""
        return key in self._gone

    def written(self, records: int, bytes_: int) -> None:
        """Take note of what a write has added, and cull what is too much now, some of it at a time."""
        if time.monotonic() >= self._next_look:
            self._cull_old()
        self._totals = Totals(self._totals.records + records, self._totals.bytes + bytes_)
        self._until_count -= 1
        if self._until_count <= 0 or (not self._stuck and self.retention.excess(self._totals)):
            self._count()
        if self._culling:
            self._cull()

    def _count(self) -> None:
        """Count what there is; the next time after as many writes as are a part of it that is worth culling.

        Where only unfinished tasks are left to cull, nothing is tried again before that.
        """
        if self.retention.max_records is None and self.retention.max_bytes is None:
            self._until_count = sys.maxsize
            return
        self._totals = self._backend.totals(self._collection, self._sizes)
        self._stuck = False
        self._culling = self._culling or self.retention.excess(self._totals)
        part = self.retention.cull_fraction if self._culling else self._counted
        self._until_count = max(1, int(self._totals.records * part))

    def _cull(self) -> None:
        """Cull until the limits are met, and a batch on the way to what is to be left."""
        while self._culling:
            gone = self._backend.cull(self._collection, FINISHED, self._sizes, BATCH, self._chosen)
            self._note(gone, "there is more than the limits allow")
            freed = sum(document.bytes for document in gone)
            self._totals = Totals(self._totals.records - len(gone), self._totals.bytes - freed)
            self._stuck = not gone
            self._culling = bool(gone) and self.retention.excess(self._totals, after=True)
            if not self.retention.excess(self._totals):
                return

    def _chosen(self, found: list[First]) -> list[First]:
        """The first ones, as many as are too many."""
        records, size = self._totals
        for count, document in enumerate(found):
            if not self.retention.excess(Totals(records, size), after=True):
                return found[:count]
            records, size = records - 1, size - document.bytes
        return found

    def _cull_old(self) -> bool:
        """Cull a batch of those older than `max_age`; whether there may be more."""
        age = self.retention.max_age
        if age is None:
            self._next_look = math.inf
            return False
        before = (datetime.now(UTC) - age).replace(tzinfo=None)
        gone = self._backend.cull(self._collection, FINISHED, (), BATCH, list, before)
        self._note(gone, f"they were completed more than {age} ago")
        self._totals = Totals(self._totals.records - len(gone), self._totals.bytes)
        is_more = len(gone) == BATCH
        self._next_look = time.monotonic() + (0 if is_more else min(age.total_seconds() / _LOOKS, _SELDOM))
        return is_more

    def _note(self, gone: list[First], reason: str) -> None:
        """Remember what was culled, for a while, and tell the log."""
        if not gone:
            return
        for document in gone:
            log.debug("culled the record of task %r", document.id)
            self._gone[document.id] = None
            if len(self._gone) > _REMEMBERED:
                self._gone.popitem(last=False)
        log.info("culled the records of %d finished tasks: %s", len(gone), reason)


def note_late(msg_id: Any) -> None:
    """Tell the log of something that arrived after its task was culled."""
    log.info("ignored what arrived of task %r after its record was culled", msg_id)
