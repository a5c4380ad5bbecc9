"""The recorded cases that this version answers otherwise than a server, and why."""

from __future__ import annotations

_TABLES = "PCRE2 has the tables of a newer Unicode than the server's PCRE 8, which has those of Unicode 7"
_BYTE = "\\C, one byte of a character, has no place in a text of characters; it is refused"

_TEXT = "a string is a filter as text, and this one cannot be read: code 9, not 14"
_NONE = "None is the default of an argument of find, as in pymongo, and no filter or collation"

DEVIATIONS = {
    "options/filter-type-448234e5": _TEXT,
    "options/filter-type-774fefd6": _NONE,
    "options/collation/parse-54cba7dc": _NONE,
    "regex/unicode-case-657526ac": _TABLES,
    "regex/unicode-case-31aa5ebf": _TABLES,
    "regex/unicode-case-ca624840": _TABLES,
    "regex/unicode-case-a06502cb": _TABLES,
    "regex/unicode-case-117a56b5": _TABLES,
    "regex/unicode-classes-53508f46": _TABLES,
    "regex/unicode-classes-9bf0bd88": _TABLES,
    "regex/unicode-classes-bd831377": _TABLES,
    "regex/unicode-classes-ffacb3d2": _TABLES,
    "regex/unicode-classes-e88771a4": _TABLES,
    "regex/unicode-classes-93e4df4f": _TABLES,
    "regex/unicode-classes-971c8cec": _TABLES,
    "regex/unicode-classes-749de566": _TABLES,
    "regex/unicode-classes-ff2b7278": _TABLES,
    "regex/unicode-classes-06e2d967": _TABLES,
    "regex/unicode-classes-0a147ad1": _BYTE,
}
"""Case → reason."""

DEVIATIONS_ON_SERVER = frozenset(name for name, reason in DEVIATIONS.items() if reason != _TABLES)
"""Those that the engine of a server has too."""

DEVIATIONS_OF_MATCHES = frozenset(name for name, reason in DEVIATIONS.items() if reason != _NONE)
"""Those that a compiled query has too."""
