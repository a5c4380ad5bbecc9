"""mongoglot compiles MongoDB filters to Python, SQL and native filters that all give the same answer."""

from mongoglot.errors import (
    DuplicateKeyError,
    EncodingError,
    FilterError,
    MongoglotError,
    NoDataError,
    NotYetError,
    StoreError,
    UnsupportedError,
    WriteError,
)
from mongoglot.query import Query, compile  # noqa: A004 - as in `re`

__all__ = [
    "DuplicateKeyError",
    "EncodingError",
    "FilterError",
    "MongoglotError",
    "NoDataError",
    "NotYetError",
    "Query",
    "StoreError",
    "UnsupportedError",
    "WriteError",
    "compile",
]
