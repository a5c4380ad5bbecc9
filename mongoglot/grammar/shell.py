"""Text to values: the Lark parser of `shell.lark`, its callbacks and its errors. Nothing is ever evaluated."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedToken

from mongoglot.errors import FilterError, joined
from mongoglot.grammar.extended_json import unwrapped
from mongoglot.grammar.javascript import is_identifier, number_text
from mongoglot.grammar.literals import MAX_FILTER_DEPTH
from mongoglot.grammar.shell_calls import CONSTRUCTORS, made
from mongoglot.grammar.shell_errors import CLOSING, OPENING, Misread, filter_error, misplaced, place_of
from mongoglot.grammar.shell_names import NAMES, USUAL_MISTAKES
from mongoglot.grammar.shell_values import (
    UnfitError,
    name_value,
    number_value,
    regex_value,
    sent_number,
    shortened,
    string_value,
)

MAX_BRACKETS: Final = 2 * MAX_FILTER_DEPTH + 50
"""How deep brackets may nest: deeper than a filter, as those of Extended JSON and of calls are no levels of it."""

T = TypeVar("T")


class Read(NamedTuple):
    """A value and where it stands.

    Attributes:
        value: in types of `bson`; dates are aware.
        offset: of its first character.
        parts: of a document or array, the parts by name or index, each with the offset that errors point at.
    """

    value: Any
    offset: int
    parts: dict[str, tuple[int, Read]] | list[tuple[int, Read]] | None = None


class _Brackets:
    """Stands between Lark's lexer and parser: what nests too deep is not worth reading on."""

    always_accept = ("OTHER",)  # keeps the terminal, though no rule has it

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The tokens, as long as they nest no deeper than allowed."""
        depth = 0
        for token in stream:
            if token.type in OPENING:
                depth += 1
                if depth > MAX_BRACKETS:
                    reason = (
                        f"brackets nest deeper than {MAX_BRACKETS} levels, and BSON than {MAX_FILTER_DEPTH}"
                    )
                    raise Misread(token.start_pos or 0, reason, code=15)
            elif token.type in CLOSING:
                depth -= 1
            yield token


def _at(token: Token, read: Callable[[str], T]) -> T:
    """What a token stands for, or an error at its place."""
    try:
        return read(str(token))
    except UnfitError as error:
        raise Misread((token.start_pos or 0) + error.offset, error.reason, error.hint) from None


class _BuildValues(Transformer[Token, Any]):
    """The reduce callbacks: from tokens to values, from the inside out."""

    def start(self, children: Sequence[Any]) -> Read:
        """The whole text."""
        return _read(children[0])

    def document(self, children: Sequence[Any]) -> Read:
        """`{a: 1, "b": 2}`, or Extended JSON."""
        offset = children[0].start_pos
        parts: dict[str, tuple[int, Read]] = {}
        is_plain = False
        for at, name, computed, read in children[1:-1]:
            if name in parts:
                hint = "write {$and: [{…}, {…}]} to have both; JavaScript would forget the first"
                raise Misread(at, f"the field {shortened(name)!r} stands here for the second time", hint)
            parts[name] = (at, read)
            is_plain = is_plain or computed
        fields = {name: read.value for name, (_, read) in parts.items()}
        if is_plain:
            return Read(fields, offset, parts)
        try:
            return Read(unwrapped(fields), offset, parts)
        except UnfitError as error:
            raise Misread(offset, error.reason, error.hint) from None

    def member(self, children: Sequence[Any]) -> tuple[int, str, bool, Read]:
        """`a: 1`, as its place, its name, whether that was computed, and its value."""
        (at, name, computed), value = children
        return at, name, computed, _read(value)

    def key(self, children: Sequence[Any]) -> tuple[int, str, bool]:
        """A field's name in any of its spellings."""
        token, computed = (children[1], True) if len(children) == 3 else (children[0], False)
        offset = children[0].start_pos
        match token.type:
            case "NAME" | "NEW":
                name = _identifier(token)
            case "NUMBER":
                number = _at(token, number_value)
                name = number_text(number) if isinstance(number, float) else str(number)
            case _:
                name = _at(token, string_value)
        if "\0" in name:
            raise Misread(offset, "BSON field names hold no NUL character")
        return offset, name, computed

    def array(self, children: Sequence[Any]) -> Read:
        """`[1, 2]`."""
        items = [_read(child) for child in children[1:-1]]
        return Read(
            [item.value for item in items], children[0].start_pos, [(item.offset, item) for item in items]
        )

    def signed(self, children: Sequence[Any]) -> Read:
        """`-1.5`, `-10n`, `+Infinity`."""
        sign, token = children
        if token.type == "NUMBER":
            value = _at(token, number_value)
        elif token in ("Infinity", "NaN"):
            value = cast("float", NAMES[token])
        else:
            raise Misread(sign.start_pos, f"'{sign}' calculates, and nothing is calculated here")
        if sign == "+" and isinstance(value, int):
            raise Misread(sign.start_pos, "JavaScript knows no '+' in front of a BigInt", "leave it out")
        negated = -value if sign == "-" and value == value else value
        return Read(_at(token, lambda _: sent_number(negated)), sign.start_pos)

    def call(self, children: Sequence[Any]) -> Read:
        """`true`, `MinKey`, `ISODate("…")`, `new Date(0)`, `Long.fromString("5")`."""
        names = [child for child in children if isinstance(child, Token)]
        arguments = children[-1] if isinstance(children[-1], list) else None
        is_new = names[0].type == "NEW"
        name = ".".join(_identifier(token) for token in names if token.type == "NAME")
        first = names[0].start_pos or 0
        try:
            if arguments is None and not is_new:
                return Read(NAMES[name], first)
            return Read(made(name, is_new, [read.value for read in arguments or ()]), first)
        except KeyError:
            raise _unknown(name, first, called=is_new or arguments is not None) from None
        except UnfitError as error:
            only_argument = arguments[0].offset if arguments and len(arguments) == 1 else first
            raise Misread(only_argument, error.reason, error.hint) from None

    def arguments(self, children: Sequence[Any]) -> list[Read]:
        """`("…", 5)`."""
        return [_read(child) for child in children[1:-1]]


