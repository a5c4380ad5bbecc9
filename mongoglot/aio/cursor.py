"""What an awaited find gives: an asynchronous iterator, and the same as a list or as a table."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, final

from mongoglot.cursor import Cursor
from mongoglot.engines.asynchronous import AsyncReader
from mongoglot.engines.base import Record
from mongoglot.errors import StoreError
from mongoglot.pymongo_names import CursorNames

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


@final
class AsyncCursor(CursorNames, AsyncIterator[Record]):
    """The documents of a find, read as they are asked for, once; the store is asked when the first one is.

    Several tasks may read one cursor: each document goes to one of them. A cursor that is not read to its end is
    closed by `close`, by `async with`, or when it is forgotten; one whose read was cancelled is closed, too, as
    nobody can tell which documents that read took.
    """

    def __init__(self, reader: AsyncReader) -> None:
        self._reader: AsyncReader | None = reader
        self._ready: deque[Record] = deque()
        self._turn = asyncio.Lock()
        self._cancelled = False

    def __aiter__(self) -> AsyncCursor:
        return self

    async def __anext__(self) -> Record:
        while not self._ready:
            if not await self._read():
                raise StopAsyncIteration
        return self._ready.popleft()

    def __repr__(self) -> str:
        return (
            "<mongoglot asynchronous cursor: documents are read by `async for`, or by `await` with to_list()>"
        )

    async def to_list(self, length: int | None = None) -> list[Record]:
        """The documents that are left, or the next few of them.

        Args:
            length: how many at most; None for all.

        Raises:
            as `AsyncCollection.find`, for what is found out as documents are read.
        """
        found: list[Record] = []
        while length is None or len(found) < length:
            if not self._ready and not await self._read():
                break
            while self._ready and (length is None or len(found) < length):
                found.append(self._ready.popleft())
        return found

    async def to_pandas(self) -> pandas.DataFrame:
        """The documents as a DataFrame; see `Cursor.to_pandas`.

        Raises:
            UnsupportedError: pandas is not installed.
        """
        return await asyncio.to_thread((await self._all()).to_pandas)

    async def to_arrow(self) -> pyarrow.Table:
        """The documents as a table of Arrow; see `Cursor.to_arrow`.

        Raises:
            UnsupportedError: pyarrow is not installed, or no column can hold the values of a field.
        """
        return await asyncio.to_thread((await self._all()).to_arrow)

    async def to_polars(self) -> polars.DataFrame:
        """The documents as a DataFrame of Polars.

        Raises:
            UnsupportedError: as `to_arrow`; or polars is not installed.
        """
        return await asyncio.to_thread((await self._all()).to_polars)

    async def close(self) -> None:
        """Let go of the documents that were not read; calling it again does nothing."""
        self._ready.clear()
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()

    async def __aenter__(self) -> AsyncCursor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _all(self) -> Cursor:
        return Cursor(iter(await self.to_list()))

    async def _read(self) -> bool:
        """Read the next documents, if there are none; whether there may be some now."""
        async with self._turn:
            if self._ready:
                return True
            if self._cancelled:
                raise StoreError(
                    "the cursor is closed: a read of it was cancelled, which may have taken documents"
                )
            if self._reader is None:
                return False
            try:
                documents = await self._reader.batch()
            except asyncio.CancelledError:
                self._cancelled, self._reader = True, None
                raise
            except BaseException:
                self._reader = None
                raise
            if not documents:
                self._reader = None
            self._ready.extend(documents)
            return bool(documents)
