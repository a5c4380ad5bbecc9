"""Reading fields in generated source: by statements in front of an expression, or inside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from mongoglot.compiler.expression_ast import ROOT, Expression, Variable, parts
from mongoglot.engines.python.source import SourceWriter

_MAX_READ_AHEAD: Final = 8
"""How many fields are read ahead; where there are more, most of them may not be needed."""

_MAX_INLINE: Final = 4
"""How many steps of a path are written out."""


@final
class FieldReader:
    """Reads the fields of one function, each once where it can.

    Attributes:
        out: the function.
    """

    def __init__(self, out: SourceWriter) -> None:
        self.out = out
        self._ways: dict[tuple[str, ...], str] = {}

    def read_ahead(self, expression: Expression, height: int) -> None:
        """Write statements that read the fields of a part which has few, so that they are read once.

        Args:
            expression: the part.
            height: how deep it is looked at: what is below becomes a function of its own.
        """
        paths = dict.fromkeys(_fields(expression, height))
        if len(paths) > _MAX_READ_AHEAD:
            return
        for path in paths:
            if path not in self.out.reads and len(path) <= height:
                variable = self.out.local()
                self.out.line(f"{variable} = {self._last_step(path)}")
                self.out.reads[path] = variable
                if len(path) == 1:
                    self._ways[path] = variable

    @contextmanager
    def branch(self) -> Iterator[None]:
        """What is read inside is known only there."""
        reads, ways = dict(self.out.reads), dict(self._ways)
        yield
        self.out.reads, self._ways = reads, ways

    def _last_step(self, path: tuple[str, ...]) -> str:
        """Read a field of the document, its parents by statements in front."""
        if len(path) == 1:
            return self._step(path, "OTHER")
        return self._step(path, f"read_path(document, {self._path(path)})")

    def _step(self, path: tuple[str, ...], left_open: str) -> str:
        key = self.out.key(path[-1])
        if len(path) == 1:
            return f"document.get({key}, MISSING)"
        parent = self._way(path[:-1])
        scalar = f"MISSING if {parent}.__class__ in SCALARS else {left_open}"
        return f"{parent}.get({key}, MISSING) if {parent}.__class__ is dict else {scalar}"

    def _way(self, path: tuple[str, ...]) -> str:
        """The local of what a way through plain dicts finds; OTHER where it meets an array."""
        if path not in self._ways:
            step = self._step(path, "OTHER")
            variable = self.out.local()
            self.out.line(f"{variable} = {step}")
            self._ways[path] = variable
            if len(path) == 1:
                self.out.reads[path] = variable
        return self._ways[path]

    def _path(self, path: tuple[str, ...]) -> str:
        return self.out.bind("path", lambda _: path)

    def read(self, base: str, path: tuple[str, ...]) -> str:
        """What lies below a variable, written into an expression."""
        if not path:
            return base
        if base == "document" and path in self.out.reads:
            return self.out.reads[path]
        if len(path) > _MAX_INLINE:
            return f"read_path({base}, {self._path(path)})"
        tests = [] if base == "document" else [f"{base}.__class__ is dict"]
        parent = base
        for name in path[:-1]:
            variable = self.out.local()
            tests.append(f"({variable} := {parent}.get({self.out.key(name)}, MISSING)).__class__ is dict")
            parent = variable
        read = f"{parent}.get({self.out.key(path[-1])}, MISSING)"
        if not tests:
            return read
        return f"{read} if {' and '.join(tests)} else read_path({base}, {self._path(path)})"


def _fields(expression: Expression, height: int) -> Iterator[tuple[str, ...]]:
    """The paths of the document that an expression reads, no deeper than so many levels."""
    if isinstance(expression, Variable):
        if expression.place == ROOT and expression.path:
            yield expression.path
    elif height:
        for part in parts(expression):
            yield from _fields(part, height - 1)
