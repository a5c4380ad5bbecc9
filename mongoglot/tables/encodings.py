"""The text of JSON columns as values, by how they hold what JSON lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, assert_never

from bson import json_util

from mongoglot.compiler.values import INT64_MAX, INT64_MIN
from mongoglot.engines.sql.table import Encoding
from mongoglot.engines.sqlite import encoding as stored

_NAIVE: Final = json_util.JSONOptions(tz_aware=False)


def decoder(encoding: Encoding) -> Callable[[str], Any]:
    """From JSON text to the value that it is in a document."""
    match encoding:
        case "mongoglot":
            return stored.decode
        case "plain" | "milliseconds":
            return _plain
        case "extended":
            return lambda text: json_util.loads(text, json_options=_NAIVE)
        case _:
            assert_never(encoding)


def _plain(text: str) -> Any:
    return json.loads(text, parse_int=_number)


def _number(digits: str) -> int | float:
    """A whole number; beyond 64 bits it is a double, as databases read it, too."""
    if len(digits) > _LONGEST:
        return float(digits)
    number = int(digits)
    return number if INT64_MIN <= number <= INT64_MAX else float(digits)


_LONGEST: Final = 20
"""Characters of an int64; Python refuses to read very long ones."""
