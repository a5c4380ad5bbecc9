"""Names that pymongo has and mongoglot has not: who writes one is told what to write instead.

They are not there: `hasattr` is False, and a type checker reports them as it does any other name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

_OPTION: Final = "it is an argument: find(filter, {}=…)"
_NO_PIPELINE: Final = "pipelines are not run here; find takes a filter, computed fields, sort, skip and limit"
_READ_AND_WRITE: Final = "call find_one, then update_one or delete_one"
_REPLACE: Final = (
    "delete the document and insert the new one, or set its fields: update_one(filter, {'$set': …})"
)
_ITERATE: Final = "loop over the cursor, or call to_list()"


class _Names:
    """A class that explains attributes which it has not.

    Attributes:
        _REMEDIES: what to write instead, by name.
    """

    __slots__ = ()

    _REMEDIES: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:  # for a type checker, a name that is not written down is not there

        def __getattr__(self, name: str) -> object:
            remedy = self._remedy(name)
            advice = f"; {remedy}" if remedy else ""
            reason = f"{type(self).__name__!r} object has no attribute {name!r}{advice}"
            raise AttributeError(reason, name=name, obj=self)

    def _remedy(self, name: str) -> str | None:
        """What to write instead; None where nobody can tell."""
        return self._REMEDIES.get(name)


class CollectionNames(_Names):
    """pymongo's names of what a collection does."""

    __slots__ = ()

    _REMEDIES: ClassVar[Mapping[str, str]] = {
        "aggregate": _NO_PIPELINE,
        "bulk_write": "call insert_many, update_many and delete_many",
        "count": "write count_documents(filter)",
        "create_indexes": "call create_index for each",
        "distinct": "write {document['field'] for document in find(filter, ['field'])}",
        "drop_indexes": "write drop_index('*')",
        "ensure_index": "write create_index(keys)",
        "estimated_document_count": "write count_documents({})",
        "find_one_and_delete": _READ_AND_WRITE,
        "find_one_and_replace": _READ_AND_WRITE,
        "find_one_and_update": _READ_AND_WRITE,
        "insert": "write insert_one(document) or insert_many(documents)",
        "limit": _OPTION.format("limit"),
        "remove": "write delete_one(filter) or delete_many(filter)",
        "replace_one": _REPLACE,
        "save": _REPLACE,
        "skip": _OPTION.format("skip"),
        "sort": _OPTION.format("sort"),
        "update": "write update_one(filter, update) or update_many(filter, update)",
        "with_options": "options stand in the URL, or are arguments of connect",
    }


class CursorNames(_Names):
    """pymongo's names of what a cursor does."""

    __slots__ = ()

    _REMEDIES: ClassVar[Mapping[str, str]] = {
        "batch_size": _ITERATE,
        "clone": "call find again",
        "collation": _OPTION.format("collation"),
        "count": "write collection.count_documents(filter)",
        "distinct": "write {document['field'] for document in cursor}",
        "explain": "write collection.explain(filter)",
        "hint": "an index is taken where it helps; collection.explain(filter) shows which",
        "limit": _OPTION.format("limit"),
        "max_time_ms": _OPTION.format("max_time_ms"),
        "next": "write next(cursor)",
        "projection": "it is the second argument of find",
        "rewind": "call find again",
        "skip": _OPTION.format("skip"),
        "sort": _OPTION.format("sort"),
    }


class StoreNames(_Names):
    """pymongo's names of what a database does; any other name is meant as a collection's."""

    __slots__ = ()

    _REMEDIES: ClassVar[Mapping[str, str]] = {
        "aggregate": _NO_PIPELINE,
        "command": "a store runs no commands of a server",
        "create_collection": "a collection comes into being with its first document",
        "drop_collection": "write store['name'].drop()",
        "get_collection": "write store['name']",
        "list_collection_names": "write collection_names()",
        "list_collections": "write collection_names()",
    }

    def _remedy(self, name: str) -> str | None:
        found = self._REMEDIES.get(name)
        return found if found or name.startswith("_") else f"a collection is store[{name!r}]"
