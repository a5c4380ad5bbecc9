"""`$dateFromString`: texts as dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from mongoglot.errors import UnsupportedError

Operand: TypeAlias = Callable[[], Any]
"""Evaluates an operand."""


def parse_date_text(text: str) -> int:
    """The instant, in milliseconds, that a server reads from a text without a format.

    Raises:
        FilterError: 241, it is no date.
        UnsupportedError: only a server can tell.
    """
    raise UnsupportedError(f"the text {text!r:.60} can only be read as a date by a MongoDB server")


def from_string(date: Operand, timezone: Operand, layout: Operand, on_null: Operand, on_error: Operand) -> Any:
    """`$dateFromString`."""
    raise UnsupportedError("x")
