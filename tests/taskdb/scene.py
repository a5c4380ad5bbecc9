"""A cluster that has worked: what two clients had it do, and what queries find of that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.taskdb.clusters import PATIENCE, RunningCluster, eventually

Record = dict[str, Any]

MANY = 1500
"""How many ids at once."""


def square(number: int) -> int:
    return number * number


def chatter(word: str) -> str:
    import sys

    from IPython.display import HTML, display

    print(word)
    print(f"{word} again", file=sys.stderr)
    display(HTML(f"<b>{word}</b>"))  # type: ignore[no-untyped-call]  # nor has IPython
    return word


def fail(word: str) -> None:
    raise ZeroDivisionError(word)


def sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)


class Scene:
    """A cluster, two of its clients, and what they had it do.

    Attributes:
        ids: the ids of tasks, by a name.
        engines: number → uuid.
        begin, end: before the first task and after the last one that ended; local time, without a zone.
    """

    def __init__(self, cluster: RunningCluster) -> None:
        self.cluster = cluster
        self.ada, self.bob = cluster.client(), cluster.client()
        self.engines: dict[int, str] = {}
        self.ids: dict[str, list[str]] = {}
        self.begin = datetime.now()
        self._work()
        self.end = datetime.now()
        self._leave_open()

    def _work(self) -> None:
        balanced, other = self.ada.load_balanced_view, self.bob.load_balanced_view
        tasks = {
            "square": balanced(label="square").map_async(square, range(8), chunksize=1),
            "chatter": balanced(label="chatter/1").apply_async(chatter, "hello"),
            "fail": balanced(label="fail").apply_async(fail, "on purpose"),
            "direct": self.ada.direct_view(label="direct/all").apply_async(square, 3),
            "code": self.ada[0].execute("print('x' * 3); 21 * 2", silent=False),
            "wrong": self.ada[1].execute("1 / 0", silent=False),
            "bob": other(label="chatter/2").apply_async(chatter, "hi"),
            "slow": other(label="slow").apply_async(sleep, 0.4),
        }
        for name, task in tasks.items():
            task.wait(PATIENCE)
            self.ids[name] = list(task.msg_ids)
        uuids = {task["engine_id"]: task["engine_uuid"] for task in tasks["direct"].metadata}
        self.engines.update(uuids)
        expected = {msg_id for msg_ids in self.ids.values() for msg_id in msg_ids}
        eventually(
            lambda: expected <= {record["msg_id"] for record in self.records({"completed": {"$ne": None}})}
        )
        eventually(lambda: len(self.records({"display_data": {"$exists": True}})) == 2)
        eventually(lambda: self.records({"msg_id": self.ids["wrong"][0], "error": {"$ne": None}}))

    def _leave_open(self) -> None:
        task = self.ada.load_balanced_view(targets=[1], label="open").apply_async(sleep, 600)
        self.ids["open"] = list(task.msg_ids)
        eventually(lambda: self.records({"msg_id": self.ids["open"][0], "engine_uuid": {"$ne": None}}))

    def records(self, query: Record, keys: Any = None) -> list[Record]:
        found: list[Record] = self.bob.db_query(query, keys)
        return found

    def names(self, query: Record) -> str:
        """Which tasks a query finds, by their names; those that waited for the engines have none."""
        names = {msg_id: name for name, msg_ids in self.ids.items() for msg_id in msg_ids}
        found = [names.get(record["msg_id"], "") for record in self.records(query, ["label"])]
        return " ".join(sorted({f"{name}:{found.count(name)}" for name in found if name}))

    @property
    def me(self) -> str:
        session: str = self.ada.session.session
        return session


ENDED = "bob:1 chatter:1 code:1 direct:2 fail:1 slow:1 square:8 wrong:1"
ALL = "bob:1 chatter:1 code:1 direct:2 fail:1 open:1 slow:1 square:8 wrong:1"

QUERIES: list[tuple[str, Callable[[Scene], Record], str]] = [
    # what ipyparallel's documentation asks
    ("everything", lambda _: {}, ALL),
    ("not completed", lambda _: {"completed": None}, "open:1"),
    (
        "mine of the last hour",
        lambda s: {"started": {"$gte": s.end - timedelta(hours=1)}, "client_uuid": s.me},
        "chatter:1 code:1 direct:2 fail:1 square:8 wrong:1",
    ),
    ("started before an hour ago", lambda s: {"started": {"$le": s.end - timedelta(hours=1)}}, ""),
    ("by others", lambda s: {"started": {"$le": s.end}, "client_uuid": {"$ne": s.me}}, "bob:1 slow:1"),
    (
        "by engine",
        lambda s: {"engine_uuid": {"$in": list(s.engines.values())}, "completed": {"$ne": None}},
        ENDED,
    ),
    # harder ones
    ("zone", lambda s: {"submitted": {"$gt": s.end + timedelta(hours=1)}}, ""),
    ("interval", lambda s: {"started": {"$gt": s.begin, "$lt": s.end}}, ENDED),
    ("two keys", lambda s: {"client_uuid": s.me, "queue": "mux"}, "code:1 direct:2 wrong:1"),
    ("glob", lambda _: {"label": {"$glob": "chatter/[!2]"}}, "chatter:1"),
    ("not glob", lambda _: {"label": {"$not": {"$glob": "[cdfos]*"}}, "queue": "mux"}, "code:1 wrong:1"),
    ("path", lambda _: {"result_content.status": "error"}, "fail:1 wrong:1"),
    ("regex", lambda _: {"result_content.evalue": {"$regex": "^on P", "$options": "i"}}, "fail:1"),
    ("or", lambda _: {"$or": [{"stdout": {"$gt": ""}}, {"label": "slow"}]}, "bob:1 chatter:1 code:1 slow:1"),
    ("nor", lambda s: {"$nor": [{"client_uuid": s.me}, {"display_data": {"$exists": True}}]}, "slow:1"),
    ("display", lambda _: {"display_data.data.text/html": {"$type": "string"}}, "bob:1 chatter:1"),
    ("stderr", lambda _: {"stderr": "hi again\n"}, "bob:1"),
    (
        "null among values",
        lambda _: {
            "label": {"$in": [None, "slow"]},
            "queue": {"$ne": None},
            "header.msg_type": "execute_request",
        },
        "code:1 wrong:1",
    ),
    ("result", lambda _: {"execute_result.data.text/plain": "42"}, "code:1"),
    (
        "duration",
        lambda _: {"$expr": {"$gte": [{"$subtract": ["$completed", "$started"]}, 400]}, "label": "slow"},
        "slow:1",
    ),
    (
        "no duration",
        lambda _: {
            "$expr": {"$lt": [{"$subtract": ["$completed", "$started"]}, 0]},
            "completed": {"$ne": None},
        },
        "",
    ),
    ("many ids", lambda s: {"msg_id": {"$in": [*map(str, range(MANY)), *s.ids["square"]]}}, "square:8"),
    (
        "many other ids",
        lambda s: {"msg_id": {"$nin": [*map(str, range(MANY)), *s.ids["square"]]}, "label": "square"},
        "",
    ),
]
