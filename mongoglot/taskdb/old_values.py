"""Values of old task records, as the task database has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from mongoglot.taskdb.pickled_buffers import RefusedPickleError, read_buffers
from mongoglot.taskdb.records import aware
from mongoglot.taskdb.schema import BUFFERS, DATES, KEYS

Note = Callable[[str], None]
"""Is told what a value was converted to, in words of the report."""

LOCAL: Final = "dates without a time zone, taken as local time"
IN_ZONE: Final = "dates without a time zone, taken as those of the zone given"
CUT: Final = "dates cut to milliseconds"
TEXT: Final = "dates that are none, kept as text"
FROM_TEXT: Final = "documents that stood as JSON text"

_OUTPUTS: Final = ("execute_result", "error", "pyout", "pyerr")
"""Documents that the old table declares as text."""

_DOCUMENTS: Final = tuple(key.name for key in KEYS if key.type == "document" and key.name not in _OUTPUTS)

_HEADERS: Final = ("header", "result_header")

_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d(?::?\d\d)?)?)?"
)


class DamagedRecordError(ValueError):
    """A record that cannot be imported; it stays in this package, its text tells why."""


def from_row(
    names: tuple[str, ...], values: tuple[Any, ...], note: Note, zone: tzinfo | None
) -> dict[str, Any]:
    """The record in a row of ipyparallel's SQLite database.

    Its documents are JSON text, in which dates became strings. The Hub had handed over the dates of headers as
    dates, so those are dates again; any other string is a string.

    Raises:
        DamagedRecordError: the row is damaged, or has a pickle that is no list of bytes.
    """
    record = dict(zip(names, values, strict=True))
    for name in _DOCUMENTS:
        if isinstance(record.get(name), str):
            record[name] = _document(name, record[name])
    for name in _OUTPUTS:
        if isinstance(record.get(name), str):
            record[name] = _output(record[name], note)
    for name in BUFFERS:
        if record.get(name) is not None:
            record[name] = _buffers(name, record[name])
    return with_dates(record, note, zone)


def with_dates(record: dict[str, Any], note: Note, zone: tzinfo | None) -> dict[str, Any]:
    """The record with dates where text stands for one: at its top, and in its headers."""
    for name in DATES:
        if record.get(name) is not None:
            record[name] = _date(record[name], note, zone)
    for name in _HEADERS:
        header = record.get(name)
        if isinstance(header, Mapping) and isinstance(header.get("date"), str):
            moment = _read_date(header["date"], zone, lambda _: None)
            if moment is not None:
                record[name] = {**header, "date": moment}
    return record


def _document(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedRecordError(f"{name} is no JSON: {error}") from None


def _output(text: str, note: Note) -> Any:
    """What a task showed: a document that was written as text, or what is text and no more."""
    if not text.startswith("{"):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    note(FROM_TEXT)
    return document


def _buffers(name: str, value: Any) -> list[bytes]:
    if not isinstance(value, bytes):
        raise DamagedRecordError(f"{name} is no pickle of buffers")
    try:
        return read_buffers(value)
    except RefusedPickleError as error:
        raise DamagedRecordError(f"the pickle in {name} is refused, and was not run: {error}") from None


def _date(value: Any, note: Note, zone: tzinfo | None) -> Any:
    if isinstance(value, datetime):
        moment = value
    else:
        read = _read_date(value, zone, note) if isinstance(value, str) else None
        if read is None:
            note(TEXT)
            return value if isinstance(value, str) else str(value)
        moment = read
    if moment.microsecond % 1000:
        note(CUT)
    return moment


def _read_date(text: str, zone: tzinfo | None, note: Note) -> datetime | None:
    """The instant that a text in ISO's form says; None where it says none."""
    if _ISO.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
        if moment.utcoffset() is None:
            note(LOCAL if zone is None else IN_ZONE)
            moment = aware(moment if zone is None else moment.replace(tzinfo=zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
