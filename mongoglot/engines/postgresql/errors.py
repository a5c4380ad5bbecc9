"""psycopg's errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from mongoglot.compiler.deadline import is_over
from mongoglot.errors import StoreError, TimeLimitError


class GoneError(StoreError):
    """A table that was dropped, or changed, between two statements; the operation starts again."""


class BrokenError(StoreError):
    """A connection that broke."""


class ClashError(StoreError):
    """Two writers waited for each other, and the server ended this one; nothing of it was written."""


def first_line(error: Exception) -> str:
    """What happened, in one line."""
    return str(error).strip().split("\n")[0]


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn psycopg's errors into ours."""
    try:
        yield
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName) as error:
        raise GoneError(f"the store at {shown} is damaged: {first_line(error)}") from None
    except (errors.DeadlockDetected, errors.SerializationFailure):
        raise ClashError(
            f"another writer was in the way at {shown}; nothing was written, try again"
        ) from None
    except errors.QueryCanceled as error:
        if is_over():
            raise TimeLimitError from None
        raise StoreError(f"PostgreSQL ended a statement at {shown}: {first_line(error)}") from None
    except errors.InsufficientPrivilege as error:
        raise StoreError(f"the PostgreSQL server at {shown} does not allow it: {first_line(error)}") from None
    except (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow) as error:
        raise BrokenError(_broken(shown, error)) from None
    except psycopg.OperationalError as error:
        if error.sqlstate is None:  # not the server's words
            raise BrokenError(_broken(shown, error)) from None
        raise StoreError(f"the PostgreSQL server at {shown} cannot do it: {first_line(error)}") from None
    except psycopg.Error as error:
        raise StoreError(f"PostgreSQL refuses an operation at {shown}: {first_line(error)}") from None


def _broken(shown: str, error: Exception) -> str:
    reason = f"the connection to the PostgreSQL server at {shown} broke: {first_line(error)}"
    return f"{reason}; a write that was under way may have been done"
