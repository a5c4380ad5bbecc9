"""Texts that look like something else: a date, a number, a constant, a regular expression, an ObjectId."""

from __future__ import annotations

import re
from typing import Final

_TIME: Final = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_DATE: Final = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{_TIME})?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_CONSTANTS: Final = frozenset({"true", "false", "null", "True", "False", "None"})
_PATTERN: Final = re.compile(r"/.+/[imsx]*", re.DOTALL)
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")

_LIKE: Final = "LIKE 'x%' is {$regex: '^x'} here, and LIKE '%x%' is {$regex: 'x'}"


def of_pattern(text: str) -> tuple[str, str] | None:
    """What a pattern of a `$regex` means, and what was probably meant; None where it means what it says."""
    if _PATTERN.fullmatch(text):
        return "the slashes are part of the pattern", "write it without them, {$regex: 'abc'}"
    if text.startswith("%") or text.endswith("%"):
        return "% stands for itself in a pattern", _LIKE
    return None


def of_text(text: str, *, in_order: bool, is_id: bool) -> tuple[str, str] | None:
    """What a text means that something is compared with, and what was probably meant.

    Args:
        text: the text.
        in_order: whether it is a bound, as in `{$gt: "5"}`, and not asked for as it is.
        is_id: whether the field is an `_id`.
    """
    if _DATE.fullmatch(text):
        remedy = f'a date is ISODate("{text[:10]}") in text, and a datetime in Python'
        return "a text is compared with texts alone, and no date matches", remedy
    if in_order:
        says = "a text is compared with texts alone, and no number matches"
        return (says, f"write {text} without quotes") if _NUMBER.fullmatch(text) else None
    if text in _CONSTANTS:
        return f"this is the text {text!r}, and no constant", "write it without quotes"
    if _PATTERN.fullmatch(text):
        remedy = "a regular expression is {$regex: 'abc'}, or in text /abc/ without quotes"
        return "this is a text with slashes", remedy
    if len(text) > 1 and (text.startswith("%") or text.endswith("%")):
        return "% stands for itself", _LIKE
    if is_id and _OBJECT_ID.fullmatch(text):
        return "a text never equals an ObjectId", f'write ObjectId("{text}")'
    return None
