"""Read the recorded cases: canonical Extended JSON v2 → the Python values of the bson package.

`bson.json_util.loads` cannot be used on them: it turns a *filter* such as {"$regex": …, "$options": …}
or {"$ref": …, "$id": …} into an object. This reader interprets canonical wrappers and nothing else.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATETIME_RANGE_MS = range(-62_135_596_800_000, 253_402_300_800_000)


def _date(value: Int64) -> Any:
    if not isinstance(value, Int64):  # the inner {"$numberLong": …} has been read already
        raise TypeError(value)
    milliseconds = DatetimeMS(int(value))
    return milliseconds.as_datetime() if int(milliseconds) in DATETIME_RANGE_MS else milliseconds


def _binary(value: dict[str, str]) -> bytes | Binary:
    data, subtype = base64.b64decode(value["base64"]), int(value["subType"], 16)
    return data if subtype == 0 else Binary(data, subtype)


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "$numberInt": int,
    "$numberLong": lambda text: Int64(int(text)),
    "$numberDouble": float,
    "$numberDecimal": Decimal128,
    "$oid": ObjectId,
    "$date": _date,
    "$binary": _binary,
    "$regularExpression": lambda value: Regex(value["pattern"], value["options"]),
    "$timestamp": lambda value: Timestamp(value["t"], value["i"]),
    "$minKey": lambda _: MinKey(),
    "$maxKey": lambda _: MaxKey(),
    "$code": Code,
}


def _value(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1 and pairs[0][0] in WRAPPERS:
        key, content = pairs[0]
        try:
            return WRAPPERS[key](content)
        except (TypeError, KeyError, ValueError):
            pass  # a filter that only looks like a wrapper: {"$date": 1} is a (wrong) operator document
    if [key for key, _ in pairs] == ["$code", "$scope"]:
        return Code(pairs[0][1], pairs[1][1])
    return dict(pairs)


def read_cases(path: Path) -> Iterator[dict[str, Any]]:
    """The cases of a file; see `corpus.Case`."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line, object_pairs_hook=_value)
