"""Stores and collections: what a user calls, with pymongo's names and meanings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Final, final

from bson import Decimal128

from mongoglot.compiler import projection_spec as projections
from mongoglot.compiler import sort as sorts
from mongoglot.compiler.deadline import limited
from mongoglot.compiler.index import Spec as IndexSpec
from mongoglot.compiler.index import default_name, key_pairs, read_index
from mongoglot.compiler.lowering import needs_server
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.stored import as_stored
from mongoglot.compiler.update import read_update
from mongoglot.compiler.values import is_sayable
from mongoglot.cursor import Cursor
from mongoglot.engines.base import (
    INSERT_BATCH,
    Backend,
    EncodingBackend,
    FindRequest,
    Record,
    Verification,
    open_engine,
)
from mongoglot.errors import EncodingTypeError, FilterError, UnsupportedError
from mongoglot.grammar.operators import Dialect
from mongoglot.projections import IN_PROJECTION
from mongoglot.query import Query, compile

_INT64_MAX: Final = 2**63 - 1

Filter = Mapping[str, Any] | str | Query


@final
@dataclass(frozen=True, slots=True)
class InsertOneResult:
    """The `_id` of the document that was inserted."""

    inserted_id: Any


@final
@dataclass(frozen=True, slots=True)
class InsertManyResult:
    """The `_id`s of the documents that were inserted, in order."""

    inserted_ids: list[Any]


@final
@dataclass(frozen=True, slots=True)
class UpdateResult:
    """How many documents an update matched, and how many of them it changed."""

    matched_count: int
    modified_count: int


@final
@dataclass(frozen=True, slots=True)
class DeleteResult:
    """How many documents were deleted."""

    deleted_count: int


def connect(url: str, **options: Any) -> Store:
    """Open a store.

    Args:
        url: `memory:`, `sqlite:PATH`, `duckdb:PATH`, `postgresql://host/database`, `mongodb://host/database`,
            `null:`, or what another installed engine answers to.
        options: of the engine.

    Raises:
        UnsupportedError: no engine answers to the URL.
        StoreError: it cannot be opened.
    """
    if not isinstance(url, str):
        raise UnsupportedError(
            f"a store is named by a URL such as 'sqlite:PATH', not by {type(url).__name__}"
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if scheme is None:
        engine = "duckdb" if url.endswith(".duckdb") else "sqlite"
        advice = f"; the store in a file of this name is {f'{engine}:{url}'!r}" if url else ""
        raise UnsupportedError(
            f"{url!r} is no store: write memory:, sqlite:PATH, duckdb:PATH, postgresql://host/database, "
            f"mongodb://host/database or null:{advice}"
        )
    return Store(open_engine(scheme[1], url, options))


@final
class Store:
    """An open store; `store["tasks"]` is a collection. Also a context manager that closes it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def __getitem__(self, name: str) -> Collection:
        """A collection; it comes into being with its first document."""
        if not is_sayable(name) or "$" in name:
            raise UnsupportedError(
                f"{name!r} cannot name a collection: it needs characters, but no NUL and no '$'"
            )
        return Collection(self, name)

    def collection_names(self) -> list[str]:
        """The names of the collections that hold documents, sorted."""
        return self.backend.collection_names()

    def verify(self) -> Verification:
        """Check what is stored: documents can be read, and indexes have the keys of the documents and no others.

        Returns:
            the problems, each a sentence, and how much was checked. A damaged store raises nothing.

        Raises:
            UnsupportedError: the engine has no check; a server has one of its own.
        """
        return self.backend.verify()

    def close(self) -> None:
        """Release the file or connection; calling it again does nothing."""
        self.backend.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mongoglot store on {self.backend.name}>"


