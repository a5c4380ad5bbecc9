"""Tags: the strings that stand for BSON values which JSON lacks, and the identity of any value.

A tag is a string of U+10FFFF, a letter for its type, and a body whose order is the server's order inside the type
(semantics 1.1). As no character is greater, users' strings lie below all tags; one that begins so itself has a
letter too.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from typing import Any, Final

import bson
from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import RANK, ValueClass, regex_options, value_class
from mongoglot.engines.sql.number_keys import number_body, short_number_key

TAG: Final = "\U0010ffff"

ESCAPED: Final = TAG + "A"
"""Begins a string of a user that itself begins with TAG."""

ESCAPED_END: Final = TAG + "B"
"""No such string is as great."""

LETTERS: Final[dict[ValueClass, str]] = {
    kind: chr(ord("B") + sorted(set(RANK.values())).index(rank)) for kind, rank in RANK.items()
}
"""The types in the server's order, B for MinKey to P for MaxKey; some letters occur only in identities."""

# ---- strings inside bodies -----------------------------------------------------------------------

END: Final = "\x01"
"""Ends a text of any length inside a body; no other character of a body is lower, so a prefix sorts first."""

_ESCAPES: Final = {"\x00": "\x02\x02", "\x01": "\x02\x03", "\x02": "\x02\x04"}
_TO_ESCAPED: Final = str.maketrans(_ESCAPES)


def ended(text: str) -> str:
    """A text with its end marked, so that it can be followed by more."""
    return (text if text.isprintable() else text.translate(_TO_ESCAPED)) + END


def unescaped(text: str) -> str:
    """The text that `ended` was given, its end taken off."""
    for character, escape in _ESCAPES.items():
        text = text.replace(escape, character)
    return text


# ---- values to strings ---------------------------------------------------------------------------


def date_body(value: datetime.datetime | DatetimeMS) -> str:
    """ISO in the years 1 to 9999; before and after them '!' or '~' and an unsigned count of milliseconds."""
    if isinstance(value, datetime.datetime):
        return value.isoformat("T", "milliseconds") + "Z"
    millis = milliseconds(value)
    return f"{'!' if millis < 0 else '~'}{millis + 2**63:020}"


def _binary_body(value: bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    length = len(value) + (4 if subtype == 2 else 0)  # the old binary type repeats its length inside
    return f"{length:08x}{subtype:02x}{value.hex()}"


def _timestamp_body(value: Timestamp) -> str:
    return f"{value.time:08x}{value.inc:08x}"


def _regex_body(value: Regex[str]) -> str:
    return ended(value.pattern) + regex_options(value)


def _code_tag(value: Code) -> str:
    """The text of code; code with a scope is its identity, a space, and BSON to restore it from."""
    if value.scope is None:
        return TAG + LETTERS["code"] + value
    return f"{TAG}{stored_identity(value)} {base64.b64encode(bson.encode({'': value})).decode()}"


def _string(value: str) -> str:
    return ESCAPED + value if value >= TAG else value


def _tagged(kind: ValueClass, body: Callable[[Any], str]) -> Callable[[Any], str]:
    tag = TAG + LETTERS[kind]
    return lambda value: tag + body(value)


class Writers(dict[type, Callable[[Any], str]]):
    """What writes a value, by its class; a subclass is written as its base."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        for base in kind.__mro__[1:-1]:
            if base in self:
                return self[base]
        raise TypeError(f"not a value of a normalised document: {kind.__qualname__}")


STRINGS: Final = Writers({
    str: _string,
    Decimal128: _tagged("decimal", number_body),
    bytes: _tagged("binary", _binary_body),
    ObjectId: _tagged("objectid", str),
    datetime.datetime: _tagged("date", date_body),
    DatetimeMS: _tagged("date", date_body),
    Timestamp: _tagged("timestamp", _timestamp_body),
    Regex: _tagged("regex", _regex_body),
    Code: _code_tag,
    MinKey: _tagged("minkey", lambda _: ""),
    MaxKey: _tagged("maxkey", lambda _: ""),
    float: _tagged("nan", number_body),
})  # fmt: skip
"""The encoded string of every value that is one; of the doubles, that is NaN."""

# ---- identities ---------------------------------------------------------------------------------


def identity(value: Any) -> str:
    """Text that is equal for two values exactly when a server calls them equal, as 1 and 1.0 (semantics 1.1).

    Its order is the server's total order.
    """
    return stored_identity(normalise(value))


def stored_identity(value: Any) -> str:
    """The `identity` of a value that is normalised."""
    common = _COMMON_IDENTITIES.get(value.__class__)
    if common is not None:
        return common(value)
    kind = value_class(value)
    return LETTERS[kind] + _identity_body(kind, value)


def _opened(kind: ValueClass, body: Callable[[Any], str]) -> Callable[[Any], str]:
    letter = LETTERS[kind]
    return lambda value: letter + body(value)


_COMMON_IDENTITIES: Final[dict[type, Callable[[Any], str]]] = {
    int: _opened("int", short_number_key),
    str: _opened("string", ended),
    ObjectId: _opened("objectid", str),
}
"""What an `_id` usually is, without a look at its class."""


def _identity_body(kind: ValueClass, value: Any) -> str:
    """What follows the letter: none is the beginning of another, so that they can stand in a row."""
    match kind:
        case "null" | "minkey" | "maxkey":
            return ""
        case "int" | "double" | "decimal" | "nan":
            return short_number_key(value)
        case "string" | "code":
            return ended(value)
        case "bool":
            return "1" if value else "0"
        case "binary":
            return _binary_body(value)
        case "objectid":
            return str(value)
        case "date":
            return date_body(value)
        case "timestamp":
            return _timestamp_body(value)
        case "regex":
            return _regex_body(value) + END
        case "array":
            return "".join([stored_identity(item) for item in value]) + END
        case "object":
            return _fields_identity(value)
        case "scoped code":
            return ended(value) + _fields_identity(value.scope)


def _fields_identity(document: dict[str, Any]) -> str:
    """Of each field the type, then the name, then the value, as in the server's order of objects."""
    parts = []
    for name, value in document.items():
        kind = value_class(value)
        parts.append(LETTERS[kind] + ended(name) + _identity_body(kind, value))
    return "".join(parts) + END
