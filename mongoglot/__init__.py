"""mongoglot compiles MongoDB filters to Python, SQL and native filters that all give the same answer."""

from typing import TYPE_CHECKING, Any

from mongoglot.engines.sql.table import Column, Table
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
from mongoglot.query import Query, compile
from mongoglot.store import Collection, Store, connect

if TYPE_CHECKING:
    from mongoglot.engines.sqlite.functions import register_functions
    from mongoglot.grammar.text import from_text, to_text

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


def __getattr__(name: str) -> Any:
    """What not every program needs is loaded when it is asked for."""
    if name in ("from_text", "to_text"):
        from mongoglot.grammar import text

        return getattr(text, name)
    if name == "register_functions":
        from mongoglot.engines.sqlite.functions import register_functions

        return register_functions
    raise AttributeError(f"module 'mongoglot' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]
