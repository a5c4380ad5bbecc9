"""The state of one reading of a pattern, and the errors that end it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

QUANTIFIER: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")


class SyntaxRefused(Exception):  # noqa: N818 - it is about the pattern, not an error of ours
    """The server does not compile the pattern."""


class NotTranslated(Exception):  # noqa: N818 - as above
    """The server compiles the pattern, PCRE2 cannot be made to read it so."""


@final
@dataclass(slots=True)
class Group:
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


class PatternReader:
    """The state of one reading of a pattern: what was read, what was written, which groups are open."""

    def __init__(self, pattern: str, options: str, alone: bool) -> None:
        self.pattern = pattern
        self.alone = alone
        self.position = 0
        self.out: list[str] = []
        self.groups = [Group("", "x" in options, [], 0, 0)]
        self.extended = "x" in options
        self.captures = 0
        self.numbers: dict[str, int] = {}
        self.last: int | None = 0
        self.was_empty = True  # whether the alternative could match nothing in front of the last item
        self.width_before: int | None = 0
        self.after_verb = False
        self.calls: list[int] = []
        self.caseless = "i" in options or re.search(r"\(\?[a-zA-Z]*i", pattern) is not None

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
