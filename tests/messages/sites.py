"""Where in the sources errors are made, and which of these places were passed while examples ran."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, NamedTuple

import click
import pytest

import mongoglot
from mongoglot.cli.files import RowError
from mongoglot.compiler.pcre_reader import NotTranslated, SyntaxRefused
from mongoglot.engines.python.expressions.dates.text_zones import NoDateError
from mongoglot.errors import MongoglotError
from mongoglot.grammar.shell_errors import Misread
from mongoglot.grammar.shell_values import UnfitError
from mongoglot.taskdb.old_values import DamagedRecordError
from mongoglot.taskdb.pickled_buffers import RefusedPickleError

PACKAGE: Final = Path(mongoglot.__file__).parent

CARRIERS: Final = (
    MongoglotError, Misread, UnfitError, SyntaxRefused, NotTranslated, NoDateError, DamagedRecordError,
    RefusedPickleError, RowError, click.ClickException,
)  # fmt: skip
"""The roots of what a user reads: the errors of the package, those whose text goes into one, and click's."""

BUILTIN: Final = frozenset(
    {"AttributeError", "LookupError", "NotImplementedError", "TypeError", "ValueError"}
)

NOT_FOR_USERS: Final = ("testing",)


class Site(NamedTuple):
    """A call that makes an error.

    Attributes:
        module: its file, in the package.
        first, last: its lines.
        source: of the call, on one line.
    """

    module: str
    first: int
    last: int
    source: str


@cache
def _trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in NOT_FOR_USERS
    }


class _Module(NamedTuple):
    """What is looked at of a file: its classes, the functions that are no methods, and what may make an error."""

    classes: list[ast.ClassDef]
    functions: list[ast.FunctionDef]
    makers: list[ast.Raise | ast.Call]


@cache
def _modules() -> dict[str, _Module]:
    """All files, each walked once."""
    result = {}
    for name, tree in _trees().items():
        module, methods = _Module([], [], []), set[int]()
        for node in ast.walk(tree):  # a class comes before what is in it
            match node:
                case ast.ClassDef(body=body):
                    module.classes.append(node)
                    methods.update(map(id, body))
                case ast.FunctionDef() if id(node) not in methods:
                    module.functions.append(node)
                case ast.Raise() | ast.Call():
                    module.makers.append(node)
                case _:
                    pass
        result[name] = module
    return result


@cache
def error_names() -> frozenset[str]:
    """The names of the classes of errors that a user reads, found by their bases."""
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for module in _modules().values()
        for node in module.classes
    }
    names = {kind.__name__ for kind in CARRIERS} | {"UsageError", "BadParameter"}
    while more := {name for name, above in bases.items() if above & names} - names:
        names |= more
    return frozenset(names)


@cache
def factories() -> frozenset[str]:
    """The functions that make errors, by what they say that they return."""
    found = set()
    for module in _modules().values():
        for node in module.functions:
            if node.returns is None:
                continue
            returned = ast.unparse(node.returns).partition(" | ")[0].strip("'\"")
            if returned not in error_names() and returned != "NoReturn":
                continue
            if not any(
                argument.annotation is not None and ast.unparse(argument.annotation) in error_names()
                for argument in node.args.args
            ):
                found.add(node.name)
    return frozenset(found)


@cache
def sites() -> list[Site]:
    """Every call that makes an error, and every `raise` of a class."""
    result = []
    for name, module in _modules().items():
        for node in module.makers:
            if isinstance(node, ast.Raise):
                if not _is_for_users(node):
                    continue
                made: ast.expr = node.exc  # type: ignore[assignment]  # _is_for_users saw it
            elif _makes_an_error(node):
                made = node
            else:
                continue
            result.append(Site(name, node.lineno, node.end_lineno or node.lineno, ast.unparse(made)))
    return sorted(set(result))


def _is_for_users(node: ast.Raise) -> bool:
    match node.exc:
        case ast.Name(name):
            return name in error_names()
        case ast.Call(ast.Name(name)):
            return name in BUILTIN
        case _:
            return False


def _makes_an_error(node: ast.Call) -> bool:
    match node.func:
        case ast.Name(name):
            if name in error_names():
                return True
            return name in factories() and any(
                isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)
            )
        case ast.Attribute(ast.Name("click"), name):
            return name in error_names()
        case _:
            return False


class Recorder:
    """Takes note of the lines of the package that were passed while errors were made.

    Attributes:
        lines: file in the package and line.
    """

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()

    def frame(self, frame: FrameType | None) -> None:
        """Take note of a frame and of those that called it."""
        while frame is not None:
            self._line(frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back

    def error(self, error: BaseException | None) -> None:
        """Take note of where an error was raised, and those that it stands for."""
        seen = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            traceback: TracebackType | None = error.__traceback__
            while traceback is not None:
                self._line(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
                traceback = traceback.tb_next
            error = error.__cause__ or error.__context__

    def _line(self, file: str, line: int) -> None:
        if file.startswith(str(PACKAGE)):
            self.lines.add((Path(file).relative_to(PACKAGE).as_posix(), line))

    def passed(self, site: Site) -> bool:
        """Whether the error of a site was made."""
        return any((site.module, line) in self.lines for line in range(site.first, site.last + 1))


@contextmanager
def recorded(recorder: Recorder) -> Iterator[Recorder]:
    """Take note of every error that is made meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in CARRIERS:
            patch.setattr(kind, "__init__", _noted(kind.__init__, recorder))
        yield recorder


def _noted(original: Any, recorder: Recorder) -> Any:
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807 - it stands for one
        recorder.frame(sys._getframe(1))
        original(self, *arguments, **options)

    return __init__
