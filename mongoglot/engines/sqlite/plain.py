"""Values as plain as JSON's, written and read in fewer steps than any value: what most records are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import orjson

from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import MAX_STORED_DEPTH
from mongoglot.engines.sql.tags import LETTERS, TAG
from mongoglot.engines.sqlite.encoding import JSON, restored_tag

Text: TypeAlias = str | bytes | None
"""A value as it is written: text as it is, anything else as JSON in UTF-8, or null."""

_DATE: Final = TAG + LETTERS["date"]
_ATOMS: Final = frozenset({str, bool, type(None)})
_TAG_BYTES: Final = TAG.encode()
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_INT32: Final = range(-(2**31), 2**31)
_SHALLOW: Final = 20


def json_of(value: Any) -> str:
    """The JSON text of a value that a store can hold, whatever it is; it is normalised first."""
    value = normalise(value, MAX_STORED_DEPTH)
    return JSON[value.__class__](value)


def plain_json(value: dict[Any, Any] | list[Any]) -> bytes | None:
    """The JSON text of a document or array that is plain: str, bool, None, int32, dates, not nested deep.

    Dates without a time zone are local time.
    """
    values = value.values() if value.__class__ is dict else value
    dates = 0 if _ATOMS.issuperset(map(type, values)) else _dates_in(values, _SHALLOW)
    if dates < 0:
        return None
    try:
        text = orjson.dumps(value, default=_date_text, option=_OPTIONS)
    except TypeError:  # a name that is no str, or text that UTF-8 cannot hold
        return None
    if text.count(_TAG_BYTES) != dates or b"\\u0000" in text:
        return None
    return text


def _dates_in(values: Iterable[Any], depth: int) -> int:
    """How many dates there are among plain values, and in them; negative where one is not plain."""
    if not depth:
        return -1
    dates = 0
    for value in values:
        kind = value.__class__
        if kind in _ATOMS:
            continue
        if kind is datetime:
            dates += 1
        elif kind is dict or kind is list:
            if not value:
                continue
            inner = _dates_in(value.values() if kind is dict else value, depth - 1)
            if inner < 0:
                return -1
            dates += inner
        elif kind is not int or value not in _INT32:
            return -1
    return dates


def document_json(fields: dict[str, Text]) -> bytes:
    """The JSON text of a document."""
    return orjson.dumps(fields, orjson.Fragment)


def bytes_json(items: list[bytes]) -> bytes:
    """The JSON text of a list of bytes."""
    texts = [f'{_OPEN_BYTES}{len(item):08x}00{item.hex()}"' for item in items]
    return f"[{','.join(texts)}]".encode()


_OPEN_BYTES: Final = f'"{TAG}{LETTERS["binary"]}'


def date_text(value: datetime) -> str:
    """What stands in a document for a naive date, in UTC."""
    return f"{_DATE}{value.isoformat('T', 'milliseconds')}Z"


def _date_text(value: datetime) -> str:
    if value.tzinfo is None:
        value = value.astimezone()
    return date_text(_EPOCH + (value - _EPOCH_UTC))


_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=UTC)


def decoded_plain(text: str) -> dict[str, Any] | None:
    """A stored document, its integers as int and its dates aware, in UTC; None where `decode` has to read it."""
    if not is_plain(text):
        return None
    document: dict[str, Any] = orjson.loads(text)
    if TAG in text:
        _restore(document, document.items())
    return document


def value_of(text: str) -> Any:
    """As `decoded_plain`, of one value, whose text has to be plain."""
    value = orjson.loads(text)
    if value.__class__ is str:
        return _restored(value) if value >= TAG else value
    if TAG in text:
        _restore(value, value.items() if value.__class__ is dict else enumerate(value))
    return value


def is_plain(text: str) -> bool:
    """Whether a text has no numbers that are spelled to be told from others."""
    odd = "e0" in text and ("e0," in text or "e0}" in text or "e0]" in text or text.endswith("e0"))
    return not odd and "1e999" not in text


def _restore(container: Any, entries: Iterable[tuple[Any, Any]]) -> None:
    for place, value in entries:
        kind = value.__class__
        if kind is str:
            if value >= TAG:
                container[place] = _restored(value)
        elif kind is dict:
            _restore(value, value.items())
        elif kind is list:
            _restore(value, enumerate(value))


def _restored(text: str) -> Any:
    if text.startswith(_DATE) and text[2] not in "!~":
        return datetime.fromisoformat(text[2:])
    return restored_tag(text)
