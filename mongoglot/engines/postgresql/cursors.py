"""Cursors of our own on anybody's connection: what they read depends on none of its settings.

Values come in the binary form, which no setting of the session changes: not the style of dates, nor the digits of
floating point numbers. Neither the connection's classes of cursors nor its loaders are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import tuple_row
from psycopg.types.bool import BoolBinaryLoader
from psycopg.types.numeric import (
    Float4BinaryLoader,
    Float8BinaryLoader,
    Int2BinaryLoader,
    Int4BinaryLoader,
    Int8BinaryLoader,
    NumericBinaryLoader,
    OidBinaryLoader,
)
from psycopg.types.string import ByteaBinaryLoader, TextBinaryLoader
from psycopg.types.uuid import UUIDBinaryLoader

from mongoglot.engines.sql.instants import DAY
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.selection import INFINITE
from mongoglot.errors import StoreError, UnsupportedError

AT_ONCE: Final = 2000
"""Rows that are fetched at once where nobody knows how many there are."""

_EPOCH_DAYS: Final = 10_957
"""Days from 1970 to 2000, from which PostgreSQL counts."""

_EPOCH: Final = _EPOCH_DAYS * DAY * 1000


class _InstantLoader(Loader):
    """An instant as microseconds since 1970; an infinite one as `INFINITE`."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        """See `Loader`."""
        micros = int.from_bytes(data, "big", signed=True)
        return micros + _EPOCH if -(2**63) < micros < 2**63 - 1 else INFINITE


class _DayLoader(Loader):
    """A day as the microseconds since 1970 at which it begins; an infinite one as `INFINITE`."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        """See `Loader`."""
        days = int.from_bytes(data, "big", signed=True)
        return (days + _EPOCH_DAYS) * DAY * 1000 if -(2**31) < days < 2**31 - 1 else INFINITE


class _JsonLoader(Loader):
    """The text of JSON."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """See `Loader`."""
        return bytes(data).decode()


class _JsonbLoader(Loader):
    """The text of binary JSON, which has a byte with its version before it."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """See `Loader`."""
        return bytes(data)[1:].decode()


_LOADERS: Final[Mapping[str, type[Loader]]] = {
    "bool": BoolBinaryLoader, "int2": Int2BinaryLoader, "int4": Int4BinaryLoader, "int8": Int8BinaryLoader,
    "oid": OidBinaryLoader, "float4": Float4BinaryLoader, "float8": Float8BinaryLoader,
    "numeric": NumericBinaryLoader, "text": TextBinaryLoader, "varchar": TextBinaryLoader,
    "name": TextBinaryLoader, "bytea": ByteaBinaryLoader, "uuid": UUIDBinaryLoader, "json": _JsonLoader,
    "jsonb": _JsonbLoader, "date": _DayLoader, "timestamp": _InstantLoader, "timestamptz": _InstantLoader,
}  # fmt: skip

_NUMBERS: Final = count(1)


def check(connection: Any) -> None:
    """Refuse a connection that nothing can be asked on.

    Raises:
        UnsupportedError: it is one of asyncio, or its text is not that of Unicode.
    """
    if not isinstance(connection, psycopg.Connection):
        raise UnsupportedError(f"a psycopg.Connection is needed, not {type(connection).__qualname__}")
    if not connection.closed and connection.info.encoding != "utf-8":
        raise UnsupportedError(
            f"the connection reads text as {connection.info.encoding}: run SET client_encoding TO 'UTF8' on it, "
            "or connect with client_encoding='utf8'"
        )


def rows(
    connection: psycopg.Connection[Any], text: str, parameters: Mapping[str, Any], *, few: bool
) -> Iterator[tuple[Any, ...]]:
    """The rows that a query gives.

    Args:
        connection: of anybody, in whatever state; other statements may run on it while rows are read.
        text: of the query.
        parameters: of the query.
        few: whether all are fetched at once; else they are fetched as they are asked for.

    Raises:
        psycopg.Error: the server refuses it.
        StoreError: the transaction in which it began was rolled back, and there are rows left.
    """
    with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
        for name, loader in _LOADERS.items():
            cursor.adapters.register_loader(name, loader)
        if few:
            yield from cursor.execute(text.encode(), dict(parameters), binary=True)
        else:
            yield from _in_turn(connection, cursor, text, parameters)


def _in_turn(
    connection: psycopg.Connection[Any],
    cursor: psycopg.Cursor[tuple[Any, ...]],
    text: str,
    parameters: Mapping[str, Any],
) -> Iterator[tuple[Any, ...]]:
    """The rows of a cursor of the server's, which keeps what is left of them when the transaction is committed."""
    name = quoted(f"mongoglot {next(_NUMBERS)}")
    cursor.execute(
        f"DECLARE {name} NO SCROLL CURSOR WITH HOLD FOR {text}".encode(), dict(parameters), prepare=False
    )
    more = f"FETCH FORWARD {AT_ONCE:d} FROM {name}".encode()
    is_gone = False
    try:
        while True:
            batch = cursor.execute(more, binary=True, prepare=False).fetchall()
            yield from batch
            if len(batch) < AT_ONCE:
                return
    except errors.InvalidCursorName:
        is_gone = True
        raise StoreError(
            "the transaction in which reading began was rolled back, or a pooler gave another connection to what "
            "followed: read all rows before, or inside one transaction"
        ) from None
    finally:
        if not is_gone:
            _close(connection.pgconn, name)


def _close(server: PGconn, name: str) -> None:
    """Close a cursor of the server's, if it is there; no transaction is begun for that, and none fails by it."""
    state = server.transaction_status
    if state == TransactionStatus.INTRANS:
        found = server.exec_(f"SELECT 1 FROM pg_cursors WHERE quote_ident(name) = '{name}'".encode())
        if not found.ntuples:
            return
    if state in (TransactionStatus.INTRANS, TransactionStatus.IDLE):
        server.exec_(f"CLOSE {name}".encode())
