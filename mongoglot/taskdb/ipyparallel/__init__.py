"""Task databases that the Hub of a cluster uses, in one line of configuration.

    c.IPController.db_class = "mongoglot.taskdb.ipyparallel.SQLiteDB"

They have the names, the options and the interface of ipyparallel's own, and answer through `TaskDatabase`.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("ipyparallel") is None:
    raise ModuleNotFoundError(
        "mongoglot.taskdb.ipyparallel works inside a controller of ipyparallel, which is not installed: "
        "pip install 'mongoglot[ipyparallel]'",
        name="ipyparallel",
    )

from mongoglot.taskdb.ipyparallel.backends import MemoryDB, NoDB, SQLiteDB
from mongoglot.taskdb.ipyparallel.base import HubDB
from mongoglot.taskdb.ipyparallel.mongodb import MongoDB

__all__ = ["HubDB", "MemoryDB", "MongoDB", "NoDB", "SQLiteDB"]
