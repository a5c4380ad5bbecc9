"""Tests of a value made of other tests; what is decided when they are made is `always` or `never`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[Any], bool]


def always(_: Any) -> bool:
    """The test that all pass."""
    return True


def never(_: Any) -> bool:
    """The test that none passes."""
    return False


def all_of(tests: Iterable[Test]) -> Test:
    """The test that all of some tests pass."""
    kept = [test for test in tests if test is not always]
    if never in kept:
        return never
    if len(kept) < 2:
        return kept[0] if kept else always
    if len(kept) == 2:
        first, second = kept
        return lambda value: first(value) and second(value)

    def holds(value: Any) -> bool:
        for test in kept:  # noqa: SIM110 - schemas nest, and this is a frame less
            if not test(value):
                return False
        return True

    return holds


def some_of(tests: Iterable[Test]) -> Test:
    """The test that some of the tests passes."""
    kept = [test for test in tests if test is not never]
    if always in kept:
        return always
    if len(kept) < 2:
        return kept[0] if kept else never
    if len(kept) == 2:
        first, second = kept
        return lambda value: first(value) or second(value)

    def holds(value: Any) -> bool:
        for test in kept:  # noqa: SIM110 - schemas nest, and this is a frame less
            if test(value):
                return True
        return False

    return holds


def one_of(tests: Sequence[Test]) -> Test:
    """The test that exactly one of some tests passes."""

    def holds(value: Any) -> bool:
        found = 0
        for test in tests:
            found += test(value)
        return found == 1

    return holds


def negation(test: Test) -> Test:
    """The test that a test does not pass."""
    if test is always:
        return never
    return always if test is never else lambda value: not test(value)


def each_item(test: Test, start: int = 0) -> Test:
    """Whether all elements of an array from `start` on pass."""

    def holds(value: Any) -> bool:
        for index in range(start, len(value)):  # noqa: SIM110 - schemas nest, and this is a frame less
            if not test(value[index]):
                return False
        return True

    return holds
