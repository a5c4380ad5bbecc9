"""Pieces of generated source, and what operators are called in it."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Sequence
from typing import Final

from mongoglot.engines.python.expressions.table import DELAYED, FUNCTIONS, STREAMS


def _name(operator: str) -> str:
    """What the function of an operator is called in the source."""
    name = operator.removeprefix("$").replace(" ", "_")
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


NAMES: Final = {name: _name(name) for name in (*FUNCTIONS, *STREAMS, *DELAYED)}
"""Operator → the name of its function in the source."""


def delayed(sources: Iterable[str]) -> str:
    """Arguments that are evaluated when they are called."""
    return ", ".join(f"lambda: {source}" for source in sources)


def inverse(test: str) -> str:
    """Whether a condition does not hold."""
    return f"not {wrapped(test)}"


def wrapped(source: str) -> str:
    """As an operand of another operator."""
    return source if source.isidentifier() else f"({source})"


def tuple_of(sources: Sequence[str]) -> str:
    """A tuple of some values."""
    return f"({', '.join(sources)}{',' if len(sources) == 1 else ''})"
