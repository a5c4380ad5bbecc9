from mongoglot.engines.base import Verification
from mongoglot.store.collections import Collection
from mongoglot.store.requests import Bound, Filter
from mongoglot.store.results import DeleteResult, InsertManyResult, InsertOneResult, UpdateResult
from mongoglot.store.stores import Store, connect

__all__ = [
    "Bound",
    "Collection",
    "DeleteResult",
    "Filter",
    "InsertManyResult",
    "InsertOneResult",
    "Store",
    "UpdateResult",
    "Verification",
    "connect",
]