@final
class Collection:
    """A named set of documents.

    Filters are compiled before the store is touched, so a wrong one raises the same FilterError everywhere.
    """

    def __init__(self, store: Store, name: str, dialect: Dialect = "mongodb") -> None:
        self.store = store
        self.name = name
        self.dialect: Dialect = dialect

    def with_dialect(self, dialect: Dialect) -> Collection:
        """The same collection, its filters read in another dialect."""
        return Collection(self.store, self.name, dialect)

    def insert_one(self, document: Mapping[str, Any]) -> InsertOneResult:
        """Store a document; without `_id` it gets an ObjectId. The mapping itself is left alone.

        Raises:
            EncodingError: BSON cannot hold a value; the error names its path, nothing is written.
            WriteError: the server would refuse the document; DuplicateKeyError where it has the `_id` already,
                or a key of a unique index.
        """
        encode, insert = self._writing
        key, stored = encode(document)
        insert(self.name, [stored])
        return InsertOneResult(key)

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
        if isinstance(documents, Mapping) or not isinstance(documents, Iterable):
            reason = f"insert_many takes several documents, not {type(documents).__name__}"
            raise EncodingTypeError(reason, hint="write a list of documents, or use insert_one")
        encode, insert = self._writing
        stored = map(encode, documents)
        first = list(islice(stored, INSERT_BATCH))
        ids: list[Any] = []
        told = progress or _untold
        late = self._on_server  # it is sent the last documents when there are no more to take
        if first:
            insert(self.name, _counted(chain(first, stored), ids, told, whole=not late))
            if late and len(ids) % INSERT_BATCH:
                told(len(ids))
        return InsertManyResult(ids)

    def find(
        self,
        filter: Filter | None = None,
        projection: projections.Spec = None,
        *,
        sort: sorts.Spec = None,
        skip: Any = 0,
        limit: Any = 0,
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
        request = self._request(filter, projection, sort, skip, limit, collation)
        limit = _time_limit(max_time_ms, request.query)
        if limit is None:
            return Cursor(self._backend.find(self.name, request))
        return Cursor(limited(lambda: self._backend.find(self.name, request), limit))

    def find_in_order(self, filter: Filter, projection: projections.Spec = None) -> list[Record]:
        """The documents that match, in the order of insertion; a server gives those of an index in its order.

        Raises:
            as `find`.
        """
        find = getattr(self._backend, "find_in_order", self._backend.find)
        return list(find(self.name, self._request(filter, projection, None, 0, 0, None)))

    def find_one(self, filter: Any = None, *args: Any, **options: Any) -> Record | None:
        """The first match or None; what is no mapping and no query is an `_id`, also a str: pymongo's rule."""
        if filter is not None and not isinstance(filter, (Mapping, Query)):
            filter = {"_id": filter}
        return next(self.find(filter, *args, **{**options, "limit": 1}), None)

    def count_documents(self, filter: Filter, *, max_time_ms: int | None = None) -> int:
        """How many documents match.

        Raises:
            TimeLimitError: it takes longer than `max_time_ms`, or than the query's own limit.
        """
        query = self._compiled(filter)
        limit = _time_limit(max_time_ms, query)
        if limit is None:
            return self._backend.count(self.name, query)
        return next(limited(lambda: iter([self._backend.count(self.name, query)]), limit))

    def update_one(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to the first match."""
        return self._update(filter, update, many=False)

    def update_many(self, filter: Filter, update: Mapping[str, Any]) -> UpdateResult:
        """Apply `$set` and `$unset` to all matches, or to none where one of them cannot be changed so."""
        return self._update(filter, update, many=True)

    def delete_one(self, filter: Filter) -> DeleteResult:
        """Delete the first match."""
        return DeleteResult(self._backend.delete(self.name, self._compiled(filter), many=False))

    def delete_many(self, filter: Filter) -> DeleteResult:
        """Delete all matches."""
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
            WriteError: with the server's code, as 86 where another index has its name.
            UnsupportedError: only a server has such an index, or the engine has none.
        """
        index = read_index(keys, name, unique=unique, sparse=sparse, on_server=self._on_server)
        self._backend.create_index(self.name, index)
        return index.name

    def drop_index(self, index: IndexSpec) -> None:
        """Drop an index, by its name or by its keys; `"*"` for all but that of `_id`.

        Raises:
            WriteError: code 27, there is no such index; 72, it is that of `_id`.
        """
        name = index if isinstance(index, str) else default_name(key_pairs(index))
        names = [name] if name != "*" else [each["name"] for each in self.list_indexes()][1:]
        for each in names:
            self._backend.drop_index(self.name, each)

    def list_indexes(self) -> Iterator[Record]:
        """The indexes as a server lists them, that of `_id` first; none where there is no collection."""
        return iter(self._backend.list_indexes(self.name))

    def index_information(self) -> dict[str, Record]:
        """The indexes by name, with their keys as a list of pairs: pymongo's form."""
        return {
            found["name"]: {
                name: list(value.items()) if name == "key" else value
                for name, value in found.items()
                if name != "name"
            }
            for found in self.list_indexes()
        }

    def explain(
        self, filter: Filter | None = None, projection: projections.Spec = None, **options: Any
    ) -> dict[str, Any]:
        """What the engine makes of a find: what it runs, its plan, and what is checked on the candidates."""
        wanted = {"sort": None, "skip": 0, "limit": 0, "collation": None, **options}
        return self._backend.explain(self.name, self._request(filter, projection, **wanted))

    @property
    def _backend(self) -> Backend:
        return self.store.backend

    @property
    def _writing(
        self,
    ) -> tuple[Callable[[Mapping[str, Any]], tuple[Any, Any]], Callable[[str, Iterable[Any]], None]]:
        """What makes of a document its `_id` and what is stored, and what stores that in a collection."""
        backend = self._backend
        if isinstance(backend, EncodingBackend):
            return backend.encoded, backend.insert_encoded
        return _record, backend.insert

    @property
    def _on_server(self) -> bool:
        """Whether a MongoDB server gives the answers."""
        return getattr(self._backend, "on_server", False)

    def _compiled(self, filter: Filter) -> Query:
        query = filter if isinstance(filter, Query) else compile(filter, dialect=self.dialect)
        if query.plan.server_only is not None and not self._on_server:
            raise needs_server(query.plan.server_only)
        return query.started()

    def _request(
        self, filter: Filter | None, projection: Any, sort: Any, skip: Any, limit: Any, collation: Any
    ) -> FindRequest:
        skip, limit = _bound("skip", skip), _bound("limit", limit)
        if collation is not None:
            collation = self._collation(collation)
        query = self._compiled({} if filter is None else filter)
        if projection is not None:
            schema = any(token[0] == "SCHEMA" for token in query.tokens)
            projection = projections.read_projection(projection, IN_PROJECTION, schema=schema)
        return FindRequest(query, projection, sorts.read_sort(sort), skip, limit, collation)

    def _collation(self, collation: Any) -> Mapping[str, Any] | None:
        """A collation as the engine takes it; None for the order of bytes, which is every engine's own."""
        if not isinstance(collation, Mapping):
            reason = "BSON field 'FindCommandRequest.collation' is the wrong type, expected an object"
            raise FilterError(14, reason, path="collation")
        if not collation or collation.get("locale") == "simple":
            return None
        if not self._on_server:
            raise UnsupportedError(
                f"collation is for a MongoDB server: the engine {self._backend.name!r} compares strings by their "
                "bytes (locale 'simple'), the engine 'mongodb' knows others"
            )
        return collation

    def _update(self, filter: Filter, update: Mapping[str, Any], *, many: bool) -> UpdateResult:
        change = read_update(update)  # a server looks at it before the filter
        return UpdateResult(*self._backend.update(self.name, self._compiled(filter), change, many=many))

    def __repr__(self) -> str:
        return f"<mongoglot collection {self.name!r} on {self._backend.name}>"


def _record(document: Mapping[str, Any]) -> tuple[Any, Record]:
    """The `_id` of a document, and what is stored."""
    stored = as_stored(document)
    return stored["_id"], stored


def _untold(_: int) -> None:
    """Tell nobody."""


def _counted(
    documents: Iterable[tuple[Any, Any]],
    ids: list[Any],
    progress: Callable[[int], object],
    *,
    whole: bool,
) -> Iterator[Any]:
    """Documents for an engine, which are written when it asks for the next one; for the end only if `whole`."""
    for key, document in documents:
        ids.append(key)
        yield document
        if not len(ids) % INSERT_BATCH:
            progress(len(ids))
    if whole and len(ids) % INSERT_BATCH:
        progress(len(ids))


def _time_limit(given: Any, query: BoundPlan) -> int | None:
    """The shorter of two limits in milliseconds, that of a call and that of a query; None where there is none."""
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise UnsupportedError(f"max_time_ms is a number of milliseconds from 1 on, not {given!r}")
    limits = [limit for limit in (given, query.max_time_ms) if limit is not None]
    return min(limits, default=None)


def _bound(name: str, value: Any) -> int:
    """A skip or limit as a server reads it (semantics 6.5)."""
    if value.__class__ is int and 0 <= value <= _INT64_MAX:
        return int(value)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal128)):
        kind = type(value).__name__
        reason = f"BSON field 'FindCommandRequest.{name}' is the wrong type '{kind}', expected a number"
        raise FilterError(14, reason, path=name, hint=f"write {name}=10")
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    count = 0 if exact.is_nan() else int(min(max(exact, Decimal(-_INT64_MAX)), Decimal(_INT64_MAX)))
    if count < 0:
        reason = f"BSON field '{name}' value must be >= 0, actual value '{count}'"
        raise FilterError(51024, reason, path=name, hint=f"0 is no {name}")
    return count


__all__ = [
    "Collection", "DeleteResult", "InsertManyResult", "InsertOneResult", "Store", "UpdateResult", "Verification",
    "connect",
]  # fmt: skip
