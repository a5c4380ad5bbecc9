"""The order in which a server's sort leaves equal elements.

A server sorts an array with `std::sort` of libstdc++, which is not stable. Its steps are known, though, so what it
makes of elements that compare equal can be foretold: quicksort down to parts of 16 elements, heapsort of a part
where that goes too deep, and at last an insertion sort, which is stable.
"""

from __future__ import annotations

from typing import Final

STABLE: Final = 16
"""So many elements are sorted by insertion alone."""


def introsorted(ranks: list[int]) -> list[int]:
    """The places of elements in the order in which a server leaves them.

    Args:
        ranks: what each is compared by.
    """
    places = list(range(len(ranks)))
    depth = 2 * (len(places).bit_length() - 1)
    _quicksort(places, ranks, 0, len(places), depth)
    return sorted(places, key=ranks.__getitem__)


def _quicksort(places: list[int], ranks: list[int], first: int, last: int, depth: int) -> None:
    while last - first > STABLE:
        if depth == 0:
            places[first:last] = _heapsorted(places[first:last], ranks)
            return
        depth -= 1
        _choose_pivot(places, ranks, first, last)
        cut = _partition(places, ranks, first, last)
        _quicksort(places, ranks, cut, last, depth)
        last = cut


def _choose_pivot(places: list[int], ranks: list[int], first: int, last: int) -> None:
    """Bring the median of the second, the middle and the last element to the front."""
    candidates = (first + 1, first + (last - first) // 2, last - 1)
    one, two, three = (ranks[places[place]] for place in candidates)
    if one < two:
        median = 1 if two < three else 2 if one < three else 0
    else:
        median = 0 if one < three else 2 if two < three else 1
    chosen = candidates[median]
    places[first], places[chosen] = places[chosen], places[first]


def _partition(places: list[int], ranks: list[int], first: int, last: int) -> int:
    """Bring what is less than the first element before what is greater; where the second part begins."""
    pivot = ranks[places[first]]
    left, right = first + 1, last
    while True:
        while ranks[places[left]] < pivot:
            left += 1
        right -= 1
        while pivot < ranks[places[right]]:
            right -= 1
        if left >= right:
            return left
        places[left], places[right] = places[right], places[left]
        left += 1


def _heapsorted(heap: list[int], ranks: list[int]) -> list[int]:
    for parent in reversed(range(len(heap) // 2)):
        _sift(heap, ranks, parent, len(heap), heap[parent])
    for end in reversed(range(1, len(heap))):
        value, heap[end] = heap[end], heap[0]
        _sift(heap, ranks, 0, end, value)
    return heap


def _sift(heap: list[int], ranks: list[int], top: int, size: int, value: int) -> None:
    """Let a value fall to the bottom from a place, along the greater children, and rise from there."""
    hole = top
    while hole < (size - 1) // 2:
        child = 2 * (hole + 1)
        if ranks[heap[child]] < ranks[heap[child - 1]]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if size % 2 == 0 and hole == (size - 2) // 2:
        heap[hole] = heap[2 * hole + 1]
        hole = 2 * hole + 1
    while hole > top and ranks[heap[(hole - 1) // 2]] < ranks[value]:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = value
