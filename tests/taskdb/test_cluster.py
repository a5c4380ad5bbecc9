"""A real cluster with each of our task databases: two engines, two clients, stopped, killed, started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

ipp = pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from tests.taskdb.clusters import (  # noqa: E402 - after the check that it can be imported
    PATIENCE,
    RunningCluster,
    eventually,
    local_zone,
    running_cluster,
)

if TYPE_CHECKING:
    from tests.taskdb.history import Record

# as a query of the documentation has them, and a test of it means them
pytestmark = pytest.mark.filterwarnings("ignore:Interpreting naive datetime as local")

MANY = 1500
LONG = pytest.mark.long


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


@pytest.fixture(
    scope="module",
    params=["SQLiteDB", pytest.param("MemoryDB", marks=LONG), pytest.param("MongoDB", marks=LONG)],
)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A cluster that has worked, far from UTC."""
    server = request.getfixturevalue("mongod_url") if request.param == "MongoDB" else None
    with (
        local_zone("Asia/Tokyo"),
        running_cluster(
            tmp_path_factory.mktemp("cluster"), request.param, server, "--Session.packer=json"
        ) as cluster,
    ):
        yield Scene(cluster)


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


@pytest.mark.parametrize(("what", "query", "expected"), QUERIES, ids=[row[0] for row in QUERIES])
def test_queries(scene: Scene, what: str, query: Callable[[Scene], Record], expected: str) -> None:
    assert scene.names(query(scene)) == expected, what


def test_a_wrong_query_is_an_error_that_says_why(scene: Scene) -> None:
    with pytest.raises(ipp.error.RemoteError, match=r"unknown operator: \$glib .* did you mean '\$glob'"):
        scene.bob.db_query({"label": {"$glib": "x"}})


def test_keys(scene: Scene) -> None:
    (task,) = scene.ids["chatter"]
    (found,) = scene.records({"msg_id": task}, ["stdout", "result_buffers"])
    assert set(found) == {"msg_id", "stdout", "result_buffers"}
    assert found["stdout"] == "hello\n"
    assert ipp.deserialize_object(found["result_buffers"])[0] == "hello"
    choices: list[Any] = [None, []]
    for keys in choices:
        (whole,) = scene.records({"msg_id": task}, keys)
        assert "buffers" not in whole
        assert (whole["label"], whole["stderr"]) == ("chatter/1", "hello again\n")
        assert whole["received"] >= whole["completed"] >= whole["started"]
        assert whole["header"]["date"].utcoffset() is not None


def test_history(scene: Scene) -> None:
    history = scene.bob.hub_history()
    squares = [msg_id for msg_id in history if msg_id in scene.ids["square"]]
    assert squares == scene.ids["square"]
    assert history[-1] == scene.ids["open"][0]


def test_results_of_another_client(scene: Scene) -> None:
    names = ["square", "direct", "chatter"]
    ids = [msg_id for name in names for msg_id in scene.ids[name]]
    task = scene.bob.get_result(ids, block=False)
    assert task.get(timeout=PATIENCE) == [*([n * n] for n in range(8)), 9, 9, "hello"]
    assert task.stdout[-1] == "hello\n"
    shown = scene.bob.get_result(scene.ids["code"], block=False)
    (reply,) = shown.get(timeout=PATIENCE)
    assert "42" in repr(reply)
    assert shown.stdout == ["xxx\n"]
    with pytest.raises(ipp.error.RemoteError, match="on purpose"):
        scene.bob.get_result(scene.ids["fail"][0], block=False).get(timeout=PATIENCE)


def test_results_while_some_tasks_are_open(scene: Scene) -> None:
    """The Hub judges all by the last record: none of the open ones may count as completed."""
    stranger = scene.cluster.client()
    for ids in (["open", "bob"], ["bob", "open"]):
        status = stranger.result_status([scene.ids[name][0] for name in ids], status_only=False)
        assert scene.ids["open"][0] in status["pending"]
    stranger.close()


