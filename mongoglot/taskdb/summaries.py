"""Calls, results and errors in a few words, whatever the values are; made on the way of a task, so cheap."""

from __future__ import annotations

import functools
import reprlib
import traceback
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final, final
from uuid import UUID

MAX_SUMMARY: Final = 1_000
"""Characters of a summary."""

MAX_KEPT: Final = 100_000
"""About how many bytes a result may have to be kept as a value."""

_MAX_LEVELS: Final = 20
_MAX_LINES: Final = 200
"""Entries of a traceback that are kept, each of some lines."""

_SCALARS: Final = frozenset({type(None), bool, float, datetime, date, timedelta, Decimal, UUID})
_INT64: Final = range(-(2**63), 2**63)


class NotKeptError(Exception):
    """A value that is not kept beside its summary; it stays in this package."""


@final
class _Summary(reprlib.Repr):
    """Representations of bounded length that ask no large container for its own."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxtuple = self.maxlist = self.maxset = self.maxfrozenset = self.maxdict = self.maxdeque = 10
        self.maxstring = self.maxother = 200
        self.fillvalue = "…"

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """The first items, in their own order."""
        if level <= 0 and x:
            return "{…}"
        parts = [
            f"{self.repr1(name, level - 1)}: {self.repr1(value, level - 1)}"
            for name, value in islice(x.items(), self.maxdict)
        ]
        return f"{{{', '.join(parts + ['…'] * (len(x) > self.maxdict))}}}"

    def repr_set(self, x: set[Any] | frozenset[Any], level: int) -> str:
        """The first members, as they come: nothing is sorted."""
        if not x or level <= 0:
            return f"{type(x).__name__}({'…' if x else ''})"
        parts = [self.repr1(item, level - 1) for item in islice(x, self.maxset)]
        return f"{{{', '.join(parts + ['…'] * (len(x) > self.maxset))}}}"

    repr_frozenset = repr_set

    def repr_bytes(self, value: bytes, _: int) -> str:
        """The first bytes."""
        return repr(value) if len(value) <= self.maxother else f"{value[: self.maxother]!r}…"

    repr_bytearray = repr_bytes

    def repr_instance(self, x: Any, level: int) -> str:
        """What an object says of itself; of one that holds many others, its type alone."""
        kind = type(x)
        if isinstance(x, type) or callable(x):
            return function_name(x)
        if hasattr(kind, "__len__") and not isinstance(x, (str, bytes, tuple, range)):
            shape = f" of shape {x.shape}" if hasattr(kind, "shape") else ""
            return f"<{kind.__module__}.{kind.__qualname__}{shape}>"
        return super().repr_instance(x, level)


_SUMMARY: Final = _Summary()


def summary(value: Any) -> str:
    """A value in a few words; its own `repr` may fail, and then its type is told.

    >>> summary([1, "two"]), summary(range(10**9)), len(summary("x" * 10**6)) < 300
    ("[1, 'two']", 'range(0, 1000000000)', True)
    """
    try:
        text = _SUMMARY.repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever a stranger's code raises
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= MAX_SUMMARY else f"{text[:MAX_SUMMARY]}…"


def function_name(function: Any) -> str:
    """The full name of what was called.

    >>> function_name(sorted), function_name(functools.partial(int, base=2))
    ('builtins.sorted', 'functools.partial(builtins.int)')
    """
    try:
        if isinstance(function, functools.partial):
            return f"functools.partial({function_name(function.func)})"
        named = function if hasattr(function, "__qualname__") else type(function)
        return f"{named.__module__}.{named.__qualname__}"[:MAX_SUMMARY]
    except Exception:
        return "<a callable>"


def arguments_summary(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The arguments of a call, as they would be written.

    >>> arguments_summary([1, "a"], {"key": None})
    "1, 'a', key=None"
    """
    parts = [summary(value) for value in args[:20]]
    parts += ["…"] * (len(args) > 20)
    parts += [f"{name}={summary(value)}" for name, value in kwargs.items()]
    text = ", ".join(parts)
    return text if len(text) <= MAX_SUMMARY else f"{text[:MAX_SUMMARY]}…"


def kept(value: Any) -> Any:
    """A copy of a value that BSON can hold.

    Raises:
        NotKeptError: BSON cannot hold it, or it is large.
    """
    copied, size = _copied(value, 0, MAX_KEPT)
    if size < 0:
        raise NotKeptError
    return copied


def _copied(value: Any, level: int, room: int) -> tuple[Any, int]:
    """A copy, and how many bytes are left."""
    kind = type(value)
    room -= 8
    if kind in (str, bytes):
        return value, room - len(value)
    if kind in _SCALARS or (kind is int and value in _INT64) or kind.__module__.partition(".")[0] == "bson":
        return value, room
    if room < 0 or level > _MAX_LEVELS:
        raise NotKeptError
    if kind in (list, tuple):
        items = []
        for item in value:
            copy, room = _copied(item, level + 1, room)
            items.append(copy)
        return items, room
    if kind is dict:
        document = {}
        for name, item in value.items():
            if type(name) is not str:
                raise NotKeptError
            document[name], room = _copied(item, level + 1, room - len(name))
        return document, room
    raise NotKeptError


def error_document(error: BaseException) -> dict[str, Any]:
    """An error as ipyparallel records it: `ename`, `evalue` and the lines of the traceback."""
    try:
        evalue = str(error)
    except Exception:
        evalue = "<no text>"
    try:
        lines = traceback.format_exception(error, limit=-_MAX_LINES)
    except Exception:
        lines = []
    text = [line[: MAX_SUMMARY * 10] for line in lines[:_MAX_LINES]]
    return {"ename": type(error).__name__, "evalue": evalue[: MAX_SUMMARY * 10], "traceback": text}
