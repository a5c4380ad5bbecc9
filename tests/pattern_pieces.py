"""Pieces of regular expressions, and strings to search them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

SUBJECTS = (
    "", "a", "b", "ab", "aab", "abab", "A", "B", "aB", "\n", "a\n", "a\nb", "b\n\n", "1", "a1", "8", "18",
    "\x01",
    "\x018", " ", "a b", "#", "a#b", "é", "É", "ß", "ss", "s", "ſ", "k", "\u212a", "σ", "ς", "µ", "μ", "i",
    "İ", "ı",
    "ε", "α", "Б", "б", "_", "-", "a-b", "]", "[", "{", "}", "a{,3}", "{1,2}", "aa", "aaa", "aaaa", "\\",
    ".", "$",
    "^", "\t", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u180e", "\0", "a\0b", "(", ")", "*", "Q",
    "E", "y",
    "z", "xyz", "abc", "cba", "bcd", "foobar", "barfoo", "\x08", "\x1b", "\x07", "\x88", "e\u0301", "ǅ", "ab12",
    "12", "123", "A1", "U", "u0041", "x41", "\x7f", "L", "g1", "N", "pL", "中", "あ", "ア", "가",
)  # fmt: skip
"""No character of them was added, or moved to another class, after Unicode 7, whose tables the server has."""

LITERALS = (
    "a",
    "b",
    "c",
    "A",
    "1",
    "8",
    "9",
    "-",
    " ",
    "#",
    "\n",
    "é",
    "ß",
    "ſ",
    "k",
    "i",
    "σ",
    ".",
    "^",
    "$",
)

GROUPS = (
    "|", "|", "(", ")", "(", ")", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?|", "(?i)", "(?-i)", "(?x)",
    "(?s)",
    "(?m)", "(?i:", "(?x-i:", "(?xx)", "(?J)", "(?#c)", "(?<n>", "(?P<n>", "(?'n'", "(?P=n)", "(?P>n)", "(?&n)",
    "(?R)", "(?1)", "(?2)", "(?-1)", "(?+1)", "(?0)", "(?(1)", "(?(n)", "(?(<n>)", "(?(R)", "(?(DEFINE)",
    "(?C)",
    "(?C1)", "(?^)", "(?n)", "(?aD)", "(?*", "(?<*", "(*ACCEPT)", "(*FAIL)", "(*F)", "(*COMMIT)", "(*PRUNE)",
    "(*SKIP)", "(*THEN)", "(*MARK:a)", "(*:a)", "(*PRUNE:a)", "(*ACCEPT:a)", "(*pla:", "(*atomic:", "(*sr:",
)  # fmt: skip

QUANTIFIERS = (
    "*", "+", "?", "*?", "++", "{2}", "{1,}", "{1,2}", "{,2}", "{0}", "{2,2}", "{ 1 }", "{1, 2}", "{", "}",
    "{a}",
)  # fmt: skip

CLASSES = (
    "[", "[^", ",]", "]", "[a-c]", "[^a]", r"[a-\d]", r"[\d-z]", r"[\w-]", "[]a]", "[^]a]", "[[:alpha:]]",
    "[[:^digit:]]", "[[:foo:]]", "[[.a.]]", "[[:<:]]", "[a[:digit:]-z]", r"[\b]", r"[\x41-\x43]", r"[\8]",
    r"[\1]",
    r"[\12]", r"[\Qa-c\E]", "[z-a]", "[a-]", r"[\y]", r"[\h]", r"[\p{Lu}]", r"[\P{L}]", r"[\p{Greek}]", r"[\B]",
    r"[\R]", r"[\N]", r"[\X]", r"[\A]", r"[\K]", r"[\g]", r"[\E]", r"[\ca]", r"[\-]", r"[a\]]", "[[a]",
    "[a b]", "[#]",
)  # fmt: skip

ESCAPES = (
    *(f"\\{letter}" for letter in "aAbBcCdDeEfFgGhHiIjkKlLmMnNoOpqrRsStuUvVwWxXyYzZ.-# é_\n"),
    *(f"\\{digits}" for digits in ("0", "01", "012", "1", "2", "7", "8", "9", "10", "11", "18", "88",
    "81", "377")),
    r"\400", r"\cA", r"\cé", r"\g1", r"\g{1}", r"\g{-1}", r"\g{+1}", r"\g<1>", r"\g'1'", r"\g<n>", r"\g{n}",
    r"\k<n>",
    r"\k{n}", r"\k'n'", r"\N{U+41}", r"\N{2}", r"\o{101}", r"\o{9}", r"\pL", r"\p{L}", r"\p{^Lu}", r"\p{Lu}",
    r"\P{Ll}",
    r"\p{L&}", r"\p{Any}", r"\p{Xan}", r"\p{Greek}", r"\p{greek}", r"\p{Cyrillic}", r"\p{Lx}", r"\p{ L}",
    r"\Qa.b\E",
    r"\Q\E", r"\Q", r"\x41", r"\x4", r"\x{41}", r"\x{ 41 }", r"\x{}", r"\x{g}", r"\x{110000}", r"\x{d800}",
)  # fmt: skip

PREFIXES = (
    "(*UCP)", "(*UTF8)", "(*UTF)", "(*UTF16)", "(*CRLF)", "(*ANYCRLF)", "(*CR)", "(*ANY)", "(*LF)", "(*NUL)",
    "(*FOO)",
    "(*BSR_ANYCRLF)", "(*NO_START_OPT)", "(*NO_AUTO_POSSESS)", "(*LIMIT_RECURSION=5)", "(*LIMIT_DEPTH=5)",
    "(*NO_JIT)",
)  # fmt: skip

PIECES = (*LITERALS, *GROUPS, *QUANTIFIERS, *CLASSES, *ESCAPES)

OPTIONS = ("", "", "", "", "i", "i", "m", "s", "x", "x", "ix", "ims")


def random_pattern(rng: random.Random) -> tuple[str, str]:
    """A pattern, which the server may refuse, and its options."""
    pieces = [rng.choice(PIECES) for _ in range(rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8)))]
    pattern = "".join(pieces)
    if rng.random() < 0.7:
        pattern += ")" * max(0, pattern.count("(") - pattern.count(")"))
    if rng.random() < 0.05:
        pattern = rng.choice(PREFIXES) + pattern
    return pattern, rng.choice(OPTIONS)
