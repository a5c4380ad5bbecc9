"""Buffers that ipyparallel's SQLite database kept as pickles, read without running a pickle.

A pickle is a program, which may call anything. Here is no interpreter of pickles: a machine that knows lists and
bytes only, whatever protocol (0 to 5) and Python (2 or 3) wrote them. Python 3 spells bytes for old protocols as
calls of `_codecs.encode`, `bytes` and `bytearray`; these three are recognised by their names, and no name is ever
looked up. Everything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, final

_MARK: Final = object()

_ENCODE: Final = frozenset({("_codecs", "encode")})
_BYTES: Final = frozenset({("__builtin__", "bytes"), ("builtins", "bytes")})
_BYTEARRAY: Final = frozenset({("__builtin__", "bytearray"), ("builtins", "bytearray")})
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.S)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\", b"'": b"'", b'"': b'"'}
"""How Python 2 spells the str of protocol 0."""

_LATIN_1: Final = frozenset({"latin1", "latin-1"})


class RefusedPickleError(ValueError):
    """A pickle that is no list of bytes; it stays in this package, its text tells why."""


@final
class _Name:
    """A global that a pickle names."""

    def __init__(self, module: str, name: str) -> None:
        self.parts = (module, name)


def read_buffers(data: bytes) -> list[bytes]:
    """The list of bytes that a pickle stands for.

    >>> import pickle
    >>> read_buffers(pickle.dumps([b"one", b"two"]))
    [b'one', b'two']
    >>> read_buffers(pickle.dumps(print))
    Traceback (most recent call last):
        ...
    mongoglot.taskdb.pickled_buffers.RefusedPickleError: it names builtins.print

    Raises:
        RefusedPickleError: it stands for something else, or is cut off.
    """
    return _Machine(data).run()


@final
class _Machine:
    """Reads one pickle; `stack` holds lists, bytes, texts, tuples, names and marks."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.budget = len(data)
        """Bytes that may still be made by calls: a short pickle could name one text a million times."""

    def run(self) -> list[bytes]:
        """The list, once the whole pickle is read."""
        try:
            while (code := self.take(1)) != b".":
                step = _STEPS.get(code)
                if step is None:
                    raise RefusedPickleError(f"it holds more than bytes (opcode {code!r})")
                step(self)
            return self.result()
        except (IndexError, KeyError):
            raise RefusedPickleError("it is damaged: it uses what it has not made") from None
        except (UnicodeError, ValueError) as error:
            if isinstance(error, RefusedPickleError):
                raise
            raise RefusedPickleError("it is damaged: a text or a number in it is none") from None

    def result(self) -> list[bytes]:
        """What is left on the stack, if it is a list of bytes."""
        if len(self.stack) != 1 or not isinstance(self.stack[0], list):
            raise RefusedPickleError("it is no list")
        for item in self.stack[0]:
            if not isinstance(item, bytes):
                raise RefusedPickleError(f"the list holds {_described(item)}")
        if sum(map(len, self.stack[0])) > len(self.data):
            raise RefusedPickleError("the list is larger than its pickle")
        return self.stack[0]

    # ---- reading -----------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.at + count
        if end > len(self.data):
            raise RefusedPickleError("it is cut off")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, width: int) -> int:
        """A number of so many bytes, little end first."""
        return int.from_bytes(self.take(width), "little")

    def line(self) -> bytes:
        """The rest of the line."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise RefusedPickleError("it is cut off")
        taken = self.data[self.at : end]
        self.at = end + 1
        return taken

    # ---- the stack ---------------------------------------------------------------------------------

    def made(self, value: bytes) -> bytes:
        """Bytes that a call makes."""
        self.budget -= len(value)
        if self.budget < 0:
            raise RefusedPickleError("the list is larger than its pickle")
        return value

    def since_mark(self) -> list[Any]:
        """What was pushed after the last mark, which goes, too."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return items
        raise IndexError

    def push_last(self, count: int) -> None:
        """Make a tuple of the last values."""
        if len(self.stack) < count:
            raise IndexError
        self.stack[len(self.stack) - count :] = [tuple(self.stack[len(self.stack) - count :])]

    def append(self, items: list[Any]) -> None:
        """Put values into the list that is on the stack."""
        if not isinstance(self.stack[-1], list):
            raise RefusedPickleError("it is no list")
        self.stack[-1].extend(items)

    def named(self, module: Any, name: Any) -> None:
        """Push a name, if it is one of those that stand for bytes."""
        parts = (module, name)
        if parts not in _ENCODE | _BYTES | _BYTEARRAY:
            raise RefusedPickleError(f"it names {module}.{name}"[:200])
        self.stack.append(_Name(*parts))

    def call(self) -> None:
        """What a call of one of the three names would give; nothing is called."""
        arguments, name = self.stack.pop(), self.stack.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise RefusedPickleError("it calls what is no name")
        match arguments:
            case () if name.parts not in _ENCODE:
                value = b""
            case (bytes() as value,) if name.parts in _BYTEARRAY:
                pass
            case (str() as text, str() as encoding) if name.parts not in _BYTES and encoding in _LATIN_1:
                value = self.made(text.encode("latin-1"))
            case _:
                raise RefusedPickleError(f"it calls {'.'.join(name.parts)} in another way than for bytes")
        self.stack.append(value)

    def text_bytes(self) -> bytes:
        """The str of Python 2, in quotes."""
        line = self.line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise RefusedPickleError("it is damaged: a text has no quotes")
        return _ESCAPE.sub(_unescaped, line[1:-1])


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)]) if found[1] else _ESCAPED.get(found[2], found[0])


