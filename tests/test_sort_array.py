"""`$sortArray`: equal elements stand where a real server leaves them, however many there are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from mongoglot.engines.python.expressions import introsort
from mongoglot.engines.python.expressions.sorting import sorted_array
from mongoglot.errors import FilterError

if TYPE_CHECKING:
    from pymongo.database import Database


def deep_ranks(count: int) -> list[int]:
    """Ranks in an order of which the pivot is always among the least (D. Musser, Introspective sorting)."""
    half = count // 2
    front = [number + 1 if number % 2 == 0 else half + number + 1 for number in range(half)]
    return front + [2 * (number + 1) for number in range(half)]


def asked(server: Database[dict[str, Any]], array: list[Any], order: Any) -> Any:
    server["sorts"].delete_many({})
    server["sorts"].insert_one({"a": array})
    stage = {"$project": {"a": {"$sortArray": {"input": "$a", "sortBy": order}}}}
    return next(iter(server["sorts"].aggregate([stage])))["a"]


@pytest.mark.parametrize("count", [16, 17, 18, 40, 200, 700])
def test_equal_elements_stand_as_on_the_server(server: Database[dict[str, Any]], count: int) -> None:
    rng = random.Random(count)
    for most in (0, 1, 5, count // 2):
        array = [{"k": rng.randint(0, most), "i": number} for number in range(count)]
        for order in ({"k": 1}, {"k": -1}, {"k": 1, "i": -1}):
            assert sorted_array(array, order) == asked(server, array, order)


def test_heapsort_of_what_goes_too_deep(
    server: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heapsorted, heaps = introsort._heapsorted, []

    def counted(heap: list[int], ranks: list[int]) -> list[int]:
        heaps.append(len(heap))
        return heapsorted(heap, ranks)

    monkeypatch.setattr(introsort, "_heapsorted", counted)
    array = [{"k": rank // 2, "i": number} for number, rank in enumerate(deep_ranks(400))]
    assert sorted_array(array, {"k": 1}) == asked(server, array, {"k": 1})
    assert heaps


def test_the_order_is_not_stable() -> None:
    assert introsort.introsorted([0] * 16) == list(range(16))
    assert introsort.introsorted([0] * 17) != list(range(17))


def test_paths_into_elements() -> None:
    array = [{"a": {"b": 3}, "a.b": 1}, {"a": [{"b": 9}]}, {"a": {"b": 2}}, 7]
    assert sorted_array(array, {"a.b": 1}) == [array[1], array[3], array[0], array[2]]
    assert sorted_array([{"a": [2]}, {"a": [1]}], {"a.0": 1}) == [{"a": [1]}, {"a": [2]}]


def test_what_is_no_array() -> None:
    assert sorted_array(None, 1) is None
    with pytest.raises(FilterError, match="must be an array, but was of type: string") as caught:
        sorted_array("x", 1)
    assert caught.value.code == 2942504
