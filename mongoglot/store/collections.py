"""Collections: what a user calls, with pymongo's names and meanings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

from mongoglot.compiler import projection_spec as projections
from mongoglot.compiler import sort as sorts
from mongoglot.compiler.index import Spec as IndexSpec
from mongoglot.compiler.index import read_index
from mongoglot.compiler.update import read_update
from mongoglot.cursor import Cursor
from mongoglot.engines.base import Backend, FindRequest, Record
from mongoglot.grammar.operators import Dialect
from mongoglot.pymongo_names import CollectionNames
from mongoglot.query import Query
from mongoglot.store import inserting, reading
from mongoglot.store.indexes import by_name, index_name
from mongoglot.store.requests import Bound, Filter, by_id, compiled, find_request, is_server, time_limit
from mongoglot.store.results import DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

if TYPE_CHECKING:
    from mongoglot.store.stores import Store


@final
class Collection(CollectionNames):
    """A named set of documents.

    Filters are compiled before the store is touched, so a wrong one raises the same FilterError everywhere.
    """

    def __init__(self, store: Store, name: str, dialect: Dialect = "mongodb") -> None:
        self.store = store
        self.name = name
        self.dialect: Dialect = dialect

    def with_dialect(self, dialect: Dialect) -> Collection:
        """The same collection, its filters read in another dialect.

        Args:
            dialect: `"mongodb"` or `"taskdb"`, as `compile` takes it.
        """
        return Collection(self.store, self.name, dialect)

    def insert_one(self, document: Mapping[str, Any]) -> InsertOneResult:
        """Store a document; without `_id` it gets an ObjectId. The mapping itself is left alone.

        Args:
            document: a mapping of what BSON can hold.

        Raises:
            EncodingError: BSON cannot hold a value; the error names its path, nothing is written.
            WriteError: the server would refuse the document; DuplicateKeyError where it has the `_id` already,
                or a key of a unique index.
            StoreError: the store cannot be written, or is closed; so with every call of a collection.
        """
        return InsertOneResult(inserting.insert_one(self._backend, self.name, document))

    def insert_many(
        self, documents: Iterable[Mapping[str, Any]], *, progress: Callable[[int], object] | None = None
    ) -> InsertManyResult:
        """Store documents in order, in one transaction where the store is none of a server.

        The first thousand are checked before anything is written; the others are taken as they are written, so
        that an iterator may give more than the memory holds. Documents before one that the collection refuses,
        as one with an `_id` that is there, stay. After an error in a document or in `progress` nothing is
        written, but on a server, where the thousands before stay. Both may read the store meanwhile, but not
        write to it.

        Args:
            documents: mappings.
            progress: is called with the number of documents written so far, after each thousand and at the end.

        Raises:
            as `insert_one`.
        """
        return InsertManyResult(inserting.insert_many(self._backend, self.name, documents, progress))

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
    ) -> Cursor:
        """The documents that match, read as they are asked for; also as a list or a table, see `Cursor`.

        Args:
            filter: a filter, as a mapping or as text, or a compiled query; None for all.
            projection: fields to include, to exclude or to compute, `$slice`, `$elemMatch` (of MongoDB's dialect),
                `a.$`, or a list of names; None for all.
            sort: a name, `[(name, 1 or -1), …]`, or a document.
            skip: how many to leave out at the start.
            limit: how many at most; 0 for all.
            collation: another order of strings than that of their bytes, on a store that is a server.
            max_time_ms: how long finding and reading may take; a query that was compiled with `allow` has a limit
                of its own, too.

        Raises:
            FilterError: with the server's code, in the server's order of checks.
            TimeLimitError: here, or as the documents are read: it takes longer.
            UnsupportedError: it needs a MongoDB server, and the store is none.
        """
        request = self._request(filter, projection, sort=sort, skip=skip, limit=limit, collation=collation)
        time = time_limit(max_time_ms, request.query)
        return Cursor(reading.found(self._backend, self.name, request, time))

    def find_in_order(self, filter: Filter, projection: projections.Spec = None) -> list[Record]:
        """The documents that match, in the order of insertion; a server gives those of an index in its order.

        Args:
            filter: as `find` takes it.
            projection: as `find` takes it.

        Raises:
            as `find`.
        """
        return list(self._backend.find(self.name, self._request(filter, projection)))

    def find_one(
        self,
        filter: Any = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Bound = 0,
        collation: Mapping[str, Any] | None = None,
        max_time_ms: int | None = None,
    ) -> Record | None:
        """The first match or None; what is no mapping and no query is an `_id`, also a str: pymongo's rule.

        Args:
            filter: as `find` takes it, or an `_id`.
            projection, sort, skip, collation, max_time_ms: as `find` takes them.

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
        return next(found, None)

    def count_documents(self, filter: Filter, *, max_time_ms: int | None = None) -> int:
        """How many documents match.

        Args:
            filter: as `find` takes it.
            max_time_ms: how long counting may take, in milliseconds.

        Raises:
            FilterError: the filter is wrong.
            TimeLimitError: it takes longer than `max_time_ms`, or than the query's own limit.
        """
        query = self._compiled(filter)
        return reading.counted(self._backend, self.name, query, time_limit(max_time_ms, query))

    def update_one(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to the first match.

        Args:
            filter: as `find` takes it.
            update: `{"$set": {path: value}, "$unset": {path: ""}}`, either or both.

        Raises:
            FilterError: the update or the filter is wrong, with the server's code.
            WriteError: the server would refuse the changed document; DuplicateKeyError where an index does.
        """
        return self._update(filter, update, many=False)

    def update_many(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to all matches, or to none where one of them cannot be changed so.

        Args:
            filter: as `find` takes it.
            update: as `update_one` takes it.

        Raises:
            as `update_one`.
        """
        return self._update(filter, update, many=True)

    def delete_one(self, filter: Filter) -> DeleteResult:
        """Delete the first match.

        Args:
            filter: as `find` takes it.

        Raises:
            FilterError: the filter is wrong; nothing was deleted.
        """
        return DeleteResult(self._backend.delete(self.name, self._compiled(filter), many=False))

    def delete_many(self, filter: Filter) -> DeleteResult:
        """Delete all matches.

        Args:
            filter: as `find` takes it.

        Raises:
            FilterError: the filter is wrong; nothing was deleted.
        """
        return DeleteResult(self._backend.delete(self.name, self._compiled(filter), many=True))

    def drop(self) -> None:
        """Delete the collection and all in it."""
        self._backend.drop(self.name)

    def create_index(
        self, keys: IndexSpec, *, name: str | None = None, unique: bool = False, sparse: bool = False
    ) -> str:
        """Make an index, which finds are fast by, and fill it from the documents; its name.

        Args:
            keys: a path, or a list of paths and of pairs of a path and 1 or -1: `[("a", 1), ("b", -1)]`.
            name: `"a_1_b_-1"` if not given.
            unique: no two documents share a key. An array has a key for each element; a missing field is null.
            sparse: documents that have none of the fields are left out.

        Raises:
            DuplicateKeyError: documents share a key of a unique index.
            FilterError: the keys are a text that says more than a name, as `-a` or `a,b`.
            WriteError: with the server's code, as 86 where another index has its name.
            UnsupportedError: only a server has such an index, or the engine has none.
        """
        index = read_index(keys, name, unique=unique, sparse=sparse, on_server=is_server(self._backend))
        self._backend.create_index(self.name, index)
        return index.name

    def drop_index(self, index: IndexSpec) -> None:
        """Drop an index, by its name or by its keys; `"*"` for all but that of `_id`.

        Args:
            index: a name, or keys as `create_index` takes them.

        Raises:
            WriteError: code 27, there is no such index; 72, it is that of `_id`.
        """
        name = index_name(index)
        names = [name] if name != "*" else [each["name"] for each in self.list_indexes()][1:]
        for each in names:
            self._backend.drop_index(self.name, each)

    def list_indexes(self) -> Iterator[Record]:
        """The indexes as a server lists them, that of `_id` first; none where there is no collection."""
        return iter(self._backend.list_indexes(self.name))

    def index_information(self) -> dict[str, Record]:
        """The indexes by name, with their keys as a list of pairs: pymongo's form."""
        return by_name(self.list_indexes())

    def explain(
        self,
        filter: Filter | None = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Bound = 0,
        limit: Bound = 0,
        collation: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What the engine makes of a find: what it runs, its plan, and what is checked on the candidates.

        Args:
            filter, projection, sort, skip, limit, collation: as `find` takes them.

        Raises:
            as `find`.
        """
        request = self._request(filter, projection, sort=sort, skip=skip, limit=limit, collation=collation)
        return self._backend.explain(self.name, request)

    @property
    def _backend(self) -> Backend:
        return self.store.backend

    def _compiled(self, filter: Filter) -> Query:
        return compiled(self._backend, self.dialect, filter)

    def _request(self, filter: Filter | None, projection: Any, **options: Any) -> FindRequest:
        return find_request(self._backend, self.dialect, filter, projection, **options)

    def _update(self, filter: Filter, update: Mapping[str, Any], *, many: bool) -> UpdateResult:
        change = read_update(update)  # a server looks at it before the filter
        return UpdateResult(*self._backend.update(self.name, self._compiled(filter), change, many=many))

    def __repr__(self) -> str:
        return f"<mongoglot collection {self.name!r} on {self._backend.name}>"
