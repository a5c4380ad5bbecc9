"""What an import of old records did, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

SHOWN: Final = 10
"""How many ids and skipped records the text names; the data has all that are kept."""

EXAMPLES: Final = 100
"""Ids that are kept of the records that were converted in one way."""


@final
@dataclass(frozen=True, slots=True)
class Conversion:
    """One way in which records are not what they were.

    Attributes:
        what: was done, in words.
        count: of values.
        msg_ids: of the first records that have them, at most `EXAMPLES`.
    """

    what: str
    count: int
    msg_ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what}: {self.count:,} ({_some(self.msg_ids, self.count)})"


@final
@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was not imported.

    Attributes:
        place: the table or collection, and where in it.
        msg_id: of the task, None where it has none.
        reason: why.
    """

    place: str
    msg_id: str | None
    reason: str

    def __str__(self) -> str:
        task = "a task without an id" if self.msg_id is None else f"task {self.msg_id!r}"
        return f"{task} ({self.place}): {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        source: the file or address of the old records.
        tables: that were read, with the number of their records.
        kept: records that were not there, and are now.
        completed: records that were there, of which the old one knew more.
        known: records that were there, and were left alone.
        converted: what the old values became.
        skipped: the records that were not imported.
    """

    source: str
    tables: tuple[tuple[str, int], ...]
    kept: int
    completed: int
    known: int
    converted: tuple[Conversion, ...]
    skipped: tuple[Skipped, ...]

    def __str__(self) -> str:
        tables = ", ".join(f"{name} ({count:,})" for name, count in self.tables)
        lines = [
            f"imported from {self.source}",
            f"  read: {tables}",
            f"  kept: {self.kept:,}",
            f"  completed, as the old record knew more: {self.completed:,}",
            f"  there already, left alone: {self.known:,}",
            f"  skipped: {len(self.skipped):,}",
            *(f"    {skipped}" for skipped in self.skipped[:SHOWN]),
        ]
        if len(self.skipped) > SHOWN:
            lines.append(f"    … and {len(self.skipped) - SHOWN:,} more")
        if self.converted:
            lines.append("  converted:")
            lines += [f"    {conversion}" for conversion in self.converted]
        return "\n".join(lines)


def _some(names: tuple[str, ...], count: int) -> str:
    shown = ", ".join(names[:3])
    return f"{shown}, …" if len(names) > 3 or count > len(names) else shown
