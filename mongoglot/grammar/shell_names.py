"""The names of mongosh that stand for a value, and those that people write instead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bson import Int64, MaxKey, MinKey

NAMES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "true": True,
        "false": False,
        "null": None,
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "MinKey": MinKey(),
        "MaxKey": MaxKey(),
        "Long.MAX_VALUE": Int64(2**63 - 1),
        "Long.MIN_VALUE": Int64(-(2**63)),
    }
)
"""Names that are values by themselves."""

USUAL_MISTAKES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "undefined": "write null, or leave the field out",
        "None": "write null: this is JavaScript, not Python",
        "True": "write true: this is JavaScript, not Python",
        "False": "write false: this is JavaScript, not Python",
        "nil": "write null",
        "nan": "write NaN",
        "inf": "write Infinity",
        "datetime": 'write ISODate("2026-01-31T23:59:59.999Z")',
        "Date": 'write ISODate("…") or new Date("…"); without new, Date is the current time as a string',
        "Decimal": 'write NumberDecimal("0.1")',
        "ObjectID": "did you mean ObjectId?",
        "ISODate": 'write ISODate("2026-01-31")',
        "db": "only the filter is read: what stands between the parentheses of find(…)",
        "function": "functions are never run; a filter holds values",
        "re": "write /pattern/i",
        "find": "only the filter is read: what stands between the parentheses of find(…)",
        "this": "a filter compares a field with a value, and two fields so: {$expr: {$gt: ['$a', '$b']}}",
        "now": 'write ISODate("2026-01-31"), or ago("1h") for an hour ago',
    }
)
"""Names that are no values here, and what was probably meant."""
