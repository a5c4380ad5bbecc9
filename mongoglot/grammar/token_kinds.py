"""The tokens of a filter: plain tuples `(kind, name, class)`."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Token: TypeAlias = tuple[Any, ...]
Shape: TypeAlias = tuple[Token, ...]

OPEN: Final = ("OPEN",)
CLOSE: Final = ("CLOSE",)
COMMENT: Final = ("COMMENT", "$comment")
NOT: Final = ("NOT", "$not")
REGEX: Final = ("REGEX", "$regex")

WITH_VALUE: Final = frozenset(
    "EQUALS COMPARE LIST LITERAL GLOB REGEX LIST_REGEX IMPLICIT_REGEX SAMPLE SERVER SCHEMA EXPR GEO".split()
)
"""The kinds of tokens that have a value."""
