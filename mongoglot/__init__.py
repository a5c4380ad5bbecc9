"""mongoglot compiles MongoDB filters to Python, SQL and native filters that all give the same answer."""

from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sqlite.functions import register_functions
from mongoglot.errors import (
    DuplicateKeyError,
    EncodingError,
    FilterError,
    MongoglotError,
    NoDataError,
    NotYetError,
    StoreError,
    UnknownTaskError,
    UnsupportedError,
    WriteError,
)
from mongoglot.grammar.text import from_text, to_text
from mongoglot.query import Query, compile
from mongoglot.store import Collection, Store, connect

__all__ = [
    "Collection",
    "Column",
    "DuplicateKeyError",
    "EncodingError",
    "FilterError",
    "MongoglotError",
    "NoDataError",
    "NotYetError",
    "Query",
    "Store",
    "StoreError",
    "Table",
    "UnknownTaskError",
    "UnsupportedError",
    "WriteError",
    "compile",
    "connect",
    "from_text",
    "register_functions",
    "to_text",
]
