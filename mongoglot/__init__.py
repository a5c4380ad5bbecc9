"""mongoglot compiles MongoDB filters to Python, SQL and native filters that all give the same answer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mongoglot import aio as aio
    from mongoglot import debug as debug
    from mongoglot.cursor import Cursor
    from mongoglot.engines.sql.statement import Sql
    from mongoglot.engines.sql.table import Column, Table
    from mongoglot.engines.sqlite.functions import register_functions
    from mongoglot.errors import (
        DuplicateKeyError,
        EncodingError,
        FilterError,
        MongoglotError,
        NoDataError,
        NotAllowedError,
        NotYetError,
        StoreError,
        TimeLimitError,
        UnknownTaskError,
        UnsupportedError,
        WriteError,
    )
    from mongoglot.explain import Explanation
    from mongoglot.grammar.allowed import Allow
    from mongoglot.grammar.text import from_text, to_text
    from mongoglot.query import Query, compile
    from mongoglot.store import (
        Collection,
        DeleteResult,
        InsertManyResult,
        InsertOneResult,
        Store,
        UpdateResult,
        connect,
    )
    from mongoglot.tables import find, reflect

__all__ = [
    "Allow",
    "Collection",
    "Column",
    "Cursor",
    "DeleteResult",
    "DuplicateKeyError",
    "EncodingError",
    "Explanation",
    "FilterError",
    "InsertManyResult",
    "InsertOneResult",
    "MongoglotError",
    "NoDataError",
    "NotAllowedError",
    "NotYetError",
    "Query",
    "Sql",
    "Store",
    "StoreError",
    "Table",
    "TimeLimitError",
    "UnknownTaskError",
    "UnsupportedError",
    "UpdateResult",
    "WriteError",
    "compile",
    "connect",
    "find",
    "from_text",
    "reflect",
    "register_functions",
    "to_text",
]

_MODULES = {
    "Allow": "grammar.allowed",
    "Collection": "store",
    "Column": "engines.sql.table",
    "Cursor": "cursor",
    "DeleteResult": "store",
    "Explanation": "explain",
    "InsertManyResult": "store",
    "InsertOneResult": "store",
    "Query": "query",
    "Sql": "engines.sql.statement",
    "Store": "store",
    "Table": "engines.sql.table",
    "UpdateResult": "store",
    "compile": "query",
    "connect": "store",
    "find": "tables",
    "from_text": "grammar.text",
    "reflect": "tables",
    "register_functions": "engines.sqlite.functions",
    "to_text": "grammar.text",
}
"""Where a name is defined; the others are errors. Nothing is loaded before a program asks for it."""

_PARTS = ("aio", "debug")
"""Modules of public names."""


if not TYPE_CHECKING:  # for a type checker, a name that is not above is not there

    def __getattr__(name: str) -> Any:
        if name in _PARTS:
            return import_module(f"mongoglot.{name}")
        if name == "load_ipython_extension":  # which IPython asks for
            return import_module("mongoglot.magic").load_ipython_extension
        if name not in __all__:
            raise AttributeError(f"module 'mongoglot' has no attribute {name!r}")
        value = getattr(import_module(f"mongoglot.{_MODULES.get(name, 'errors')}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, *_PARTS]
