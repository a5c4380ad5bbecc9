"""Naive datetimes are local time, in records and in queries, wherever the process runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.queries import stored_query
from mongoglot.taskdb.records import aware
from tests.taskdb.history import ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.taskdb.history import History, Opener

ZONES = ["UTC", "Asia/Tokyo", "America/New_York"]


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize("zone", ZONES)
def test_the_documented_queries_with_naive_datetimes(
    cluster: TaskDatabase, history: History, in_zone: Callable[[str], None], zone: str
) -> None:
    in_zone(zone)
    hour_ago, me = local(history.hour_ago, zone), history.clients["ada"]
    assert len(cluster.db_query({"started": {"$gte": hour_ago}, "client_uuid": me})) == 84
    assert len(cluster.db_query({"started": {"$le": hour_ago}, "client_uuid": {"$ne": me}})) == 121
    assert cluster.db_query({"started": {"$gte": local(history.end, zone)}}) == []
    started = local(history.records[5]["started"], zone)
    for query in (
        {"started": started},
        {"started": {"$in": ["never", started]}, "completed": {"$ne": None}},
        {"$and": [{"$or": [{"started": {"$eq": started}}]}]},
        {"started": {"$not": {"$ne": started}}},
        {"started": {"$gte": started, "$lte": started}},
    ):
        assert [r["msg_id"] for r in cluster.db_query(query)] == [history.records[5]["msg_id"]]


@pytest.mark.parametrize("zone", ZONES)
def test_naive_datetimes_in_records(
    database: TaskDatabase, in_zone: Callable[[str], None], zone: str
) -> None:
    in_zone(zone)
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    naive = local(noon, zone)
    database.add_record("a", {"submitted": naive, "header": {"dates": [naive, {"x": naive}]}})
    database.add_record("b", {"submitted": noon + timedelta(hours=1)})
    database.add_record("c", {})
    database.update_record("c", {"submitted": naive - timedelta(hours=1), "completed": naive})
    found = database.get_record("a")
    assert found == {"msg_id": "a", "submitted": noon, "header": {"dates": [noon, {"x": noon}]}}
    assert found["submitted"].tzinfo is UTC
    assert database.get_history() == ["c", "a", "b"]
    assert ids(database.find_records({"header.dates": naive, "header.dates.x": noon})) == "a"
    assert ids(database.find_records({"header": {"dates": [naive, {"x": naive}]}})) == "a"


def test_summer_time(in_zone: Callable[[str], None]) -> None:
    in_zone("America/New_York")
    for naive, hour in (
        (datetime(2026, 1, 1, 12), 17),
        (datetime(2026, 7, 1, 12), 16),
        (datetime(2026, 11, 1, 1, 30, fold=0), 5),
        (datetime(2026, 11, 1, 1, 30, fold=1), 6),
    ):
        assert aware(naive).astimezone(UTC).hour == hour


@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_the_calendar(database: TaskDatabase, in_zone: Callable[[str], None], zone: str) -> None:
    in_zone(zone)
    database.add_record("a", {"submitted": datetime(2026, 1, 1)})
    database.add_record("b", {"submitted": datetime.min, "completed": datetime.max})
    assert ids(database.find_records({"submitted": {"$gte": datetime.min, "$lte": datetime.max}})) == "ab"
    assert ids(database.find_records({"submitted": {"$gt": datetime(1, 1, 2)}})) == "a"


class Odd(tzinfo):
    """A zone that knows no offset: its datetimes are naive."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


def test_instants_stay_what_they_are(in_zone: Callable[[str], None]) -> None:
    in_zone("Asia/Tokyo")
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert aware(noon) is noon
    assert aware(datetime(2026, 3, 1, 21, tzinfo=Odd())) == noon
    query: dict[str, Any] = {
        "$expr": {"$gt": ["$started", datetime(2026, 3, 1, 21)]},
        "a": {"$elemMatch": {"$gte": datetime(2026, 3, 1, 21)}},
        "b": {"$elemMatch": {"c": datetime(2026, 3, 1, 21)}},
        "c": {"$all": [datetime(2026, 3, 1, 21)]},
        "d": "2026-03-01T21:00:00",
    }
    assert stored_query(query) == {
        "$expr": {"$gt": ["$started", noon]},
        "a": {"$elemMatch": {"$gte": noon}},
        "b": {"$elemMatch": {"c": noon}},
        "c": {"$all": [noon]},
        "d": "2026-03-01T21:00:00",
    }


