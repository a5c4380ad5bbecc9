"""A store on a MongoDB server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bson.codec_options import CodecOptions

from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.update import Update
from mongoglot.engines.base import INSERT_BATCH, FindRequest, Record, Verification
from mongoglot.engines.culling import First, Totals, sum_of
from mongoglot.engines.mongodb.commands import Commands
from mongoglot.engines.mongodb.failures import (
    BulkError,
    explained,
    insert_error,
    of_index,
    server_checks_itself,
    translated,
)
from mongoglot.engines.mongodb.lowering import to_filter
from mongoglot.engines.mongodb.messages import (
    CODEC,
    RAW,
    count_options,
    decoded,
    explanation,
    find_options,
    index_options,
    listed_index,
)


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
        return self._documents(collection, codec).find(**find_options(request))

    def _read(self, found: Any) -> Iterator[Record]:
        with translated():
            for document in found:
                yield decoded(document.raw)

    def count(self, collection: str, query: BoundPlan) -> int:
        """How many documents match."""
        with translated():
            return self._documents(collection).count_documents(to_filter(query), **count_options())

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
        with translated(), of_index(collection):
            self._documents(collection).create_index(**index_options(index))

    def drop_index(self, collection: str, name: str) -> None:
        """Drop an index; see `Backend`."""
        with translated(), of_index(collection):
            self._documents(collection).drop_index(name)

    def list_indexes(self, collection: str) -> list[Record]:
        """The indexes of a collection; see `Backend`."""
        with translated():
            return [listed_index(found) for found in self._documents(collection).list_indexes()]

    def verify(self) -> Verification:
        """Refuse: a server checks itself."""
        raise server_checks_itself()

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
        return explanation(self.name, request, plan)

    def is_reachable(self) -> bool:
        """Whether a server takes writes, as far as the driver knows, which looks by itself; nothing is sent."""
        return self._client.topology_description.has_writable_server()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
