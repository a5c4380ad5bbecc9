"""JSON that SQLite reads: a form of numbers that all versions read, and one of strings without U+0000.

Before version 3.45 a string that comes out of JSON ends at its first U+0000. So U+0000 becomes
U+0001 U+0001 on its way there, and U+0001 becomes U+0001 U+0002: the order of the strings stays what it was.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

_NUL, _MARK, _AFTER = "\x00", "\x01", "\x02"

_IN_JSON: Final[dict[str, str]] = {
    r"\u0001": r"\u0001\u0002",
    r"\u0000": r"\u0001\u0001",
}
"""Escapes of JSON, and those of the same characters without U+0000."""

_ESCAPE: Final = re.compile(r"\\(?:u000[01]|.)")


def json_list(items: Iterable[Any]) -> str:
    """Numbers and strings as a JSON array; infinity, which was no JSON to old versions, as a number that is."""
    return f"[{', '.join(map(_item, items))}]"


def _item(value: Any) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return json.dumps(value, ensure_ascii=False)


def escaped(text: str) -> str:
    """A text without U+0000."""
    return text.replace(_MARK, _MARK + _AFTER).replace(_NUL, _MARK + _MARK)


def escaped_json(text: str) -> str:
    """JSON text as `json.dumps` writes it, the strings in it without U+0000."""
    return _ESCAPE.sub(lambda found: _IN_JSON.get(found[0], found[0]), text)


def unescaped(value: Expression) -> Expression:
    """The text that an escaped one stands for."""
    nul, mark, after = map(sql.characters, (_NUL, _MARK, _AFTER))
    with_nul = sql.call("replace", value, sql.concat(mark, mark), nul)
    return sql.call("replace", with_nul, sql.concat(mark, after), mark)


def without_nul(document: Expression) -> Expression:
    """JSON text, the strings in it escaped; where it has nothing to escape it stays as it is.

    Escaped backslashes are out of the way, as a control character that JSON has to spell, for as long as it takes.
    """
    backslashes, mark = sql.string(r"\\"), sql.characters(_MARK)
    text = sql.call("replace", sql.call("json", document), backslashes, mark)
    for spelled, instead in _IN_JSON.items():
        text = sql.call("replace", text, sql.string(spelled), sql.string(instead))
    found = sql.call("instr", document, sql.string(r"\u000"))
    return sql.case([(found, sql.call("replace", text, mark, backslashes))], document)
