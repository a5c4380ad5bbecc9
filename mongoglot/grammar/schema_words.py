"""What is read of a `$jsonSchema`: its words, children first, and its operands."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from mongoglot.compiler.schema_ast import Part, Word
from mongoglot.errors import FilterError, joined

Document: TypeAlias = dict[str, Any]

Steps: TypeAlias = Generator[tuple[Document, bool], None, None]
"""A walk that stops at each schema below, with whether that one is about the document as a whole."""


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put a place in front of the path of an error: paths are built on the way out."""
    try:
        yield
    except FilterError as error:
        error.path = joined(place, error.path)
        raise


class SchemaWriter:
    """Takes down what is read of one schema.

    Attributes:
        words: what was read, children first.
        literals: the operands.
    """

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.literals: list[Any] = []
        self.height = 0  # how many nodes have no parent yet

    def emit(self, kind: type[Part], *arguments: Any, since: int | None = None) -> None:
        """Write a node; its children are the nodes since a height."""
        count = 0 if since is None else self.height - since
        self.words.append((kind, arguments, count))
        self.height += 1 - count

    def literal(self, value: Any) -> int:
        """Take an operand; its index."""
        self.literals.append(value)
        return len(self.literals) - 1

    def forgetting(self, steps: Steps) -> Steps:
        """A walk that checks and leaves nothing."""
        words, literals, height = len(self.words), len(self.literals), self.height
        yield from steps
        del self.words[words:], self.literals[literals:]
        self.height = height
