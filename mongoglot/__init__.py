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
from mongoglot.query import Query, compile
from mongoglot.store import Collection, Store, connect

__all__ = [
    "Collection",
    "DuplicateKeyError",
    "EncodingError",
    "FilterError",
    "MongoglotError",
    "NoDataError",
    "NotYetError",
    "Query",
    "Store",
    "StoreError",
    "UnsupportedError",
    "WriteError",
    "compile",
    "connect",
]
