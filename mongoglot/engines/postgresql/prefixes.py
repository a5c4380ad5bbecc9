"""How the matches of a pattern begin: what a store can look for before the pattern itself is tried."""

from __future__ import annotations

import re
from typing import Final

from mongoglot.compiler.regex import Pattern
from mongoglot.engines.postgresql.encoding import escaped
from mongoglot.engines.sql.tags import ESCAPED, TAG

_ANCHORED: Final = re.compile(r"\^([A-Za-z0-9_ @/:;,=<>%&~'\"-]*)")

_WITH_ONE_READING: Final = frozenset("su")
"""Options under which letters stand for themselves, and `^` for the beginning of the text."""


def regex_prefix(pattern: Pattern) -> str:
    """What every stored string begins with in which the pattern is found: `/^ab+c/` → `ab`.

    It knows the plainest patterns only: anchored, with no alternatives. For all others it is empty.
    """
    found = _ANCHORED.match(pattern.text)
    if found is None or "|" in pattern.text or not _WITH_ONE_READING.issuperset(pattern.options):
        return ""
    prefix = found[1]
    if pattern.text[found.end() : found.end() + 1] in ("*", "?", "{"):  # the last character may be left out
        prefix = prefix[:-1]
    return prefix


def glob_prefix(pattern: str) -> str:
    """What every stored string begins with that a shell pattern matches: `job-*` → `job-`."""
    prefix = _head(pattern)
    return escaped(ESCAPED + prefix if prefix.startswith(TAG) else prefix)


def plain_glob_prefix(pattern: str) -> str:
    """The same of strings as they are, which in PostgreSQL have no NUL."""
    return _head(pattern).partition("\0")[0]


def _head(pattern: str) -> str:
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def text_after(prefix: str) -> str | None:
    """The least text, by code points, that is above all that begin so: `ab` → `ac`; None where there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are no characters
