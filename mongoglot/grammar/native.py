"""From the tokens back to a filter: what was written, in words that a MongoDB server knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

from bson import Regex

from mongoglot.compiler.ast import NEAR
from mongoglot.compiler.regex import Pattern
from mongoglot.grammar.token_kinds import CLOSE, WITH_VALUE, Shape, Token

Document: TypeAlias = dict[str, Any]

_NOTHING: Final = object()


def native_filter(shape: Shape, values: list[Any], pattern_of_glob: Callable[[str], str]) -> Document:
    """The filter for a server that has these tokens and values.

    It nests as what was compiled does, so that a server sees the order of the conditions and reads as deep. Only
    the task database's `$ge` beside `$gt`, two words for one, have to stand in documents of their own.

    Args:
        shape: of a filter without errors.
        values: its literals.
        pattern_of_glob: the regular expression for a shell pattern.
    """
    return _Reader(shape, values, pattern_of_glob).filter()


@final
class _Reader:
    """One walk along the tokens."""

    def __init__(self, shape: Shape, values: list[Any], pattern_of_glob: Callable[[str], str]) -> None:
        self._tokens = iter(shape)
        self._values = iter(values)
        self._pattern_of_glob = pattern_of_glob

    def next(self) -> tuple[Token, Any]:
        """The next token, and its value where it has one."""
        token = next(self._tokens)
        return token, next(self._values) if token[0] in WITH_VALUE else _NOTHING

    def filter(self) -> Document:
        """A filter, from its OPEN to its CLOSE."""
        self.next()
        return self.clauses()

    def clauses(self) -> Document:
        """What stands in a filter, to its CLOSE."""
        result: Document = {}
        beside: list[Document] = []
        while True:
            token, value = self.next()
            match token[0]:
                case "CLOSE":
                    break
                case "EQUALS":
                    result[token[1]] = value
                case "IMPLICIT_REGEX":
                    result[token[1]] = _regex(value)
                case "FIELD":
                    result[token[1]], *more = self.operators()
                    beside += [{token[1]: document} for document in more]
                case "LOGICAL":
                    result[token[1]] = self.filters()
                case "CONSTANT":
                    result[token[1]] = 1
                case "SAMPLE" | "SERVER":
                    result[token[1]] = value
                case "EXPR" | "SCHEMA":
                    result[token[1]] = value.written
                case "COMMENT":
                    pass
                case kind:
                    raise AssertionError(kind)
        if beside:
            result["$and"] = [*result.get("$and", []), *beside]
        return result

    def filters(self) -> list[Document]:
        """The filters under `$and` and its kin, to the CLOSE behind them."""
        found = []
        while self.next()[0] != CLOSE:
            found.append(self.clauses())
        return found

    def operators(self) -> list[Document]:
        """A document of operators, to its CLOSE; more than one where a word is there twice."""
        result: list[Document] = [{}]
        while True:
            token, value = self.next()
            if token == CLOSE:
                return result
            found = self.operator(token, value)
            room = next((document for document in result if not document.keys() & found.keys()), None)
            if room is None:
                result.append(found)
            else:
                room.update(found)

    def operator(self, token: Token, value: Any) -> Document:
        """One operator with its operand."""
        match token:
            case ("COMPARE", name, _) | ("LIST", name, _):
                return {name: value}
            case ("LIST_REGEX", name, _):
                return {name: [*value, *self.members()]}
            case ("EXISTS", name, truth, *_):
                return {name: truth}
            case ("TYPE", name, types):
                return {name: sorted(types)}
            case ("MOD", name, divisor, remainder):
                return {name: [divisor, remainder]}
            case ("SIZE", name, length):
                return {name: length}
            case ("BITS", name, positions):
                return {name: list(positions)}
            case ("REGEX", name):
                return {name: value.text, **({"$options": value.options} if value.options else {})}
            case ("GLOB", *_):
                return {"$regex": self._pattern_of_glob(value)}
            case ("GEO", name, _):
                return dict(value) if name in NEAR else {name: value}
            case ("NOT", name):
                return {name: _joined(self.operators())}
            case ("ALL", name):
                return {name: self.members()}
            case ("MATCH", name):
                return {name: self.filter()}
            case ("MATCH_VALUE", name):
                return {name: _joined(self.operators())}
            case _:
                raise AssertionError(token)

    def members(self) -> list[Any]:
        """The members of `$all`, or the regexes of a list, to the CLOSE behind them."""
        found: list[Any] = []
        while True:
            token, value = self.next()
            match token[0]:
                case "CLOSE":
                    return found
                case "LITERAL":
                    found.append(value)
                case "REGEX":
                    found.append(_regex(value))
                case _:
                    found.append(self.operator(token, value))


def _regex(pattern: Pattern) -> Regex[str]:
    return Regex(pattern.text, pattern.options)


def _joined(documents: list[Document]) -> Document:
    """Documents of operators as one: `{$gt: 1}` and `{$gt: 2}` → `{$gt: 1, $not: {$not: {$gt: 2}}}`."""
    first, *rest = documents
    if not rest:
        return first
    if "$not" in first:  # no other has one
        rest[0]["$not"] = first.pop("$not")
    return {**first, "$not": {"$not": _joined(rest)}}
