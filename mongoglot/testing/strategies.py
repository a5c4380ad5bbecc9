"""The shared alphabet as hypothesis strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

from hypothesis import strategies as st

from mongoglot.testing import document_values, generate
from mongoglot.testing.alphabet import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

T = TypeVar("T")


@final
class DrawnChoices:
    """Choices that hypothesis makes, and shrinks towards the first option and the lowest number."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self._draw(st.sampled_from(options))

    def count(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return self._draw(st.integers(low, high))


@st.composite
def values(draw: st.DrawFn, depth: int = document_values.MAX_DEPTH) -> Any:
    """Any BSON value that the driver can send, arrays and objects nested up to `depth`."""
    return document_values.value(DrawnChoices(draw), depth)


@st.composite
def documents(draw: st.DrawFn, min_size: int = 1, max_size: int = 6) -> list[document_values.Document]:
    """Documents with distinct `_id`s, as one inserts them into a collection."""
    choices = DrawnChoices(draw)
    return document_values.documents(choices, choices.count(min_size, max_size))


@st.composite
def filters(
    draw: st.DrawFn,
    *,
    operators: AbstractSet[str] = LANGUAGE,
    near: Sequence[document_values.Document] = (),
) -> document_values.Document:
    """Valid filters; some of their paths and operands are taken from the documents `near`."""
    return generate.filter_document(DrawnChoices(draw), operators, near)


@st.composite
def queries(
    draw: st.DrawFn, *, operators: AbstractSet[str] = LANGUAGE
) -> tuple[list[document_values.Document], document_values.Document]:
    """Documents and a filter that asks for something near them."""
    inserted = draw(documents())
    return inserted, draw(filters(operators=operators, near=inserted))
