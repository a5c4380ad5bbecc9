"""Shell patterns as regular expressions of the server's dialect."""

from __future__ import annotations

import fnmatch
import re
import secrets


def to_pattern(glob: str) -> str:
    """The PCRE pattern that matches what `fnmatch.translate(glob)` matches.

    A server's `$regex` also finds a stored regex of the same pattern. `$glob` finds strings only, so the pattern
    has a comment that no stored one has.
    """
    translated = fnmatch.translate(glob)
    body = re.fullmatch(r"\(\?s:(.*)\)\\Z", translated, re.S)
    assert body is not None, translated  # noqa: S101 - the form of the standard library's answer
    # the rest, atomic groups and empty sets included, PCRE reads as Python does
    return rf"(?#{secrets.token_hex(8)})^(?s:{body[1]})\z"
