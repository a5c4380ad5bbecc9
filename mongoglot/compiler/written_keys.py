"""Keys of a sort or of an index as one text: the name of a field, and never the words of a command line.

pymongo takes any str for the name of one field. A text such as `-age` would sort by a field that no document has,
in silence, so it is refused; a list reaches a field that is really named so.
"""

from __future__ import annotations

import re
from typing import Final

from mongoglot.errors import FilterError

_DIRECTIONS: Final = {"1": 1, "+1": 1, "-1": -1, "asc": 1, "ascending": 1, "desc": -1, "descending": -1}
_WORDS: Final = r"asc(?:ending)?|desc(?:ending)?"
_SEVERAL: Final = re.compile(
    rf"\s*[-+{{\[]|.*(?:,|:\s*(?:[-+]?1|{_WORDS})\s*$|\s(?:{_WORDS})\s*$)", re.I | re.S
)
_KEY: Final = re.compile(
    r"""\s*([-+]?)\s*["']?([^"':,{}\[\]()+-][^"':,{}\[\]()]*?)["']?"""
    rf"(?:\s*:\s*([-+]?1|{_WORDS})|\s+({_WORDS}))?\s*",
    re.I,
)
_LONGEST: Final = 200
"""How much of a text is read to say what it means, in characters."""


def check_name(text: str, path: str) -> None:
    """Refuse a text that says more than the name of a field: `-age`, `age,name`, `{age: 1}`, `age:1`, `age desc`.

    Args:
        text: what was given for the keys.
        path: what they are of, for the error: `"sort"`.

    Raises:
        FilterError: code 14; the hint has the right form.
    """
    if _SEVERAL.match(text) is None:
        return
    meant = _meant(text)
    advice = f"write {meant!r}" if meant else "write [('name', 1)], with -1 for descending"
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    own = f"; a field of this very name is [({shown!r}, 1)]"
    raise FilterError(14, f"a str is the name of one field, not {shown!r}", path=path, hint=f"{advice}{own}")


def _meant(text: str) -> list[tuple[str, int]] | None:
    """The keys that a text probably means; None where nobody can tell."""
    if len(text) > _LONGEST:
        return None
    keys = []
    for part in text.strip().strip("{}[]").split(","):
        found = _KEY.fullmatch(part)
        if found is None:
            return None
        sign, name, after_colon, word = found.groups()
        direction = _DIRECTIONS[(after_colon or word or "1").lower()]
        keys.append((name, -direction if sign == "-" else direction))
    return keys
