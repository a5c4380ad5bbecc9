"""Free pages of a file, given back to the file system."""

from __future__ import annotations

from typing import Final

import apsw

_STEP: Final = 256
"""Pages that are given back in one transaction, which takes some milliseconds."""

_MOST_FREE: Final = 4
"""One page in so many may be free: new records take free pages before the file grows."""

_FEW: Final = 4096
"""Pages that are copied in a moment."""

_INCREMENTAL: Final = 2
"""What SQLite says of a file whose free pages can be given back one by one."""


def shortened(connection: apsw.Connection) -> bool:
    """Whether much of the file was free; then it is shorter now, in steps that others can write between.

    A file of an earlier version is written anew, if little is left in it.
    """
    free, pages = connection.pragma("freelist_count"), connection.pragma("page_count")
    if free < _STEP or free * _MOST_FREE < pages:
        return False
    if connection.pragma("auto_vacuum") == _INCREMENTAL:
        while connection.pragma("freelist_count"):
            list(connection.execute(f"PRAGMA incremental_vacuum({_STEP})"))
    elif pages - free < _FEW:
        connection.pragma("auto_vacuum", "incremental")
        connection.execute("VACUUM")
    return True
