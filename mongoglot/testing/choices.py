"""The choices that random values are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence


T = TypeVar("T")


class Choices(Protocol):
    """A source of choices."""

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...

    def count(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        ...


@final
class RandomChoices:
    """Choices of a pseudo-random generator."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self._rng.choice(options)

    def count(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return self._rng.randint(low, high)


def chance(choices: Choices, percent: int) -> bool:
    """True in so many percent of the cases."""
    return choices.count(0, 99) >= 100 - percent
