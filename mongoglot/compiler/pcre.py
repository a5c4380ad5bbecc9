"""Regular expressions as the server reads them (PCRE 8), written for PCRE2, which reads some of them otherwise.

A pattern is read once from left to right. What means the same in both is copied; what PCRE2 reads otherwise is
written so that it means what it means in PCRE 8; what only PCRE2 knows is refused, as the server refuses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.pcre_names import CATEGORIES, PREFIXES, SCRIPTS, SPECIALS, VERBS


class SyntaxRefused(Exception):  # noqa: N818 - it is about the pattern, not an error of ours
    """The server does not compile the pattern."""


class NotTranslated(Exception):  # noqa: N818 - as above
    """The server compiles the pattern, PCRE2 cannot be made to read it so."""


_GROUP: Final = re.compile(
    r"\((?:"
    r"(?P<comment>\?#[^)]*\))"
    r"|\?(?P<plain>[:|>])"
    r"|\?(?P<ahead>[=!])"
    r"|\?(?P<behind><[=!])"
    r"|\?(?:P?<(?P<name>[A-Za-z_][A-Za-z0-9_]*)>|'(?P<quoted>[A-Za-z_][A-Za-z0-9_]*)')"
    r"|\?(?P<recursion>(?:R|[+-]?[0-9]+|&\w+|P>\w+)\))"
    r"|\?(?P<reference>P=\w+\))"
    r"|\?\((?P<condition>(?:[+-]?[0-9]+|R[0-9]*|R&\w+|<\w+>|'\w+'|\w+)\))"
    r"|\?(?P<asserted>(?=\(\?<?[=!]))"
    r"|\?(?P<callout>C[0-9]*\))"
    r"|\?(?P<on>[imsxJU]*)(?P<off>-[imsxJU]*)?(?P<scope>[:)])"
    r")",
    re.A,
)
"""What may follow an opening parenthesis, but for verbs and for a capturing group."""

_VERB: Final = re.compile(r"\(\*([A-Z]*)(:[^)]*)?\)")
_PREFIX: Final = re.compile(r"\(\*([A-Z0-9_]+)(=[0-9]+)?\)")
_QUANTIFIER: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_POSIX: Final = re.compile(r"\[([:.=])(\^?[a-z<>]*)\1\]")
_WORD_EDGE: Final = re.compile(r"\[\[:[<>]:\]\]")
_NUMBER: Final = re.compile(r"[0-9]+")
_OCTAL: Final = re.compile(r"[0-7]{1,3}")
_PROPERTY: Final = re.compile(r"([A-Z])|\{(\^?)([A-Za-z_&]+)\}")
_HEX: Final = re.compile(r"\{[0-9A-Fa-f]+\}|(?!\{)[0-9A-Fa-f]{0,2}")
_BRACED_OCTAL: Final = re.compile(r"\{[0-7]+\}")
_BACKWARDS: Final = re.compile(r"[0-9]+|-[0-9]+|\{-?[0-9]+\}|\{\w+\}", re.A)
_SUBROUTINE: Final = re.compile(r"<[+-]?[0-9]+>|'[+-]?[0-9]+'|<\w+>|'\w+'", re.A)
_NAMED: Final = re.compile(r"\{\w+\}|<\w+>|'\w+'", re.A)

_KINDS: Final = frozenset("dDhHsSvVwW")
_ONE: Final = _KINDS | frozenset("aefnrt")
_NONE: Final = frozenset("AbBGzZ")
_WIDTHS: Final = {**dict.fromkeys(_ONE, 1), **dict.fromkeys(_NONE, 0), "R": None, "X": None}
"""Letter of an escape → how many characters it takes; None where that is not fixed."""

_WORD_PROPERTY: Final = {
    **dict.fromkeys((r"\p{Xwd}", r"\P{^Xwd}"), r"[\p{Xan}_]"),
    **dict.fromkeys((r"\P{Xwd}", r"\p{^Xwd}"), r"[^\p{Xan}_]"),
}
"""Perl's word characters, to which PCRE2 adds marks."""

_LONGEST_NAME: Final = 32


