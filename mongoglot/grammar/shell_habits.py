"""Texts in the words of SQL or of a programming language, and names of files: what to write instead."""

from __future__ import annotations

import re
from typing import Final

from mongoglot.grammar.shell_values import shortened

_COMPARISONS: Final = {
    "=": "value", "==": "value", "===": "value", "!=": "{$ne: value}", "!==": "{$ne: value}",
    "<>": "{$ne: value}", "<": "{$lt: value}", "<=": "{$lte: value}",
    ">": "{$gt: value}", ">=": "{$gte: value}", "~": "/pattern/", "=~": "/pattern/",
}  # fmt: skip

_JOINING: Final = {
    "&": "both conditions stand in one document: {a: 1, b: 2}",
    "&&": "both conditions stand in one document: {a: 1, b: 2}",
    "|": "write {$or: [{a: 1}, {b: 2}]}",
    "||": "write {$or: [{a: 1}, {b: 2}]}",
}

_SIGNS: Final = re.compile(r"[=!<>~&|]+")
_FILE: Final = re.compile(r"[\w.~:/\\ -]*\.(?:json|ndjson|jsonl|js|mongo|txt)", re.IGNORECASE)
_SQL: Final = re.compile(r"(?:select|where|delete|update)\s", re.IGNORECASE)
_CONDITION: Final = re.compile(r"([\w.$]+)\s*([=!<>~]+)")
_LONGEST: Final = 300
"""How much of a text is looked at, in characters: what is meant shows at its beginning."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS: Final = re.compile(r"[^\W\d]\w*(?: +[^\W\d]\w*)*")


def sign_at(text: str, offset: int) -> str | None:
    """The sign of a comparison or of a conjunction that stands at an offset: `'!='`, `'&&'`."""
    found = _SIGNS.match(text, offset)
    return found[0] if found and (found[0] in _COMPARISONS or found[0] in _JOINING) else None


def sign_hint(text: str, offset: int) -> str | None:
    """What is written instead of a sign that stands at an offset."""
    sign = sign_at(text, offset)
    if sign is None:
        return None
    return _JOINING.get(sign) or f"write {{field: {_COMPARISONS[sign]}}}"


def whole_text(text: str) -> tuple[str, str] | None:
    """What is wrong with a text that is no filter at all, and a hint; None for any other text."""
    text = text.strip()[:_LONGEST]
    if _FILE.fullmatch(text):
        return "this is the name of a file, and not the text of a filter", "read the file, and give its text"
    if _SQL.match(text):
        return "this is SQL, and not a filter", "WHERE a > 5 AND b = 'x' is {a: {$gt: 5}, b: 'x'}"
    found = _CONDITION.match(text)
    if found is None or found[2] not in _COMPARISONS:
        return None
    operand = _COMPARISONS[found[2]]
    return "a condition stands in a document", f"write {{{shortened(found[1])}: {operand}}}"


def calculation_hint(text: str, offset: int) -> str:
    """What is written instead of something that would have to be calculated at an offset."""
    for found in _DATE.finditer(text, max(0, offset - 10), offset + 10):
        if found.start() < offset < found.end():
            return f'write ISODate("{found[0]}")'
    return sign_hint(text, offset) or "write the value as it is"


def unquoted(text: str, offset: int) -> str | None:
    """How words without quotes are written of which the second begins at an offset; None where they are none."""
    line = text.rfind("\n", 0, offset) + 1
    for found in _WORDS.finditer(text, line):
        if found.start() < offset < found.end():
            words = found[0]
            if words.split()[0] in ("true", "false", "null"):
                return None
            return f'write text in quotes: "{shortened(words)}"'
    return None
