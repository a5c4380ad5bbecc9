"""Regular expressions as the server reads them (PCRE 8), written for PCRE2, which reads some of them otherwise.

A pattern is read once from left to right. What means the same in both is copied; what PCRE2 reads otherwise is
written so that it means what it means in PCRE 8; what only PCRE2 knows is refused, as the server refuses it.
"""

from __future__ import annotations

import re
from typing import Final, final

from mongoglot.compiler.pcre_escapes import EscapeReader
from mongoglot.compiler.pcre_names import PREFIXES, VERBS
from mongoglot.compiler.pcre_reader import QUANTIFIER, Group, NotTranslated, SyntaxRefused

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
_LONGEST_NAME: Final = 32


@final
class _Translation(EscapeReader):
    """Reads a whole pattern: groups, quantifiers, alternatives and options."""

    def run(self) -> str:
        """The whole pattern."""
        while (found := _PREFIX.match(self.pattern, self.position)) and found[1] in PREFIXES:
            self.position = found.end()
            if found[1] != "UTF8":  # which is always on, and has another name
                self.out.append(found[0])
        while self.position < len(self.pattern):
            self.step()
        return "".join(self.out)

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
                found = QUANTIFIER.match(pattern, start)
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
        self.groups.append(Group(kind, self.extended, [], end, number))
        self.out.append(text)
        self.position = end
        self.last = 0
        self.after_verb = False

    def capture(self, text: str, end: int) -> None:
        """Begin a capturing group."""
        self.captures += 1
        self.enter("(", text, end, self.captures)

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
