"""The variables of expressions: which names they may have, and where they stand."""

from __future__ import annotations

from typing import Final, TypeAlias

from mongoglot.compiler.expression_ast import ROOT, Now, Removed
from mongoglot.errors import FilterError

Scope: TypeAlias = dict[str, int | Removed | Now]
"""Variable → its place, or what stands for its value."""

TOP: Final[Scope] = {"ROOT": ROOT, "CURRENT": ROOT, "REMOVE": Removed(), "NOW": Now()}
"""The variables of the server that this version compiles."""

LATER_VARIABLES: Final = frozenset({"CLUSTER_TIME", "JS_SCOPE", "IS_MR", "SEARCH_META"})
"""Those that it refuses by name: they depend on the server that is asked, or on what runs on it."""


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
