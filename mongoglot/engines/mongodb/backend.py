"""A store on a MongoDB server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import bson
from bson import DBRef
from bson.codec_options import CodecOptions

from mongoglot.compiler.deadline import remaining
from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import INSERT_BATCH, FindRequest, Record, Verification
from mongoglot.engines.culling import First, Totals, sum_of
from mongoglot.engines.mongodb.commands import CODEC, RAW, Commands
from mongoglot.engines.mongodb.failures import (
    BulkError,
    explained,
    insert_error,
    of_index,
    translated,
)
from mongoglot.engines.mongodb.lowering import to_filter
from mongoglot.errors import UnsupportedError


class MongoDBBackend(Commands):
    """The backend that relays to a server: filter, projection, sort and update run there."""

    name = "mongodb"
    on_server = True

    def insert(self, collection: str, documents: Iterable[Record]) -> None:
        """Store documents, a batch at a time; see `Backend`."""
        remaining = iter(documents)
        while batch := list(islice(remaining, INSERT_BATCH)):
            try:
                with translated():
                    if len(batch) == 1:
                        self.insert_one(collection, batch[0])
                    else:
                        self._documents(collection).insert_many(batch)
            except BulkError as error:
                raise insert_error(collection, batch, error.details) from None

    def find(self, collection: str, request: FindRequest) -> Iterator[Record]:
        """The matching documents; see `Backend`."""
        with translated():
            found = self._cursor(collection, request, RAW)
        return self._read(found)

    def aggregated(self, collection: str, pipeline: list[Record]) -> list[Record]:
        """What a pipeline gives."""
        with translated():
            return list(self._documents(collection).aggregate(pipeline))

    def _cursor(self, collection: str, request: FindRequest, codec: CodecOptions[Any] = CODEC) -> Any:
        return self._documents(collection, codec).find(
            to_filter(request.query),
            request.projection.spec if request.projection else None,
            sort=request.sort.spec if request.sort else None,
            skip=request.skip,
            limit=min(request.limit, 2**31 - 1),  # a larger one is no limit in practice, and not an int32
            collation=request.collation,
            max_time_ms=_time_left(),
        )

    def _read(self, found: Any) -> Iterator[Record]:
        with translated():
            for document in found:
                yield decoded(document.raw)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match."""
        with translated():
            options: dict[str, Any] = {} if (left := _time_left()) is None else {"maxTimeMS": left}
            return self._documents(collection).count_documents(to_filter(query), **options)

    def update(self, collection: str, query: BoundPlan, update: Update, *, many: bool) -> tuple[int, int]:
        """Update the first match or all."""
        with translated(), explained(collection):
            documents = self._documents(collection)
            run = documents.update_many if many else documents.update_one
            result = run(to_filter(query), update.spec)
        return result.matched_count, result.modified_count

    def delete(self, collection: str, query: BoundPlan, *, many: bool) -> int:
        """Delete the first match or all."""
        with translated():
            documents = self._documents(collection)
            return (documents.delete_many if many else documents.delete_one)(to_filter(query)).deleted_count

    def drop(self, collection: str) -> None:
        """Drop a collection."""
        with translated():
            self._database.drop_collection(collection)

    def collection_names(self) -> list[str]:
        """The collections of the database."""
        with translated():
            return sorted(self._database.list_collection_names())

    def create_index(self, collection: str, index: Index) -> None:
        """Make an index; see `Backend`."""
        options: dict[str, Any] = {name: True for name in ("unique", "sparse") if getattr(index, name)}
        with translated(), of_index(collection):
            self._documents(collection).create_index(list(index.keys), name=index.name, **options)

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `Backend`."""
        with translated(), of_index(collection):
            self._documents(collection).drop_index(name)

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `Backend`."""
        with translated():
            return [
                {name: dict(value) if name == "key" else value for name, value in found.items()}
                for found in self._documents(collection).list_indexes()
            ]

    def verify(self) -> Verification:
        """Refuse: a server checks itself."""
        raise UnsupportedError("a MongoDB server checks itself: run its command validate on the collection")

    def totals(self, collection: str, sizes: Sequence[str]) -> Totals:
        """How much there is; see `CullingBackend`. The sizes are read from an index on them alone."""
        with translated():
            documents = self._documents(collection)
            records = documents.estimated_document_count()
            if not sizes or not records:
                return Totals(records, 0)
            added = {"$add": [{"$ifNull": [f"${name}", 0]} for name in sizes]}
            hint = documents.create_index([(name, 1) for name in sizes])
            pipeline = [{"$group": {"_id": None, "bytes": {"$sum": added}}}]
            return Totals(records, next(documents.aggregate(pipeline, hint=hint), {"bytes": 0})["bytes"])

    def cull(
        self,
        collection: str,
        field: str,
        sizes: Sequence[str],
        limit: int,
        chosen: Callable[[list[First]], list[First]],
        before: Any = None,
    ) -> list[First]:
        """Delete documents from the start of an order; see `CullingBackend`."""
        condition = {"$ne": None} if before is None else {"$lt": before}
        with translated():
            documents = self._documents(collection)
            wanted = dict.fromkeys(("_id", *sizes), 1)
            found = documents.find({field: condition}, wanted, sort=[(field, 1)], limit=limit)
            gone = chosen([First(each["_id"], each["_id"], sum_of(each, sizes)) for each in found])
            if gone:
                documents.delete_many({"_id": {"$in": [each.key for each in gone]}, field: {"$ne": None}})
        return gone

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:
        """What is sent, and the server's plan."""
        with translated():
            plan = self._cursor(collection, replace(request, projection=None)).explain()
        winning = plan.get("queryPlanner", {}).get("winningPlan")
        return {
            "engine": self.name,
            "filter": to_filter(request.query),
            "projection": request.projection.spec if request.projection else None,
            "sort": request.sort.spec if request.sort else None,
            "plan": winning,
            "residual": None,
        }

    def is_reachable(self) -> bool:
        """Whether a server takes writes, as far as the driver knows, which looks by itself; nothing is sent."""
        return self._client.topology_description.has_writable_server()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def decoded(raw: bytes | memoryview) -> Record:
    """A document as every engine returns it: the driver's DBRefs are the documents that were stored."""
    raw = bytes(raw)  # of a large reply the driver gives views, in which nothing can be found
    document: Record = bson.decode(raw, CODEC)
    return _without_dbrefs(document) if b"$ref\0" in raw else document


def _without_dbrefs(value: Any) -> Any:
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, dict):
        return {name: _without_dbrefs(item) for name, item in value.items()}
    return [_without_dbrefs(item) for item in value] if isinstance(value, list) else value


def _time_left() -> int | None:
    """The milliseconds that a command may take; None for no limit."""
    left = remaining()
    return None if left is None else max(math.ceil(left * 1000), 1)
