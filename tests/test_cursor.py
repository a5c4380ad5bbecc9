"""The documents of a find as lists and tables."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex

from mongoglot import UnsupportedError
from tests.conftest import ENGINES, StoreOpener

if TYPE_CHECKING:
    from mongoglot import Collection

AT = datetime(2026, 1, 1, 12)
OID = ObjectId("0" * 24)

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "n": 1, "text": "a", "at": AT, "inner": {"oid": OID, "xs": [Int64(2)]}},
    {"_id": 2, "n": 2.5, "price": Decimal128("1.50"), "data": Binary(b"x", 5)},
    {"_id": 3, "text": None, "pattern": Regex("a")},
]


@pytest.fixture(scope="module", params=ENGINES)
def documents(request: pytest.FixtureRequest, open_store: StoreOpener) -> Collection:
    collection = open_store(request.param)["tables"]
    collection.insert_many(DOCUMENTS)
    return collection


def test_a_cursor_is_read_as_it_is_asked(documents: Collection) -> None:
    cursor = documents.find({}, sort="_id")
    assert iter(cursor) is cursor
    assert next(cursor) == DOCUMENTS[0]
    assert cursor.to_list(1) == DOCUMENTS[1:2]
    assert cursor.to_list() == DOCUMENTS[2:]
    assert cursor.to_list() == []
    assert next(cursor, None) is None


def test_pandas(documents: Collection) -> None:
    pytest.importorskip("pandas", reason="pandas makes the frame")
    frame = documents.find({}, sort="_id").to_pandas()
    assert list(frame.columns) == ["_id", "n", "text", "at", "inner", "price", "data", "pattern"]
    assert frame["n"].sum() == 3.5
    assert frame["at"][0] == AT
    assert frame["inner"][0] == {"oid": str(OID), "xs": [2]}
    assert (frame["price"][1], frame["data"][1], frame["pattern"][2]) == ("1.50", b"x", "a")


def test_arrow_and_polars(documents: Collection) -> None:
    table = documents.find({}, sort="_id").to_arrow()
    assert table.num_rows == 3
    assert table.column("at").to_pylist() == [AT, None, None]
    assert table.column("inner").to_pylist()[0] == {"oid": str(OID), "xs": [2]}
    pytest.importorskip("polars", reason="polars makes the frame")
    frame = documents.find({"n": {"$gte": 1}}, ["n"], sort="_id").to_polars()
    assert frame.to_dict(as_series=False) == {"_id": [1, 2], "n": [1.0, 2.5]}


def test_a_field_of_several_types(documents: Collection) -> None:
    documents.insert_many([{"_id": 10, "mixed": 1}, {"_id": 11, "mixed": "a"}])
    try:
        with pytest.raises(UnsupportedError, match="the field 'mixed' has values of types"):
            documents.find({"_id": {"$gte": 10}}).to_arrow()
        pytest.importorskip("pandas", reason="pandas makes the frame")
        assert documents.find({"_id": {"$gte": 10}}, sort="_id").to_pandas()["mixed"].tolist() == [1, "a"]
    finally:
        documents.delete_many({"_id": {"$gte": 10}})


@pytest.mark.parametrize("library", ["pandas", "pyarrow", "polars"])
def test_a_library_that_is_not_there(
    documents: Collection, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == library:
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    method = {"pandas": "to_pandas", "pyarrow": "to_arrow", "polars": "to_polars"}[library]
    with pytest.raises(UnsupportedError, match=f"pip install {library}"):
        getattr(documents.find({}), method)()
