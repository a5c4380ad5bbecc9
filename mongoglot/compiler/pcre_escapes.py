"""Escapes and classes of characters in patterns of PCRE 8, written for PCRE2."""

from __future__ import annotations

import re
from typing import Final

from mongoglot.compiler.pcre_names import CATEGORIES, SCRIPTS, SPECIALS
from mongoglot.compiler.pcre_reader import QUANTIFIER, NotTranslated, PatternReader, SyntaxRefused

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


class EscapeReader(PatternReader):
    """Reads escapes and classes of characters."""

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
            if pattern.startswith("{", after) and not QUANTIFIER.match(pattern, after):
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
