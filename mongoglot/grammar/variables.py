"""The variables of expressions: which names they may have, and where they stand."""

from __future__ import annotations

from typing import TypeAlias

from mongoglot.errors import FilterError

Scope: TypeAlias = dict[str, int | None]
"""Variable → its place; None for `$$REMOVE`."""


def check_variable_name(name: str, *, own: bool = False) -> None:
    """Whether a variable may have this name.

    Args:
        name: without `$$`.
        own: whether it is one that the expression defines: those begin with a small letter.
    """
    if not name:
        raise FilterError(9, "empty variable names are not allowed")
    first = name[0]
    if first.isascii() and not (("a" <= first <= "z") or (not own and "A" <= first <= "Z")):
        raise FilterError(9, f"'{name}' starts with an invalid character for a user variable name")
    for character in name:
        if character.isascii() and not (character.isalnum() or character == "_"):
            reason = f"'{name}' contains an invalid character for a variable name: '{character}'"
            raise FilterError(9, reason)
