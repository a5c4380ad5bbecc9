"""Stores, collections and cursors whose calls are awaited: `mongoglot.aio.connect(url)`.

They have the names, the results and the errors of those of `mongoglot.connect`.
"""

from mongoglot.aio.collections import AsyncCollection
from mongoglot.aio.cursor import AsyncCursor
from mongoglot.aio.stores import AsyncStore, Opening, connect

__all__ = ["AsyncCollection", "AsyncCursor", "AsyncStore", "Opening", "connect"]