def test_the_zone_is_moved(in_zone: Callable[[str], None]) -> None:
    in_zone("Asia/Tokyo")
    assert time.localtime(0).tm_hour == 9


class OddZone(tzinfo):
    """A time zone whose code says what it is told to."""

    def __init__(self, offset: timedelta | Exception | None) -> None:
        self._offset = offset

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        if isinstance(self._offset, Exception):
            raise self._offset
        return self._offset

    def dst(self, _: datetime | None) -> None:
        return None

    def tzname(self, _: datetime | None) -> str:
        return "odd"


NOON = datetime(2026, 3, 1, 12, 0, 0, 123_999)
MOMENTS: dict[str, tuple[datetime, datetime]] = {
    "UTC": (NOON.replace(tzinfo=UTC), NOON),
    "UTC by another name": (NOON.replace(tzinfo=OddZone(timedelta(0))), NOON),
    "UTC of zoneinfo": (NOON.replace(tzinfo=ZoneInfo("UTC")), NOON),
    "Tokyo": (NOON.replace(tzinfo=ZoneInfo("Asia/Tokyo")), NOON - timedelta(hours=9)),
    "half an hour": (NOON.replace(tzinfo=OddZone(timedelta(hours=-5, minutes=-30))), NOON + timedelta(hours=5.5)),
    "seconds": (NOON.replace(tzinfo=OddZone(timedelta(seconds=-7))), NOON + timedelta(seconds=7)),
    "the first year": (datetime(1, 1, 1, 0, 0, 0, 1999, tzinfo=UTC), datetime(1, 1, 1, 0, 0, 0, 1999)),
    "before 1970": (datetime(1969, 12, 31, 23, 59, 0, 1999, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 0, 1999)),
    "the last year": (datetime.max.replace(tzinfo=UTC), datetime.max),
    "a zone that says nothing is local": (NOON.replace(tzinfo=OddZone(None)), NOON - timedelta(hours=9)),
    "local": (NOON, NOON - timedelta(hours=9)),
}  # fmt: skip
"""Dates with the instants that they are, in Tokyo."""


@pytest.mark.parametrize("name", MOMENTS)
def test_dates_of_any_zone_are_recorded_as_their_instants(
    database: TaskDatabase, in_zone: Callable[[str], None], name: str
) -> None:
    """Those of a Hub have the UTC of another library; in records and in documents of them, added or changed."""
    in_zone("Asia/Tokyo")
    date, instant = MOMENTS[name]
    expected = instant.replace(tzinfo=UTC, microsecond=instant.microsecond // 1000 * 1000)
    database.add_record("added", {"submitted": date, "header": {"date": date, "n": [date]}})
    database.add_record("changed", {})
    database.update_record("changed", {"submitted": date, "header": {"date": date, "n": [date]}})
    for record in database.find_records({"submitted": expected}):
        assert record["submitted"] == record["header"]["date"] == record["header"]["n"][0] == expected
        assert record["submitted"].tzinfo is UTC
    assert len(database.find_records({"header.date": expected, "submitted": date}, "msg_id")) == 2


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_a_date_whose_zone_fails_is_described(opener: Opener, engine: str) -> None:
    database = opener(engine)
    date = NOON.replace(tzinfo=OddZone(ValueError("no zone")))
    database.add_record("a", {"submitted": date, "header": {"date": date}})
    database.update_record("a", {"started": date})
    record = database.get_record("a")
    assert all(isinstance(value, str) for value in (record["submitted"], record["started"]))