@final
@dataclass(slots=True)
class _Group:
    """A parenthesis that is open.

    Attributes:
        kind: `(`, or `behind`, `ahead`, `condition`.
        extended: whether spaces and comments were skipped outside of it.
        widths: of its finished alternatives, in characters; None where one is not fixed.
        width: of the alternative that is read.
        may_be_empty: whether that alternative can match nothing, as far as it is read.
        some_empty: whether a finished alternative can.
        start: of what the group holds.
        number: of a capturing group, the whole pattern is 0; else None.
    """

    kind: str
    extended: bool
    widths: list[int | None]
    start: int
    number: int | None = None
    width: int | None = 0
    may_be_empty: bool = True
    some_empty: bool = False


@final
class _Translation:
    """The state of one reading."""

    def __init__(self, pattern: str, options: str, alone: bool) -> None:
        self.pattern = pattern
        self.alone = alone
        self.position = 0
        self.out: list[str] = []
        self.groups = [_Group("", "x" in options, [], 0, 0)]
        self.extended = "x" in options
        self.captures = 0
        self.numbers: dict[str, int] = {}
        self.last: int | None = 0
        self.was_empty = True  # whether the alternative could match nothing in front of the last item
        self.width_before: int | None = 0
        self.after_verb = False
        self.calls: list[int] = []
        self.caseless = "i" in options or re.search(r"\(\?[a-zA-Z]*i", pattern) is not None

    def run(self) -> str:
        """The whole pattern."""
        while (found := _PREFIX.match(self.pattern, self.position)) and found[1] in PREFIXES:
            self.position = found.end()
            if found[1] != "UTF8":  # which is always on, and has another name
                self.out.append(found[0])
        while self.position < len(self.pattern):
            self.step()
        return "".join(self.out)

    def copy(self, end: int, width: int | None, *, empty: bool = False) -> None:
        """Take the text up to `end` as it is."""
        self.put(self.pattern[self.position : end], end, width, empty=empty)

    def put(self, text: str, end: int, width: int | None, *, empty: bool = False) -> None:
        """Write an item and go on at `end`.

        Args:
            text: of the item.
            end: where it ends in the pattern.
            width: how many characters it takes, None where that is not fixed.
            empty: whether one without a fixed width can take none.
        """
        self.out.append(text)
        self.position = end
        self.last = width
        self.after_verb = False
        group = self.groups[-1]
        self.width_before = group.width
        group.width = None if width is None or group.width is None else group.width + width
        self.was_empty = group.may_be_empty
        group.may_be_empty = group.may_be_empty and (width == 0 or empty)

    def step(self) -> None:
        """Read one item."""
        pattern, start = self.pattern, self.position
        match pattern[start]:
            case "\\":
                self.escape()
            case "[":
                self.character_class()
            case "(":
                self.open()
            case ")":
                self.close()
            case "|":
                self.alternative()
            case "*" | "+" | "?":
                self.quantifier(start + 1, None, at_least=int(pattern[start] == "+"))
            case "{":
                found = _QUANTIFIER.match(pattern, start)
                if found is None:
                    self.put("\\{", start + 1, 1)
                else:
                    fixed = found[2] is None or found[3] == found[1]
                    count = int(found[1])
                    self.quantifier(found.end(), count if fixed else None, at_least=count)
            case "^" | "$":
                self.copy(start + 1, 0)
            case "#" if self.extended:
                end = pattern.find("\n", start)
                self.position = len(pattern) if end < 0 else end
                self.out.append(pattern[start : self.position])
            case " " | "\t" | "\n" | "\v" | "\f" | "\r" if self.extended:
                self.out.append(pattern[start])
                self.position += 1
            case _:
                self.copy(start + 1, 1)

    def quantifier(self, end: int, count: int | None, at_least: int) -> None:
        """Repeat the last item: a fixed number of times, or as may be."""
        if self.after_verb:
            raise SyntaxRefused("nothing to repeat")
        if end < len(self.pattern) and self.pattern[end] in "?+":
            end += 1
        group = self.groups[-1]
        if count == 0 and self.last is None and any(group.kind == "behind" for group in self.groups):
            raise NotTranslated("a repetition of no times, in a lookbehind, of what has no fixed width")
        if count == 0:
            group.width = self.width_before
        elif group.width is not None and self.last != 0:
            if count is None or self.last is None:
                group.width = None
            else:
                group.width += (count - 1) * self.last
        if at_least == 0:
            group.may_be_empty = self.was_empty
        self.out.append(self.pattern[self.position : end])
        self.position = end
        self.last = 0

    def open(self) -> None:
        """Read what begins with a parenthesis."""
        pattern, start = self.pattern, self.position
        if pattern.startswith("(*", start):
            found = _VERB.match(pattern, start)
            if found is None or found[1] not in VERBS or (found[2] and not VERBS[found[1]]):
                raise SyntaxRefused("(*VERB) not recognized or malformed")
            self.copy(found.end(), 0)
            self.after_verb = True
            return
        if not pattern.startswith("(?", start):
            self.capture("(", start + 1)
            return
        found = _GROUP.match(pattern, start)
        if found is None:
            raise SyntaxRefused("unrecognized character after (? or (?-")
        kind, end = found.lastgroup, found.end()
        match kind:
            case "comment":
                self.out.append(found[0])
                self.position = end
            case "plain" | "ahead" | "behind":
                self.enter("(" if kind == "plain" else kind, found[0], end)
            case "name" | "quoted":
                if len(found[kind]) > _LONGEST_NAME:
                    raise SyntaxRefused(f"subpattern name is too long (maximum {_LONGEST_NAME} characters)")
                self.capture(found[0], end)
                self.numbers.setdefault(found[kind], self.captures)
            case "recursion":
                self.call(found[0], end)
            case "reference":
                self.copy(end, None, empty=True)
            case "condition" | "asserted":
                if any(group.kind == "behind" for group in self.groups):
                    raise NotTranslated("a condition in a lookbehind")
                self.enter("condition", found[0], end)
            case "callout":
                self.copy(end, 0)
            case _:
                self.set_options(found)

    def set_options(self, found: re.Match[str]) -> None:
        """`(?i)` and `(?i-m:`; twice `x` is once in PCRE 8."""
        on, off = found["on"], found["off"] or ""
        extended = "x" not in off and ("x" in on or self.extended)
        text = "(?" + "".join(dict.fromkeys(on)) + "".join(dict.fromkeys(off)) + found["scope"]
        if found["scope"] == ":":
            self.enter("(", text, found.end())
        else:
            self.out.append(text)
            self.position = found.end()
            self.last = 0
        self.extended = extended

    def enter(self, kind: str, text: str, end: int, number: int | None = None) -> None:
        """Begin a group."""
        self.groups.append(_Group(kind, self.extended, [], end, number))
        self.out.append(text)
        self.position = end
        self.last = 0
        self.after_verb = False

    def capture(self, text: str, end: int) -> None:
        """Begin a capturing group."""
        self.captures += 1
        self.enter("(", text, end, self.captures)

    def call(self, text: str, end: int) -> None:
        """Match a group again: atomic in PCRE 8 and not in PCRE2. It refuses what could go round for ever."""
        self.calls.append(self.position)
        target = self.called(text.strip("()?\\<>'g"))
        conditional = any(group.kind == "condition" for group in self.groups)
        for group in reversed(self.groups):
            if conditional or not group.may_be_empty:
                break
            if group.number is not None and group.number == target:
                raise SyntaxRefused("recursive call could loop indefinitely")
        self.put(f"(?>{text})", end, None, empty=True)

    def called(self, name: str) -> int | None:
        """The number of the group that a call names; None where it comes later."""
        name = name.removeprefix("&").removeprefix("P>")
        if name == "R":
            return 0
        if name[:1] == "-":
            return self.captures + 1 - int(name[1:])
        return int(name) if name.isdigit() else self.numbers.get(name)

    def alternative(self) -> None:
        """`|`."""
        group = self.groups[-1]
        group.widths.append(group.width)
        group.width = 0
        group.some_empty |= group.may_be_empty
        group.may_be_empty = True
        self.out.append("|")
        self.position += 1
        self.last = 0

    def close(self) -> None:
        """End a group."""
        if len(self.groups) == 1:
            raise SyntaxRefused("unmatched parentheses")
        group = self.groups.pop()
        widths = [*group.widths, group.width]
        self.extended = group.extended
        width: int | None = 0
        if group.kind == "behind":
            if None in widths and any(position >= group.start for position in self.calls):
                raise NotTranslated("a recursion in a lookbehind")
            if None in widths:
                raise SyntaxRefused("lookbehind assertion is not fixed length")
        elif group.kind != "ahead":
            width = widths[0] if len(set(widths)) == 1 else None
        self.copy(self.position + 1, width, empty=group.some_empty or group.may_be_empty)

    def escape(self) -> None:
        """Read an escape outside of classes."""
        pattern, start = self.pattern, self.position
        letter = pattern[start + 1 : start + 2]
        after = start + 2
        if letter.isdigit() and letter.isascii():
            self.number(letter)
        elif letter in _WIDTHS and letter:
            self.copy(after, _WIDTHS[letter])
        elif letter == "E":
            self.position = after
        elif letter == "Q":
            end = pattern.find("\\E", after)
            if end < 0 and not self.alone:
                raise SyntaxRefused("missing )")
            end = len(pattern) if end < 0 else end
            if end > after:
                self.put(f"{pattern[start:end]}\\E", end, end - after)
                self.last = 1
            self.position = end + 2
        elif letter == "K":
            if any(group.kind in ("behind", "ahead") for group in self.groups):
                raise NotTranslated("\\K in a lookaround")
            self.copy(after, 0)
        elif letter == "g" and (found := _SUBROUTINE.match(pattern, after)):
            self.call(f"\\g{found[0]}", found.end())
        elif letter in ("g", "k") and letter:
            found = (_BACKWARDS if letter == "g" else _NAMED).match(pattern, after)
            if found is None:
                raise SyntaxRefused(f"a reference has to follow \\{letter}")
            name = found[0] if not found[0].lstrip("-").isdigit() else f"{{{found[0]}}}"
            self.put(f"\\{letter}{name}", found.end(), None, empty=True)
        elif letter == "N":
            if pattern.startswith("{", after) and not _QUANTIFIER.match(pattern, after):
                raise SyntaxRefused("PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u")
            self.copy(after, 1)
        elif letter == "p" or letter == "P":
            text, end, cased = self.property_escape()
            text = _WORD_PROPERTY.get(text, text)
            self.put(f"(?-i:{text})" if cased else text, end, 1)
        else:
            self.put(*self.character(), 1)

    def number(self, letter: str) -> None:
        """A backreference, or a character in octal: in PCRE 8, \\8 is a digit where no group has the number."""
        start = self.position + 1
        found = _NUMBER.match(self.pattern, start)
        assert found is not None  # noqa: S101 - a digit stands there
        if letter != "0" and (int(found[0]) < 8 or int(found[0]) <= self.captures):
            self.put(f"\\g{{{int(found[0])}}}", found.end(), None, empty=True)
        elif letter in "89":
            self.put(letter, start + 1, 1)
        else:
            self.put(*self.octal(), 1)

    def octal(self) -> tuple[str, int]:
        """Up to three octal digits after the backslash."""
        found = _OCTAL.match(self.pattern, self.position + 1)
        assert found is not None  # noqa: S101 - a digit stands there
        return f"\\x{{{int(found[0], 8):x}}}", found.end()

    def character(self) -> tuple[str, int]:
        """An escape that stands for one character, in a class or outside: its text and where it ends."""
        pattern, after = self.pattern, self.position + 2
        letter = pattern[after - 1 : after]
        match letter:
            case "":
                raise SyntaxRefused("\\ at end of pattern")
            case "L" | "l" | "U" | "u":
                raise SyntaxRefused("PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u")
            case "C":
                raise NotTranslated("\\C")
            case "c":
                follower = pattern[after : after + 1]
                if not follower or not follower.isascii():
                    raise SyntaxRefused("\\c must be followed by an ASCII character")
                return f"\\x{{{ord(follower.upper()) ^ 64:x}}}", after + 1
            case "x" | "o":
                found = (_HEX if letter == "x" else _BRACED_OCTAL).match(pattern, after)
                if found is None:
                    raise SyntaxRefused(f"non-hex character in \\{letter}{{}} (closing brace missing?)")
                digits = found[0].strip("{}") or "0"
                return f"\\x{{{int(digits, 16 if letter == 'x' else 8):x}}}", found.end()
            case _ if letter.isascii() and letter.isalnum():  # a letter that is no escape stands for itself
                return letter, after
            case _:
                return "\\" + letter, after

    def property_escape(self) -> tuple[str, int, bool]:
        """`\\p{Greek}`: PCRE2 would take a script for its extensions; and where case is ignored, Lu for any case.

        Returns:
            its text, where it ends, and whether it is about case.
        """
        found = _PROPERTY.match(self.pattern, self.position + 2)
        if found is None:
            raise SyntaxRefused("malformed \\P or \\p sequence")
        name, negated = found[1] or found[3], found[2] or ""
        if name in SCRIPTS:
            name = f"sc:{name}"
        elif name not in CATEGORIES and name not in SPECIALS:
            raise SyntaxRefused("unknown property name after \\P or \\p")
        text = f"\\{self.pattern[self.position + 1]}{{{negated}{name}}}"
        return text, found.end(), name in ("Lu", "Ll", "Lt")

    def character_class(self) -> None:
        """Read `[…]`."""
        pattern = self.pattern
        if (found := _WORD_EDGE.match(pattern, self.position)) is not None:
            self.copy(found.end(), 0)
            return
        text, self.position = ["["], self.position + 1
        if pattern.startswith("^", self.position):
            text.append("^")
            self.position += 1
        while pattern.startswith("\\E", self.position):
            self.position += 2
        first, kind = True, False
        while first or not pattern.startswith("]", self.position):
            if self.position >= len(pattern):
                raise SyntaxRefused("missing terminating ] for character class")
            if kind and pattern[self.position] == "-":  # no range begins with a kind of characters
                self.position += 1
                text.append("\\-")
                kind = False
            else:
                member, kind = self.class_member()
                text.append(member)
            first = False
        self.put("".join(text) + "]", self.position + 1, 1)

    def class_member(self) -> tuple[str, bool]:
        """One member of a class, and whether it is a kind of characters rather than one."""
        pattern, start = self.pattern, self.position
        if (found := _POSIX.match(pattern, start)) is not None:
            if found[1] != ":":
                raise SyntaxRefused("POSIX collating elements are not supported")
            self.position = found.end()
            return found[0], True
        if pattern[start] != "\\":
            self.position += 1
            return ("\\[" if pattern[start] == "[" else pattern[start]), False
        letter = pattern[start + 1 : start + 2]
        match letter:
            case "Q":
                end = pattern.find("\\E", start + 2)
                if end < 0:
                    raise SyntaxRefused("missing terminating ] for character class")
                self.position = end + 2
                return pattern[start : end + 2], False
            case "E":
                self.position += 2
                return "", False
            case "N":
                raise SyntaxRefused("\\N is not supported in a class")
            case "p" | "P":
                text, self.position, cased = self.property_escape()
                text = _WORD_PROPERTY.get(text, text)
                if text.startswith("["):
                    if text.startswith("[^"):
                        raise NotTranslated("the complement of Xwd in a class")
                    text = text[1:-1]
                if self.caseless and cased:
                    raise NotTranslated(f"{text} in a class, where case is ignored,")
                return text, True
            case "b":
                text, self.position = "\\x{8}", start + 2
            case _ if letter and letter in _ONE:
                text, self.position = "\\" + letter, start + 2
            case _ if letter.isascii() and letter.isdigit() and letter not in "89":
                text, self.position = self.octal()
            case _:
                text, self.position = self.character()
        return text, letter in _KINDS and letter != ""


def translate(pattern: str, options: str, *, alone: bool = False) -> str:
    """A pattern of PCRE 8 for PCRE2.

    Args:
        pattern: as it stands in a filter.
        options: the letters beside it.
        alone: whether a quote may lack its end, since nothing is put behind the pattern.

    Raises:
        SyntaxRefused: the server does not compile it. Not all that is wrong is found here: PCRE2 finds the rest.
        NotTranslated: it has no equal in PCRE2.
    """
    return _Translation(pattern, options, alone).run()
