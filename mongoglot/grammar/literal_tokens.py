"""The literals of a filter, as tokens and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mongoglot.compiler.regex import Pattern
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, ValueClass, is_array, value_class
from mongoglot.errors import FilterError
from mongoglot.grammar import regexes
from mongoglot.grammar.literals import (
    MAX_FILTER_DEPTH,
    is_operator_document,
    literal,
    too_deep,
    under,
)
from mongoglot.grammar.token_kinds import CLOSE, REGEX, Token

_PLAIN: Final[dict[type, ValueClass]] = {bool: "bool", type(None): "null"}


def plain_class(value: Any) -> ValueClass | None:
    """The class of a value that is kept as it is written, and needs no look inside; None for all others."""
    kind = value.__class__
    if kind is int:
        return "int" if INT32_MIN <= value <= INT32_MAX else None
    if kind is str:
        return "string" if value.isascii() else None
    return _PLAIN.get(kind)


_INTS: Final[frozenset[ValueClass]] = frozenset({"int"})
_STRINGS: Final[frozenset[ValueClass]] = frozenset({"string"})


def _plain_members(items: Sequence[Any]) -> frozenset[ValueClass] | None:
    """The classes of the members of a list, all ints or all strings, of which `plain_class` tells the class."""
    types = set(map(type, items))
    if types == {str}:
        return _STRINGS if "".join(items).isascii() else None
    if types == {int}:
        return _INTS if min(items) >= INT32_MIN and max(items) <= INT32_MAX else None
    return None


class LiteralReader:
    """Takes the literals of one filter.

    Attributes:
        tokens: what was read so far; after an error, up to and including the token that is wrong.
        values: the literals, in the order of their tokens, each an independent copy.
    """

    __slots__ = ("tokens", "values")

    tokens: list[Token]
    values: list[Any]

    def read_literal(self, value: Any, depth: int) -> ValueClass:
        """Take a literal; its class."""
        kind = plain_class(value)
        if kind is None:
            value = literal(value, depth)
            kind = value_class(value)
        self.values.append(value)
        return kind

    def check(self, value: Any, depth: int) -> None:
        """Check a value that is not kept."""
        literal(value, depth)

    def read_list(self, name: str, operand: Any, depth: int) -> None:
        """Read the list of `$in` or `$nin`: its literals are one value, its regexes a value each."""
        if not is_array(operand):
            hint = f"write {{{name}: [value, …]}}"
            raise FilterError(2, f"{name} needs an array", hint=hint)
        if depth + 1 >= MAX_FILTER_DEPTH and operand:
            raise too_deep()
        plain = _plain_members(operand)
        if plain is not None:
            self.values.append(list(operand))
            self.tokens.append(("LIST", name, plain))
            return
        members: list[Any] = []
        kinds: set[ValueClass] = set()
        patterns: list[Pattern] = []
        for index, item in enumerate(operand):
            kind = plain_class(item)
            if kind is None:
                if is_operator_document(item):
                    hint = "a list holds values; write {$or: [{field: {…}}, {field: {…}}]}"
                    raise FilterError(2, f"cannot nest $ under {name}", path=f"[{index}]", hint=hint)
                try:
                    item = literal(item, depth + 1)
                    kind = value_class(item)
                    if kind == "regex":
                        patterns.append(regexes.pattern_of(item))
                        continue
                except FilterError as error:
                    raise under(f"[{index}]", error) from None
            members.append(item)
            kinds.add(kind)
        self.values += [members, *patterns]
        if patterns:
            self.tokens += [("LIST_REGEX", name, frozenset(kinds)), *[REGEX] * len(patterns), CLOSE]
        else:
            self.tokens.append(("LIST", name, frozenset(kinds)))
