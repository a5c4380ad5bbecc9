"""A real cluster with each of our task databases: two engines, two clients, stopped, killed, started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

ipp = pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from tests.taskdb.clusters import (  # noqa: E402 - after the check that it can be imported
    PATIENCE,
    eventually,
    local_zone,
    running_cluster,
)
from tests.taskdb.scene import (  # noqa: E402
    ALL,
    MANY,
    QUERIES,
    Scene,
    chatter,
    square,
)

if TYPE_CHECKING:
    from tests.taskdb.history import Record

# as a query of the documentation has them, and a test of it means them
pytestmark = pytest.mark.filterwarnings("ignore:Interpreting naive datetime as local")

LONG = pytest.mark.long


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
