"""IPython's task database: the record of every task that a cluster ran, in any store."""

from __future__ import annotations

from mongoglot.errors import UnknownTaskError
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.retention import Retention

__all__ = ["Retention", "TaskDatabase", "UnknownTaskError"]
