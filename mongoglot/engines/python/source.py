"""Writing Python source: lines, indents, and names for everything that is bound rather than written."""

from __future__ import annotations

import datetime
import itertools
import linecache
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final, TypeAlias, final

from bson import Int64, ObjectId

from mongoglot.compiler.ast import Path
from mongoglot.compiler.values import Missing

Binder: TypeAlias = Callable[[list[Any]], Any]
"""From the values of a query to what one name of the generated source is bound to."""

SCALARS: Final = frozenset(
    {str, int, Int64, float, bool, type(None), bytes, ObjectId, datetime.datetime, Missing}
)
"""Classes of values that are neither document nor array and are told from all others by their class alone."""

CACHE_SIZE: Final = 512

_FILES: Final = itertools.count(1)


@final
@dataclass
class SourceWriter:
    """The source of one function and the names that it is closed over.

    Attributes:
        lines: the finished lines, indents included.
        binders: name → what it is bound to.
        reads: path → the local that holds its value.
        telling_missing: the paths at which a missing field is something else than null.
    """

    lines: list[str] = field(default_factory=list)
    binders: dict[str, Binder] = field(default_factory=dict)
    reads: dict[Path, str] = field(default_factory=dict)
    telling_missing: frozenset[Path] = frozenset()
    indent: int = 1
    _keys: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def line(self, text: str) -> None:
        """Append a line at the current indent; `text` may have lines of its own."""
        self.lines.extend("    " * self.indent + part for part in text.split("\n"))

    def bind(self, prefix: str, binder: Binder) -> str:
        """A fresh name that stands for a value: `p0`."""
        name = f"{prefix}{len(self.binders)}"
        self.binders[name] = binder
        return name

    def key(self, name: str) -> str:
        """The name that stands for a field name; one for each field."""
        if name not in self._keys:
            self._keys[name] = self.bind("key", lambda _: name)
        return self._keys[name]

    def local(self) -> str:
        """A fresh local variable."""
        return f"v{next(self._numbers)}"

    def part(self, telling_missing: frozenset[Path]) -> SourceWriter:
        """A writer of another function beside this one: what is bound and counted is shared."""
        return SourceWriter(
            binders=self.binders, telling_missing=telling_missing, _keys=self._keys, _numbers=self._numbers
        )


def build_factory(
    writer: SourceWriter, constants: dict[str, Any], name: str = "matches"
) -> tuple[Callable[..., Any], str]:
    """Compile what was written to a factory: called with the bound names, it returns the function.

    Names and values are bound, so filters of one structure have one source, and it is compiled once. It stays
    readable for `inspect` and tracebacks until the last function made by the factory is gone.

    Args:
        writer: holds the body of the factory, which defines the function.
        constants: names that are the same for every query.
        name: of the function.

    Returns:
        the factory and the source text.
    """
    header = f"def bind({', '.join(writer.binders)}):"
    source = "\n".join([header, *writer.lines, f"    return {name}", ""])
    return FunctionType(compiled(source, name), constants), source


@lru_cache(CACHE_SIZE)
def compiled(source: str, name: str) -> CodeType:
    """The code of the factory in a source text; only words of ours are in it, values are bound by name."""
    filename = f"<mongoglot filter {next(_FILES)}>"
    code = compile(source, filename, "exec")
    (factory,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    function = next(c for c in factory.co_consts if getattr(c, "co_name", "") == name)
    weakref.finalize(function, linecache.cache.pop, filename, None)
    return factory
