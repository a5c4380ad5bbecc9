"""Shell patterns as regular expressions of the server's dialect."""

from __future__ import annotations

import fnmatch
import re


def to_pattern(glob: str) -> str:
    """The PCRE pattern that matches what `fnmatch.translate(glob)` matches."""
    translated = fnmatch.translate(glob)
    body = re.fullmatch(r"\(\?s:(.*)\)\\Z", translated, re.S)
    assert body is not None, translated  # noqa: S101 - the form of the standard library's answer
    return rf"^(?s:{body[1]})\z"  # the rest, atomic groups and empty sets included, PCRE reads alike