def test_resubmit(scene: Scene) -> None:
    (first,) = scene.ids["chatter"]
    again = scene.bob.resubmit([first], block=False)
    assert again.get(timeout=PATIENCE) == ["hello"]
    (found,) = eventually(lambda: scene.records({"msg_id": first, "resubmitted": {"$ne": None}}))
    (second,) = eventually(
        lambda: scene.records(
            {"msg_id": found["resubmitted"], "completed": {"$ne": None}, "stdout": {"$gt": ""}}
        )
    )
    assert second["stdout"] == "hello\n"
    scene.bob.purge_hub_results([second["msg_id"]])
    assert scene.records({"msg_id": second["msg_id"]}) == []


def test_many_tasks_at_once(scene: Scene) -> None:
    view = scene.ada.load_balanced_view(targets=[0], label="many")
    task = view.map_async(square, range(MANY), chunksize=1)
    task.wait(PATIENCE)
    ids = list(task.msg_ids)
    assert len(ids) == MANY
    eventually(lambda: len(scene.records({"label": "many", "completed": {"$ne": None}}, ["label"])) == MANY)
    found = scene.bob.get_result(ids, block=False).get(timeout=PATIENCE)
    assert found == [[number * number] for number in range(MANY)]
    scene.bob.purge_hub_results(ids)
    assert scene.records({"label": "many"}, ["label"]) == []
    assert scene.names({}) == ALL


def test_purge_by_engine(scene: Scene) -> None:
    other = scene.engines[0]
    of_0 = scene.names({"engine_uuid": other})
    assert "wrong" in scene.names({"engine_uuid": scene.engines[1]})
    scene.bob.purge_hub_results(targets=[1])
    assert scene.names({"engine_uuid": scene.engines[1]}) == "open:1"
    assert scene.names({"engine_uuid": other}) == of_0


def test_what_outlives_the_controller(scene: Scene) -> None:
    """Tasks that are acknowledged are there after a kill, and after a stop; purged ones are not."""
    task = scene.ada.load_balanced_view(targets=[0], label="last").apply_async(chatter, "last words")
    task.wait(PATIENCE)
    last = {
        "label": "last",
        "completed": {"$ne": None},
        "stdout": "last words\n",
        "display_data": {"$exists": True},
    }
    eventually(lambda: scene.records(last))
    before = scene.records({})
    cluster, keeps = scene.cluster, scene.cluster.backend != "MemoryDB"
    ways = [cluster.kill, cluster.stop]
    for way in ways:
        way()
        cluster.start(engines=0)
        scene.bob = cluster.client()
        assert scene.records({}) == (before if keeps else [])
        assert len(scene.bob.hub_history()) == (len(before) if keeps else 0)
    if keeps:
        ids = [record["msg_id"] for record in before if record["label"] in ("slow", "last", "fail")]
        done = scene.bob.get_result([ids[-1]], block=False)
        assert done.get(timeout=PATIENCE) == ["last words"]
    scene.bob.purge_hub_results("all")
    cluster.stop()
    cluster.start(engines=0)
    scene.bob = cluster.client()
    assert scene.names({}) == ("open:1" if keeps else "")


def test_no_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_cluster(tmp_path_factory.mktemp("nodb"), "NoDB") as cluster:
        ada, bob = cluster.client(), cluster.client()
        task = ada.load_balanced_view().map_async(square, range(4), chunksize=1)
        assert list(task.get(timeout=PATIENCE)) == [0, 1, 4, 9]
        bob.purge_hub_results("all")
        for read in (
            bob.hub_history,
            lambda: bob.db_query({}),
            lambda: bob.get_result(task.msg_ids[0], block=False).get(timeout=PATIENCE),
            lambda: bob.resubmit(task.msg_ids[:1]),
        ):
            with pytest.raises(ipp.error.RemoteError, match="keeps nothing"):
                read()
