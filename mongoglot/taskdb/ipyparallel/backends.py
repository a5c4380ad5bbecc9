"""Task databases for the Hub in a file, in memory, and nowhere."""

from __future__ import annotations

import os
from typing import Any, Final

from traitlets import Enum, Integer, Unicode

from mongoglot.errors import NoDataError, StoreError
from mongoglot.taskdb.database import TaskDatabase
from mongoglot.taskdb.ipyparallel.base import HubDB, Record
from mongoglot.taskdb.schema import TABLE


def profile_folder() -> str:
    """The folder of the profile that the running IPython application uses; `.` where there is none."""
    from IPython.core.application import BaseIPythonApplication

    if BaseIPythonApplication.initialized():
        profile = BaseIPythonApplication.instance().profile_dir
        if profile is not None:
            return str(profile.location)
    return "."


class SQLiteDB(HubDB):
    """Records in a file: there again after a restart, committed when a call returns."""

    filename = Unicode(
        "mongoglot-tasks.db",
        help="""The name of the file.

        ipyparallel's own SQLiteDB has tasks.db, and each refuses or misses what the other wrote.
        """,
    ).tag(config=True)

    location = Unicode("", help="The folder of the file. The default is that of the profile.").tag(
        config=True
    )

    table = Unicode(
        TABLE.name,
        help="""The collection of the file that has the records; if empty, one named for the session of the Hub.

        With a name, tasks from earlier sessions are there for db_query, get_result and purges.
        """,
    ).tag(config=True)

    synchronous = Enum(
        ("normal", "full"),
        "normal",
        help="""What the last writes survive: "normal" the end of the process, "full" also the loss of power.""",
    ).tag(config=True)

    journal = Enum(
        ("auto", "wal", "truncate"),
        "auto",
        help="""How writes are made safe: "wal" is fast, for one machine; "truncate" is for a share of a network.

        "auto" looks where the file is.
        """,
    ).tag(config=True)

    def _opened(self) -> TaskDatabase:
        path = os.path.join(self.location or profile_folder(), self.filename)
        table = self.table or "_" + self.session.replace("-", "_")
        self._mention_history(path)
        options = {"synchronous": self.synchronous, "journal": self.journal}
        try:
            return TaskDatabase(f"sqlite:{path}", collection=table, retention=self._retention(), **options)
        except StoreError as error:
            raise StoreError(f"{error}; {_remedy(path)}") from None

    def _mention_history(self, path: str) -> None:
        """Tell the log where ipyparallel's own records are, before there are any of ours."""
        old = os.path.join(os.path.dirname(path), "tasks.db")
        if os.path.exists(old) and not os.path.exists(path):
            self.log.info("%s stays as it is; to have its records here, %s", old, _import_of(old, path))


def _import_of(old: str, new: str) -> str:
    return f"import them: mongoglot tasks --db sqlite:{new} import {old}"


def _remedy(path: str) -> str:
    return (
        "the controller needs a file of its own for the records of tasks: move "
        f"{os.path.abspath(path)} away, or set SQLiteDB.filename or SQLiteDB.location to another. If it has "
        f"records of ipyparallel's own SQLiteDB, {_import_of(path, 'NEW')}"
    )


class MemoryDB(HubDB):
    """Records in the controller's memory: gone when it ends."""

    record_limit = Integer(
        100_000, help="How many tasks are kept, as max_records; the lower of the two counts."
    ).tag(config=True)

    size_limit = Integer(
        1024**3, help="How many bytes of buffers are kept, as max_bytes; the lower of the two counts."
    ).tag(config=True)

    def _opened(self) -> TaskDatabase:
        return TaskDatabase("memory:", retention=self._retention(self.record_limit, self.size_limit))


class NoDB(HubDB):
    """No records: the Hub needs the least memory, and nobody can ask for tasks of others, or of before."""

    def _opened(self) -> TaskDatabase:
        return TaskDatabase("null:")

    def add_record(self, *_: Any, **__: Any) -> None:
        """Keep nothing."""

    def update_record(self, *_: Any, **__: Any) -> None:
        """Keep nothing."""

    def drop_record(self, *_: Any, **__: Any) -> None:
        """Nothing is kept."""

    def get_record(self, *_: Any, **__: Any) -> Record:
        """Refuse, with a KeyError."""
        raise NoDataError(_NO_RECORDS)

    def find_records(self, *_: Any, **__: Any) -> list[Record]:
        """Refuse, with a KeyError."""
        raise NoDataError(_NO_RECORDS)

    def get_history(self) -> list[str]:
        """Refuse, with a KeyError."""
        raise NoDataError(_NO_RECORDS)


_NO_RECORDS: Final = (
    "this cluster runs with NoDB, which keeps nothing; start the controller with "
    "--IPController.db_class=mongoglot.taskdb.ipyparallel.SQLiteDB to query tasks, to submit them again, and to "
    "have results of other clients"
)
