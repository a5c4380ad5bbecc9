"""Documents as Extended JSON, read and written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import bson
from bson import json_util
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError

from mongoglot.cli.terminal import printable_json
from mongoglot.errors import UnsupportedError

READ: Final = json_util.JSONOptions(tz_aware=False, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
RELAXED: Final = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=False)
CANONICAL: Final = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, tz_aware=False)

UNREADABLE: Final = (ValueError, TypeError, OverflowError, RecursionError, BSONError)
"""What reading a text that is no Extended JSON may raise."""


def json_line(document: Mapping[str, Any], *, exact: bool = False) -> str:
    """A document as Extended JSON: readable numbers and dates, or `exact` with the types of all of them.

    Raises:
        UnsupportedError: exact, and it holds a name that Extended JSON reads as a type.
    """
    text = json_util.dumps(document, json_options=CANONICAL if exact else RELAXED, ensure_ascii=False)
    if exact and _has_type_name(document):
        try:
            same = bson.encode(from_json(text)) == bson.encode(document)
        except UNREADABLE:
            same = False
        if not same:
            which = f"the document with _id {document.get('_id')!r}"
            raise UnsupportedError(
                f"{which} has names that Extended JSON reads as types: {text[:200]}; "
                "--format bson can say them"
            )
    return printable_json(text)


def from_json(text: str) -> Any:
    """What Extended JSON stands for."""
    if '"$' not in text and "\\u0024" not in text:  # no name that is a type: plain JSON, which is read faster
        return json.loads(text)
    return json_util.loads(text, json_options=READ)


def _has_type_name(value: Any) -> bool:
    """Whether a name in it could be read as a type."""
    if isinstance(value, Mapping):
        return any(name.startswith("$") or _has_type_name(item) for name, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_type_name, value))
