"""A file as it is opened: what is looked at before anything is written, what a new one becomes."""

from __future__ import annotations

import os
from functools import partial
from typing import Final

import apsw

from mongoglot.engines.sqlite.failures import translated
from mongoglot.engines.sqlite.file_format import APPLICATION_ID, FORMAT, LAYOUT
from mongoglot.engines.sqlite.filesystems import Journal
from mongoglot.engines.sqlite.functions import register_functions
from mongoglot.engines.sqlite.waiting import Waiting, patiently
from mongoglot.errors import StoreError

_MAGIC: Final = b"SQLite format 3\0"


def opened(path: str, journal: Journal) -> apsw.Connection:
    """A connection that trusts nothing in the file.

    Raises:
        StoreError: the file is no database, or cannot be opened.
    """
    _check_header(path)
    with translated(path):
        connection = apsw.Connection(path)
        connection.set_busy_handler(Waiting())
        if journal != "wal" and _uses_log(path):  # a log without shared memory: for one process at a time
            connection.pragma("locking_mode", "exclusive")
        connection.pragma("trusted_schema", False)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
        connection.pragma("cell_size_check", True)
        # closing a file that is refused must not move its log into it
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, _has_log(path))
        register_functions(connection)
    return connection


def looked_at(connection: apsw.Connection, path: str) -> tuple[bool, int]:
    """Whether the file is empty, and its format.

    Raises:
        StoreError: it is no store of ours, or one of a newer version.
    """
    with translated(path):
        empty, application, version = patiently(partial(_look, connection))
    if application != APPLICATION_ID and not empty:
        raise StoreError(f"{path} is an SQLite database, but not a mongoglot store; it was left untouched")
    if application == APPLICATION_ID and version > FORMAT:
        raise StoreError(
            f"{path} was written by a newer mongoglot (format {version}, this one knows {FORMAT}); "
            "it was left untouched"
        )
    return empty, version


def _look(connection: apsw.Connection) -> tuple[bool, int, int]:
    """Whether the file is empty, its mark and its format: in one look, as another may be making it."""
    with connection:
        empty = not next(iter(connection.execute("SELECT count(*) FROM sqlite_schema")))[0]
        application = connection.pragma("application_id")
        version = connection.pragma("user_version")
    return empty and application in (0, APPLICATION_ID), application, version


def set_up(connection: apsw.Connection, synchronous: str, journal: Journal, *, is_new: bool) -> None:
    """Say how a file that is ours is written."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    connection.pragma("synchronous", synchronous)
    if is_new:
        connection.pragma("auto_vacuum", "incremental")
    if is_new or journal != "wal":
        patiently(lambda: connection.pragma("journal_mode", journal))
    if journal != "wal":
        connection.pragma("locking_mode", "normal")


def upgrade(connection: apsw.Connection) -> None:
    """Bring the file to this format, unless another process has done so, or has made it newer, meanwhile."""
    if connection.pragma("user_version") < FORMAT:
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", FORMAT)
        for statement in LAYOUT:
            connection.execute(statement)


def _check_header(path: str) -> None:
    """Refuse a file that SQLite would take for an empty one because it is short."""
    try:
        with open(path, "rb") as file:
            header = file.read(len(_MAGIC))
    except OSError:
        return  # not there, or not readable: SQLite says which
    if header.strip(b"\0") and header != _MAGIC:  # zeros: another process is making the file
        raise StoreError(f"{path} is not an SQLite database; it was left untouched")


def _uses_log(path: str) -> bool:
    """Whether a file that is there has a write-ahead log as its journal: bytes 18 and 19 of its header say 2."""
    try:
        with open(path, "rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError:
        return False


def _has_log(path: str) -> bool:
    """Whether something was written that does not stand in the file itself yet."""
    try:
        return os.path.getsize(f"{path}-wal") > 0
    except OSError:
        return False
