"""What is wrong with a text, and where: from Lark's error and from paths to lines, columns and hints."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final, NamedTuple

from lark import Token

from mongoglot.errors import FilterError
from mongoglot.grammar.habits import SHELL_QUOTES
from mongoglot.grammar.shell_habits import calculation_hint, sign_at, sign_hint, unquoted, whole_text
from mongoglot.grammar.shell_names import USUAL_MISTAKES
from mongoglot.grammar.shell_values import shortened

OPENING: Final = {"LBRACE": "{", "LBRACKET": "[", "LPAREN": "("}
CLOSING: Final = {"RBRACE": "}", "RBRACKET": "]", "RPAREN": ")"}
_CLOSED_BY: Final = {"{": "}", "[": "]", "(": ")"}

_LINE_BREAK: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
_WIDTH: Final = 100
"""How much of a line is shown, at most, in code points."""

_QUOTES: Final = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u00b4\u2032\u2033")
_CALCULATING: Final = frozenset("+-*/%&|^~!<>=?")


class Misread(Exception):  # noqa: N818 - it never leaves the reader
    """A place in a text that cannot be read.

    Attributes:
        offset: of the place, in code points.
        code: of the server's error that is nearest.
    """

    def __init__(self, offset: int, reason: str, hint: str | None = None, code: int = 9) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.hint = hint
        self.code = code


class _Place(NamedTuple):
    line: int
    column: int
    excerpt: str


def place_of(text: str, offset: int) -> _Place:
    """Line and column of an offset, both from 1, and the line with a caret below; a long line is cut."""
    line, start = 1, 0
    for found in _LINE_BREAK.finditer(text, 0, offset):
        line, start = line + 1, found.end()
    following = _LINE_BREAK.search(text, offset)
    end = following.start() if following else len(text)
    column = offset - start
    low = max(start, min(offset - _WIDTH // 2, end - _WIDTH))
    high = min(end, low + _WIDTH)
    left, right = "…" if low > start else "", "…" if high < end else ""
    shown = "".join(character if character.isprintable() else " " for character in text[low:high])
    caret = " " * (len(left) + offset - low)
    return _Place(line, column + 1, f"  {left}{shown}{right}\n  {caret}^")


def filter_error(text: str, misread: Misread) -> FilterError:
    """The error that a user sees; of a text that is no filter at all it says that first."""
    if (other := whole_text(text)) is not None:
        misread = Misread(len(text) - len(text.lstrip()), *other)
    error = FilterError(misread.code, misread.reason, hint=misread.hint)
    error.place_in_text(*place_of(text, misread.offset))
    return error


def misplaced(text: str, met: Token, expected: Set[str], before: Sequence[object]) -> Misread:
    """What is wrong with a token that the grammar does not expect where it stands.

    Args:
        text: all of it.
        met: the token, of the kind `$END` where the text ends too early.
        expected: the kinds of tokens that may stand there.
        before: what was read and not yet reduced, unclosed brackets among it.
    """
    opened = _unclosed(before)
    if met.type == "$END":
        return _ended(text, opened)
    offset = met.start_pos or 0
    if met.type == "OTHER":
        broken = _unfinished(text, met, offset)
        if broken is not None:
            return broken
    if met.type in CLOSING and (not opened or _CLOSED_BY[OPENING[opened[-1].type]] != met):
        if not opened:
            return Misread(offset, f"'{met}' closes nothing")
        inner = opened[-1]
        hint = f"write '{_CLOSED_BY[OPENING[inner.type]]}' in front of it"
        return Misread(offset, f"'{met}' does not close '{inner}', opened at {_position(text, inner)}", hint)
    if "function" in before:
        at = before[before.index("function")]
        return Misread(getattr(at, "start_pos", offset), "a function is no value", USUAL_MISTAKES["function"])
    if "_COLON" in expected:
        return _after_key(text, offset, met)
    if "$END" in expected and not opened:
        return _after_all(text, offset, met, before)
    if "_COMMA" in expected:
        return _after_value(text, offset, met, opened)
    if "SIGN" in expected:
        return _instead_of_value(text, offset, met, opened)
    if "RBRACE" in expected or "NEW" in expected:
        return _instead_of_key(text, offset, met)
    if before and isinstance(before[-1], Token) and before[-1].type == "SIGN":
        return Misread(offset, f"'{before[-1]}' stands in front of a number, not of {_shown(met)}")
    return Misread(offset, f"{_shown(met)} does not belong here")


def _unclosed(before: Sequence[object]) -> list[Token]:
    """The brackets that are open; one that is closed may wait to be reduced."""
    opened: list[Token] = []
    for item in before:
        if isinstance(item, Token) and item.type in OPENING:
            opened.append(item)
        elif isinstance(item, Token) and item.type in CLOSING:
            opened.pop()
    return opened


def _position(text: str, met: Token) -> str:
    place = place_of(text, met.start_pos or 0)
    return f"line {place.line}, column {place.column}"


def _ended(text: str, opened: Sequence[Token]) -> Misread:
    offset = len(text.rstrip())
    if not opened:
        hint = "a filter is a document: {field: value}"
        reason = "the text ends where a value has to stand" if offset else "the text is empty"
        return Misread(offset, reason, hint)
    inner = opened[-1]
    closing = _CLOSED_BY[OPENING[inner.type]]
    reason = f"the text ends, but '{inner}' at {_position(text, inner)} is not closed"
    return Misread(offset, reason, f"write '{closing}'")


def _unfinished(text: str, met: Token, offset: int) -> Misread | None:
    """What begins like a string, a comment or a pattern, and does not end; and quotes that are none."""
    if met in ('"', "'"):
        return Misread(
            offset, f"the string is not closed on its line: there is no second {met}", "close the quote"
        )
    if met == "`":
        if "${" in text[offset:]:
            return Misread(
                offset, "a template with ${…} has to be evaluated, and nothing is", "write the value as it is"
            )
        return Misread(offset, "the template is not closed: there is no second `", "close the quote")
    if met == "/":
        if text.startswith("/*", offset):
            return Misread(offset, "the comment is not closed", "write '*/' behind it")
        return Misread(offset, "the regular expression is not closed on its line", "write /pattern/i")
    if met in _QUOTES:
        return Misread(offset, f"{met} is no quote of JavaScript", "write \" or '")
    if met == "\\":
        return Misread(offset, "a backslash stands only in strings and patterns")
    return None


def _is_calculation(met: Token) -> bool:
    return met.type in ("SIGN", "LPAREN", "_DOT") or met in _CALCULATING


def _shown(met: Token) -> str:
    return shortened(str(met)) if met.isprintable() else ascii(str(met))[1:-1]


def _after_key(text: str, offset: int, met: Token) -> Misread:
    if met == "=":
        return Misread(offset, "'=' stands where ':' has to", "write {field: value}")
    if met.type in ("_COMMA", "RBRACE"):
        return Misread(offset, "the field has no value", "write {field: value}; a list stands in [ ]")
    if met.type == "LPAREN":
        return Misread(offset, "a function is no value", "write {field: value}")
    if (sign := sign_at(text, offset)) is not None:
        return Misread(offset, f"'{sign}' is no operator here", sign_hint(text, offset))
    if met.type == "_DOT" or met == "-":
        hint = "a name with a dot or a hyphen stands in quotes: {'home.city': value}"
        return Misread(offset, f"':' is missing in front of {_shown(met)}", hint)
    return Misread(offset, f"':' is missing in front of {_shown(met)}", "write {field: value}")


def _after_value(text: str, offset: int, met: Token, opened: Sequence[Token]) -> Misread:
    if _is_calculation(met):
        return Misread(
            offset,
            f"'{met}' calculates, and nothing is calculated here",
            calculation_hint(text, offset),
        )
    if met.type == "_COLON":
        hint = "a document stands in { }" if opened and opened[-1].type == "LBRACKET" else None
        return Misread(offset, "':' stands where ',' has to", hint)
    if met == ";":
        return Misread(offset, "';' stands where ',' has to")
    between = text[offset - 1 : offset]
    if met.type in ("NAME", "NEW", "NUMBER") and between in ('"', "'"):
        return Misread(
            offset,
            f"',' is missing in front of {_shown(met)}",
            f"is it a quote in the text? Write \\{between}",
        )
    if met == "#":
        return Misread(offset, f"',' is missing in front of {_shown(met)}", "a comment begins with //")
    return Misread(offset, f"',' is missing in front of {_shown(met)}", _missing_comma(text, offset, met))


def _missing_comma(text: str, offset: int, met: Token) -> str | None:
    """What was probably meant where a value follows a value."""
    if met.type == "NAME":
        return unquoted(text, offset)
    if met.type == "STRING" and text[offset - 1 : offset].isalpha():
        return "a string has no letter in front of its quote"
    return None


def _after_all(text: str, offset: int, met: Token, before: Sequence[object]) -> Misread:
    if met.type == "_DOT" and "db" in before:
        return Misread(offset, "calls are not run", USUAL_MISTAKES["db"])
    if met == ";" or met.type == "_COMMA":
        return Misread(offset, f"the text goes on after its value, with '{met}'", f"leave the '{met}' out")
    if _is_calculation(met):
        return Misread(
            offset,
            f"'{met}' calculates, and nothing is calculated here",
            calculation_hint(text, offset),
        )
    return Misread(
        offset, f"the text goes on after its value, with {_shown(met)}", "write one document, in { }"
    )


def _instead_of_value(text: str, offset: int, met: Token, opened: Sequence[Token]) -> Misread:
    if met.type == "_COMMA" and opened and opened[-1].type == "LBRACKET":
        return Misread(offset, "an element is missing in front of ','", "write null")
    if met.type in ("_COMMA", "_COLON") or met.type in CLOSING:
        return Misread(offset, f"a value is missing in front of '{met}'")
    if text.startswith("...", offset):
        return Misread(offset, "'...' spreads a variable, and there are none", "write the values themselves")
    if met.type == "LPAREN":
        hint = "write the value without parentheses; a list stands in [ ]"
        return Misread(offset, "'(' begins no value", hint)
    if met in _CALCULATING:
        return Misread(
            offset,
            f"'{met}' calculates, and nothing is calculated here",
            calculation_hint(text, offset),
        )
    comment = "a comment begins with //" if met == "#" else None
    return Misread(offset, f"{_shown(met)} begins no value", comment)


def _second_brace(text: str, offset: int) -> str:
    """What is written instead of a document that stands where a field has to."""
    if text[:offset].rstrip().endswith(","):
        return "several documents stand in an array: {$or: [{…}, {…}]}"
    return "one pair of braces is enough: {field: value}"


def _instead_of_key(text: str, offset: int, met: Token) -> Misread:
    if met.type == "_COMMA":
        return Misread(offset, "a field is missing in front of ','", "leave the ',' out")
    if text.startswith("...", offset):
        return Misread(offset, "'...' spreads a variable, and there are none", "write the fields themselves")
    if met.type == "_COLON":
        hint = f'{SHELL_QUOTES}; the empty name is written ""'
        return Misread(offset, "a name is missing in front of ':'", hint)
    if met.type == "LBRACE":
        hint = _second_brace(text, offset)
        return Misread(offset, "a document begins where the name of a field has to stand", hint)
    return Misread(offset, f"{_shown(met)} is no name of a field", "write the name in quotes")