def _described(value: Any) -> str:
    return "a name" if isinstance(value, _Name) else f"a {type(value).__name__}"


def _pushes(read: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(read(machine))


def _counted(width: int) -> Callable[[_Machine], bytes]:
    """Reads bytes behind their length."""
    return lambda machine: machine.take(machine.number(width))


def _texts(width: int) -> Callable[[_Machine], None]:
    return _pushes(lambda machine: machine.take(machine.number(width)).decode("utf-8", "surrogatepass"))


def _puts(read: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    def put(machine: _Machine) -> None:
        machine.memo[read(machine)] = machine.stack[-1]

    return put


def _gets(read: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    return _pushes(lambda machine: machine.memo[read(machine)])


def _global(machine: _Machine) -> None:
    machine.named(machine.line().decode(), machine.line().decode())


def _stack_global(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise RefusedPickleError("it names what is no name")
    machine.named(module, name)


_BYTES_OF: Final = {b"U": 1, b"T": 4, b"C": 1, b"B": 4, b"\x8e": 8, b"\x96": 8}
"""Bytes: of Python 2, of Python 3, and bytearrays, with the width of their length."""

_TEXTS: Final = {b"\x8c": 1, b"X": 4, b"\x8d": 8}

_STEPS: Final[dict[bytes, Callable[[_Machine], None]]] = {
    b"\x80": lambda machine: _check_protocol(machine.number(1)),
    b"\x95": lambda machine: _check_frame(machine, machine.number(8)),
    b"(": _pushes(lambda _: _MARK),
    b"]": _pushes(lambda _: []),
    b"l": _pushes(_Machine.since_mark),
    b"a": lambda machine: machine.append([machine.stack.pop()]),
    b"e": lambda machine: machine.append(machine.since_mark()),
    b")": _pushes(lambda _: ()),
    b"t": _pushes(lambda machine: tuple(machine.since_mark())),
    b"\x85": lambda machine: machine.push_last(1),
    b"\x86": lambda machine: machine.push_last(2),
    b"p": _puts(lambda machine: int(machine.line())),
    b"q": _puts(lambda machine: machine.number(1)),
    b"r": _puts(lambda machine: machine.number(4)),
    b"\x94": _puts(lambda machine: len(machine.memo)),
    b"g": _gets(lambda machine: int(machine.line())),
    b"h": _gets(lambda machine: machine.number(1)),
    b"j": _gets(lambda machine: machine.number(4)),
    b"S": _pushes(_Machine.text_bytes),
    b"V": _pushes(lambda machine: machine.line().decode("raw-unicode-escape")),
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _Machine.call,
    **{code: _pushes(_counted(width)) for code, width in _BYTES_OF.items()},
    **{code: _texts(width) for code, width in _TEXTS.items()},
}
"""What each opcode does; there are no others."""


def _check_protocol(number: int) -> None:
    if number > 5:
        raise RefusedPickleError(f"it is of protocol {number}, which is not known")


def _check_frame(machine: _Machine, length: int) -> None:
    if length > len(machine.data) - machine.at:
        raise RefusedPickleError("it is cut off")
