"""Defects of ipyparallel's task databases in their limits and costs, D8 and D9."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


from tests.taskdb.backends import NEW, OLD, Opener
from tests.taskdb.defects import NOON, record_of
from tests.taskdb.history import ids

BOTH = pytest.mark.parametrize(("kinds", "is_right"), [(OLD, False), (NEW, True)], ids=["old", "ours"])
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])


@BOTH
def test_d8_what_has_not_completed_is_never_culled(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    database = hub_opener.open(kinds["D"], "D", record_limit=20, cull_fraction=0.2)
    names = [f"open {number}" for number in range(30)]
    for number, name in enumerate(names):
        database.add_record(name, record_of(name, submitted=NOON + timedelta(seconds=number)))
    assert (database.get_history() == names) == is_right
    if is_right:
        for name in names:
            database.update_record(name, {"completed": NOON, "stdout": "done"})
        database.add_record("last", record_of("last"))
        assert 16 <= len(database.get_history()) <= 20


@BOTH
def test_d8_each_database_culls_its_own(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    small, other = (hub_opener.open(kinds["D"], "D", record_limit=limit) for limit in (10, 100))
    for number in range(11):
        name = f"shared {number}"
        submitted = NOON + timedelta(seconds=number)
        small.add_record(name, record_of(name, submitted=submitted, completed=submitted))
        other.add_record(name, record_of(name))
    assert "shared 0" not in small.get_history()
    if is_right:
        assert other.get_record("shared 0")["msg_id"] == "shared 0"
    else:
        with pytest.raises(KeyError, match="culled"):
            other.get_record("shared 0")


@BOTH
def test_d8_a_low_limit_is_a_limit(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    database = hub_opener.open(kinds["D"], "D", record_limit=5)
    for number in range(50):
        database.add_record(str(number), record_of(str(number), completed=NOON))
    assert (len(database.get_history()) <= 5) == is_right


@BOTH
def test_d8_a_large_record_does_not_cull_itself(hub_opener: Opener, kinds: Any, is_right: bool) -> None:
    database = hub_opener.open(kinds["D"], "D", size_limit=1000)
    database.add_record("large", record_of("large", buffers=[b"x" * 2000]))
    assert (database.get_history() == ["large"]) == is_right


@BOTH
def test_d8_culling_ends(
    hub_opener: Opener, kinds: Any, is_right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = hub_opener.open(kinds["D"], "D", size_limit=10)
    if is_right:
        database.add_record("early", record_of("early", submitted=None, header=None, buffers=[b"x" * 100]))
        assert database.get_record("early")["buffers"] == [b"x" * 100]
        return
    rounds = iter(range(1000))
    monkeypatch.setattr(database, "_cull_oldest", lambda _: next(rounds))
    with pytest.raises(StopIteration):
        database.add_record("early", record_of("early", submitted=None, buffers=[b"x" * 100]))


class Counted(list[str]):
    """Knows how often it was asked."""

    asked = 0

    def __contains__(self, value: object) -> bool:
        self.asked += 1
        return super().__contains__(value)


def test_d9_ids_are_looked_up(hub_opener: Opener) -> None:
    old, ours = (hub_opener.open(kinds["D"], "D") for kinds in (OLD, NEW))
    for number in range(200):
        for database in (old, ours):
            database.add_record(str(number), record_of(str(number)))
    names = Counted(["7", "77", "177"])
    assert ids(old.find_records({"msg_id": {"$in": names}})) == ids(
        ours.find_records({"msg_id": {"$in": list(names)}})
    )
    assert names.asked == 200
    explained = ours._database.explain({"msg_id": {"$in": list(names)}})
    assert (explained["candidates"], explained["documents"]) == (3, 200)
