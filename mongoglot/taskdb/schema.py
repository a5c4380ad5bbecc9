"""The keys of a task record, as data: two generations of documentation, and what a Hub writes today.

A record may hold other keys too; they are kept like these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

from mongoglot.engines.sql.table import Column, Table

KeyType: TypeAlias = Literal["string", "text", "date", "document", "buffers"]
"""`string` is short, an id or a name; `text` may be long; `buffers` is a list of bytes."""

Generation: TypeAlias = Literal["older", "newer", "today"]
"""The documentation of IPython 0.11, that of ipyparallel, and what the Hub of ipyparallel 9 writes."""

ALL: Final[tuple[Generation, ...]] = ("older", "newer", "today")
OLDER: Final[tuple[Generation, ...]] = ("older",)
NEWER: Final[tuple[Generation, ...]] = ("newer", "today")
TODAY: Final[tuple[Generation, ...]] = ("today",)


@final
@dataclass(frozen=True, slots=True)
class RecordKey:
    """A key of a task record.

    Attributes:
        name: of the key.
        type: of its values; any key may also hold None, or another type.
        generations: where it is known.
        about: what it says, in a few words.
        initial: its value in an empty record.
        late: whether an empty record lacks it, and an update brings it.
        indexed: whether stores keep an index on it.
        sparse: whether stores with columns leave None out of the index, as nobody asks for it.
    """

    name: str
    type: KeyType
    generations: tuple[Generation, ...]
    about: str
    initial: str | None = None
    late: bool = False
    indexed: bool = False
    sparse: bool = False


KEYS: Final = (
    RecordKey("msg_id", "string", ALL, "the id of the task"),
    RecordKey("header", "document", ALL, "the request's header"),
    RecordKey("metadata", "document", TODAY, "the request's metadata"),
    RecordKey("content", "document", ALL, "the request's content, mostly empty"),
    RecordKey("buffers", "buffers", ALL, "the request's serialized objects"),
    RecordKey("submitted", "date", ALL, "when the client submitted the task", indexed=True),
    RecordKey("client_uuid", "string", ALL, "the client's session"),
    RecordKey("engine_uuid", "string", ALL, "the engine's id", indexed=True, sparse=True),
    RecordKey("started", "date", ALL, "when the engine began", indexed=True, sparse=True),
    RecordKey("completed", "date", ALL, "when the engine finished, well or not", indexed=True),
    RecordKey("resubmitted", "string", ALL, "the task that this one was submitted again as"),
    RecordKey("received", "date", TODAY, "when the result arrived"),
    RecordKey("result_header", "document", ALL, "the result's header"),
    RecordKey("result_metadata", "document", TODAY, "the result's metadata"),
    RecordKey("result_content", "document", ALL, "the result's content: status, error"),
    RecordKey("result_buffers", "buffers", ALL, "the result's serialized objects"),
    RecordKey("queue", "string", ALL, "'mux' (a chosen engine) or 'task' (a balanced one)"),
    RecordKey("pyin", "text", OLDER, "Python input, unused"),
    RecordKey("pyout", "document", OLDER, "Python output, unused"),
    RecordKey("pyerr", "document", OLDER, "Python traceback, unused"),
    RecordKey("execute_input", "text", NEWER, "Python input"),
    RecordKey("execute_result", "document", NEWER, "Python output"),
    RecordKey("error", "document", NEWER, "Python traceback"),
    RecordKey("stdout", "text", ALL, "what was printed", initial=""),
    RecordKey("stderr", "text", ALL, "what was printed to stderr", initial=""),
    RecordKey("label", "string", TODAY, "the user's name for a group of tasks"),
    RecordKey("display_data", "document", TODAY, "what was displayed", late=True),
)

BUFFERS: Final = tuple(key.name for key in KEYS if key.type == "buffers")
"""The keys that `db_query` leaves out unless they are asked for."""

DATES: Final = tuple(key.name for key in KEYS if key.type == "date")

TABLE: Final = Table(
    "task_records",
    tuple(
        Column(
            key.name,
            key.type,
            indexed=key.indexed,
            sparse=key.sparse,
            beside="msg_id" if key.name == "submitted" else "",
        )
        for key in KEYS
        if key.type == "date" or key.type == "string"
    ),
)
"""The physical side: a column for every date and every short string.

Indexes serve what the Hub and the documented queries ask for. A `msg_id` is the `_id` as well, whose index every
store has: it serves results and purges by list of ids.
`submitted`: the history in order. `completed`: the few open tasks (`completed: None`). `started`: the last hour.
`engine_uuid`: purges and headers by engine. Not `client_uuid`: a client has a large part of the records, and
SQLite would prefer that index to the one on `started`, which finds far fewer. Nor `label`: `$glob` scans.
"""

INDEXED: Final = tuple(column.name for column in TABLE.columns if column.indexed)
"""The keys with an index."""


def empty_record() -> dict[str, Any]:
    """A record as a Hub begins one: every key of today, nothing known."""
    return {key.name: key.initial for key in KEYS if "today" in key.generations and not key.late}
