"""IPython's task database: the record of every task that a cluster ran, in any store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoglot.errors import UnknownTaskError
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.retention import Retention

if TYPE_CHECKING:
    from mongoglot.taskdb.history import import_history
    from mongoglot.taskdb.recording import record

__all__ = ["Retention", "TaskDatabase", "UnknownTaskError", "import_history", "record"]


if not TYPE_CHECKING:  # for a type checker, a name that is not above is not there

    def __getattr__(name: str) -> Any:
        """What only some need is loaded when it is asked for."""
        if name == "import_history":
            from mongoglot.taskdb.history import import_history

            return import_history
        if name == "record":
            from mongoglot.taskdb.recording import record

            return record
        raise AttributeError(f"module 'mongoglot.taskdb' has no attribute {name!r}")
