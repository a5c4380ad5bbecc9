"""Collections whose calls are awaited, with pymongo's names and meanings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, final

from mongoglot.aio.cursor import AsyncCursor
from mongoglot.compiler import projection_spec as projections
from mongoglot.compiler import sort as sorts
from mongoglot.compiler.index import Spec as IndexSpec
from mongoglot.compiler.index import read_index
from mongoglot.compiler.update import read_update
from mongoglot.engines.base import FindRequest, Record
from mongoglot.grammar.operators import Dialect
from mongoglot.pymongo_names import CollectionNames
from mongoglot.query import Query
from mongoglot.store.indexes import by_name, index_name
from mongoglot.store.inserting import check_several
from mongoglot.store.requests import Bound, Filter, by_id, compiled, find_request, is_server, time_limit
from mongoglot.store.results import DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

if TYPE_CHECKING:
    from mongoglot.aio.stores import AsyncStore
    from mongoglot.engines.asynchronous import AsyncBackend


@final
class AsyncCollection(CollectionNames):
    """A named set of documents; each call is that of `Collection`, with its results and errors.

    A write that has begun ends, also where the call is cancelled that awaits it: it happens wholly or not at all.
    Only `insert_many` is stopped: it takes back what it wrote, but on a server, where the thousands before stay.
    """

    def __init__(self, store: AsyncStore, name: str, dialect: Dialect = "mongodb") -> None:
        self.store = store
        self.name = name
        self.dialect: Dialect = dialect

    def with_dialect(self, dialect: Dialect) -> AsyncCollection:
        """The same collection, its filters read in another dialect; see `Collection.with_dialect`."""
        return AsyncCollection(self.store, self.name, dialect)

    async def insert_one(self, document: Mapping[str, Any]) -> InsertOneResult:
        """Store a document; see `Collection.insert_one`.

        Raises:
            EncodingError: BSON cannot hold a value.
            WriteError: the server would refuse the document; DuplicateKeyError where a key of it is there already.
        """
        return InsertOneResult(await self._backend.insert_one(self.name, document))

    async def insert_many(
        self, documents: Iterable[Mapping[str, Any]], *, progress: Callable[[int], object] | None = None
    ) -> InsertManyResult:
        """Store documents in order; see `Collection.insert_many`.

        Documents are taken, and progress is told, in a thread of the store, but on a MongoDB server in the event
        loop.

        Args:
            documents: mappings.
            progress: is called with the number of documents written so far, after each thousand and at the end.

        Raises:
            as `insert_one`.
        """
        check_several(documents)
        return InsertManyResult(await self._backend.insert_many(self.name, documents, progress))

    def find(
        self,
        filter: Filter | None = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Bound = 0,
        limit: Bound = 0,
        collation: Mapping[str, Any] | None = None,
        max_time_ms: int | None = None,
    ) -> AsyncCursor:
        """The documents that match: `async for document in tasks.find(…)`; also as a list or a table.

        Args:
            filter: as `Collection.find` takes it, and so all that follows.
            projection: fields to include, to exclude or to compute.
            sort: a name, pairs of a name and 1 or -1, or a document.
            skip: how many to leave out at the start.
            limit: how many at most; 0 for all.
            collation: another order of strings, on a store that is a server.
            max_time_ms: how long finding and reading may take, from the first read on.

        Raises:
            FilterError: with the server's code, in the server's order of checks.
            UnsupportedError: it needs a MongoDB server, and the store is none.
            TimeLimitError: (as the documents are read) it takes longer.
        """
        request = self._request(filter, projection, sort=sort, skip=skip, limit=limit, collation=collation)
        return AsyncCursor(self._backend.find(self.name, request, time_limit(max_time_ms, request.query)))

    async def find_in_order(self, filter: Filter, projection: projections.Spec = None) -> list[Record]:
        """The documents that match, in the order of insertion; a server gives those of an index in its order.

        Raises:
            as `find`.
        """
        return await self.find(filter, projection).to_list()

    async def find_one(
        self,
        filter: Any = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Bound = 0,
        collation: Mapping[str, Any] | None = None,
        max_time_ms: int | None = None,
    ) -> Record | None:
        """The first match or None; see `Collection.find_one`.

        Raises:
            as `find`.
        """
        found = self.find(
            by_id(filter),
            projection,
            sort=sort,
            skip=skip,
            limit=1,
            collation=collation,
            max_time_ms=max_time_ms,
        )
        return await anext(found, None)

    async def count_documents(self, filter: Filter, *, max_time_ms: int | None = None) -> int:
        """How many documents match; see `Collection.count_documents`.

        Raises:
            FilterError: the filter is wrong.
            TimeLimitError: it takes longer than `max_time_ms`, or than the query's own limit.
        """
        query = self._compiled(filter)
        return await self._backend.count(self.name, query, time_limit(max_time_ms, query))

    async def update_one(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to the first match; see `Collection.update_one`.

        Raises:
            FilterError: the update or the filter is wrong.
            WriteError: the server would refuse the changed document.
        """
        return await self._update(filter, update, many=False)

    async def update_many(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to all matches, or to none where one of them cannot be changed so.

        Raises:
            as `update_one`.
        """
        return await self._update(filter, update, many=True)

    async def delete_one(self, filter: Filter) -> DeleteResult:
        """Delete the first match; see `Collection.delete_one`.

        Raises:
            FilterError: the filter is wrong.
        """
        return DeleteResult(await self._backend.delete(self.name, self._compiled(filter), many=False))

    async def delete_many(self, filter: Filter) -> DeleteResult:
        """Delete all matches; see `Collection.delete_many`.

        Raises:
            FilterError: the filter is wrong.
        """
        return DeleteResult(await self._backend.delete(self.name, self._compiled(filter), many=True))

    async def drop(self) -> None:
        """Delete the collection and all in it.

        Raises:
            StoreError: the store cannot be written, or is closed.
        """
        await self._backend.drop(self.name)

    async def create_index(
        self, keys: IndexSpec, *, name: str | None = None, unique: bool = False, sparse: bool = False
    ) -> str:
        """Make an index, which finds are fast by, and fill it from the documents; its name.

        Args:
            keys: a path, or a list of paths and of pairs of a path and 1 or -1.
            name: `"a_1_b_-1"` if not given.
            unique: no two documents share a key.
            sparse: documents that have none of the fields are left out.

        Raises:
            as `Collection.create_index`.
        """
        index = read_index(keys, name, unique=unique, sparse=sparse, on_server=is_server(self._backend))
        await self._backend.create_index(self.name, index)
        return index.name

    async def drop_index(self, index: IndexSpec) -> None:
        """Drop an index, by its name or by its keys; see `Collection.drop_index`.

        Raises:
            WriteError: code 27, there is no such index; 72, it is that of `_id`.
        """
        name = index_name(index)
        listed = await self._backend.list_indexes(self.name) if name == "*" else []
        for each in [found["name"] for found in listed[1:]] if name == "*" else [name]:
            await self._backend.drop_index(self.name, each)

    async def list_indexes(self) -> AsyncIterator[Record]:
        """The indexes as a server lists them, that of `_id` first.

        As in pymongo: `async for index in await tasks.list_indexes()`.

        Raises:
            StoreError: the store cannot be read, or is closed.
        """
        return _each(await self._backend.list_indexes(self.name))

    async def index_information(self) -> dict[str, Record]:
        """The indexes by name, with their keys as a list of pairs: pymongo's form.

        Raises:
            StoreError: the store cannot be read, or is closed.
        """
        return by_name(await self._backend.list_indexes(self.name))

    async def explain(
        self,
        filter: Filter | None = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Bound = 0,
        limit: Bound = 0,
        collation: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What the engine makes of a find; see `Collection.explain`.

        Raises:
            as `find`.
        """
        request = self._request(filter, projection, sort=sort, skip=skip, limit=limit, collation=collation)
        return await self._backend.explain(self.name, request)

    @property
    def _backend(self) -> AsyncBackend:
        return self.store.backend

    def _compiled(self, filter: Filter) -> Query:
        return compiled(self._backend, self.dialect, filter)

    def _request(self, filter: Filter | None, projection: Any, **options: Any) -> FindRequest:
        return find_request(self._backend, self.dialect, filter, projection, **options)

    async def _update(self, filter: Filter, update: Mapping[str, Any], *, many: bool) -> UpdateResult:
        change = read_update(update)  # a server looks at it before the filter
        return UpdateResult(*await self._backend.update(self.name, self._compiled(filter), change, many=many))

    def __repr__(self) -> str:
        return f"<mongoglot asynchronous collection {self.name!r} on {self._backend.name}>"


async def _each(indexes: list[Record]) -> AsyncIterator[Record]:
    for index in indexes:
        yield index
