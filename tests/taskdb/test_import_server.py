"""The history of ipyparallel's MongoDB backend, written by it, is imported."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import bson
import pymongo
import pytest
from bson.raw_bson import RawBSONDocument

from mongoglot import StoreError
from mongoglot.taskdb import TaskDatabase, import_history
from mongoglot.taskdb.old_records import open_old
from tests.conftest import with_database
from tests.taskdb.history import Opener, Record
from tests.taskdb.old_backends import write_mongodb
from tests.taskdb.old_histories import IN_STORE, finished, old_record

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]' brings the old backends")


def finished_on_server(msg_id: str) -> Record:
    return finished(msg_id, result_content={"status": "ok"})


@pytest.fixture(scope="module")
def old_documents(mongod_url: str) -> list[Record]:
    """What ipyparallel wrote to a server."""
    name = f"old_{uuid.uuid4().hex[:12]}"
    text_date = {"submitted": "2024-05-01T12:00:00+09:00", "display_data": {"text/plain": "1"}}
    records = [
        finished_on_server("a"), old_record("b", submitted="junk", buffers=None), old_record("c", **text_date),
    ]  # fmt: skip
    write_mongodb(mongod_url, name, records)
    with pymongo.MongoClient[Record](mongod_url) as client:
        documents = list(client[name]["task_records"].find())
        client.drop_database(name)
    return documents


@pytest.fixture
def old_server(mongod_url: str, old_documents: list[Record]) -> Iterator[str]:
    name = f"old_{uuid.uuid4().hex[:12]}"
    with pymongo.MongoClient[Record](mongod_url) as client:
        client[name]["task_records"].insert_many(old_documents)
        client[name]["task_records"].create_index("msg_id", unique=True)
        yield with_database(mongod_url, name)
        client.drop_database(name)


@pytest.mark.parametrize("engine", ["memory", "sqlite", "mongodb"])
def test_a_collection_of_a_server(engine: str, old_server: str, opener: Opener) -> None:
    database = opener(engine)
    with pymongo.MongoClient[Record](old_server) as client:
        client.get_default_database()["task_records"].insert_one({"label": "no id"})
    report = import_history(old_server, database)
    assert (report.kept, len(report.skipped)) == (3, 1)
    assert report.skipped[0].reason == "it has no msg_id"
    assert database.get_record("a")["buffers"] == old_record("a")["buffers"]
    assert database.get_record("a")["header"]["date"] == IN_STORE
    assert database.get_record("a")["completed"] == IN_STORE + timedelta(seconds=2)
    assert database.get_record("b")["submitted"] == "junk"
    assert database.get_record("b")["buffers"] is None
    assert database.get_record("c")["submitted"] == datetime(2024, 5, 1, 3, tzinfo=UTC)
    assert database.get_record("c")["display_data"] == {"text/plain": "1"}
    assert import_history(old_server, database).known == 3


def test_a_server_that_has_none(mongod_url: str, old_server: str, opener: Opener) -> None:
    with pytest.raises(StoreError, match=r"/nothing_here has no records in a collection 'task_records'"):
        import_history(with_database(mongod_url, "nothing_here"), opener("memory"))
    with pytest.raises(StoreError, match="the target is the collection of the old records itself"):
        import_history(old_server, old_server)
    with TaskDatabase(old_server, collection="new") as database:
        assert import_history(old_server, database).kept == 3
        with pytest.raises(StoreError, match=r"'new' of .* is a task database of mongoglot already"):
            import_history(old_server, opener("memory"), collection="new")
    with pytest.raises(StoreError, match="no MongoDB server answers"):
        open_old("mongodb://127.0.0.1:1", timeout=0.2)


def test_a_document_that_cannot_be_decoded(old_server: str, opener: Opener) -> None:
    with pymongo.MongoClient[Record](old_server) as client:
        records = client.get_default_database()["task_records"]
        text = records.find_one({"msg_id": "a"})
        assert text is not None
        broken = bson.encode({"_id": 1, "msg_id": "broken", "stdout": "marker"}).replace(
            b"mark", b"\xff\xff\xff\xff"
        )
        records.insert_one(RawBSONDocument(broken))
    report = import_history(old_server, database := opener("memory"))
    assert (report.kept, len(report.skipped)) == (3, 1)
    assert report.skipped[0].place == "task_records, _id 1"
    assert "UTF-8" in report.skipped[0].reason or "utf-8" in report.skipped[0].reason
    assert len(database.get_history()) == 3


def test_two_records_of_one_task(old_server: str, old_documents: list[Record], opener: Opener) -> None:
    """The index of old collections forbids that; one that was restored may lack it."""
    with pymongo.MongoClient[Record](old_server) as client:
        records = client.get_default_database()["task_records"]
        records.drop_indexes()
        (whole,) = (document for document in old_documents if document["msg_id"] == "a")
        records.insert_many([{**whole, "_id": 7, "msg_id": "b", "label": "whole"}, {"_id": 8, "msg_id": "a"}])
    report = import_history(old_server, database := opener("sqlite"))
    assert (report.kept, report.completed, report.known, report.skipped) == (3, 1, 1, ())
    assert database.get_record("b")["label"] == "whole"
    assert database.get_record("b")["completed"] is not None
    assert database.get_record("a")["stdout"] == "printed\n"