_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "STRING": string_value,
    "TEMPLATE": string_value,
    "REGEX": regex_value,
    "NUMBER": lambda spelling: sent_number(number_value(spelling)),
}


def _read(child: Any) -> Read:
    """A value; strings, patterns and numbers come as tokens."""
    if isinstance(child, Token):
        return Read(_at(child, _SCALARS[child.type]), child.start_pos or 0)
    return cast("Read", child)


def _identifier(token: Token) -> str:
    name = _at(token, name_value)
    if not is_identifier(name):
        raise Misread(
            token.start_pos or 0, f"{shortened(name)!r} is no name of JavaScript", "write it in quotes"
        )
    return name


def _unknown(name: str, offset: int, *, called: bool) -> Misread:
    """A name that stands for nothing, with what was probably meant."""
    usage = CONSTRUCTORS[name].usage if name in CONSTRUCTORS else None
    hint = f"write {usage}" if usage else USUAL_MISTAKES.get(name.partition(".")[0])
    known: Iterable[str] = [*CONSTRUCTORS, "Date"] if called else [*NAMES, *CONSTRUCTORS]
    if hint is None:
        by_lower = {candidate.lower(): candidate for candidate in known}
        close = difflib.get_close_matches(name.lower()[:80], sorted(by_lower), n=1, cutoff=0.7)
        hint = f"did you mean {by_lower[close[0]]}?" if close else None
    if hint is None and not called:
        hint = f'write text in quotes: "{shortened(name)}"'
    if name == "undefined":
        return Misread(
            offset, "undefined is no value of a filter: some drivers send null for it, some nothing", hint
        )
    what = "constructor" if called else "value"
    return Misread(offset, f"there is no {what} {shortened(name)}", hint)


@cache
def _parser() -> Lark:
    """Lark's tables take a while to build, so they are made with the first text."""
    from importlib import resources

    grammar = resources.files("mongoglot.grammar").joinpath("shell.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, parser="lalr", lexer="basic", transformer=_BuildValues(), postlex=cast("Any", _Brackets())
    )


def _parsed(text: str) -> Read:
    try:
        return cast("Read", _parser().parse(text))
    except UnexpectedToken as error:
        before = error.interactive_parser.parser_state.value_stack
        raise misplaced(text, error.token, error.expected, before) from None


def read(text: str) -> Any:
    """The value that a text stands for.

    Raises:
        FilterError: (code 9, or 15 for too many brackets) with line, column and a hint.
    """
    try:
        return _parsed(text).value
    except Misread as misread:
        raise filter_error(text, misread) from None


def locate(text: str, error: FilterError) -> None:
    """Say in an error of the compiler where in the text its path leads."""
    try:
        error.place_in_text(*place_of(text, _offset(_parsed(text), error)))
    except Misread:  # it was another text
        return


def _offset(whole: Read, error: FilterError) -> int:
    """Where the longest beginning of an error's path leads; of too many levels, the first that is too deep."""
    offset, longest = whole.offset, -1
    pending: list[tuple[str, int, Read, int]] = [("", whole.offset, whole, 1)]
    while pending:
        path, at, part, depth = pending.pop()
        if error.code == 15 and depth > MAX_FILTER_DEPTH and part.parts is not None:
            return part.offset
        if error.code != 15 and not _leads_to(path, error.path):
            continue
        if error.code != 15 and len(path) > longest:
            offset, longest = at, len(path)
        if part.parts is not None:
            pending += [
                (joined(path, place) if path else place, where, below, depth + 1)
                for place, (where, below) in reversed(_named(part.parts))
            ]
    return offset


def _named(parts: dict[str, tuple[int, Read]] | list[tuple[int, Read]]) -> list[tuple[str, tuple[int, Read]]]:
    if isinstance(parts, dict):
        return list(parts.items())
    return [(f"[{index}]", part) for index, part in enumerate(parts)]


def _leads_to(path: str, wanted: str) -> bool:
    """Whether a path is a beginning of another one, whole components of it."""
    return wanted.startswith(path) and (not path or wanted[len(path) :][:1] in ("", ".", "["))


__all__ = ["locate", "read"]
