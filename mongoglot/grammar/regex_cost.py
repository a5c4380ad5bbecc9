"""What a pattern may cost, read off its text: an estimate for patterns of strangers, on the safe side.

A search backtracks without end where what repeats is repeated, `(a+)+`, or has alternatives, `(a|aa)+`, where
parts of many lengths stand side by side, `a?a?a?aaa`, and where one must be what another was. The scan knows
groups, classes, escapes and quantifiers, and where it might misread a pattern it says so.
"""

from __future__ import annotations

import re
from math import inf
from typing import Final

MAX_QUANTIFIERS: Final = 10
"""Parts of different lengths in one pattern: a search may try all their lengths with each other."""

_ITEM: Final = re.compile(
    r"""
    (?P<quoted> \\Q.*?(?:\\E|$) )
  | (?P<back> \\[1-9] | \\[gk] | \(\?P[=>] | \(\?[R&+-]?[0-9]+\) | \(\?R\) | \(\?& | \(\?\( | \(\*
      | \(\?C )
  | (?P<escape> \\c. | \\x\{[^}]*\} | \\[pP]\{[^}]*\} | \\. )
  | (?P<class> \[\^?\]?(?: \\. | \[:\^?[a-z]+:\] | [^]\\] )*\] )
  | (?P<remark> \(\?\#[^)]*\) )
  | (?P<open> \((?: \?(?: <?[=!] | [:|>] | P?<\w+> | '\w+' | [imsxJU-]*: ) )? )
  | (?P<flags> \(\?[imsxJU-]*\) )
  | (?P<close> \) )
  | (?P<repeat> (?: [*+?] | \{ (?P<least>[0-9]+) (?: (?P<comma>,) (?P<most>[0-9]*) )? \} ) [+?]? )
  | (?P<or> \| )
  | (?P<plain> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_EXTENDED: Final = re.compile(r"\(\?[imsJU]*x")


def objection(pattern: str, options: str = "") -> str | None:
    """Why the search for a pattern may take too long: the pattern does something; None where it does not.

    >>> objection("^a.*b$"), objection("(a+)+b"), objection(r"(a)\\1")
    (None, 'repeats what varies in length', 'refers back')
    """
    if "#" in pattern and ("x" in options or _EXTENDED.search(pattern)):
        return "has comments"  # they might hide parentheses
    varies = [False]  # whether the groups that are open have several lengths, or alternatives
    last = False  # whether the item does that a quantifier would repeat
    quantifiers = 0
    for found in _ITEM.finditer(pattern):
        match found.lastgroup:
            case "back":
                return "refers back"
            case "open":
                varies.append(False)
                last = False
            case "close":
                if len(varies) == 1:
                    return "has a parenthesis too many"
                last = varies.pop()
                varies[-1] |= last
            case "or":
                varies[-1] = True
                last = False
            case "repeat":
                least, most = _times(found)
                if last and most > 1:
                    return "repeats what varies in length"
                if least != most:
                    varies[-1] = last = True
                    quantifiers += 1
            case "remark" | "flags":
                pass
            case _:
                last = False
        if quantifiers > MAX_QUANTIFIERS:
            return f"varies in length in more than {MAX_QUANTIFIERS} places"
    return "leaves a parenthesis open" if len(varies) > 1 else None


def _times(quantifier: re.Match[str]) -> tuple[int, float]:
    """How often a quantifier repeats, at least and at most."""
    if quantifier["least"] is None:
        return (0, 1) if quantifier[0][0] == "?" else (0, inf)
    least = int(quantifier["least"])
    return least, int(quantifier["most"]) if quantifier["most"] else inf if quantifier["comma"] else least
