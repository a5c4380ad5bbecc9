"""Names of fields: those that a store cannot hold are spelled so that it can."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import Any, Final

PREFIX: Final = "mongoglot:"
"""How everything escaped begins; a name that begins so by itself is escaped too."""

STR: Final = PREFIX + "str:"
"""Before a name that no store takes, with the odd characters spelled."""

KEY: Final = PREFIX + "key:"
"""Before a key that is no str, written as a Python literal."""

MAX_REPR: Final = 10_000
"""Characters of a repr that are kept."""

_NOT_IN_NAMES: Final = re.compile(r"[\\.\x00\ud800-\udfff]")
_SPELLED: Final = re.compile(r"\\u([0-9a-f]{4})")


def stored_name(name: Any, level: int = 0) -> str:
    """A key as the name of a stored field.

    Dots, `$` in front and empty names mean something else at the top of a document, level 0.

    >>> stored_name("label"), stored_name("a.b"), stored_name("a.b", 1), stored_name(5)
    ('label', 'mongoglot:str:a\\\\u002eb', 'a.b', 'mongoglot:key:5')
    """
    if name.__class__ is not str:
        if not isinstance(name, str):
            return KEY + spelled(described(name), _NOT_IN_NAMES)
        name = str.__str__(name)
    is_odd = name.startswith(PREFIX) or "\0" in name or not is_text(name)
    if is_odd or (level == 0 and (not name or name[0] == "$" or "." in name)):
        return STR + spelled(name, _NOT_IN_NAMES)
    return str(name)


def stored_path(path: str) -> str:
    """A dotted path of a query as the path of a stored field."""
    return ".".join(stored_name(part, 1) for part in path.split(".")) if path else stored_name(path)


def restored_name(name: str) -> Any:
    """The key that a stored name stands for; a key that was neither str nor a literal stays its repr."""
    if name.startswith(STR):
        return unspelled(name.removeprefix(STR))
    if not name.startswith(KEY):
        return name
    text = unspelled(name.removeprefix(KEY))
    try:
        key = literal_eval(text)
        hash(key)
    except Exception:
        return text
    return key


def described(value: Any) -> str:
    """What a value says of itself, in text that UTF-8 can hold."""
    try:
        text = repr(value)
    except Exception:
        text = object.__repr__(value)
    return text[:MAX_REPR].encode("utf-8", "backslashreplace").decode()


def is_text(value: str) -> bool:
    """Whether UTF-8 can hold it."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def spelled(text: str, odd: re.Pattern[str]) -> str:
    """The text with its odd characters as `\\uXXXX`."""
    return odd.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def unspelled(text: str) -> str:
    """The text that was spelled."""
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), text)
