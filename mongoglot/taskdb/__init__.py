"""IPython's task database: the record of every task that a cluster ran, in any store."""

from __future__ import annotations

from mongoglot.errors import UnknownTaskError
from mongoglot.taskdb.database import TaskDatabase

__all__ = ["TaskDatabase", "UnknownTaskError"]
