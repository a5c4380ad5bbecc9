"""What SQLite's errors say to a user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from mongoglot.errors import StoreError

BUSY_TIMEOUT: Final = 10.0
"""How long, in seconds, another's writing is waited for."""

FAILURES: Final = (apsw.Error, UnicodeDecodeError)
"""What running a statement may raise: SQLite refuses it, or a text in the file is not UTF-8."""


class ConflictError(StoreError):
    """A row that is there already; where nobody expects it, the file says two things at once."""


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn apsw's errors into ours."""
    try:
        yield
    except FAILURES as error:
        raise told(error, path) from None


def told(error: Exception, path: str) -> StoreError:
    """The error of ours for one of `FAILURES`."""
    match error:
        case apsw.ConstraintError():
            return ConflictError(f"{path} is damaged: {error}")
        case apsw.NotADBError():
            return StoreError(f"{path} is not an SQLite database; it was left untouched")
        case apsw.CantOpenError():
            folder = Path(path).resolve().parent
            return StoreError(f"{path} cannot be opened: is {folder} a folder that can be written to?")
        case apsw.FullError():
            return StoreError(f"the disk of {path} is full; what was committed before is intact")
        case apsw.ReadOnlyError():
            return StoreError(f"{path} cannot be written: the file or its folder is read-only")
        case apsw.CorruptError():
            return StoreError(f"{path} is damaged, or no store of mongoglot: {error}")
        case UnicodeDecodeError():
            return StoreError(f"{path} is damaged: a text in it is not UTF-8")
        case apsw.IOError():
            return StoreError(
                f"{path} cannot be read or written ({error}); what was committed before is intact"
            )
        case apsw.BusyError():
            seconds = f"{BUSY_TIMEOUT:.0f} s"
            return StoreError(f"{path} is being written by another process for more than {seconds}")
        case _:
            return StoreError(f"SQLite refuses an operation on {path}: {error}")
